//! A second verifier, the crate dcap-qvl, agrees on real evidence and on mutations of it, except
//! where a table says how and why not (the same table as in docs/maa-divergences/intel.md).
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test may stop the process")]

mod support;

use std::collections::BTreeMap;

use avouch_dcap::{
    Collateral, Quote, TrustAnchors, VerifiedCollateral, VerifiedQuote, VerifyError,
    verify_platform_beside, verify_quote,
};
use avouch_wire::{FailedCheck as _, UnixTime};
use dcap_qvl::QuoteCollateralV3;
use dcap_qvl::verify::{QuoteVerifier, VerifiedReport};
use support::{json, read, text, time, vectors};

/// Status and sorted advisories, or the refusal in words.
type Verdict = Result<(String, Vec<String>), String>;

struct Case {
    name: String,
    quote: Vec<u8>,
    collateral: VerifiedCollateral,
    other: QuoteCollateralV3,
    at: UnixTime,
}

/// Cases of one TEE, without wrappers of Open Enclave.
fn cases(tee: &str) -> Option<Vec<Case>> {
    let folder = vectors()?;
    let mut cases = Vec::new();
    for entry in json(&folder, "manifest.json").as_array().expect("list") {
        let name = text(entry, "file");
        if text(entry, "tee") != tee {
            continue;
        }
        let mut quote = read(&folder, name);
        if name.starts_with("oe/azure-oe-report") {
            quote.drain(..16);
        }
        for case in entry["cases"].as_array().expect("list") {
            let at = time(&case["evaluation_time_unix"]);
            let bytes = read(&folder, text(case, "collateral"));
            let collateral = Collateral::parse_json(&bytes).expect(name);
            cases.push(Case {
                name: format!("{name} under {}", text(case, "collateral")),
                quote: quote.clone(),
                collateral: collateral.verify(&TrustAnchors::intel(), at).expect(name),
                other: serde_json::from_slice(&bytes).expect(name),
                at,
            });
        }
    }
    Some(cases)
}

fn ours(case: &Case, quote: &[u8]) -> Result<VerifiedQuote, VerifyError> {
    let quote = Quote::parse(quote)?;
    let anchors = TrustAnchors::intel();
    let platform = verify_platform_beside(&quote, &anchors, &case.collateral, case.at)?;
    verify_quote(&quote, &platform, &case.collateral, case.at)
}

fn our_verdict(case: &Case, quote: &[u8]) -> Verdict {
    match ours(case, quote) {
        Ok(verified) => {
            let mut advisories = verified.tcb().advisory_ids.clone();
            advisories.sort();
            Ok((verified.tcb().status.to_string(), advisories))
        }
        Err(error) => Err(error.check().to_owned()),
    }
}

fn their_verdict(case: &Case, quote: &[u8]) -> Verdict {
    let verifier = QuoteVerifier::new_prod().allow_debug(true).allow_service_td(true);
    let at = u64::try_from(case.at.seconds()).expect("after 1970");
    match verifier.verify(quote, &case.other, at) {
        Ok(VerifiedReport { status, mut advisory_ids, .. }) => {
            advisory_ids.sort();
            Ok((status, advisory_ids))
        }
        Err(error) => Err(format!("{error:#}")),
    }
}

/// A difference with a reason.
struct Listed {
    /// Check by which we refuse what the other accepts, or nothing if we accept what it refuses.
    ours: Option<&'static str>,
    /// Part of the other's refusal, or nothing if it accepts.
    theirs: Option<&'static str>,
    /// Why.
    why: &'static str,
}

const LISTED: &[Listed] = &[
    Listed {
        ours: Some("quote-structure"),
        theirs: None,
        why: "bytes left over inside the signature data: Intel's library refuses them",
    },
    Listed {
        ours: Some("certification-data-type"),
        theirs: None,
        why: "outer certification data of versions 4 and 5 must be of type 6: Intel's library refuses others",
    },
    Listed {
        ours: Some("pck-chain"),
        theirs: None,
        why: "the copy of the root in the quote does not parse: the other never reads it",
    },
    Listed {
        ours: Some("trust-anchor"),
        theirs: None,
        why: "the copy of the root in the quote has another name or key: the other never reads it",
    },
    Listed {
        ours: Some("root-certificate-signature"),
        theirs: None,
        why: "the copy of the root in the quote is altered: the other never reads it",
    },
    Listed {
        ours: None,
        theirs: Some("invalid header"),
        why: "a blank line inside a PEM block: the other takes what precedes it for headers",
    },
    Listed {
        ours: None,
        theirs: Some("missing field `sgxtcbcomponents`"),
        why: "TCB info version 2, as archived baselines have it: the other reads version 3 only",
    },
    Listed {
        ours: None,
        theirs: Some("TD migration is enabled"),
        why: "migratable TDs verify; refusing them is acceptance, a step of its own",
    },
    Listed {
        ours: None,
        theirs: Some("SEPT_VE_DISABLE is not enabled"),
        why: "SEPT_VE_DISABLE is a claim for policies: genuine Azure TDs have it clear",
    },
];

fn listed(ours: &Verdict, theirs: &Verdict) -> Option<&'static Listed> {
    LISTED.iter().find(|listed| {
        let same = |part: Option<&str>, verdict: &Verdict, exact: bool| match (part, verdict) {
            (None, Ok(_)) => true,
            (Some(part), Err(text)) => {
                if exact {
                    text == part
                } else {
                    text.contains(part)
                }
            }
            _ => false,
        };
        same(listed.ours, ours, true) && same(listed.theirs, theirs, false)
    })
}

fn agree(ours: &Verdict, theirs: &Verdict) -> bool {
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => ours == theirs,
        (Err(_), Err(_)) => true,
        _ => false,
    }
}

/// SplitMix64, so that a failure is a number that can be run again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

/// Offsets at which a length, type or version stands.
fn structural_offsets(quote: &[u8]) -> Vec<usize> {
    let body = match (quote[0], quote[48]) {
        (3, _) => 48 + 384,
        (4, _) => 48 + 584,
        (5, 2) => 54 + 584,
        (5, 3) => 54 + 648,
        _ => 54 + 885,
    };
    let data = body + 4;
    let inner = if quote[0] == 3 { data + 128 } else { data + 134 };
    let authentication = usize::from(u16::from_le_bytes([quote[inner + 448], quote[inner + 449]]));
    let certification = inner + 450 + authentication;
    let mut offsets =
        vec![0, 2, 4, 12, 48, 50, body, inner + 448, certification, certification + 2];
    if quote[0] != 3 {
        offsets.extend([data + 128, data + 130]);
    }
    offsets
}

fn mutate(random: &mut Random, quote: &[u8]) -> Vec<u8> {
    let mut bytes = quote.to_vec();
    let structural = structural_offsets(quote);
    let end = quote.len();
    match random.below(10) {
        // A bit anywhere.
        0 | 1 => bytes[random.below(end)] ^= 1 << random.below(8),
        // A byte anywhere.
        2 => bytes[random.below(end)] = random.byte(),
        // A structural byte, by a little or by chance.
        3 => {
            let at = structural[random.below(structural.len())] + random.below(4);
            bytes[at] = bytes[at].wrapping_add(1);
        }
        4 => {
            let at = structural[random.below(structural.len())] + random.below(4);
            bytes[at] = random.byte();
        }
        // The end cut off, or something appended.
        5 => bytes.truncate(random.below(end)),
        6 => {
            let extra = random.below(200);
            bytes.extend(std::iter::repeat_with(|| random.byte()).take(extra));
        }
        // A byte put in or taken out.
        7 => bytes.insert(random.below(end), b"\n\0 A"[random.below(4)]),
        8 => {
            bytes.remove(random.below(end));
        }
        // A run of bytes copied to another place.
        _ => {
            let (from, to) = (random.below(end - 64), random.below(end - 64));
            bytes.copy_within(from..from + random.below(64), to);
        }
    }
    bytes
}

fn run(tee: &str, seed: u64, mutations: usize) {
    let Some(cases) = cases(tee) else { return };
    assert!(cases.len() >= 8);
    // Only what both judge alike as it is can show something when it is altered.
    let comparable: Vec<_> = cases
        .iter()
        .filter(|case| agree(&our_verdict(case, &case.quote), &their_verdict(case, &case.quote)))
        .collect();
    assert!(comparable.len() >= 8, "{}", comparable.len());
    let mut random = Random(seed);
    let mut differences: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut both_accept = 0;
    for index in 0..cases.len() + mutations {
        // First every case as it is, then mutations of them in turn.
        let (case, quote) = match cases.get(index) {
            Some(case) => (case, case.quote.clone()),
            None => {
                let case = comparable[index % comparable.len()];
                (case, mutate(&mut random, &case.quote))
            }
        };
        let (ours, theirs) = (our_verdict(case, &quote), their_verdict(case, &quote));
        both_accept += usize::from(ours.is_ok() && theirs.is_ok());
        if agree(&ours, &theirs) || listed(&ours, &theirs).is_some() {
            continue;
        }
        let key = format!("ours {ours:?}, theirs {theirs:?}");
        let first = format!("number {index} of seed {seed}, {}", case.name);
        differences.entry(key).or_insert((0, first)).0 += 1;
    }
    let report: Vec<_> = differences
        .iter()
        .map(|(key, (count, first))| format!("{count} times: {key}; first {first}"))
        .collect();
    assert!(report.is_empty(), "{}", report.join("\n"));
    // Mutations after the quote change nothing: enough must pass for agreement to mean something.
    assert!(both_accept > mutations / 20, "only {both_accept} pass");
}

#[test]
fn sgx_verdicts_agree_on_ten_thousand_mutations() {
    run("SGX", 0x5347_5820_2026, 10_000);
}

#[test]
fn tdx_verdicts_agree_on_ten_thousand_mutations() {
    run("TDX", 0x5444_5820_2026, 10_000);
}

#[test]
fn every_listed_difference_has_a_reason() {
    for listed in LISTED {
        assert!(listed.ours.is_some() != listed.theirs.is_some());
        assert!(listed.why.len() > 20);
    }
}

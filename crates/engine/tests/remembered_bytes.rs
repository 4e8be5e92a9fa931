//! What the engine remembers is bounded in bytes, and one piece of evidence is remembered once,
//! whatever stands around it.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use avouch_dcap::{CertificationData, Quote};
use avouch_endorsements::EndorsementSet;
use avouch_engine::{
    Anchors, AppraisalRequest, AppraisalSettings, Engine, PolicyInForce, REMEMBERED_BYTES,
};
use avouch_mint::snp::SnpProduct;
use avouch_mint::{Minted, Options, mint};
use avouch_pki::pem;
use avouch_snp::maa_request::SnpEvidence;
use avouch_wire::{EvidenceKind, base64url};
use serde_json::json;
use support::{at, engine_for, minted_evidence, request};

const AT: &str = "2026-05-01T12:00:00Z";

/// Appraises, and demands a permit.
fn permit(engine: &Engine, request: &AppraisalRequest) {
    let policy = PolicyInForce::default_for(request.kind).unwrap();
    let settings = AppraisalSettings::default();
    let appraisal = engine.appraise(request, &policy, &settings, at(AT)).unwrap();
    appraisal.permitted().unwrap();
}

/// The quote with another text in place of its PCK chain.
fn with_pck_chain(quote: &[u8], change: impl FnOnce(&str) -> String) -> Vec<u8> {
    let parsed = Quote::parse(quote).unwrap();
    let CertificationData::PckChain(chain) = parsed.signature_data().certification_data else {
        panic!("the mint writes chains")
    };
    let before = quote.len() - chain.len();
    let chain = change(std::str::from_utf8(chain).unwrap());
    let mut changed = [&quote[..before], chain.as_bytes()].concat();
    for from in [436, before] {
        let length = u32::try_from(changed.len() - from).unwrap().to_le_bytes();
        changed[from - 4..from].copy_from_slice(&length);
    }
    changed
}

/// Text of another shape for each number, around the blocks and inside of them.
fn surrounded(text: &str, number: usize) -> String {
    match number % 4 {
        0 => format!("number {number}\n{text}"),
        1 => format!("{text}{}", "\n".repeat(number % 1_000 + 1)),
        2 => text.replace("-----\n-----", &format!("-----\n{number}\n-----")),
        _ => text.replacen('\n', &" ".repeat(number % 1_000 + 1), 3),
    }
}

#[test]
fn one_quote_in_ten_thousand_surroundings_is_one_platform() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(at(AT))).unwrap();
    let engine = engine_for(&minted);
    permit(&engine, &request(&minted));
    let first = engine.remembered();
    assert_eq!(first.entries, 2, "the platform and its collateral");
    for number in 0..10_000 {
        let evidence = with_pck_chain(&minted.evidence, |chain| surrounded(chain, number));
        permit(&engine, &AppraisalRequest { evidence, ..request(&minted) });
    }
    assert_eq!(engine.remembered(), first);
}

/// Certificates in another order prove the platform anew, and stand in the place of the first proof.
#[test]
fn one_quote_with_its_certificates_in_any_order_is_remembered_once() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(at(AT))).unwrap();
    let engine = engine_for(&minted);
    permit(&engine, &request(&minted));
    let first = engine.remembered();
    let orders = [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0], [0, 1, 2]];
    for order in orders.into_iter().cycle().take(20) {
        let evidence = with_pck_chain(&minted.evidence, |chain| {
            let blocks: Vec<&str> = chain.split_inclusive("-----END CERTIFICATE-----\n").collect();
            order.map(|index| blocks[index]).concat()
        });
        permit(&engine, &AppraisalRequest { evidence, ..request(&minted) });
        assert_eq!(engine.remembered(), first, "{order:?}");
    }
}

/// A platform that is remembered answers for no other bytes: with it a quote gets the verdict that it gets
/// without.
#[test]
fn a_remembered_platform_changes_no_verdict_on_a_quote_with_one_bit_changed() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(at(AT))).unwrap();
    let (known, policy) = (engine_for(&minted), PolicyInForce::default_for(EvidenceKind::Sgx));
    let (policy, settings) = (policy.unwrap(), AppraisalSettings::default());
    permit(&known, &request(&minted));
    let after_quote_signature = 436 + 64;
    let mut refused = 0;
    for offset in (after_quote_signature..minted.evidence.len()).step_by(41) {
        let mut evidence = minted.evidence.clone();
        evidence[offset] ^= 1;
        let changed = AppraisalRequest { evidence, ..request(&minted) };
        let fresh = engine_for(&minted);
        let said = |engine: &Engine| {
            let said = engine.appraise(&changed, &policy, &settings, at(AT));
            said.map(|appraisal| appraisal.permitted().is_ok()).map_err(|error| error.to_string())
        };
        assert_eq!((said(&known), said(&known)), (said(&fresh), said(&fresh)), "{offset}");
        refused += usize::from(said(&known).is_err());
    }
    assert!(refused > 50, "{refused}");
    permit(&known, &request(&minted));
}

/// MAA's document with this text of certificates.
fn with_chain(minted: &Minted, chain: &str) -> AppraisalRequest {
    let document = json!({
        "SnpReport": base64url::encode(&minted.evidence),
        "VcekCertChain": base64url::encode(chain),
    });
    AppraisalRequest { evidence: document.to_string().into_bytes(), ..request(minted) }
}

fn chain_text(minted: &Minted) -> String {
    let evidence = SnpEvidence::parse(&minted_evidence(minted)).unwrap();
    String::from_utf8(evidence.certificates().to_vec()).unwrap()
}

#[test]
fn one_report_in_a_thousand_surroundings_is_one_key() {
    let minted = mint(EvidenceKind::Snp, &Options::new(at(AT))).unwrap();
    let chain = chain_text(&minted);
    let engine = engine_for(&minted);
    permit(&engine, &request(&minted));
    let first = engine.remembered();
    assert_eq!(first.entries, 1);
    for number in 0..1_000 {
        permit(&engine, &with_chain(&minted, &surrounded(&chain, number)));
    }
    // Certificates that nothing rests on, as many as anybody likes to make: roots and
    // intermediates of other products, and the same one again.
    for number in 0..20 {
        let mut options = Options::new(at(AT).saturating_add_seconds(number));
        options.snp.product = SnpProduct::Genoa;
        let other = mint(EvidenceKind::Snp, &options).unwrap();
        let others = pem::certificates(chain_text(&other).as_bytes(), 3).unwrap();
        for one in &others[1..] {
            permit(
                &engine,
                &with_chain(&minted, &(chain.clone() + &pem::encode("CERTIFICATE", one))),
            );
        }
    }
    permit(&engine, &with_chain(&minted, &chain.repeat(2)));
    assert_eq!(engine.remembered(), first);
}

/// An engine for minted evidence that remembers at most so many bytes.
fn remembering(minted: &Minted, bytes: u64) -> Engine {
    let anchors = Anchors::built_in().with_pem(minted.root_pem.as_bytes()).unwrap();
    let mut set = EndorsementSet::default();
    set.add(&minted.endorsements).unwrap();
    Engine::remembering(anchors, Arc::new(set), bytes)
}

/// The quote of another platform under the same CA: the quoting enclave vouches for other data.
fn platform(number: u8) -> Minted {
    let mut options = Options::new(at(AT));
    options.platform.qe_auth_data = vec![number; 32];
    mint(EvidenceKind::Sgx, &options).unwrap()
}

#[test]
fn many_platforms_are_remembered_within_the_bytes_that_there_are() {
    let bytes = 128 * 1024;
    let (few, many) =
        (remembering(&platform(0), bytes), remembering(&platform(0), REMEMBERED_BYTES));
    for number in 0..60 {
        let request = request(&platform(number));
        permit(&few, &request);
        permit(&many, &request);
    }
    let (few, many) = (few.remembered(), many.remembered());
    assert_eq!(many.entries, 61, "60 platforms and one set of collateral");
    assert!(few.bytes <= bytes && few.entries > 1 && few.entries < 30, "{few:?}");
    // A platform's certificates and report alone have some 3 KiB.
    assert!(many.bytes > 60 * 3 * 1024, "{many:?}");
}

#[test]
fn an_engine_that_remembers_nothing_gives_the_same_answers() {
    for kind in [EvidenceKind::Sgx, EvidenceKind::Tdx, EvidenceKind::Snp] {
        let minted = mint(kind, &Options::new(at(AT))).unwrap();
        let engine = remembering(&minted, 0);
        assert_eq!(kind, request(&minted).kind);
        for _ in 0..2 {
            permit(&engine, &request(&minted));
        }
        let held = engine.remembered();
        assert_eq!((held.entries, held.bytes), (0, 0), "{kind}");
    }
}

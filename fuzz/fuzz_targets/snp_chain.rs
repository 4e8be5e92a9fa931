//! Chains as requests carry them: no panic, a chain that verifies under the minted root has the
//! minted key, and whether its intermediate is remembered changes neither the verdict nor a word of
//! the refusal. Keys under AMD's own roots are AMD's to make.
//!
//! An input is certificates, PEM or DER, or a recipe of them: a byte for each of at most 20 steps,
//! which adds a minted certificate whole, or with a byte changed (the place, in two bytes, and the
//! change follow), or text (its length, then itself). Recipes begin with a zero.
#![no_main]

use std::sync::LazyLock;

use avouch_mint::snp::SnpKey;
use avouch_mint::{Options, mint};
use avouch_pki::{Certificate, pem};
use avouch_snp::{
    Chain, ChainError, Crls, Endorsements, TrustAnchors, VerifiedEndorsementKey, VerifyError,
    verify_chain, verify_intermediate,
};
use avouch_wire::{EvidenceKind, FailedCheck as _, UnixTime};
use libfuzzer_sys::fuzz_target;

/// As the engine reads requests.
const CERTIFICATES_MAX: usize = 16;

struct Known {
    roots: TrustAnchors,
    /// The same, and the intermediate of the first chain.
    remembering: TrustAnchors,
    /// VCEK, ASK, ARK; VLEK, ASVK, ARK; VCEK, ASK, ARK of another root.
    certificates: Vec<Vec<u8>>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let mut options = Options::new(at());
    let vcek = mint(EvidenceKind::Snp, &options).unwrap();
    let foreign = mint(EvidenceKind::Snp, &options.clone().broken("root-foreign")).unwrap();
    options.snp.key = SnpKey::Vlek;
    let vlek = mint(EvidenceKind::Snp, &options).unwrap();
    let root = pem::certificates(vcek.root_pem.as_bytes(), 1).unwrap();
    let roots = TrustAnchors::amd().with_root(&Certificate::parse(&root[0]).unwrap()).unwrap();
    let mut certificates = Vec::new();
    for minted in [vcek, vlek, foreign] {
        let chain = Endorsements::parse(&[&minted.endorsements]).unwrap().chain;
        certificates.push(chain.leaf().unwrap().1.der().to_vec());
        certificates.push(chain.intermediates()[0].der().to_vec());
        certificates.push(chain.roots()[0].der().to_vec());
    }
    let mut remembering = roots.clone();
    let intermediate = Certificate::parse(&certificates[1]).unwrap();
    remembering.remember(verify_intermediate(&intermediate, &roots, at()).unwrap());
    Known { roots, remembering, certificates }
});

fn at() -> UnixTime {
    UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap()
}

/// The certificates that an input stands for.
fn certificates(data: &[u8]) -> Vec<u8> {
    let Some((0, mut recipe)) = data.split_first() else {
        return data.to_vec();
    };
    let mut text = String::new();
    for _ in 0..20 {
        let Some((step, rest)) = recipe.split_first() else { break };
        recipe = rest;
        let which = usize::from(*step);
        let count = KNOWN.certificates.len();
        if which < count {
            text.push_str(&pem::encode("CERTIFICATE", &KNOWN.certificates[which]));
        } else if let (true, Some((&[low, high, change], rest))) =
            (which < 2 * count, recipe.split_first_chunk())
        {
            recipe = rest;
            let mut der = KNOWN.certificates[which - count].clone();
            let place = usize::from(u16::from_le_bytes([low, high])) % der.len();
            der[place] ^= change;
            text.push_str(&pem::encode("CERTIFICATE", &der));
        } else if let Some((length, rest)) = recipe.split_first() {
            let (free, rest) = rest.split_at(usize::from(*length).min(rest.len()));
            recipe = rest;
            text.push_str(&String::from_utf8_lossy(free));
        }
    }
    text.into_bytes()
}

fn verdict(
    chain: Result<Chain, ChainError>,
    anchors: &TrustAnchors,
) -> Result<VerifiedEndorsementKey, VerifyError> {
    verify_chain(&chain?, anchors, &Crls::none(), at())
}

// Minting signs with RSA-4096: not to be counted as the time of an input.
fuzz_target!(init: { LazyLock::force(&KNOWN); }, |data: &[u8]| {
    let bytes = certificates(data);
    let parts = [&bytes];
    let Known { roots, remembering, certificates } = &*KNOWN;
    let cold = verdict(Chain::parse_at_most(&parts, CERTIFICATES_MAX), roots);
    let beside_roots = verdict(Chain::parse_beside(&parts, CERTIFICATES_MAX, roots), roots);
    let warm = verdict(Chain::parse_beside(&parts, CERTIFICATES_MAX, remembering), remembering);
    // Read beside others than it is judged under.
    let mixed = verdict(Chain::parse_beside(&parts, CERTIFICATES_MAX, remembering), roots);
    for other in [beside_roots, warm, mixed] {
        match (&cold, &other) {
            (Ok(cold), Ok(other)) => assert_eq!(cold.facts(), other.facts()),
            (Err(cold), Err(other)) => {
                assert_eq!((cold.check(), cold.to_string()), (other.check(), other.to_string()));
            }
            _ => panic!("{cold:?} cold, {other:?} otherwise"),
        }
    }
    if let Ok(key) = cold
        && !key.facts().root.is_built_in
    {
        let minted = [&certificates[0], &certificates[3]].map(|der| avouch_pki::digest::sha256(der));
        assert!(minted.contains(&key.facts().certificate_sha256));
    }
});

//! Endorsements of utility VMs: no panic, and none verifies that the minted publisher did not sign.
//!
//! An input is an endorsement, or a few edits to one of those that are minted at the start: then
//! four bytes each (place, in two bytes; length of what goes; a byte that comes), after the number
//! of the endorsement. Signatures are checked only where the structure holds.
#![no_main]

use std::sync::LazyLock;

use avouch_mint::snp::{UvmForm, UvmPublisher, uvm_publisher};
use avouch_mint::{Options, mint};
use avouch_snp::maa_request::SnpEvidence;
use avouch_snp::uvm::{self, UntrustedUvmDocument, UvmTrust, UvmTrustEntry};
use avouch_wire::{EvidenceKind, FailedCheck as _, Hex, UnixTime};
use libfuzzer_sys::fuzz_target;

struct Known {
    trust: UvmTrust,
    /// One of each generation of headers.
    endorsements: Vec<Vec<u8>>,
    /// What they endorse.
    measurement: Hex<48>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let mut options = Options::new(at());
    let UvmPublisher { issuer, feed, .. } = uvm_publisher(&options).unwrap();
    let entry = UvmTrustEntry { issuer, feed, minimum_svn: 0, compliance_status: None };
    let mut known = Known {
        trust: UvmTrust { entries: vec![entry] },
        endorsements: Vec::new(),
        measurement: Hex([0; 48]),
    };
    for form in [UvmForm::Json, UvmForm::Cwt] {
        options.snp.uvm = Some(form);
        let minted = mint(EvidenceKind::Snp, &options).unwrap();
        let evidence = SnpEvidence::parse(&minted.evidence).unwrap();
        let endorsement = evidence.uvm_endorsements().next().unwrap();
        uvm::verify_document(endorsement, &known.trust, at()).unwrap();
        known.endorsements.push(endorsement.to_vec());
        known.measurement = evidence.report().untrusted_body().measurement;
    }
    known
});

fn at() -> UnixTime {
    UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap()
}

/// The endorsement that an input stands for.
fn endorsement(data: &[u8]) -> Vec<u8> {
    let Some((number @ 0..2, edits)) = data.split_first() else {
        return data.to_vec();
    };
    let mut bytes = KNOWN.endorsements[usize::from(*number)].clone();
    for edit in edits.chunks_exact(4).take(16) {
        let place = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % bytes.len().max(1);
        let end = (place + usize::from(edit[2] % 32)).min(bytes.len());
        bytes.splice(place..end, [edit[3]]);
    }
    bytes
}

// Minting signs with RSA: not to be counted as the time of an input.
fuzz_target!(init: { LazyLock::force(&KNOWN); }, |data: &[u8]| {
    let bytes = endorsement(data);
    let read = match UntrustedUvmDocument::parse(&bytes) {
        Ok(read) => read,
        Err(error) => {
            assert!(!error.check().is_empty() && !error.to_string().is_empty());
            return;
        }
    };
    match uvm::verify_document(&bytes, &KNOWN.trust, at()) {
        Ok(document) => {
            assert_eq!(document.facts().measurement, KNOWN.measurement);
            assert_eq!(document.facts().measurement, read.measurement);
            assert_eq!(document.facts().svn, 104);
        }
        Err(error) => assert!(!error.check().is_empty() && !error.to_string().is_empty()),
    }
});

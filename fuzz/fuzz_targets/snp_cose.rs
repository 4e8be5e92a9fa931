//! Endorsements of utility VMs: no panic, and none verifies that the minted publisher did not sign.
#![no_main]

use std::sync::LazyLock;

use avouch_mint::Options;
use avouch_mint::snp::{UvmPublisher, uvm_publisher};
use avouch_snp::uvm::{self, UvmTrust, UvmTrustEntry};
use avouch_wire::{Hex, UnixTime};
use libfuzzer_sys::fuzz_target;

static TRUST: LazyLock<UvmTrust> = LazyLock::new(|| {
    let UvmPublisher { issuer, feed, .. } = uvm_publisher(&Options::new(at())).unwrap();
    let entry = UvmTrustEntry { issuer, feed, minimum_svn: 0, compliance_status: None };
    UvmTrust { entries: vec![entry] }
});

/// What the seed endorses.
static MEASUREMENT: LazyLock<Hex<48>> = LazyLock::new(|| {
    let minted = avouch_mint::mint(avouch_mint::Kind::Snp, &Options::new(at())).unwrap();
    avouch_snp::Report::parse(&minted.evidence).unwrap().untrusted_body().measurement
});

fn at() -> UnixTime {
    UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap()
}

// Minting signs with RSA: not to be counted as the time of an input.
fuzz_target!(init: { let _ = (&*TRUST, &*MEASUREMENT); }, |data: &[u8]| {
    match uvm::verify_document(data, &TRUST, at()) {
        Ok(document) => {
            assert_eq!(document.facts().measurement, *MEASUREMENT);
            assert_eq!(document.facts().svn, 104);
        }
        Err(error) => assert!(!error.check().is_empty() && !error.to_string().is_empty()),
    }
});

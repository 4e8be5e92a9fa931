//! VCEK and VLEK certificates with their extensions, and sets of endorsements: no panic, and none
//! verifies under AMD's roots.
#![no_main]

use std::sync::LazyLock;

use avouch_pki::Certificate;
use avouch_snp::{
    Crls, Endorsements, Product, TrustAnchors, VekExtensions, VekKind, verify_chain,
    verify_intermediate,
};
use avouch_wire::{FailedCheck as _, UnixTime};
use libfuzzer_sys::fuzz_target;

static AMD: LazyLock<TrustAnchors> = LazyLock::new(TrustAnchors::amd);

fuzz_target!(|data: &[u8]| {
    let at = UnixTime::from_seconds(1_769_860_800).unwrap();
    if let Ok(certificate) = Certificate::parse(data) {
        for product in Product::ALL {
            for kind in [VekKind::Vcek, VekKind::Vlek] {
                if let Ok(extensions) = VekExtensions::read(&certificate, kind, product) {
                    assert_eq!(extensions.hardware_id().is_some(), kind == VekKind::Vcek);
                    assert_eq!(extensions.csp_id().is_some(), kind == VekKind::Vlek);
                    let certified = extensions.certified_tcb();
                    assert!(extensions.first_mismatch(product, certified).is_none());
                }
            }
        }
        let _ = verify_intermediate(&certificate, &AMD, at);
    }
    if let Ok(endorsements) = Endorsements::parse(&[data]) {
        let _ = Crls::verify(&endorsements.crls, &AMD, at);
        if let Err(error) = verify_chain(&endorsements.chain, &AMD, &Crls::none(), at) {
            assert!(!error.check().is_empty() && !error.to_string().is_empty());
        }
    }
});

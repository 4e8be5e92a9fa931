//! Any bytes as collateral, by the first byte: a bundle, a service's body, or a document. No panic;
//! levels come out sorted and distinct; nothing verifies without a trust anchor.

#![no_main]

use avouch_dcap::{Collateral, EnclaveIdentity, SignedDocument, TcbInfo, TrustAnchors};
use avouch_wire::UnixTime;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    match choice % 5 {
        0 => bundle(rest),
        1 => {
            if let Ok(document) = SignedDocument::from_tcb_info_body(rest) {
                tcb_info(document.text());
            }
        }
        2 => {
            if let Ok(document) = SignedDocument::from_identity_body(rest) {
                identity(document.text());
            }
        }
        3 => std::str::from_utf8(rest).map(tcb_info).unwrap_or_default(),
        _ => std::str::from_utf8(rest).map(identity).unwrap_or_default(),
    }
});

fn bundle(bytes: &[u8]) {
    let Ok(collateral) = Collateral::parse_json(bytes) else { return };
    tcb_info(collateral.tcb_info().text());
    identity(collateral.qe_identity().text());
    let at = UnixTime::from_seconds(1_750_000_000).expect("in range");
    let _ = collateral.verify(&TrustAnchors::intel(), at);
    assert!(collateral.verify(&TrustAnchors::none(), at).is_err());
}

fn tcb_info(text: &str) {
    let Ok(info) = TcbInfo::parse(text) else { return };
    assert!(!info.levels.is_empty());
    for pair in info.levels.windows(2) {
        let key = |index: usize| {
            (pair[index].sgx_components, pair[index].pce_svn, pair[index].tdx_components)
        };
        assert!(key(0) > key(1));
    }
}

fn identity(text: &str) {
    let Ok(identity) = EnclaveIdentity::parse(text) else { return };
    assert!(!identity.levels.is_empty());
    for pair in identity.levels.windows(2) {
        assert!(pair[0].isv_svn > pair[1].isv_svn);
    }
}

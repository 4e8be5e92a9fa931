//! Any bytes as an Open Enclave report, evidence or endorsements: no panic, and the parts never
//! hold more than the input.

#![no_main]

use avouch_dcap::open_enclave::{Endorsements, Evidence, OpenEnclave};
use avouch_dcap::{TrustAnchors, verify_platform};
use avouch_wire::UnixTime;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let at = UnixTime::from_seconds(1_750_000_000).expect("in range");
    if let Ok(wrapped) = OpenEnclave::parse(bytes) {
        assert!(wrapped.quote().signed_bytes().len() < bytes.len());
        let _ = verify_platform(wrapped.quote(), &TrustAnchors::intel(), at);
    }
    if let Ok(evidence) = Evidence::parse_without_header(bytes) {
        assert!(evidence.untrusted_custom_claims().len() < bytes.len());
    }
    if let Ok(endorsements) = Endorsements::parse(bytes)
        && let Ok(collateral) = endorsements.collateral()
    {
        let _ = collateral.untrusted_summary();
        let _ = collateral.verify(&TrustAnchors::intel(), at);
    }
});

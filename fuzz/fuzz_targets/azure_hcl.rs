//! HCL reports and their runtime data: no panic, one reading only, and nothing binds what it does not hash.
#![no_main]

use avouch_azure::{HardwareReport, HclReport, RuntimeClaims};
use avouch_wire::FailedCheck as _;
use libfuzzer_sys::fuzz_target;

/// What a report says before its runtime data, at least: header, hardware report, their header.
const BYTES_MIN: usize = 32 + 1184 + 20;

fuzz_target!(|data: &[u8]| {
    let report = match HclReport::parse(data) {
        Ok(report) => report,
        Err(error) => {
            assert!(error.check().starts_with("hcl-") && error.to_string().len() < 300);
            return;
        }
    };
    let runtime = report.untrusted_runtime_data();
    assert!(data.len() >= BYTES_MIN + runtime.len());
    // Zeros may follow, and nothing else.
    assert_eq!(HclReport::parse(&[data, &[0]].concat()).as_ref(), Ok(&report));
    assert!(HclReport::parse(&[data, &[1]].concat()).is_err());
    let digest = report.hash().hash(&[runtime]).unwrap();
    let mut bound = [0; 64];
    bound[..digest.as_bytes().len()].copy_from_slice(digest.as_bytes());
    assert!(report.check_binding(&bound).is_ok());
    bound[0] ^= 1;
    assert!(report.check_binding(&bound).is_err());
    match report.hardware() {
        HardwareReport::Snp(bytes) => assert_eq!(bytes.len(), 1184),
        HardwareReport::Tdx(report) => assert_eq!(report.bytes().len(), 1024),
    }
    match RuntimeClaims::parse(runtime) {
        Ok(claims) => assert!(RuntimeClaims::are_spoken(claims.members())),
        Err(error) => assert!(error.check().starts_with("hcl-runtime-")),
    }
});

//! MAA's SEV-SNP document: no panic, and what is read is bounded by what was sent.
#![no_main]

use avouch_snp::maa_request::SnpEvidence;
use avouch_wire::FailedCheck as _;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match SnpEvidence::parse(data) {
        Ok(evidence) => {
            assert!(evidence.certificates().len() <= data.len());
            let _ = evidence.chain();
            let endorsed: usize = evidence.uvm_endorsements().map(<[u8]>::len).sum();
            assert!(endorsed <= data.len());
        }
        Err(error) => assert!(!error.check().is_empty() && !error.to_string().is_empty()),
    }
});

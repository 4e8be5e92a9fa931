//! Certificates of a chip as a file or a host's service has them: no panic, a bounded number of them, and what is read is PEM
//! with at least one in it, no longer than the input.
#![no_main]

use avouch_pki::pem;
use avouch_tee::SnpCertificates;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match SnpCertificates::read(bytes, "the input") {
        Ok(read) => {
            assert!(read.pem().len() <= bytes.len());
            let found = pem::certificates(read.pem().as_bytes(), 16).unwrap();
            assert!((1..=16).contains(&found.len()));
        }
        Err(error) => assert!(error.to_string().contains("the input")),
    }
});

//! Certificates of a chip as a file or a host's service has them: no panic, a bounded number of them, and what is
//! read is PEM with at least one in it, no longer than the input; and the same in every form in which it may come.
#![no_main]

use avouch_pki::pem;
use avouch_tee::SnpCertificates;
use avouch_wire::base64url;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

/// Larger than what the forms below make of an input is nothing that is read.
const FORMS_BYTES_MAX: usize = 16 * 1024;

fuzz_target!(|bytes: &[u8]| {
    match SnpCertificates::read(bytes, "the input") {
        Ok(read) => {
            assert!(read.pem().len() <= bytes.len());
            let found = certificates(&read);
            assert!((1..=16).contains(&found.len()));
            if bytes.len() <= FORMS_BYTES_MAX {
                forms(&read, &found);
            }
        }
        Err(error) => assert!(error.to_string().contains("the input")),
    }
});

fn certificates(read: &SnpCertificates) -> Vec<Vec<u8>> {
    pem::certificates(read.pem().as_bytes(), 16).unwrap()
}

/// The same as a host hands it out, and as a guest of a container instance finds that.
fn forms(read: &SnpCertificates, found: &[Vec<u8>]) {
    let of_host = json!({ "vcekCert": read.pem(), "certificateChain": "" }).to_string();
    let encoded = base64url::encode_standard(&of_host);
    for form in [of_host, encoded] {
        let again = SnpCertificates::read(form.as_bytes(), "a form of it").unwrap();
        assert_eq!(certificates(&again), found);
    }
}

//! Recorded signing certificates: the quote that each carries verifies, and binds its key.
#![cfg(test)]

mod support;

use avouch_dcap::open_enclave::OpenEnclave;
use avouch_dcap::{Collateral, Quote, TrustAnchors, VerifiedQuote, verify};
use avouch_pki::Certificate;
use avouch_token::{ServiceEvidence, check_key_binding};
use avouch_wire::base64url;
use serde_json::Value;
use support::{at, vectors};

const COLLATERAL: &str = "intel/collateral/sgx-00906ed50000-e19-2025-06-04.json";
const JUDGED_AT: &str = "2025-06-26T17:00:00Z";

fn verified(quote: &Quote<'_>, collateral: &Collateral) -> VerifiedQuote {
    verify(quote, collateral, &TrustAnchors::intel(), at(JUDGED_AT)).unwrap()
}

#[test]
fn the_quote_of_every_recorded_signing_certificate_verifies_and_binds_its_key() {
    let Some(vectors) = vectors() else { return };
    let collateral = std::fs::read(vectors.join(COLLATERAL)).unwrap();
    let collateral = Collateral::parse_json(&collateral).unwrap();
    let mut files: Vec<_> = std::fs::read_dir(vectors.join("maa-wire/certs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.push(vectors.join("maa-wire/sample-certs-2020-05.json"));
    let mut bound = 0;
    for file in files {
        let text = std::fs::read(&file).unwrap();
        let parsed: Value = serde_json::from_slice(&text).unwrap();
        let set = match parsed.get("keys") {
            Some(_) => parsed,
            None => serde_json::from_str(parsed["body"].as_str().unwrap()).unwrap(),
        };
        for key in set["keys"].as_array().unwrap() {
            let der = base64url::decode_standard(key["x5c"][0].as_str().unwrap()).unwrap();
            let certificate = Certificate::parse(&der).unwrap();
            let report_data = match ServiceEvidence::of_certificate(&certificate).unwrap() {
                None => continue,
                Some(ServiceEvidence::Quote(bytes)) => {
                    *verified(&Quote::parse(&bytes).unwrap(), &collateral).report_data()
                }
                Some(ServiceEvidence::OpenEnclaveReport(bytes)) => {
                    let report = OpenEnclave::parse(&bytes).unwrap();
                    *verified(report.quote(), &collateral).report_data()
                }
                Some(other) => panic!("{}: {other:?}", file.display()),
            };
            check_key_binding(certificate.public_key(), report_data.as_bytes()).unwrap();
            bound += 1;
        }
    }
    assert!(bound >= 6, "{bound}");
}

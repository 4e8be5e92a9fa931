//! Evidence inside signing certificates: of every generation, and broken.
#![cfg(test)]
#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests over known data; a failed one may stop anywhere"
)]

mod support;

use avouch_pki::Certificate;
use avouch_token::{
    EvidenceExtension, ServiceEvidence, ServiceEvidenceError, Signer as _, check_key_binding,
    key_digest, key_report_data, provider_certificate,
};
use avouch_wire::{FailedCheck as _, base64url};
use rcgen::{CustomExtension, IsCa};
use serde_json::{Value, json};
use support::{ISSUER, P256_KEY, RSA_KEY, pki};

const OID_2020: [u64; 6] = [1, 2, 840, 113_556, 10, 1];
const OID_2025: [u64; 9] = [1, 3, 6, 1, 4, 1, 311, 105, 1000];

fn certificate_with(evidence: Option<&EvidenceExtension>) -> Certificate {
    Certificate::parse(&provider_certificate(&**P256_KEY, ISSUER, evidence).unwrap()).unwrap()
}

/// A certificate with these extensions, by last arc and value.
fn custom(extensions: &[(&[u64], u64, &[u8])]) -> Certificate {
    let mut params = pki::params("custom", IsCa::ExplicitNoCa);
    params.custom_extensions = extensions
        .iter()
        .map(|(arcs, last, value)| {
            let oid = [*arcs, &[*last]].concat();
            CustomExtension::from_oid_content(&oid, value.to_vec())
        })
        .collect();
    pki::self_signed(params, pki::new_key()).certificate
}

fn read(certificate: &Certificate) -> Result<Option<ServiceEvidence>, ServiceEvidenceError> {
    ServiceEvidence::of_certificate(certificate)
}

/// Report data of an SGX quote: after 48 bytes of header, at byte 320 of the report body.
fn sgx_report_data(quote: &[u8]) -> [u8; 64] {
    quote[48 + 320..48 + 384].try_into().unwrap()
}

#[test]
fn the_evidence_of_every_recorded_signing_certificate_binds_its_key() {
    let Some(bodies) = support::certs_bodies() else { return };
    let (mut bound, mut bare, mut without) = (0, 0, 0);
    for (file, body) in &bodies {
        let set: Value = serde_json::from_slice(body).unwrap();
        for key in set["keys"].as_array().unwrap() {
            let der = base64url::decode_standard(key["x5c"][0].as_str().unwrap()).unwrap();
            let certificate = Certificate::parse(&der).unwrap();
            let report_data = match read(&certificate).unwrap() {
                Some(ServiceEvidence::OpenEnclaveReport(report)) => sgx_report_data(&report[16..]),
                Some(ServiceEvidence::Quote(quote)) => {
                    bare += 1;
                    sgx_report_data(&quote)
                }
                Some(other) => panic!("{file}: {other:?}"),
                None => {
                    without += 1;
                    continue;
                }
            };
            check_key_binding(certificate.public_key(), &report_data).unwrap();
            bound += 1;

            let mut altered = report_data;
            altered[40] = 1;
            assert!(check_key_binding(certificate.public_key(), &altered).is_err());
            assert!(check_key_binding(RSA_KEY.public_key(), &report_data).is_err());
        }
    }
    assert!(bound > 0 && bare > 0 && without > 0, "{bound} {bare} {without}");
}

#[test]
fn the_quote_in_the_recorded_2020_certificate_is_the_one_beside_it() {
    let Some(folder) = support::vectors("intel/maa") else { return };
    // The file holds a piece of a key set: the base64 of an x5c entry, then what follows it.
    let text = std::fs::read_to_string(folder.join("uksouth.signing.cert.cer")).unwrap();
    let der = base64url::decode_standard(text.split('"').next().unwrap()).unwrap();
    let quote = std::fs::read(folder.join("uksouth.signing.cert.quote.bin")).unwrap();
    let certificate = Certificate::parse(&der).unwrap();
    assert_eq!(read(&certificate).unwrap(), Some(ServiceEvidence::Quote(quote.clone())));
    check_key_binding(certificate.public_key(), &sgx_report_data(&quote)).unwrap();
}

#[test]
fn our_certificates_give_back_the_evidence_put_in() {
    assert_eq!(read(&certificate_with(None)).unwrap(), None);
    let mut report = vec![1, 0, 0, 0, 2, 0, 0, 0];
    report.extend([9; 100]);
    let found = read(&certificate_with(Some(&EvidenceExtension::Raw(report.clone())))).unwrap();
    assert_eq!(found, Some(ServiceEvidence::OpenEnclaveReport(report)));
    for version in [3, 4, 5] {
        let quote = vec![version, 0, 2, 0, 7];
        let found = read(&certificate_with(Some(&EvidenceExtension::Raw(quote.clone())))).unwrap();
        assert_eq!(found, Some(ServiceEvidence::Quote(quote)));
    }
}

#[test]
fn the_json_evidence_of_2025_is_decoded() {
    let json = json!({
        "SnpReport": base64url::encode([1; 1184]),
        "VcekCertChain": base64url::encode("-----BEGIN"),
        "Endorsements": base64url::encode("{\"Uvm\":[]}"),
    });
    let described = |json: &Value| EvidenceExtension::Described {
        evidence_json: json.to_string(),
        tee_kind: "acisevsnp".into(),
    };
    let found = read(&certificate_with(Some(&described(&json)))).unwrap().unwrap();
    assert!(
        matches!(&found, ServiceEvidence::Described { tee_kind, .. } if tee_kind == "acisevsnp")
    );
    let snp = found.sev_snp().unwrap().unwrap();
    assert_eq!(
        (snp.report.len(), snp.vcek_cert_chain.as_slice()),
        (1184, b"-----BEGIN".as_slice())
    );
    assert_eq!(snp.endorsements.unwrap(), b"{\"Uvm\":[]}");

    for (length, is_read) in [(64 * 1024, true), (64 * 1024 + 1, false)] {
        let mut evidence_json = json.to_string();
        evidence_json.push_str(&" ".repeat(length - evidence_json.len()));
        let evidence = ServiceEvidence::Described { evidence_json, tee_kind: "acisevsnp".into() };
        assert_eq!(evidence.sev_snp().is_ok(), is_read, "{length}");
    }

    let without = json!({"SnpReport": "", "VcekCertChain": ""});
    let found = read(&certificate_with(Some(&described(&without)))).unwrap().unwrap();
    assert_eq!(found.sev_snp().unwrap().unwrap().endorsements, None);
    for (broken, expected) in [
        (json!({"VcekCertChain": ""}), "SnpReport"),
        (json!({"SnpReport": 1, "VcekCertChain": ""}), "SnpReport"),
        (json!({"SnpReport": "", "VcekCertChain": "*"}), "VcekCertChain"),
        (json!({"SnpReport": "", "VcekCertChain": "", "Endorsements": []}), "Endorsements"),
    ] {
        let found = read(&certificate_with(Some(&described(&broken)))).unwrap().unwrap();
        let error = found.sev_snp().unwrap_err().to_string();
        assert!(error.contains(expected), "{broken}: {error}");
    }
}

#[test]
fn broken_or_doubled_evidence_is_refused() {
    let bare: &[u8] = &[3, 0, 2, 0, 7];
    let wrapped: &[u8] = &[4, 5, 3, 0, 2, 0, 7];
    let utf8: &[u8] = b"\x0c\x02{}";
    assert!(matches!(
        read(&custom(&[(&OID_2020, 1, wrapped)])),
        Ok(Some(ServiceEvidence::Quote(quote))) if quote == bare
    ));
    assert!(matches!(
        read(&custom(&[(&OID_2020, 1, bare), (&OID_2025[..8], 1, bare)])),
        Err(ServiceEvidenceError::TwoGenerations { .. })
    ));
    assert!(matches!(
        read(&custom(&[(&OID_2020, 1, bare), (&OID_2025, 2, utf8)])),
        Err(ServiceEvidenceError::TwoGenerations { .. })
    ));
    for one in [1, 2] {
        assert!(matches!(
            read(&custom(&[(&OID_2025, one, utf8)])),
            Err(ServiceEvidenceError::Incomplete { .. })
        ));
    }
    for value in [b"".as_slice(), b"\x00", b"\x01\x00\x00\x00\x03", b"\x06\x00", b"\x04\x01\x07"] {
        assert!(
            matches!(
                read(&custom(&[(&OID_2020, 1, value)])),
                Err(ServiceEvidenceError::Unrecognised { .. })
            ),
            "{value:?}"
        );
    }
    for value in
        [b"\x04\x06\x03\x00\x02\x00\x07".as_slice(), b"\x04\x02\x03\x00\x00", b"\x04\x80\x03\x00"]
    {
        assert!(
            matches!(read(&custom(&[(&OID_2020, 1, value)])), Err(ServiceEvidenceError::Der(_))),
            "{value:?}"
        );
    }
    assert!(matches!(
        read(&custom(&[(&OID_2025, 1, b"\x0c\x02{}\0"), (&OID_2025, 2, utf8)])),
        Err(ServiceEvidenceError::Der(_))
    ));
    assert_eq!(
        read(&custom(&[(&OID_2025, 1, b"\x0c\x01\xff"), (&OID_2025, 2, utf8)])),
        Err(ServiceEvidenceError::NotUtf8("1.3.6.1.4.1.311.105.1000.1"))
    );
}

#[test]
fn report_data_is_the_key_digest_and_zeros() {
    let report_data = key_report_data(P256_KEY.public_key());
    assert_eq!(report_data.as_bytes()[..32], key_digest(P256_KEY.public_key()).0);
    assert_eq!(report_data.as_bytes()[32..], [0; 32]);
    assert_eq!(base64url::encode_standard(&report_data.as_bytes()[..32]), P256_KEY.kid());
    let error = check_key_binding(RSA_KEY.public_key(), report_data.as_bytes()).unwrap_err();
    assert_eq!(error.check(), "service-key-binding");
    assert!(error.to_string().contains(&report_data.to_string()));
}

//! CRLs: who signed them, when they are current, and what they revoke.
#![cfg(test)]
#![allow(clippy::string_slice, reason = "a test fails by panicking")]

mod support;

use avouch_pki::{Crl, Role, Serial, verify_crl, verify_issued};
use avouch_wire::FailedCheck as _;
use rcgen::{
    CertificateRevocationListParams, CrlDistributionPoint, CrlIssuingDistributionPoint,
    KeyIdMethod, KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber, date_time_ymd,
};
use support::{AT, Authority, at, leaf_params};

fn params(serials: &[u64]) -> CertificateRevocationListParams {
    CertificateRevocationListParams {
        this_update: date_time_ymd(2027, 1, 1),
        next_update: date_time_ymd(2027, 2, 1),
        crl_number: SerialNumber::from(7),
        issuing_distribution_point: None,
        revoked_certs: serials
            .iter()
            .map(|serial| RevokedCertParams {
                serial_number: SerialNumber::from(*serial),
                revocation_time: date_time_ymd(2026, 1, 1),
                reason_code: Some(RevocationReason::KeyCompromise),
                invalidity_date: None,
            })
            .collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    }
}

fn crl(authority: &Authority, serials: &[u64]) -> Vec<u8> {
    params(serials).signed_by(&authority.issuer).unwrap().der().to_vec()
}

#[test]
fn a_revoked_serial_is_found_and_another_is_not() {
    let (root, anchor) = Authority::root("Root");
    let list = Crl::parse(&crl(&root, &[5, 300, 70_000])).unwrap();
    let list = verify_crl(&list, &anchor, AT).unwrap();
    let mut leaf = leaf_params("Leaf");
    for (serial, revoked) in [(300_u64, true), (301, false)] {
        leaf.serial_number = Some(SerialNumber::from(serial));
        let certificate = root.sign(leaf.clone());
        let certificate = avouch_pki::Certificate::parse(certificate.der()).unwrap();
        assert_eq!(list.is_revoked(certificate.serial()), revoked);
        let pinned = Serial::from_content(certificate.serial().as_bytes());
        assert_eq!(list.is_revoked(&pinned), revoked);
        assert_eq!(certificate.rsa_signature_scheme(), None, "rcgen signs with ECDSA here");
    }
    assert_eq!((list.revoked_count(), list.number()), (3, Some([7].as_slice())));
}

#[test]
fn an_unverified_list_shows_its_number_and_serials_in_order() {
    let (root, _) = Authority::root("Root");
    let list = Crl::parse(&crl(&root, &[300, 5])).unwrap();
    assert_eq!(list.untrusted_number(), Some([7].as_slice()));
    let shown: Vec<String> = list.untrusted_revoked().iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["012C", "05"]);
    let empty = Crl::parse(&crl(&root, &[])).unwrap();
    assert!(empty.untrusted_revoked().is_empty());
}

#[test]
fn judges_this_update_and_next_update_inclusively() {
    let (root, anchor) = Authority::root("Root");
    let list = Crl::parse(&crl(&root, &[])).unwrap();
    for inside in ["2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z"] {
        verify_crl(&list, &anchor, at(inside)).unwrap();
    }
    let early = verify_crl(&list, &anchor, at("2026-12-31T23:59:59Z")).unwrap_err();
    assert_eq!(early.check(), "crl-not-yet-valid");
    let late = verify_crl(&list, &anchor, at("2027-02-01T00:00:01Z")).unwrap_err();
    assert_eq!(late.check(), "crl-expired");
}

#[test]
fn rejects_a_list_of_another_issuer_or_key() {
    let (root, anchor) = Authority::root("Root");
    let other = root.intermediate("Intermediate");
    let list = Crl::parse(&crl(&other, &[])).unwrap();
    assert_eq!(verify_crl(&list, &anchor, AT).unwrap_err().check(), "crl-issuer-name");
    let (foreign, _) = Authority::root("Root");
    let list = Crl::parse(&crl(&foreign, &[])).unwrap();
    assert_eq!(verify_crl(&list, &anchor, AT).unwrap_err().check(), "crl-signature");
}

#[test]
fn rejects_every_flipped_bit_of_a_list() {
    let (root, anchor) = Authority::root("Root");
    let der = crl(&root, &[5]);
    for index in 0..der.len() {
        let mut flipped = der.clone();
        flipped[index] ^= 1;
        let Ok(list) = Crl::parse(&flipped) else { continue };
        assert!(
            verify_crl(&list, &anchor, AT).is_err(),
            "bit flipped in byte {index} of {}",
            avouch_wire::encode_hex(&der)
        );
    }
}

#[test]
fn rejects_a_list_with_an_issuing_distribution_point() {
    let (root, _) = Authority::root("Root");
    let mut partial = params(&[]);
    partial.issuing_distribution_point = Some(CrlIssuingDistributionPoint {
        distribution_point: CrlDistributionPoint { uris: vec!["urn:x".into()] },
        scope: None,
    });
    let der = partial.signed_by(&root.issuer).unwrap().der().to_vec();
    assert_eq!(Crl::parse(&der).unwrap_err().check(), "crl-extension");
}

#[test]
fn rejects_an_issuer_whose_key_usage_lacks_crl_sign() {
    let (root, anchor) = Authority::root("Root");
    let signer = root.intermediate("Intermediate");
    let list = Crl::parse(&crl(&signer, &[])).unwrap();
    let above = verify_issued(&signer.parsed(), &anchor, Role::Ca, AT).unwrap();
    verify_crl(&list, &above, AT).unwrap();

    // The same name and key, certified without cRLSign.
    let mut narrow = support::ca_params("Intermediate");
    narrow.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::EncipherOnly];
    let narrow = narrow.signed_by(signer.issuer.key(), &root.issuer).unwrap();
    let narrow = avouch_pki::Certificate::parse(narrow.der()).unwrap();
    let above = verify_issued(&narrow, &anchor, Role::Ca, AT).unwrap();
    assert_eq!(verify_crl(&list, &above, AT).unwrap_err().check(), "crl-issuer-key-usage");
}

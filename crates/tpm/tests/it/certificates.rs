//! Recorded certificates of endorsement keys, attestation keys and their CAs.

use avouch_pki::{Certificate, pem};
use avouch_tpm::{
    TpmCertificateError, TrustAnchors, trim_padding, verify_aik_certificate, verify_ek_certificate,
};
use avouch_wire::FailedCheck as _;

use super::recordings::{absent, files, moment, read};

const LATE_2026: &str = "2026-11-29T00:00:00Z";

fn swtpm_roots(folder: &str) -> TrustAnchors {
    TrustAnchors::none()
        .with_file(&read(&format!("{folder}/ek-root-ca.pem")))
        .unwrap()
        .with_intermediates(&read(&format!("{folder}/ek-issuing-ca.pem")))
        .unwrap()
}

#[test]
fn endorsement_keys_of_software_tpms_are_known_by_their_certificates() {
    if absent() {
        return;
    }
    for (folder, name) in [
        ("produced/tpm", "ek-rsa2048.cert.der"),
        ("produced/boot-keys", "ek-rsa2048.cert.der"),
        ("attacks/keys-b", "ek.cert.der"),
        ("maa/transcript-certify", "ek.cert.der"),
    ] {
        let der = read(&format!("{folder}/{name}"));
        let roots = swtpm_roots(folder);
        let ek = verify_ek_certificate(&der, &[], &roots, moment(LATE_2026)).unwrap();
        let facts = ek.facts();
        assert_eq!(facts.tpm.manufacturer.as_deref(), Some("id:00001014"));
        assert_eq!(facts.tpm.model.as_deref(), Some("swtpm"));
        assert_eq!(facts.tpm.specification.as_ref().unwrap().family, "2.0");
        assert_eq!(facts.intermediates.len(), 1);
        // It never expires, and is not valid before it was made.
        let ages_hence = moment("9999-12-31T23:59:59Z");
        verify_ek_certificate(&der, &[], &roots, ages_hence).unwrap();
        let early = moment("2020-01-01T00:00:00Z");
        let error = verify_ek_certificate(&der, &[], &roots, early).unwrap_err();
        assert_eq!(error.check(), "tpm-ca-not-yet-valid");
        // Sent along, the CA serves as well; without it nobody is the issuer.
        let root =
            TrustAnchors::none().with_file(&read(&format!("{folder}/ek-root-ca.pem"))).unwrap();
        let error = verify_ek_certificate(&der, &[], &root, moment(LATE_2026)).unwrap_err();
        assert_eq!(error.check(), "ek-certificate-issuer-unknown");
        let ca = read(&format!("{folder}/ek-issuing-ca.pem"));
        let ca = pem::certificates(&ca, 1).unwrap().remove(0);
        verify_ek_certificate(&der, &[&ca], &root, moment(LATE_2026)).unwrap();
    }
}

#[test]
fn what_lies_around_a_certificate_in_a_tpms_memory_is_cut_off() {
    if absent() {
        return;
    }
    let der = read("produced/tpm/ek-rsa2048.cert.der");
    let length = u16::try_from(der.len()).unwrap().to_be_bytes();
    let stored = [[0x10, 0x01, 0x00].as_slice(), &length, &der].concat();
    for area in [
        der.clone(),
        [der.as_slice(), &[0xff; 600]].concat(),
        [der.as_slice(), &[0x00; 3]].concat(),
        [stored.as_slice(), &[0xff; 9]].concat(),
    ] {
        assert_eq!(trim_padding(&area), der.as_slice());
        let roots = swtpm_roots("produced/tpm");
        verify_ek_certificate(&area, &[], &roots, moment(LATE_2026)).unwrap();
    }
    let roots = swtpm_roots("produced/tpm");
    let with_more = [der.as_slice(), b"more"].concat();
    let error = verify_ek_certificate(&with_more, &[], &roots, moment(LATE_2026)).unwrap_err();
    assert_eq!(error.check(), "ek-certificate-malformed");
    let cut = &der[..der.len() - 1];
    let error = verify_ek_certificate(cut, &[], &roots, moment(LATE_2026)).unwrap_err();
    assert_eq!(error.check(), "ek-certificate-malformed");
}

#[test]
fn a_platform_certificate_is_no_endorsement_key() {
    if absent() {
        return;
    }
    let der = read("produced/tpm/platform.cert.der");
    let roots = swtpm_roots("produced/tpm");
    assert!(verify_ek_certificate(&der, &[], &roots, moment(LATE_2026)).is_err());
}

#[test]
fn googles_certificates_serve_for_what_they_are() {
    if absent() {
        return;
    }
    let roots = TrustAnchors::none()
        .with_file(&read("certs/gce-ca-gcp_ek_ak_ca_root.crt"))
        .unwrap()
        .with_intermediates(&read("certs/gce-ca-gcp_ek_ak_ca_intermediate_v3.crt"))
        .unwrap();
    let at = moment(LATE_2026);
    for kind in ["rsa", "ecc"] {
        let der = |what: &str| {
            let file = read(&format!("certs/gce-pca_tpm_{kind}_{what}_cert.pem"));
            pem::certificates(&file, 1).unwrap().remove(0)
        };
        let ek = verify_ek_certificate(&der("enc"), &[], &roots, at).unwrap();
        assert_eq!(ek.facts().tpm, avouch_tpm::Tpm::default());
        verify_aik_certificate(&der("sign"), &[], &roots, at).unwrap();
        let error = verify_ek_certificate(&der("sign"), &[], &roots, at).unwrap_err();
        assert_eq!(error.check(), "ek-certificate-key-usage");
        let error = verify_aik_certificate(&der("enc"), &[], &roots, at).unwrap_err();
        assert_eq!(error.check(), "aik-certificate-key-usage");
    }
}

/// The manufacturers' certificates, by file.
fn manufacturers() -> Vec<(String, Vec<u8>)> {
    let files = files("certs/manufacturers");
    assert_eq!(files.len(), 51);
    files.into_iter().map(|path| (path.clone(), read(&path))).collect()
}

#[test]
fn every_manufacturer_can_be_trusted_whatever_the_order_in_its_name_or_its_own_signature() {
    if absent() {
        return;
    }
    for (path, file) in manufacturers() {
        let roots =
            TrustAnchors::none().with_file(&file).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(roots.roots().count() >= 1, "{path}");
    }
}

#[test]
fn manufacturers_cas_hold_below_their_roots_with_critical_policies_understood() {
    if absent() {
        return;
    }
    // Every pair of a file's CA below another file's, as a path would have it: judged by a leaf that
    // nobody signed, the path fails at the leaf and not at the CA.
    let all: Vec<Certificate> = manufacturers()
        .iter()
        .flat_map(|(_, file)| pem::certificates(file, 8).unwrap())
        .map(|der| Certificate::parse_for_its_key(&der).unwrap())
        .collect();
    let (mut held, mut critical) = (0, 0);
    for ca in &all {
        let policies = ca.extension("2.5.29.32");
        critical += usize::from(policies.is_some_and(|found| found.critical));
        let issuer = all
            .iter()
            .find(|above| above.subject() == ca.issuer() && ca.is_signed_by(above.public_key()));
        let Some(issuer) = issuer.filter(|_| !ca.is_self_issued()) else { continue };
        let anchor = avouch_pki::TrustAnchor::from_certificate("root", issuer);
        let at = ca.not_before().saturating_add_seconds(1);
        let understood = ["2.5.29.32"];
        let role = avouch_pki::Role::Ca;
        avouch_pki::verify_issued_understanding(ca, &anchor, role, &understood, at)
            .unwrap_or_else(|error| panic!("{error}"));
        held += 1;
        // Elsewhere a critical extension that nobody honours is refused as before.
        if policies.is_some_and(|found| found.critical) {
            assert!(avouch_pki::verify_issued(ca, &anchor, role, at).is_err());
        }
    }
    assert!(held >= 14 && critical >= 26, "{held} held, {critical} with critical policies");
}

#[test]
fn a_lab_aik_certificate_without_subject_holds_under_its_ca_only() {
    if absent() {
        return;
    }
    let der = read("maa/lab-aik.cert.der");
    let roots = TrustAnchors::none().with_file(&read("maa/lab-aik-ca.der")).unwrap();
    let aik = verify_aik_certificate(&der, &[], &roots, moment(LATE_2026)).unwrap();
    assert_eq!(aik.facts().subject, "");
    let other = TrustAnchors::none().with_file(&read("maa/transcript-certify/aik-ca.der")).unwrap();
    let error = verify_aik_certificate(&der, &[], &other, moment(LATE_2026)).unwrap_err();
    assert!(matches!(error, TpmCertificateError::IssuerUnknown { .. }), "{error}");
}

#[test]
fn only_cas_can_be_trusted() {
    if absent() {
        return;
    }
    let error = TrustAnchors::none().with_file(&read("maa/lab-aik.cert.der")).unwrap_err();
    assert_eq!(error.check(), "tpm-root-not-ca");
    for file in [b"".as_slice(), b"no certificate", &[0x30, 0x03, 1, 2]] {
        let error = TrustAnchors::none().with_file(file).unwrap_err();
        assert_eq!(error.check(), "tpm-root-malformed");
    }
}

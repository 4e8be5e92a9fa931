//! Chains of recorded attestation keys to Azure's pinned CAs.

use avouch_azure::{Host, VtpmAnchors, verify_vtpm_ak_certificate};
use avouch_pki::{Certificate, digest};
use avouch_tpm::TrustAnchors;
use avouch_wire::FailedCheck as _;

use super::recordings::{absent, bytes, ders, json, moment, read};

fn certificate(path: &str) -> Certificate {
    Certificate::parse(&ders(&read(path))[0]).unwrap()
}

const FILES: [&str; 5] = [
    "tpm/certs/azure-virtual-tpm-root-2023.pem",
    "tpm/certs/azure-cloud-virtual-tpm-ca-2025.pem",
    "tpm/certs/azure-cloud-virtual-tpm-ca-24.pem",
    "tpm/certs/azure-global-virtual-tpm-ca-01.pem",
    "tpm/certs/azure-global-virtual-tpm-ca-03.pem",
];

/// The certificates of keys, each with the CA that issued it and a moment in its validity.
fn leaves() -> [(Vec<u8>, &'static str, &'static str); 3] {
    let cleanroom = &json("snp/hcl/cleanroom-cvm-encryption.json")["report"]["snpCvm"]["evidence"];
    let domain = &json("snp/hcl/tdx-azure-ak-2026.json")["ak_certificate_pem"];
    [
        (
            read("tpm/azure/trusted-launch-windows/aik.cert.der"),
            "Global Virtual TPM CA - 01",
            "2025-01-01T00:00:00Z",
        ),
        (bytes(&cleanroom["aikCert"]), "Global Virtual TPM CA - 03", "2026-11-21T17:00:00Z"),
        (
            ders(domain.as_str().unwrap().as_bytes())[0].clone(),
            "Azure Cloud Virtual TPM CA - 24",
            "2026-06-23T11:00:00Z",
        ),
    ]
}

#[test]
fn the_pinned_keys_are_those_of_the_published_certificates() {
    if absent() {
        return;
    }
    let anchors = VtpmAnchors::azure();
    for path in FILES {
        let certificate = certificate(path);
        let key = digest::sha256(certificate.public_key().spki_der());
        let root = anchors.roots().find(|root| root.key_sha256 == key).expect(path);
        assert_eq!(root.label, certificate.subject().common_name().unwrap());
    }
    assert_eq!(anchors.roots().count(), FILES.len());
}

#[test]
fn recorded_attestation_keys_are_azures_by_their_certificate_alone() {
    if absent() {
        return;
    }
    for (leaf, ca, at) in leaves() {
        let verified =
            verify_vtpm_ak_certificate(&leaf, &[], &VtpmAnchors::azure(), moment(at)).unwrap();
        assert_eq!((verified.host(), verified.facts().root.label.as_str()), (Host::Azure, ca));
        assert!(verified.facts().subject.contains("Azure"), "{}", verified.facts().subject);
    }
}

/// The last one that is issued has four certificates, three steps above the leaf.
#[test]
fn a_chain_of_three_steps_leads_to_a_root_that_an_operator_names() {
    if absent() {
        return;
    }
    let [.., (leaf, _, at)] = leaves();
    let sent: Vec<Vec<u8>> = FILES[1..3].iter().map(|path| ders(&read(path))[0].clone()).collect();
    let sent: Vec<&[u8]> = sent.iter().map(Vec::as_slice).collect();
    let named = TrustAnchors::none().with_file(&read(FILES[0])).unwrap();
    let named = VtpmAnchors::none().and(&named);
    let verified = verify_vtpm_ak_certificate(&leaf, &sent, &named, moment(at)).unwrap();
    assert_eq!(verified.host(), Host::Other, "whoever names a root answers for it");
    let error = verify_vtpm_ak_certificate(&leaf, &sent[..1], &named, moment(at)).unwrap_err();
    assert_eq!(error.check(), "aik-certificate-issuer-unknown");
}

#[test]
fn keys_are_refused_out_of_their_time_and_of_their_cas_time() {
    if absent() {
        return;
    }
    let anchors = VtpmAnchors::azure();
    let check = |leaf: &[u8], at: &str| {
        let verified = verify_vtpm_ak_certificate(leaf, &[], &anchors, moment(at));
        verified.map_err(|error| error.check()).err()
    };
    let [(launch, ..), (confidential, ..), (domain, ..)] = leaves();
    assert_eq!(check(&launch, "2024-02-06T23:59:59Z"), Some("aik-certificate-not-yet-valid"));
    assert_eq!(check(&launch, "2024-02-07T00:00:00Z"), None);
    assert_eq!(check(&launch, "2025-10-30T00:00:00Z"), None);
    assert_eq!(check(&launch, "2025-10-30T00:00:01Z"), Some("aik-certificate-expired"));
    assert_eq!(check(&confidential, "2027-03-13T12:00:00Z"), Some("aik-certificate-expired"));
    assert_eq!(check(&domain, "2026-06-07T23:59:59Z"), Some("aik-certificate-not-yet-valid"));
}

#[test]
fn a_flipped_bit_in_a_certificate_is_refused() {
    if absent() {
        return;
    }
    let anchors = VtpmAnchors::azure();
    for (leaf, _, at) in leaves() {
        let length = avouch_tpm::trim_padding(&leaf).len();
        for place in (0..length).step_by(37).chain([length - 1]) {
            let mut broken = leaf.clone();
            broken[place] ^= 0x10;
            let verified = verify_vtpm_ak_certificate(&broken, &[], &anchors, moment(at));
            assert!(verified.is_err(), "byte {place}");
        }
    }
}

use avouch_wire::FailedCheck as _;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use super::*;

const AT: UnixTime = UnixTime::EPOCH.saturating_add_seconds(1_800_000_000);

fn params(name: &str, is_ca: bool) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2050, 1, 1);
    params.is_ca =
        if is_ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
    let usage =
        if is_ca { KeyUsagePurpose::KeyCertSign } else { KeyUsagePurpose::DigitalSignature };
    params.key_usages = vec![usage];
    params
}

/// Verifies signer, `between` CAs and a changed CA at the top, whose own issuer is not sent.
fn without_root(
    between: usize,
    change: &dyn Fn(&mut CertificateParams),
) -> Result<(), &'static str> {
    let root_key = KeyPair::generate().unwrap();
    let mut issuer = Issuer::new(params("Root", true), root_key);
    let mut top = params("Top", true);
    change(&mut top);
    let mut chain = Vec::new();
    let middle = std::iter::repeat_with(|| params("Middle", true)).take(between);
    for of_ca in std::iter::once(top).chain(middle) {
        let key = KeyPair::generate().unwrap();
        chain.push(of_ca.signed_by(&key, &issuer).unwrap());
        issuer = Issuer::new(of_ca, key);
    }
    let key = KeyPair::generate().unwrap();
    chain.push(params("Signer", false).signed_by(&key, &issuer).unwrap());
    let chain: Vec<Certificate> =
        chain.iter().rev().map(|one| Certificate::parse(one.der()).unwrap()).collect();
    verify_path(&chain, AT).map(drop).map_err(|error| error.check())
}

#[test]
fn a_chain_without_its_root_is_judged_from_its_top() {
    assert_eq!(without_root(0, &|_| {}), Ok(()));
    assert_eq!(without_root(2, &|_| {}), Ok(()));
    assert_eq!(
        without_root(0, &|top| top.key_usages = vec![KeyUsagePurpose::CrlSign]),
        Err("certificate-key-usage")
    );
    let short = |top: &mut CertificateParams| {
        top.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    };
    assert_eq!(without_root(0, &short), Ok(()));
    assert_eq!(without_root(1, &short), Err("certificate-path-length"));
    let with = |oid: &'static [u64], critical: bool| {
        without_root(0, &|top| {
            let mut extension = CustomExtension::from_oid_content(oid, vec![0x30, 0]);
            extension.set_criticality(critical);
            top.custom_extensions = vec![extension];
        })
    };
    assert_eq!(with(&[1, 2, 3, 4], true), Err("certificate-critical-extension"));
    assert_eq!(with(&[1, 2, 3, 4], false), Ok(()));
    for critical in [true, false] {
        assert_eq!(with(&[2, 5, 29, 30], critical), Err("certificate-unsupported-constraint"));
    }
    assert_eq!(without_root(0, &|top| top.is_ca = IsCa::NoCa), Err("certificate-not-ca"));
    let ended = |top: &mut CertificateParams| top.not_after = date_time_ymd(2026, 1, 1);
    assert_eq!(without_root(0, &ended), Err("certificate-expired"));
}

#[test]
fn an_identifier_names_a_certificate_above_the_signers() {
    let certificate = |name: &str| {
        let made = params(name, true).self_signed(&KeyPair::generate().unwrap()).unwrap();
        Certificate::parse(made.der()).unwrap()
    };
    let chain = ["signer", "ca", "root"].map(certificate);
    let [signer, ca, root] = chain.each_ref().map(Certificate::fingerprint_sha256);
    let check = |fingerprint: &Hex<32>| {
        let text = avouch_wire::base64url::encode(fingerprint.as_bytes());
        let did = DidX509::parse(&format!("did:x509:0:sha256:{text}::eku:1.2")).unwrap();
        check_fingerprint(&chain, &did)
    };
    assert_eq!((check(&ca), check(&root)), (Ok(()), Ok(())));
    let refused = UvmError::DidFingerprint { expected: signer, found: vec![ca, root] };
    assert_eq!(check(&signer), Err(refused));
}

//! Recorded evidence of Azure's virtual TPMs.

use avouch_pki::PublicKey;
use avouch_tpm::{
    AcceptableKey, AkRules, Attest, AttestationKey, Expected, HashAlgorithm, Hierarchy, PcrMask,
    PcrValue, Signature, Standing, TrustAnchors, qualified_name, verify_aik_certificate,
    verify_certify, verify_quote,
};
use avouch_wire::{FailedCheck as _, base64url, encode_hex};
use serde_json::Value;

use super::recordings::{absent, attest, base64, json, moment, public, read};

/// The attestation key that a hardware report names: an RSA JWK in its runtime data.
pub(crate) fn reported_key(path: &str) -> AttestationKey {
    AttestationKey::self_asserted(&runtime_key(path), AkRules::default()).unwrap()
}

fn runtime_key(path: &str) -> PublicKey {
    let report = read(path);
    let start = report.windows(8).position(|window| window == b"{\"keys\":").unwrap();
    let mut documents = serde_json::Deserializer::from_slice(&report[start..]).into_iter::<Value>();
    let document = documents.next().unwrap().unwrap();
    let keys = document["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == "HCLAkPub").unwrap();
    let part = |name: &str| base64url::decode(key[name].as_str().unwrap()).unwrap();
    PublicKey::rsa(&part("n"), &part("e")).unwrap()
}

/// Signature, quote and SHA-256 values, each vector led by its length in 64 bits.
fn bincode(path: &str) -> (Signature, Attest, Vec<PcrValue>) {
    let bytes = read(path);
    let mut rest = bytes.as_slice();
    let number = |rest: &mut &[u8]| {
        let (head, tail) = rest.split_first_chunk::<8>().unwrap();
        *rest = tail;
        usize::try_from(u64::from_le_bytes(*head)).unwrap()
    };
    let take = |rest: &mut &[u8], length: usize| {
        let (head, tail) = rest.split_at(length);
        *rest = tail;
        head.to_vec()
    };
    let length = number(&mut rest);
    let signature = take(&mut rest, length);
    let length = number(&mut rest);
    let quote = take(&mut rest, length);
    let count = number(&mut rest);
    let value = |index| PcrValue {
        bank: HashAlgorithm::Sha256,
        index: u32::try_from(index).unwrap(),
        digest: rest[index * 32..][..32].to_vec(),
    };
    let values = (0..count).map(value).collect();
    let signature = Signature::bare_rsassa(HashAlgorithm::Sha256, &signature);
    (signature, Attest::parse(&quote).unwrap(), values)
}

#[test]
fn the_quotes_of_confidential_machines_hold_under_the_key_that_their_report_names() {
    if absent() {
        return;
    }
    let reported = reported_key("azure/lunal-az_snp-hcl-report.bin");
    let pem = avouch_pki::pem::blocks_of_any_label(&read("azure/kinvolk-akpub.pem"), 1).unwrap()[0]
        .der()
        .unwrap();
    let key = PublicKey::from_spki(&pem).unwrap();
    let named = AttestationKey::self_asserted(&key, AkRules::default()).unwrap();
    for (path, key) in
        [("azure/lunal-az_snp-quote.bin", &reported), ("azure/kinvolk-quote.bin", &named)]
    {
        let (signature, quote, values) = bincode(path);
        let values = super::recordings::selected(&values, &quote);
        let nonce = quote.untrusted_extra_data().to_vec();
        let required = PcrMask::of(&[0, 7]).unwrap();
        let expected = Expected { qualifying_data: &nonce, required };
        let verified = verify_quote(&quote, &signature, key, expected, &values).unwrap();
        assert!(verified.value(HashAlgorithm::Sha256, 0).is_some());
    }
}

const FOLDER: &str = "azure/trusted-launch-windows";

fn azure_roots() -> TrustAnchors {
    let mut roots =
        TrustAnchors::none().with_file(&read("certs/azure-virtual-tpm-root-2023.pem")).unwrap();
    for name in [
        "global-virtual-tpm-ca-01",
        "global-virtual-tpm-ca-03",
        "cloud-virtual-tpm-ca-2025",
        "cloud-virtual-tpm-ca-24",
    ] {
        roots = roots.with_intermediates(&read(&format!("certs/azure-{name}.pem"))).unwrap();
    }
    roots
}

#[test]
fn a_trusted_launch_machine_is_known_by_its_certificate_and_attests_its_pcrs_and_a_key() {
    if absent() {
        return;
    }
    let read_it = |name: &str| read(&format!("{FOLDER}/{name}"));
    let at = moment("2025-01-01T00:00:00Z");
    let certificate = read_it("aik.cert.der");
    let roots = azure_roots();
    let aik = verify_aik_certificate(&certificate, &[], &roots, at).unwrap();
    let late = moment("2025-10-30T23:59:59Z").saturating_add_seconds(86_400);
    let error = verify_aik_certificate(&certificate, &[], &roots, late).unwrap_err();
    assert_eq!(error.check(), "aik-certificate-expired");
    let nobody = verify_aik_certificate(&certificate, &[], &TrustAnchors::none(), at).unwrap_err();
    assert_eq!(nobody.check(), "tpm-no-roots");

    let ak = public(&format!("{FOLDER}/aik.tpm2b_public"));
    let facts = &json("expected.json")["azure/trusted-launch-windows/request.json"];
    assert_eq!(facts["aik_name"], ak.name().to_string());
    let place = qualified_name(&Hierarchy::Endorsement.qualified_name(), ak.name()).unwrap();
    let key = AcceptableKey::of(&ak, AkRules::default()).unwrap().certified(&aik).unwrap();
    let key = key.standing_at(place);
    assert_eq!(key.standing(), Standing::Certified);

    let quote = attest(&format!("{FOLDER}/quote.attest"));
    let signature = Signature::bare_rsassa(HashAlgorithm::Sha256, &read_it("quote.sig-raw"));
    let info = json(&format!("{FOLDER}/attestation-info.json"));
    let value = |value: &Value| PcrValue {
        bank: HashAlgorithm::Sha256,
        index: value["Index"].as_u64().unwrap().try_into().unwrap(),
        digest: base64(&value["Digest"]),
    };
    let values: Vec<_> = info["TpmInfo"]["PCRs"].as_array().unwrap().iter().map(value).collect();
    let required = PcrMask::of(&[0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14]).unwrap();
    let expected = Expected { qualifying_data: &[], required };
    verify_quote(&quote, &signature, &key, expected, &values).unwrap();

    let sealing = public(&format!("{FOLDER}/enckey.tpm2b_public"));
    assert_eq!(facts["enckey_name"], sealing.name().to_string());
    let certification = attest(&format!("{FOLDER}/enckey-certify.attest"));
    let signature =
        Signature::bare_rsassa(HashAlgorithm::Sha256, &read_it("enckey-certify.sig-raw"));
    let place = qualified_name(&Hierarchy::Null.qualified_name(), sealing.name()).unwrap();
    let certified =
        verify_certify(&certification, &signature, &key, &[], &sealing, Some(&place)).unwrap();
    assert_eq!(certified.attributes.0, 0x0002_0432);
    assert_eq!(facts["enckey_auth_policy"], certified.auth_policy.unwrap());
    let elsewhere = Hierarchy::Owner.qualified_name();
    let elsewhere = qualified_name(&elsewhere, sealing.name()).unwrap();
    let error = verify_certify(&certification, &signature, &key, &[], &sealing, Some(&elsewhere));
    assert_eq!(error.unwrap_err().check(), "tpm-certified-place");
    let error = verify_certify(&certification, &signature, &key, &[], &ak, None).unwrap_err();
    assert_eq!(error.check(), "tpm-certified-name");
    assert!(encode_hex(sealing.bytes()).len() > 100);
}

#[test]
fn the_certificate_of_a_machine_of_2026_leads_over_two_cas_to_the_root() {
    if absent() {
        return;
    }
    let Ok(path) = std::panic::catch_unwind(|| read("../snp/hcl/tdx-azure-ak-2026.json")) else {
        return;
    };
    let document: Value = serde_json::from_slice(&path).unwrap();
    let Some(pem) = first_pem(&document) else { return };
    let der = avouch_pki::pem::blocks_of_any_label(pem.as_bytes(), 8).unwrap()[0].der().unwrap();
    let at = moment("2026-11-01T00:00:00Z");
    let aik = verify_aik_certificate(&der, &[], &azure_roots(), at).unwrap();
    assert!(aik.facts().subject.contains("Azure.windows.net"), "{}", aik.facts().subject);
}

/// The first PEM certificate in any text of a document.
fn first_pem(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.contains("BEGIN CERTIFICATE").then(|| text.clone()),
        Value::Array(values) => values.iter().find_map(first_pem),
        Value::Object(members) => members.values().find_map(first_pem),
        _ => None,
    }
}

//! Signatures that stand beside what they are over.
#![cfg(test)]
#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests over known data; a failed one may stop anywhere"
)]

mod support;

use avouch_pki::Certificate;
use avouch_token::policy_jws::{
    JwsContent, PolicySigner, SignedForm, VerifiedSigner, authorize_signer, create_signed,
    sign_detached,
};
use avouch_token::{KeySpec, Signer as _, SigningKey};
use avouch_wire::{FailedCheck as _, base64url};
use support::pki::{Identity, at, root};

const CONTENT: &[u8] = b"what is signed";

fn signature(by: &Identity, others: &[&Identity]) -> String {
    let mut chain: Vec<Certificate> = vec![by.certificate.clone()];
    chain.extend(others.iter().map(|other| other.certificate.clone()));
    sign_detached(CONTENT, PolicySigner::new(&*by.key, &chain).unwrap()).unwrap()
}

#[track_caller]
fn refused(signature: &str, content: &[u8], check: &str) {
    let error = VerifiedSigner::verify_detached(signature, content).unwrap_err();
    assert_eq!(error.check(), check, "{error}");
}

#[test]
fn a_signature_is_over_the_content_and_names_its_signer() {
    let own = root("own");
    let text = signature(&own, &[]);
    assert_eq!(text.split('.').nth(1), Some(""), "there is no payload in it");
    let signer = VerifiedSigner::verify_detached(&format!("{text}\n"), CONTENT).unwrap();
    assert_eq!(signer.certificate().unwrap().der(), own.certificate.der());
    refused(&text, b"what is signeD", "policy-jws-signature");
    refused(&text, b"", "policy-jws-signature");
    for (index, _) in text.char_indices().filter(|(_, letter)| *letter != '.').step_by(41) {
        let letter = if &text[index..=index] == "A" { "B" } else { "A" };
        let flipped = format!("{}{letter}{}", &text[..index], &text[index + 1..]);
        assert!(VerifiedSigner::verify_detached(&flipped, CONTENT).is_err(), "at {index}");
    }
}

#[test]
fn a_signer_counts_by_its_own_certificate_or_the_one_above_it() {
    let (top, other) = (root("top"), root("other"));
    let leaf = top.leaf("leaf");
    let signer = VerifiedSigner::verify_detached(&signature(&leaf, &[]), CONTENT).unwrap();
    let trusted =
        |one: &Identity| authorize_signer(&signer, std::slice::from_ref(&one.certificate), at());
    trusted(&top).unwrap();
    trusted(&leaf).unwrap();
    assert_eq!(trusted(&other).unwrap_err().check(), "policy-signer-issuer");
}

#[test]
fn what_is_no_signature_beside_its_content_is_refused() {
    let own = root("own");
    let chain = [own.certificate.clone()];
    let policy_signer = PolicySigner::new(&*own.key, &chain).unwrap();
    let attached = create_signed(JwsContent::Policy("x"), SignedForm::Compact, policy_signer);
    refused(&attached.unwrap(), CONTENT, "policy-jws-form");
    refused("", CONTENT, "policy-jws-form");
    refused("..", CONTENT, "policy-jws-form");
    let good = signature(&own, &[]);
    refused(&format!("{good}="), CONTENT, "policy-jws-form");
    refused(&format!("{good}.x"), CONTENT, "policy-jws-form");
    refused(&"a".repeat(70_000), CONTENT, "policy-jws-form");
    let none = base64url::encode(r#"{"alg":"none"}"#);
    refused(&format!("{none}.."), CONTENT, "policy-jws-signed");
    let (header, rest) = good.split_once("..").unwrap();
    refused(&format!("{none}..{rest}"), CONTENT, "policy-jws-signed");
    refused(&format!("{header}.."), CONTENT, "policy-jws-signed");
    // A request to reset is signed over an empty payload: it is no signature over anything else.
    let reset = create_signed(JwsContent::Reset, SignedForm::Compact, policy_signer).unwrap();
    refused(&reset, CONTENT, "policy-jws-signature");
}

#[test]
fn a_key_without_its_certificate_is_refused() {
    let own = root("own");
    let key = SigningKey::generate(KeySpec::P256).unwrap();
    let header = base64url::encode(r#"{"alg":"ES256"}"#);
    let input = format!("{header}.{}", base64url::encode(CONTENT));
    let signature = base64url::encode(key.sign(input.as_bytes()).unwrap());
    refused(&format!("{header}..{signature}"), CONTENT, "policy-jws-certificate");
    assert!(PolicySigner::new(&key, &[own.certificate]).is_err());
}

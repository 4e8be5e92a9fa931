#![cfg(test)]
//! A signature counts under the very key that made it, over the very content, and in no other way.

#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use avouch_wire::FailedCheck as _;

use super::*;
use crate::KeySpec;

fn keys() -> Vec<BarePrivateKey> {
    let specs = [KeySpec::Rsa2048, KeySpec::P256, KeySpec::P384];
    let mut keys: Vec<BarePrivateKey> = specs
        .into_iter()
        .map(|spec| {
            let text = SigningKey::generate(spec).unwrap().to_pkcs8_pem().unwrap();
            BarePrivateKey::from_pkcs8_pem(&text).unwrap()
        })
        .collect();
    let pair = Ed25519KeyPair::generate().unwrap();
    let text = pem::encode("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref());
    keys.push(BarePrivateKey::from_pkcs8_pem(&text).unwrap());
    keys
}

fn spki(key: &BarePublicKey) -> Vec<u8> {
    match &key.0 {
        Public::Ed25519(raw) => [ED25519_SPKI.as_slice(), raw].concat(),
        Public::Other(key) => key.spki_der().to_vec(),
    }
}

fn check(signature: &str, content: &[u8], trusted: &[BarePublicKey]) -> &'static str {
    verify_bare_signature(signature, content, trusted).map_or_else(|error| error.check(), |_| "ok")
}

#[test]
fn each_kind_of_key_signs_and_only_it_is_believed() {
    let keys = keys();
    let all: Vec<BarePublicKey> = keys.iter().map(BarePrivateKey::public_key).collect();
    let mut algorithms = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        let own = [all[index].clone()];
        let read = BarePublicKey::from_pem(&pem::encode("PUBLIC KEY", &spki(&own[0]))).unwrap();
        assert_eq!(read, own[0]);
        let signature = key.sign(b"content").unwrap();
        assert_eq!(verify_bare_signature(&signature, b"content", &all).unwrap(), &own[0]);
        assert_eq!(check(&format!(" {signature}\n"), b"content", &own), "ok");
        algorithms.push(own[0].algorithm());
        for content in [b"contents".as_slice(), b"Content", b""] {
            assert_eq!(check(&signature, content, &own), "bare-signature");
        }
        let others: Vec<_> = all.iter().filter(|key| **key != own[0]).cloned().collect();
        assert_eq!(check(&signature, b"content", &others), "bare-signature-key");
        assert_eq!(check(&signature, b"content", &[]), "bare-signature-key");
    }
    assert_eq!(algorithms, ["RS256", "ES256", "ES384", "EdDSA"]);
}

/// A signature with another header.
fn with_header(signature: &str, header: &Value) -> String {
    let (_, tail) = signature.split_once("..").unwrap();
    format!("{}..{tail}", base64url::encode(header.to_string()))
}

#[test]
fn whatever_is_changed_in_a_signature_refuses_it() {
    for key in keys() {
        let public = [key.public_key()];
        let (kid, algorithm) = (public[0].id(), public[0].algorithm());
        let signature = key.sign(b"content").unwrap();
        let (header, tail) = signature.split_once("..").unwrap();
        // Every bit of the signature itself.
        let raw = base64url::decode(tail).unwrap();
        for index in 0..raw.len() {
            let mut flipped = raw.clone();
            flipped[index] ^= 1;
            let text = format!("{header}..{}", base64url::encode(flipped));
            assert_eq!(check(&text, b"content", &public), "bare-signature", "byte {index}");
        }
        let cut = format!("{header}..{}", base64url::encode(&raw[..raw.len() - 1]));
        assert_eq!(check(&cut, b"content", &public), "bare-signature");
        assert_eq!(check(&format!("{header}.."), b"content", &public), "bare-signature");
        for (header, expected) in [
            (json!({"alg": "none", "kid": kid}), "bare-signature-algorithm"),
            (json!({"alg": "HS256", "kid": kid}), "bare-signature-algorithm"),
            (json!({"alg": "PS256", "kid": kid}), "bare-signature-algorithm"),
            (json!({"kid": kid}), "bare-signature-form"),
            (json!({"alg": algorithm}), "bare-signature-key"),
            (json!({"alg": algorithm, "kid": "other"}), "bare-signature-key"),
            (json!({"alg": algorithm, "kid": kid, "crit": ["b64"]}), "bare-signature-form"),
            // What is signed is the header too.
            (json!({"alg": algorithm, "kid": kid, "typ": "JOSE"}), "bare-signature"),
        ] {
            let changed = with_header(&signature, &header);
            assert_eq!(check(&changed, b"content", &public), expected, "{header}");
        }
        let payload = base64url::encode(b"content");
        let whole = format!("{header}.{payload}.{tail}");
        for text in [whole.as_str(), "", "..", "a..b", &signature.replace("..", "...")] {
            assert_eq!(check(text, b"content", &public), "bare-signature-form", "{text}");
        }
        let long = format!("{signature}{}", "A".repeat(SIGNATURE_BYTES_MAX));
        assert_eq!(check(&long, b"content", &public), "bare-signature-form");
    }
}

#[test]
fn keys_of_other_kinds_and_what_is_no_key_are_refused() {
    let text = |label: &str, der: &[u8]| BarePublicKey::from_pem(&pem::encode(label, der));
    let ed25519 = [ED25519_SPKI.as_slice(), &[7; 32]].concat();
    assert!(text("PUBLIC KEY", &ed25519).is_ok());
    assert_eq!(text("CERTIFICATE", &ed25519), Err(BarePublicKeyError::NotPem));
    for der in [&ed25519[..43], &[ed25519.as_slice(), &[0]].concat(), b"", &[0x30, 0x00]] {
        assert_eq!(text("PUBLIC KEY", der), Err(BarePublicKeyError::Unsupported));
    }
    let p521 = PublicKey::p521(&[1; 132]);
    assert_eq!(text("PUBLIC KEY", p521.spki_der()), Err(BarePublicKeyError::Unsupported));
    let short = PublicKey::rsa(&[0xff; 128], &[1, 0, 1]).unwrap();
    assert_eq!(text("PUBLIC KEY", short.spki_der()), Err(BarePublicKeyError::Unsupported));
    assert_eq!(BarePublicKey::from_pem("no key"), Err(BarePublicKeyError::NotPem));
    for text in
        ["no key", &pem::encode("PRIVATE KEY", b"none"), &pem::encode("PUBLIC KEY", &ed25519)]
    {
        assert!(BarePrivateKey::from_pkcs8_pem(text).is_err(), "{text}");
    }
}

//! Key sets of others: what is read, what is left out and why.
#![cfg(test)]
#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests over known data; a failed one may stop anywhere"
)]

mod support;

use avouch_token::{
    Algorithm, Jwks, JwksError, PublishedKey, Signer as _, UnusableReason, X5cError,
    provider_certificate,
};
use avouch_wire::base64url;
use serde_json::{Value, json};
use support::{ISSUER, P256_KEY, P384_KEY, RSA_KEY};

fn published(key: &avouch_token::SigningKey) -> Value {
    let certificate = provider_certificate(key, ISSUER, None).unwrap();
    serde_json::from_str(PublishedKey::new(key, &[certificate]).json()).unwrap()
}

fn read(key: Value) -> Result<avouch_token::Jwk, UnusableReason> {
    let set = Jwks::parse(json!({"keys": [key]}).to_string().as_bytes()).unwrap();
    match (set.keys(), set.unusable()) {
        ([key], []) => Ok(key.clone()),
        ([], [left_out]) => Err(left_out.reason.clone()),
        other => panic!("{other:?}"),
    }
}

fn without(mut key: Value, names: &[&str]) -> Value {
    for name in names {
        key.as_object_mut().unwrap().remove(*name);
    }
    key
}

fn with(mut key: Value, name: &str, value: Value) -> Value {
    key[name] = value;
    key
}

#[test]
fn our_own_keys_read_back_from_public_values_from_x5c_and_from_both() {
    for key in [&*RSA_KEY, &*P256_KEY, &*P384_KEY] {
        let published = published(key);
        for form in [
            published.clone(),
            without(published.clone(), &["x5c"]),
            without(published.clone(), &["n", "e", "x", "y", "crv"]),
            with(published.clone(), "x5c", json!([])),
            without(published, &["n", "e", "x", "y", "crv", "alg", "use", "kid"]),
        ] {
            let read = read(form.clone()).unwrap();
            assert_eq!(read.key(), key.public_key(), "{form}");
            assert_eq!(read.kid().is_some(), form.get("kid").is_some());
            assert_eq!(read.algorithm().is_some(), form.get("alg").is_some());
            assert!(read.serves(key.algorithm()));
        }
    }
    assert!(!read(published(&P256_KEY)).unwrap().serves(Algorithm::Es384));
    // The type of key decides where the set names no algorithm.
    let unnamed = read(without(published(&P256_KEY), &["alg"])).unwrap();
    assert!(!unnamed.serves(Algorithm::Rs256) && !unnamed.serves(Algorithm::Es384));
    assert_eq!(read(published(&RSA_KEY)).unwrap().untrusted_certificates().len(), 1);
}

#[test]
fn keys_for_other_uses_types_and_algorithms_are_left_out() {
    let rsa = || published(&RSA_KEY);
    assert_eq!(read(with(rsa(), "use", json!("enc"))).unwrap_err(), UnusableReason::OtherUse);
    assert_eq!(
        read(with(rsa(), "key_ops", json!(["sign"]))).unwrap_err(),
        UnusableReason::OtherUse
    );
    assert!(read(with(rsa(), "key_ops", json!(["sign", "verify"]))).is_ok());
    for name in ["HS256", "ES256", "RSA-OAEP", "none", "rs256"] {
        assert_eq!(
            read(with(rsa(), "alg", json!(name))).unwrap_err(),
            UnusableReason::Algorithm(name.into())
        );
    }
    for kty in ["oct", "OKP", "rsa", ""] {
        assert_eq!(
            read(with(rsa(), "kty", json!(kty))).unwrap_err(),
            UnusableReason::KeyType(kty.into())
        );
    }
    assert_eq!(read(without(rsa(), &["kty"])).unwrap_err(), UnusableReason::KeyType(String::new()));
    assert_eq!(
        read(with(published(&P256_KEY), "crv", json!("secp256k1"))).unwrap_err(),
        UnusableReason::Curve("secp256k1".into())
    );
    assert_eq!(read(json!("key")).unwrap_err(), UnusableReason::NotObject);
    assert_eq!(read(json!({"kty": "RSA"})).unwrap_err(), UnusableReason::NoKeyMaterial);
}

#[test]
fn keys_with_malformed_or_contradicting_values_are_left_out() {
    for (name, value) in
        [("n", json!("*")), ("e", json!(3)), ("kid", json!(1)), ("x5c", json!("a"))]
    {
        let error = read(with(published(&RSA_KEY), name, value)).unwrap_err();
        assert!(
            matches!(&error, UnusableReason::Malformed(found) if *found == name)
                || error == UnusableReason::X5c(X5cError::NotStrings),
            "{name}: {error}"
        );
    }
    for name in ["n", "e"] {
        assert_eq!(
            read(without(published(&RSA_KEY), &[name])).unwrap_err(),
            UnusableReason::Malformed(if name == "n" { "n" } else { "e" })
        );
    }
    for name in ["x", "y"] {
        assert_eq!(
            read(without(published(&P256_KEY), &[name])).unwrap_err(),
            UnusableReason::Malformed(name)
        );
    }
    // The same point, divided elsewhere.
    let point = &P256_KEY.public_key().raw()[1..];
    let divided = with(published(&P256_KEY), "x", json!(base64url::encode(&point[..31])));
    let divided = with(divided, "y", json!(base64url::encode(&point[31..])));
    assert_eq!(read(divided).unwrap_err(), UnusableReason::Malformed("y"));
    let short = json!(base64url::encode([1; 31]));
    assert!(read(with(published(&P256_KEY), "x", short)).is_err());
    let swapped = with(published(&P384_KEY), "x5c", published(&P256_KEY)["x5c"].clone());
    assert_eq!(read(swapped).unwrap_err(), UnusableReason::CertificateForOtherKey);
    let of = |key| published(key)["x5c"][0].clone();
    let longer = with(published(&P256_KEY), "x5c", json!([of(&P256_KEY), of(&P384_KEY)]));
    assert_eq!(read(longer.clone()).unwrap().untrusted_certificates().len(), 2);
    let alone = read(without(longer, &["x", "y", "crv"])).unwrap();
    assert_eq!(alone.key(), P256_KEY.public_key());
    let chain = vec![published(&P256_KEY)["x5c"][0].clone(); 10];
    assert!(read(with(published(&P256_KEY), "x5c", json!(chain))).is_ok());
    let chain = vec![published(&P256_KEY)["x5c"][0].clone(); 11];
    assert_eq!(
        read(with(published(&P256_KEY), "x5c", json!(chain))).unwrap_err(),
        UnusableReason::X5c(X5cError::TooMany { found: 11, limit: 10 })
    );
}

#[test]
fn rsa_keys_of_odd_lengths_are_left_out() {
    let modulus = |first: u8, bytes: usize| [vec![first], vec![0xff; bytes - 1]].concat();
    let key = |modulus| json!({"kty": "RSA", "n": base64url::encode(modulus), "e": "AQAB"});
    for (modulus, found) in [
        (modulus(0xff, 128), 1024),
        (modulus(0xff, 255), 2040),
        (modulus(0x7f, 256), 2047),
        (modulus(0x01, 1025), 8193),
        (modulus(0xff, 1025), 8200),
    ] {
        assert_eq!(read(key(modulus)).unwrap_err(), UnusableReason::ModulusBits { found });
    }
    for bytes in [256, 1024] {
        assert!(read(key(modulus(0xff, bytes))).is_ok(), "{bytes}");
    }
}

#[test]
fn one_bad_key_does_not_take_the_others_with_it() {
    let set = json!({"keys": [{"kty": "oct", "kid": "a", "k": "AA"}, published(&P256_KEY)]});
    let set = Jwks::parse(set.to_string().as_bytes()).unwrap();
    assert_eq!(set.keys().len(), 1);
    assert_eq!((set.unusable()[0].index, set.unusable()[0].kid.as_deref()), (0, Some("a")));
}

#[test]
fn texts_that_are_no_key_set_are_refused() {
    for text in ["[]", "", "{\"keys\":{}}", "{}", "{\"keys\":[],\"keys\":[]}"] {
        assert!(Jwks::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert_eq!(Jwks::parse(b"{}").unwrap_err(), JwksError::NoKeys);
    let many = json!({"keys": vec![json!({}); 257]}).to_string();
    assert_eq!(
        Jwks::parse(many.as_bytes()).unwrap_err(),
        JwksError::TooMany { found: 257, limit: 256 }
    );
    let most = json!({"keys": vec![json!({}); 256]}).to_string();
    assert_eq!(Jwks::parse(most.as_bytes()).unwrap().unusable().len(), 256);
    let of_length = |bytes: usize| format!("{{\"keys\":[]{}}}", " ".repeat(bytes - 11));
    assert!(Jwks::parse(of_length(1024 * 1024).as_bytes()).is_ok());
    let long = of_length(1024 * 1024 + 1);
    assert!(matches!(Jwks::parse(long.as_bytes()), Err(JwksError::Json(_))));
    assert!(Jwks::parse(b"{\"keys\":[]}").unwrap().keys().is_empty());
}

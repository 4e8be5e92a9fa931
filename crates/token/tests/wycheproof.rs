//! Project Wycheproof's vectors through keys of a key set and JOSE's algorithms.
#![cfg(test)]
#![allow(
    clippy::arithmetic_side_effects,
    reason = "tests over known data; a failed one may stop anywhere"
)]

use avouch_pki::PublicKey;
use avouch_token::{Algorithm, Jwk, Jwks};
use avouch_wire::base64url;
use serde_json::{Value, json};
use wycheproof::{TestResult, ecdsa, rsa_pkcs1_verify};

/// The key as a member of a key set that allows one algorithm.
fn of_key_set(mut key: Value, algorithm: Algorithm) -> Jwk {
    key["alg"] = json!(algorithm.name());
    let set = Jwks::parse(json!({"keys": [key]}).to_string().as_bytes()).unwrap();
    assert!(set.unusable().is_empty(), "{:?}", set.unusable());
    set.keys()[0].clone()
}

fn check(what: &str, key: &Jwk, algorithm: Algorithm, test: (&[u8], &[u8], TestResult)) {
    assert!(key.serves(algorithm));
    let (message, signature, expected) = test;
    let verified = key.key().verify(algorithm.scheme(), message, signature).is_ok();
    match expected {
        TestResult::Valid => assert!(verified, "{what}: a valid signature is refused"),
        TestResult::Invalid => assert!(!verified, "{what}: an invalid signature is accepted"),
        TestResult::Acceptable => {}
    }
}

#[test]
fn ecdsa_as_two_numbers() {
    use ecdsa::TestName as T;
    for (name, algorithm, curve) in [
        (T::EcdsaSecp256r1Sha256P1363, Algorithm::Es256, "P-256"),
        (T::EcdsaSecp384r1Sha384P1363, Algorithm::Es384, "P-384"),
        (T::EcdsaSecp521r1Sha512P1363, Algorithm::Es512, "P-521"),
    ] {
        let mut run = 0;
        for group in &ecdsa::TestSet::load(name).unwrap().test_groups {
            let spki = PublicKey::from_spki(&group.der).unwrap();
            let (x, y) = spki.raw()[1..].split_at((spki.raw().len() - 1) / 2);
            let (x, y) = (base64url::encode(x), base64url::encode(y));
            let key = of_key_set(json!({"kty": "EC", "crv": curve, "x": x, "y": y}), algorithm);
            assert_eq!(*key.key(), spki);
            for test in &group.tests {
                let what = format!("{name:?} {}: {}", test.tc_id, test.comment);
                check(&what, &key, algorithm, (&test.msg, &test.sig, test.result));
                run += 1;
            }
        }
        assert!(run > 150, "{name:?}: {run}");
    }
}

#[test]
fn rsa_with_pkcs1_padding() {
    use rsa_pkcs1_verify::TestName as T;
    for (name, algorithm) in [
        (T::Rsa2048Sha256, Algorithm::Rs256),
        (T::Rsa2048Sha384, Algorithm::Rs384),
        (T::Rsa2048Sha512, Algorithm::Rs512),
        (T::Rsa4096Sha256, Algorithm::Rs256),
    ] {
        let mut run = 0;
        for group in &rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let (n, e) = (base64url::encode(&group.key.n), base64url::encode(&group.key.e));
            let key = of_key_set(json!({"kty": "RSA", "n": n, "e": e}), algorithm);
            assert_eq!(*key.key(), PublicKey::from_spki(&group.der).unwrap());
            for test in &group.tests {
                let what = format!("{name:?} {}: {}", test.tc_id, test.comment);
                check(&what, &key, algorithm, (&test.msg, &test.sig, test.result));
                run += 1;
            }
        }
        assert!(run > 100, "{name:?}: {run}");
    }
}

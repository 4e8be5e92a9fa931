use avouch_pki::KeyKind;
use serde_json::{Map, Value, json};

use crate::{KeyMaterial, KeyMaterialError, MaterialSpec};

fn private_jwk(material: &KeyMaterial) -> Map<String, Value> {
    material.to_private_jwk().unwrap()
}

#[test]
fn a_generated_key_comes_back_from_its_jwk_in_every_kind() {
    for (spec, kind) in [
        (MaterialSpec::Rsa2048, Some(KeyKind::Rsa { modulus_bits: 2048 })),
        (MaterialSpec::Rsa3072, Some(KeyKind::Rsa { modulus_bits: 3072 })),
        (MaterialSpec::P256, Some(KeyKind::P256)),
        (MaterialSpec::P384, Some(KeyKind::P384)),
        (MaterialSpec::P521, Some(KeyKind::P521)),
        (MaterialSpec::Oct128, None),
        (MaterialSpec::Oct192, None),
        (MaterialSpec::Oct256, None),
    ] {
        let made = KeyMaterial::generate(spec).unwrap();
        assert_eq!(made.public_key().map(|key| key.kind()), kind, "{spec:?}");
        let mut jwk = private_jwk(&made);
        for hsm in ["", "-HSM"] {
            let named = format!("{}{hsm}", jwk["kty"].as_str().unwrap().trim_end_matches("-HSM"));
            jwk.insert("kty".to_owned(), named.into());
            let read = KeyMaterial::from_jwk(&jwk).unwrap();
            assert_eq!(read.public_key(), made.public_key(), "{spec:?}");
            assert_eq!(read.secret_bytes(), made.secret_bytes(), "{spec:?}");
        }
    }
    let lengths =
        [(MaterialSpec::Oct128, 16), (MaterialSpec::Oct192, 24), (MaterialSpec::Oct256, 32)];
    for (spec, bytes) in lengths {
        assert_eq!(KeyMaterial::generate(spec).unwrap().secret_bytes().len(), bytes);
    }
}

#[test]
fn a_jwk_without_one_of_its_members_or_with_one_of_another_key_is_refused() {
    for spec in [MaterialSpec::Rsa2048, MaterialSpec::P256, MaterialSpec::P384, MaterialSpec::P521]
    {
        let [jwk, other] = [spec; 2].map(|spec| private_jwk(&KeyMaterial::generate(spec).unwrap()));
        for name in jwk.keys() {
            let mut without = jwk.clone();
            without.remove(name);
            let refused = KeyMaterial::from_jwk(&without).unwrap_err();
            assert!(!refused.to_string().contains("other"), "{refused}");
            let mut mixed = jwk.clone();
            mixed.insert(name.clone(), other[name].clone());
            let is_same = jwk[name] == other[name];
            assert_eq!(KeyMaterial::from_jwk(&mixed).is_ok(), is_same, "{spec:?} {name}");
        }
    }
}

#[test]
fn a_jwk_that_no_vault_keeps_is_refused_without_showing_its_key() {
    let secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQ";
    for (jwk, expected) in [
        (json!({"k": secret}), KeyMaterialError::KeyType),
        (json!({"kty": "OKP", "d": secret}), KeyMaterialError::KeyType),
        (json!({"kty": "RSA-HSM-HSM"}), KeyMaterialError::KeyType),
        (json!({"kty": "oct", "k": secret}), KeyMaterialError::SecretBytes { found: 20 }),
        (json!({"kty": "oct", "k": "+/"}), KeyMaterialError::Member("k")),
        (json!({"kty": "oct", "k": 7}), KeyMaterialError::Member("k")),
        (json!({"kty": "EC", "crv": "P-256K", "d": secret}), KeyMaterialError::Curve),
        (json!({"kty": "EC", "crv": "P-256", "d": secret}), KeyMaterialError::Member("x")),
        (json!({"kty": "RSA", "n": "", "d": secret}), KeyMaterialError::Member("n")),
    ] {
        let Value::Object(members) = jwk else { panic!() };
        let error = KeyMaterial::from_jwk(&members).unwrap_err();
        assert_eq!(error, expected);
        assert!(!error.to_string().contains(secret), "{error}");
    }
}

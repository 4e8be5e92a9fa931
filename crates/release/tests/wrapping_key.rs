//! Which key of a token wraps.
#![cfg(test)]
#![allow(
    clippy::arithmetic_side_effects,
    reason = "tests over known data; a failed one may stop anywhere"
)]

mod support;

use avouch_release::{WrappingKey, WrappingKeyError};
use avouch_token::{KeySpec, SigningKey, UnusableReason};
use avouch_wire::base64url;
use serde_json::{Map, Value, json};
use support::{AUTHORITY, VAULT, WORKLOAD, attested, claims, claims_with_keys, jwk, workload_jwk};

fn choose(claims: &Map<String, Value>) -> Result<WrappingKey, WrappingKeyError> {
    WrappingKey::choose(&attested(claims))
}

fn chosen(keys: &[Value]) -> Result<Option<String>, WrappingKeyError> {
    choose(&claims_with_keys(keys)).map(|key| key.kid().map(str::to_owned))
}

fn rsa(kid: &str, members: &Value) -> Value {
    let mut key = jwk(&WORKLOAD, members);
    key["kid"] = json!(kid);
    key
}

fn encrypting(kid: &str) -> Value {
    rsa(kid, &json!({"key_ops": ["encrypt"]}))
}

fn named(kid: &str) -> Result<Option<String>, WrappingKeyError> {
    Ok(Some(kid.to_owned()))
}

/// A key with a modulus of so many bits, odd and beginning with a one; nobody has its factors.
fn of_bits(bits: usize) -> Value {
    let mut modulus = vec![0xa5; bits.div_ceil(8)];
    modulus[0] = if bits.is_multiple_of(8) { 0x80 } else { 1 << (bits % 8 - 1) };
    json!({"kty": "RSA", "n": base64url::encode(modulus), "e": "AQAB", "key_ops": ["encrypt"]})
}

#[test]
fn the_key_of_a_container_group_wraps() {
    let key = choose(&claims()).unwrap();
    assert_eq!((key.kid(), key.modulus_bytes()), (Some("workload"), 256));
    let mut without_kid = workload_jwk();
    without_kid.as_object_mut().unwrap().remove("kid");
    assert_eq!(chosen(&[without_kid]), Ok(None));
}

#[test]
fn the_ephemeral_key_of_a_virtual_machine_wraps() {
    assert_eq!(
        chosen(&[encrypting("TpmEphemeralEncryptionKey")]),
        named("TpmEphemeralEncryptionKey")
    );
    assert_eq!(chosen(&[encrypting("HCLTransferKey")]), named("HCLTransferKey"));
}

#[test]
fn a_key_may_encrypt_by_use_or_by_operation() {
    for members in [
        json!({"use": "enc"}),
        json!({"key_use": "enc"}),
        json!({"key_ops": ["encrypt"]}),
        json!({"key_ops": ["sign", "encrypt"]}),
        json!({"use": "sig", "key_ops": ["encrypt"]}),
        json!({"use": "enc", "key_ops": ["wrapKey"]}),
    ] {
        assert_eq!(chosen(&[rsa("k", &members)]), named("k"), "{members}");
    }
    for members in [
        json!({}),
        json!({"use": "sig"}),
        json!({"use": "ENC"}),
        json!({"use": ["enc"]}),
        json!({"key_use": "sig"}),
        json!({"key_ops": ["sign"]}),
        json!({"key_ops": ["Encrypt"]}),
        json!({"key_ops": []}),
        json!({"key_ops": "encrypt"}),
        json!({"key_ops": ["wrapKey"]}),
    ] {
        let refused = chosen(&[rsa("k", &members)]).unwrap_err();
        assert_eq!(refused, WrappingKeyError::NoneEncrypts { keys: 1 }, "{members}");
    }
}

#[test]
fn a_signing_key_that_comes_first_is_passed_over() {
    let signing = jwk(&VAULT, &json!({"kid": "signing", "key_ops": ["sign"]}));
    assert_eq!(chosen(&[signing, encrypting("second")]), named("second"));
}

#[test]
fn of_two_keys_that_may_encrypt_the_first_wraps() {
    let other = jwk(&VAULT, &json!({"kid": "second", "key_ops": ["encrypt"]}));
    assert_eq!(chosen(&[encrypting("first"), other.clone()]), named("first"));
    assert_eq!(chosen(&[other, encrypting("first")]), named("second"));
}

#[test]
fn a_set_without_a_key_that_may_encrypt_wraps_nothing() {
    assert_eq!(chosen(&[]), Err(WrappingKeyError::NoneEncrypts { keys: 0 }));
    let entries = [json!(1), json!("encrypt"), json!(null), json!([])];
    assert_eq!(chosen(&entries), Err(WrappingKeyError::NoneEncrypts { keys: 4 }));
}

#[test]
fn an_elliptic_key_wraps_nothing() {
    let elliptic = jwk(&AUTHORITY, &json!({"kid": "ec", "use": "sig"}));
    assert_eq!(chosen(&[elliptic, encrypting("k")]), named("k"));
    // One that may encrypt decides, and none behind it is tried.
    let elliptic = jwk(&AUTHORITY, &json!({"kid": "ec", "use": "enc"}));
    let refused = chosen(&[elliptic, encrypting("k")]).unwrap_err();
    assert!(matches!(refused, WrappingKeyError::Kind { index: 0, .. }), "{refused}");
}

#[test]
fn the_attestation_key_of_a_virtual_tpm_never_wraps() {
    // On some images it says that it may encrypt.
    for kid in ["HCLAkPub", "hclakpub"] {
        let refused = chosen(&[encrypting(kid), encrypting("k")]).unwrap_err();
        assert_eq!(refused, WrappingKeyError::Reserved { index: 0, kid: "HCLAkPub" });
    }
}

#[test]
fn the_endorsement_key_of_a_virtual_tpm_never_wraps() {
    let attestation = rsa("HCLAkPub", &json!({"key_ops": ["sign"]}));
    let refused = chosen(&[attestation, encrypting("HCLEkPub")]).unwrap_err();
    assert_eq!(refused, WrappingKeyError::Reserved { index: 1, kid: "HCLEkPub" });
}

#[test]
fn keys_below_the_isolation_are_never_looked_at() {
    let mut claims = claims();
    let runtime = claims.remove("x-ms-runtime").unwrap();
    claims["x-ms-isolation-tee"]["x-ms-runtime"] = runtime.clone();
    assert_eq!(choose(&claims).unwrap_err(), WrappingKeyError::NoKeys);
    // Nor under the dotted name of that place.
    claims.insert("x-ms-isolation-tee.x-ms-runtime".to_owned(), runtime.clone());
    claims.insert("x-ms-runtime.keys".to_owned(), runtime["keys"].clone());
    assert_eq!(choose(&claims).unwrap_err(), WrappingKeyError::NoKeys);
}

#[test]
fn a_token_whose_runtime_claims_are_no_key_set_wraps_nothing() {
    for runtime in [json!("text"), json!([]), json!({}), json!({"keys": {}}), json!(null)] {
        let mut claims = claims();
        claims.insert("x-ms-runtime".to_owned(), runtime);
        assert_eq!(choose(&claims).unwrap_err(), WrappingKeyError::NoKeys);
    }
    let many = vec![json!({}); 65];
    assert_eq!(chosen(&many), Err(WrappingKeyError::TooMany { found: 65, limit: 64 }));
    assert_eq!(chosen(&many[1..]), Err(WrappingKeyError::NoneEncrypts { keys: 64 }));
}

#[test]
fn an_rsa_key_has_2048_to_4096_bits() {
    for bits in [2048, 2056, 3072, 4096] {
        let key = choose(&claims_with_keys(&[of_bits(bits)])).unwrap();
        assert_eq!(key.modulus_bytes(), bits / 8);
    }
    for bits in [1024, 2047, 4097, 8192] {
        let refused = chosen(&[of_bits(bits)]).unwrap_err();
        assert!(matches!(refused, WrappingKeyError::Kind { index: 0, .. }), "{bits}: {refused}");
    }
}

#[test]
fn an_rsa_key_of_1024_bits_wraps_nothing() {
    let refused = chosen(&[of_bits(1024), encrypting("behind")]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "x-ms-runtime.keys[0] is RSA-1024, expected RSA of 2048 to 4096 bits"
    );
}

#[test]
fn a_longer_key_wraps_what_it_can_open() {
    use avouch_release::{KeyEncryptionKey, UnwrappingKey, WrapAlgorithm, unwrap, wrap};
    for spec in [KeySpec::Rsa3072, KeySpec::Rsa4096] {
        let workload = SigningKey::generate(spec).unwrap();
        let keys = [jwk(&workload, &json!({"use": "enc"}))];
        let key = choose(&claims_with_keys(&keys)).unwrap();
        let kek = KeyEncryptionKey::from_random(&mut [9; 32]);
        let wrapped = wrap(&key, WrapAlgorithm::RsaAesSha384, &kek, b"secret").unwrap();
        let private = UnwrappingKey::from_pkcs8_der(&workload.to_pkcs8_der().unwrap()).unwrap();
        let opened = unwrap(&private, WrapAlgorithm::RsaAesSha384, &wrapped).unwrap();
        assert_eq!(*opened, b"secret");
    }
}

#[test]
fn an_exponent_that_protects_nothing_is_refused() {
    for exponent in ["AQ", "Aw", "AQA", "AQAA"] {
        let mut key = encrypting("k");
        key["e"] = json!(exponent);
        let refused = chosen(&[key]).unwrap_err();
        assert_eq!(refused, WrappingKeyError::Numbers { index: 0 }, "{exponent}");
    }
    let mut even = of_bits(2048);
    let mut modulus = vec![0xa4; 256];
    modulus[0] = 0x80;
    even["n"] = json!(base64url::encode(modulus));
    assert_eq!(chosen(&[even]), Err(WrappingKeyError::Numbers { index: 0 }));
}

#[test]
fn a_key_made_with_the_weakness_roca_is_refused() {
    // 65537 modulo every prime is a power of 65537.
    let mut key = of_bits(2048);
    key["n"] = json!(base64url::encode(roca_modulus()));
    let refused = chosen(&[key]).unwrap_err();
    assert!(matches!(refused, WrappingKeyError::Unusable { index: 0, .. }), "{refused}");
    assert!(refused.to_string().contains("ROCA"), "{refused}");
}

/// 65537 to the 120th power and more until it has 2048 bits: a power of the generator, as ROCA's moduli
/// are one modulo each small prime.
fn roca_modulus() -> Vec<u8> {
    let mut number = vec![1_u8];
    while number.len() * 8 < 2048 {
        // Times 65537: the number and itself two bytes higher.
        let mut carry = 0_u16;
        let mut next = Vec::new();
        for index in 0..number.len() + 2 {
            let low = number.get(index).copied().unwrap_or(0);
            let high = index.checked_sub(2).and_then(|i| number.get(i)).copied().unwrap_or(0);
            let sum = u16::from(low) + u16::from(high) + carry;
            next.push(u8::try_from(sum & 0xff).unwrap());
            carry = sum >> 8;
        }
        if carry > 0 {
            next.push(u8::try_from(carry).unwrap());
        }
        number = next;
    }
    number.reverse();
    number
}

#[test]
fn a_key_whose_private_part_stands_in_the_token_is_refused() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth"] {
        let mut key = encrypting("k");
        key[member] = json!("AQAB");
        assert_eq!(chosen(&[key]), Err(WrappingKeyError::Private { index: 0 }), "{member}");
    }
}

#[test]
fn a_key_that_cannot_be_read_is_refused() {
    let broken = |name: &str, value: Value| {
        let mut key = encrypting("k");
        key[name] = value;
        chosen(&[key]).unwrap_err()
    };
    let malformed = |name| {
        let reason = Box::new(UnusableReason::Malformed(name));
        WrappingKeyError::Unusable { index: 0, reason }
    };
    assert_eq!(broken("n", json!("+")), malformed("n"));
    assert_eq!(broken("e", json!(65537)), malformed("e"));
    assert_eq!(broken("n", json!(null)), malformed("n"));
    for kid in [json!(1), json!("x".repeat(257))] {
        assert_eq!(broken("kid", kid), WrappingKeyError::Kid { index: 0 });
    }
    assert!(matches!(broken("kty", json!("oct")), WrappingKeyError::Unusable { .. }));
}

//! Any text as the answer of a vault, and any JSON as a key that is imported: no panic; nothing opens but what
//! its key signed; a key that is read comes out as it went in.
#![no_main]

use std::sync::LazyLock;

use avouch_release::{KeyMaterial, SignedAnswer, UnwrappingKey, public_members};
use avouch_token::{KeySpec, SigningKey};
use avouch_wire::json::parse_object;
use libfuzzer_sys::fuzz_target;

static WORKLOAD: LazyLock<UnwrappingKey> = LazyLock::new(|| {
    let key = SigningKey::generate(KeySpec::Rsa2048).expect("a key");
    UnwrappingKey::from_pkcs8_der(&key.to_pkcs8_der().expect("PKCS#8")).expect("a key")
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(answer) = SignedAnswer::verify(text)
    {
        assert!(!answer.certificates().is_empty());
        // No private key of ours was ever wrapped to.
        assert!(answer.open(&WORKLOAD, "nonce", "disk").is_err());
    }
    let _ = KeyMaterial::from_pkcs8_der(bytes.to_vec().into());
    let Ok(members) = parse_object(bytes, 64 * 1024) else { return };
    let Ok(key) = KeyMaterial::from_jwk(&members) else { return };
    let written = key.to_private_jwk().expect("a key that was read");
    let again = KeyMaterial::from_jwk(&written).expect("what was written");
    assert_eq!(again.secret_bytes(), key.secret_bytes());
    let public = public_members(key.public_key(), false);
    assert!(public.iter().all(|(name, value)| written.get(name) == Some(value)));
    assert!(!format!("{key:?}").contains(&format!("{:?}", key.secret_bytes())));
});

//! Any claims in a token, beside a policy: no panic; a policy that is met explains no failure; a key that
//! wraps is the first that may encrypt, and RSA of an accepted length.
#![no_main]

use std::sync::{Arc, LazyLock};

use avouch_release::{
    AttestedToken, Authority, AuthorityKeys, Operators, ReleasePolicy, ReleaseRequest, TokenRules,
    WrappingKey,
};
use avouch_token::{
    Jwks, KeySpec, Payload, PublishedKey, SigningKey, TokenIssuer, TokenTimes, jwks_document,
};
use avouch_wire::UnixTime;
use avouch_wire::json::parse_object;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

const ISSUER: &str = "https://a";

static KEY: LazyLock<Arc<SigningKey>> =
    LazyLock::new(|| Arc::new(SigningKey::generate(KeySpec::P256).expect("a key")));
static KEYS: LazyLock<Jwks> = LazyLock::new(|| {
    let none: [Vec<u8>; 0] = [];
    let keys = jwks_document([&PublishedKey::new(&**KEY, &none)]);
    Jwks::parse(keys.as_bytes()).expect("a key set")
});

fuzz_target!(|bytes: &[u8]| {
    let _ = ReleaseRequest::parse(bytes);
    // The policy, NUL, the claims.
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let (Some(policy), Some(claims)) = (parts.next(), parts.next()) else { return };
    let Ok(claims) = parse_object(claims, 16 * 1024) else { return };
    let Some(token) = attested(&claims) else { return };
    if let Ok(policy) = ReleasePolicy::parse(policy, Operators::All) {
        let explained = policy.explain(&token);
        assert_eq!(explained.is_met, policy.is_met_by(&token));
        let _ = explained.to_string();
    }
    if let Ok(key) = WrappingKey::choose(&token) {
        assert!((256..=512).contains(&key.modulus_bytes()));
        assert_eq!(key.kid(), first_kid(token.claims()).as_deref());
    }
});

fn attested(claims: &Map<String, Value>) -> Option<AttestedToken> {
    let at = UnixTime::from_seconds(1_800_000_000).expect("in range");
    let payload = Payload::new(claims, TokenTimes::attestation(at)).ok()?;
    let issuer = TokenIssuer::new(Arc::<SigningKey>::clone(&KEY), ISSUER).expect("an issuer");
    let token = issuer.sign(&payload).expect("signs");
    let authority = Authority::parse(ISSUER).expect("an authority");
    let keys = AuthorityKeys::new(&authority, &KEYS);
    AttestedToken::verify(&token, keys, &TokenRules::default(), at).ok()
}

/// The identifier of the first key that may encrypt.
fn first_kid(claims: &Map<String, Value>) -> Option<String> {
    let keys = claims["x-ms-runtime"]["keys"].as_array()?;
    let key = keys.iter().find(|key| {
        let operations = key["key_ops"].as_array();
        key["use"] == "enc"
            || key["key_use"] == "enc"
            || operations.is_some_and(|all| all.iter().any(|one| one == "encrypt"))
    })?;
    key["kid"].as_str().map(str::to_owned)
}

//! Bearer tokens of OIDC issuers.
#![cfg(test)]
#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests over known data; a failed one may stop anywhere"
)]

mod support;

use avouch_token::{
    Algorithm, BearerRules, Jwks, JwsError, PublishedKey, Signer as _, SigningKey, VerifiedBearer,
    VerifyError, jwks_document, peek_bearer, verify_bearer,
};
use avouch_wire::{FailedCheck as _, base64url};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding};
use serde_json::{Value, json};
use support::{P256_KEY, P384_KEY, RSA_KEY, issued_at};

const OIDC_ISSUER: &str = "https://login.example/tenant/v2.0";
const AUDIENCE: &str = "https://attest.azure.net";

fn key_set() -> Jwks {
    let none: [Vec<u8>; 0] = [];
    let keys = [&*RSA_KEY, &*P256_KEY, &*P384_KEY].map(|key| {
        // Issuers publish no "alg" for a key that serves several algorithms.
        let published = PublishedKey::new(&**key, &none);
        let mut jwk: Value = serde_json::from_str(published.json()).unwrap();
        jwk.as_object_mut().unwrap().remove("alg");
        jwk
    });
    Jwks::parse(json!({"keys": keys}).to_string().as_bytes()).unwrap()
}

fn claims() -> Value {
    let now = issued_at().seconds();
    json!({"iss": OIDC_ISSUER, "aud": AUDIENCE, "sub": "user-1", "iat": now, "nbf": now,
           "exp": now + 3600, "roles": ["Attestation Reader"]})
}

fn token_with(header: Value, claims: &Value, key: &SigningKey) -> String {
    let input = format!(
        "{}.{}",
        base64url::encode(header.to_string()),
        base64url::encode(claims.to_string())
    );
    format!("{input}.{}", base64url::encode(key.sign(input.as_bytes()).unwrap()))
}

fn token(claims: &Value) -> String {
    let header = json!({"alg": "RS256", "kid": RSA_KEY.kid(), "typ": "JWT"});
    token_with(header, claims, &RSA_KEY)
}

fn verify(token: &str) -> Result<VerifiedBearer, VerifyError> {
    verify_under(token, &Algorithm::ALL)
}

fn verify_under(token: &str, algorithms: &[Algorithm]) -> Result<VerifiedBearer, VerifyError> {
    let rules = BearerRules {
        issuers: &[OIDC_ISSUER.to_owned()],
        audiences: &[AUDIENCE.to_owned(), format!("{AUDIENCE}/")],
        algorithms,
        at: issued_at().saturating_add_seconds(60),
        slack_seconds: 30,
    };
    verify_bearer(token, &key_set(), &rules)
}

fn changed(name: &str, value: Option<Value>) -> String {
    let mut claims = claims();
    let members = claims.as_object_mut().unwrap();
    match value {
        Some(value) => members.insert(name.to_owned(), value),
        None => members.remove(name),
    };
    token(&claims)
}

#[test]
fn a_good_token_gives_issuer_subject_and_claims() {
    let bearer = verify(&token(&claims())).unwrap();
    assert_eq!((bearer.issuer(), bearer.subject()), (OIDC_ISSUER, "user-1"));
    assert_eq!(bearer.claims()["roles"], json!(["Attestation Reader"]));
    assert_eq!(bearer.expires_at(), issued_at().saturating_add_seconds(3600));
}

#[test]
fn every_algorithm_of_the_list_is_verified() {
    let rsa = KeyPair::from_pkcs8(&RSA_KEY.to_pkcs8_der().unwrap()).unwrap();
    let rsa_token = |name: &str, encoding: &'static dyn RsaEncoding| {
        let header = json!({"alg": name, "kid": RSA_KEY.kid()}).to_string();
        let input =
            format!("{}.{}", base64url::encode(header), base64url::encode(claims().to_string()));
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(encoding, &SystemRandom::new(), input.as_bytes(), &mut signature).unwrap();
        format!("{input}.{}", base64url::encode(signature))
    };
    for (name, encoding) in [
        ("RS384", &RSA_PKCS1_SHA384 as &'static dyn RsaEncoding),
        ("RS512", &RSA_PKCS1_SHA512),
        ("PS256", &RSA_PSS_SHA256),
    ] {
        assert!(verify(&rsa_token(name, encoding)).is_ok(), "{name}");
        assert!(verify_under(&rsa_token(name, encoding), &[Algorithm::Rs256]).is_err());
    }
    assert!(verify(&rsa_token("PS256", &RSA_PKCS1_SHA384)).is_err());
    for key in [&*P256_KEY, &*P384_KEY] {
        let header = json!({"alg": key.algorithm().name(), "kid": key.kid()});
        assert!(verify(&token_with(header, &claims(), key)).is_ok());
    }
}

#[test]
fn a_key_published_for_one_algorithm_serves_no_other() {
    let none: [Vec<u8>; 0] = [];
    let published = PublishedKey::new(&**RSA_KEY, &none);
    let set = Jwks::parse(jwks_document([&published]).as_bytes()).unwrap();
    assert!(set.keys()[0].serves(Algorithm::Rs256));
    for other in [Algorithm::Rs384, Algorithm::Ps256, Algorithm::Es256] {
        assert!(!set.keys()[0].serves(other), "{other}");
    }
}

#[test]
fn other_issuers_and_audiences_are_refused() {
    for other in ["https://login.example/other/v2.0", "https://login.example/tenant/v2.0/", ""] {
        let error = verify(&changed("iss", Some(json!(other)))).unwrap_err();
        assert_eq!(error.check(), "token-issuer", "{other}");
    }
    assert!(verify(&changed("aud", Some(json!(format!("{AUDIENCE}/"))))).is_ok());
    assert!(verify(&changed("aud", Some(json!(["x", AUDIENCE])))).is_ok());
    for other in [json!("https://management.azure.com"), json!(["x"]), json!([]), json!("")] {
        let error = verify(&changed("aud", Some(other.clone()))).unwrap_err();
        assert_eq!(error.check(), "token-audience", "{other}");
    }
    for odd in [json!(1), json!(null), json!([AUDIENCE, 1]), json!({AUDIENCE: 1})] {
        assert_eq!(
            verify(&changed("aud", Some(odd))).unwrap_err(),
            VerifyError::MalformedClaim { name: "aud" }
        );
    }
}

#[test]
fn claims_that_must_be_there_are_demanded() {
    for name in ["iss", "aud", "sub", "exp"] {
        assert_eq!(
            verify(&changed(name, None)).unwrap_err(),
            VerifyError::MissingClaim { name },
            "{name}"
        );
    }
    for name in ["nbf", "iat"] {
        assert!(verify(&changed(name, None)).is_ok());
    }
    for odd in [json!(""), json!(5)] {
        assert_eq!(
            verify(&changed("sub", Some(odd))).unwrap_err(),
            VerifyError::MalformedClaim { name: "sub" }
        );
    }
}

#[test]
fn times_are_judged_with_the_slack() {
    let now = issued_at().seconds() + 60;
    assert!(verify(&changed("exp", Some(json!(now - 29)))).is_ok());
    assert_eq!(verify(&changed("exp", Some(json!(now - 30)))).unwrap_err().check(), "token-expiry");
    assert!(verify(&changed("nbf", Some(json!(now + 30)))).is_ok());
    assert_eq!(
        verify(&changed("nbf", Some(json!(now + 31)))).unwrap_err().check(),
        "token-not-before"
    );
    assert_eq!(
        verify(&changed("iat", Some(json!(now + 31)))).unwrap_err().check(),
        "token-issued-at"
    );
}

#[test]
fn unsecured_tokens_and_hmac_are_refused() {
    let body = base64url::encode(claims().to_string());
    let head = |algorithm: &str| base64url::encode(json!({"alg": algorithm}).to_string());
    assert_eq!(verify(&format!("{}.{body}.", head("none"))).unwrap_err(), VerifyError::Unsecured);
    for algorithm in ["None", "HS256", "HS512", "EdDSA", ""] {
        let error = verify(&format!("{}.{body}.AAAA", head(algorithm))).unwrap_err();
        assert!(matches!(error, VerifyError::Algorithm { .. }), "{algorithm}");
    }
    assert_eq!(
        verify(&format!("{}.{body}.AAAA", base64url::encode("{}"))).unwrap_err(),
        VerifyError::Form(JwsError::NoAlgorithm)
    );
}

#[test]
fn tokens_of_other_types_are_refused() {
    let with = |typ: Value| {
        let header = json!({"alg": "RS256", "kid": RSA_KEY.kid(), "typ": typ});
        verify(&token_with(header, &claims(), &RSA_KEY))
    };
    for fine in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"] {
        assert!(with(json!(fine)).is_ok(), "{fine}");
    }
    for other in [
        "logout+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "",
        "application/",
        "\u{e4}pplication/jwt",
        // Foreign types as long as the one that may be left out.
        "application-jwt",
        "model/x-any/at+jwt",
        "multipart/x-jwt",
    ] {
        assert_eq!(with(json!(other)).unwrap_err().check(), "token-type", "{other}");
    }
    assert!(with(json!(1)).is_err());
}

#[test]
fn a_token_that_is_bound_to_a_key_is_no_bearer_token() {
    let bound = changed("cnf", Some(json!({"jkt": "abc"})));
    assert_eq!(verify(&bound).unwrap_err(), VerifyError::KeyBound);
}

#[test]
fn an_attestation_token_is_no_bearer_token_whatever_a_policy_put_into_it() {
    let attested = changed("x-ms-attestation-type", Some(json!("sgx")));
    let error = verify(&attested).unwrap_err();
    assert_eq!(
        (error.check(), &error),
        ("token-of-attestation", &VerifyError::AttestationAsBearer)
    );
}

#[test]
fn wrong_signatures_keys_and_sizes_are_refused() {
    let good = token(&claims());
    let other = changed("sub", Some(json!("admin")));
    let spliced =
        format!("{}.{}", other.rsplit_once('.').unwrap().0, good.rsplit_once('.').unwrap().1);
    assert_eq!(verify(&spliced).unwrap_err().check(), "token-signature");
    let header = json!({"alg": "RS256", "kid": "unknown"});
    assert!(matches!(
        verify(&token_with(header, &claims(), &RSA_KEY)),
        Err(VerifyError::UnknownKey { .. })
    ));
    let of_length = |bytes| verify(&"a".repeat(bytes)).unwrap_err();
    assert_eq!(of_length(64 * 1024), VerifyError::Form(JwsError::Parts { found: 1 }));
    assert!(matches!(of_length(64 * 1024 + 1), VerifyError::Form(JwsError::TooLong { .. })));
}

#[test]
fn peeking_grants_nothing_but_tells_where_to_look() {
    let hint = peek_bearer(&token(&claims())).unwrap();
    assert_eq!(hint.untrusted_issuer, OIDC_ISSUER);
    assert_eq!(hint.untrusted_kid.as_deref(), Some(RSA_KEY.kid()));
    assert!(peek_bearer("a.b").is_err());
    assert!(peek_bearer(&changed("iss", None)).is_err());
}

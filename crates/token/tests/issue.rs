//! Tokens as Avouch issues them: form, order, times, and what an independent library says of them.
#![cfg(test)]
#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests over known data; a failed one may stop anywhere"
)]

mod support;

use std::sync::Arc;

use avouch_pki::{Certificate, PublicKey};
use avouch_token::{
    Algorithm, IssuerError, KeySpec, Payload, PayloadError, PayloadValue, PublishedKey,
    REPORT_SIGNING, SignError, Signer, SigningKey, SigningKeyError, TokenIssuer, TokenTimes,
    jwks_document, openid_metadata, provider_certificate, report_ca_certificate,
    report_certificate,
};
use avouch_wire::json::Integer;
use avouch_wire::{Hex, UnixTime};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use serde_json::{Map, Value, json};
use support::{
    ISSUED_AT_SECONDS, ISSUER, P256_KEY, P384_KEY, RSA_KEY, claims, issuer, part, payload,
};

#[test]
fn header_and_payload_are_compact_json_with_sorted_names() {
    let token = support::token(&RSA_KEY);
    assert_eq!(
        part(&token, 0),
        format!(
            r#"{{"alg":"RS256","jku":"{ISSUER}/certs","kid":"{}","typ":"JWT"}}"#,
            RSA_KEY.kid()
        )
    );
    let id = "ab".repeat(32);
    let exp = ISSUED_AT_SECONDS + 28_800;
    assert_eq!(
        part(&token, 1),
        format!(
            r#"{{"exp":{exp},"iat":{ISSUED_AT_SECONDS},"iss":"{ISSUER}","jti":"{id}","nbf":{ISSUED_AT_SECONDS},"x-ms-attestation-type":"sgx","x-ms-runtime":{{"a":"ü\n","b":[1,{{"a":null,"z":1}}]}},"x-ms-sgx-is-debuggable":false,"x-ms-sgx-svn":1,"x-ms-ver":"1.0"}}"#
        )
    );
}

#[test]
fn claims_of_any_kind_are_written_in_the_order_of_their_names() {
    let at = UnixTime::from_seconds(ISSUED_AT_SECONDS).unwrap();
    let json = json!({"b": 1, "a": null});
    let claims = [
        ("text", PayloadValue::Text("a\"b")),
        ("json", PayloadValue::Json(&json)),
        ("canonical", PayloadValue::Canonical("[1,\"x\"]")),
        ("zz", PayloadValue::Boolean(false)),
        ("nonce", PayloadValue::Text("replaced")),
        ("a", PayloadValue::Boolean(true)),
        ("n", PayloadValue::Integer(i64::MIN)),
    ];
    let nonce = Integer::parse(&"9".repeat(30)).unwrap();
    let times = TokenTimes::attestation(at);
    let payload = |turned: usize| {
        let mut claims = claims;
        claims.rotate_left(turned);
        let payload = Payload::of(claims.into_iter(), times).unwrap();
        part(&issuer(&P256_KEY).sign(&payload.with_integer_nonce(&nonce)).unwrap(), 1)
    };
    let (iat, exp) = (ISSUED_AT_SECONDS, ISSUED_AT_SECONDS + 28_800);
    let expected = format!(
        r#"{{"a":true,"canonical":[1,"x"],"exp":{exp},"iat":{iat},"iss":"{ISSUER}","json":{{"a":null,"b":1}},"n":{},"nbf":{iat},"nonce":{},"text":"a\"b","zz":false}}"#,
        i64::MIN,
        "9".repeat(30)
    );
    for turned in 0..claims.len() {
        assert_eq!(payload(turned), expected);
    }
    let reserved = [("a", PayloadValue::Boolean(true)), ("jti", PayloadValue::Integer(1))];
    let refused = Payload::of(reserved.into_iter(), times).unwrap_err();
    assert_eq!(refused, PayloadError::Reserved { name: "jti" });
}

#[test]
fn a_result_token_lives_an_hour_and_has_no_jti() {
    let at = UnixTime::from_seconds(ISSUED_AT_SECONDS).unwrap();
    let claims = Map::from_iter([("x-ms-policy-result".to_owned(), json!("Removed"))]);
    let payload = Payload::new(&claims, TokenTimes::result(at)).unwrap();
    let token = issuer(&P256_KEY).sign(&payload).unwrap();
    let body: Value = serde_json::from_str(&part(&token, 1)).unwrap();
    assert_eq!(body["exp"], ISSUED_AT_SECONDS + 3600);
    assert!(body.get("jti").is_none());
}

#[test]
fn a_tpm_report_id_has_forty_digits() {
    let claims = claims();
    let at = UnixTime::from_seconds(ISSUED_AT_SECONDS).unwrap();
    let payload = Payload::new(&claims, TokenTimes::result(at)).unwrap().with_id(Hex([1; 20]));
    let token = issuer(&P256_KEY).sign(&payload).unwrap();
    assert!(part(&token, 1).contains(&format!(r#""jti":"{}""#, "01".repeat(20))));
}

#[test]
fn claims_cannot_speak_for_the_issuer() {
    for name in ["exp", "iat", "iss", "jti", "nbf"] {
        let claims = Map::from_iter([(name.to_owned(), json!(1))]);
        let times = TokenTimes::attestation(UnixTime::from_seconds(0).unwrap());
        assert_eq!(
            Payload::new(&claims, times).unwrap_err(),
            PayloadError::Reserved { name },
            "{name}"
        );
    }
}

#[test]
fn an_unsecured_token_has_alg_none_the_other_header_members_and_no_signature() {
    let claims = claims();
    let token = issuer(&RSA_KEY).unsecured(&payload(&claims));
    assert!(token.ends_with('.'));
    assert_eq!(
        part(&token, 0),
        format!(r#"{{"alg":"none","jku":"{ISSUER}/certs","kid":"{}","typ":"JWT"}}"#, RSA_KEY.kid())
    );
    let signed = issuer(&RSA_KEY).sign(&payload(&claims)).unwrap();
    assert_eq!(part(&token, 1), part(&signed, 1));
}

#[test]
fn an_issuer_is_a_printable_text_without_trailing_slash() {
    let new = |issuer: &str| TokenIssuer::new(Arc::<SigningKey>::clone(&P256_KEY), issuer);
    assert_eq!(new("https://host/providers/t1").unwrap().issuer(), "https://host/providers/t1");
    assert!(new(&"a".repeat(1024)).is_ok());
    assert_eq!(
        new("https://host/").unwrap_err(),
        IssuerError::TrailingSlash("https://host/".into())
    );
    for wrong in ["", "https://host/a b", "https://h\u{f6}st", "https://host/\n", &"a".repeat(1025)]
    {
        assert!(matches!(new(wrong).unwrap_err(), IssuerError::Characters(_)), "{wrong:?}");
    }
}

#[test]
fn jsonwebtoken_verifies_our_tokens_with_our_key_set() {
    for key in [&RSA_KEY, &P256_KEY, &P384_KEY] {
        let token = support::token(key);
        let published = published(key);
        let set: jsonwebtoken::jwk::JwkSet =
            serde_json::from_str(&jwks_document([&published])).unwrap();
        let jwk = set.find(key.kid()).unwrap();
        let decoding = jsonwebtoken::DecodingKey::from_jwk(jwk).unwrap();
        let mut rules = jsonwebtoken::Validation::new(key.algorithm().name().parse().unwrap());
        rules.set_issuer(&[ISSUER]);
        rules.validate_exp = false;
        let verified = jsonwebtoken::decode::<Value>(&token, &decoding, &rules).unwrap();
        assert_eq!(verified.claims["x-ms-sgx-svn"], 1);
        assert_eq!(verified.header.kid.as_deref(), Some(key.kid()));

        let other = issuer(&RSA_KEY).sign(&payload(&Map::new())).unwrap();
        let spliced = format!(
            "{}.{}.{}",
            token.split('.').next().unwrap(),
            other.split('.').nth(1).unwrap(),
            token.split('.').nth(2).unwrap()
        );
        assert!(jsonwebtoken::decode::<Value>(&spliced, &decoding, &rules).is_err());
    }
}

fn published(key: &Arc<SigningKey>) -> PublishedKey {
    let certificate = provider_certificate(&**key, ISSUER, None).unwrap();
    PublishedKey::new(&**key, &[certificate])
}

#[test]
fn published_keys_have_maas_members_first_and_public_values_after() {
    let rsa: Value = serde_json::from_str(published(&RSA_KEY).json()).unwrap();
    assert_eq!(rsa["kty"], "RSA");
    assert_eq!(
        (&rsa["alg"], &rsa["use"], &rsa["e"]),
        (&json!("RS256"), &json!("sig"), &json!("AQAB"))
    );
    assert_eq!(rsa["x5c"].as_array().unwrap().len(), 1);
    assert!(published(&RSA_KEY).json().starts_with(r#"{"x5c":["MII"#));
    let ec: Value = serde_json::from_str(published(&P384_KEY).json()).unwrap();
    assert_eq!(
        (&ec["kty"], &ec["crv"], &ec["alg"]),
        (&json!("EC"), &json!("P-384"), &json!("ES384"))
    );
    assert_eq!(jwks_document(&[]), r#"{"keys":[]}"#);
    let two = PublishedKey::new(&**P384_KEY, &[b"first", b"other"]);
    assert_eq!(two.kid(), P384_KEY.kid());
    let two: Value = serde_json::from_str(two.json()).unwrap();
    assert_eq!(two["x5c"], json!(["Zmlyc3Q=", "b3RoZXI="]));
}

#[test]
fn metadata_names_the_algorithms_of_the_key_set() {
    let document = openid_metadata(ISSUER, &[Algorithm::Es256, Algorithm::Rs256]);
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["id_token_signing_alg_values_supported"], json!(["ES256", "RS256"]));
    assert_eq!(document["jwks_uri"], format!("{ISSUER}/certs"));
}

#[test]
fn private_keys_survive_pkcs8_in_both_encodings() {
    for (spec, kind) in [
        (KeySpec::Rsa2048, "RSA-2048"),
        (KeySpec::Rsa3072, "RSA-3072"),
        (KeySpec::Rsa4096, "RSA-4096"),
        (KeySpec::P256, "P-256"),
        (KeySpec::P384, "P-384"),
    ] {
        let key = SigningKey::generate(spec).unwrap();
        assert_eq!(key.public_key().kind().to_string(), kind);
        let again = SigningKey::from_pkcs8_der(&key.to_pkcs8_der().unwrap()).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        let again = SigningKey::from_pkcs8_pem(&key.to_pkcs8_pem().unwrap()).unwrap();
        assert_eq!((again.kid(), again.algorithm()), (key.kid(), key.algorithm()));
        let signature = again.sign(b"message").unwrap();
        let scheme = key.algorithm().scheme();
        assert!(key.public_key().verify(scheme, b"message", &signature).is_ok());
        assert!(key.public_key().verify(scheme, b"massage", &signature).is_err());
    }
}

#[test]
fn bytes_that_are_no_private_key_are_refused() {
    let pem = P256_KEY.to_pkcs8_pem().unwrap();
    let der = P256_KEY.to_pkcs8_der().unwrap();
    assert_eq!(SigningKey::from_pkcs8_der(&[]).unwrap_err(), SigningKeyError::Unsupported);
    assert_eq!(
        SigningKey::from_pkcs8_der(&der[..der.len() - 1]).unwrap_err(),
        SigningKeyError::Unsupported
    );
    let relabelled = pem.replace("PRIVATE KEY", "EC PRIVATE KEY");
    assert_eq!(SigningKey::from_pkcs8_pem(&relabelled).unwrap_err(), SigningKeyError::NotPem);
    assert_eq!(
        SigningKey::from_pkcs8_pem(&pem.replace("MIG", "M*G")).unwrap_err(),
        SigningKeyError::NotPem
    );
}

#[test]
fn rsa_keys_of_other_lengths_or_exponents_are_refused() {
    let read = |pem| SigningKey::from_pkcs8_pem(pem).unwrap_err();
    assert_eq!(
        read(include_str!("data/rsa-2560.pem")),
        SigningKeyError::ModulusBits { found: 2560 }
    );
    assert_eq!(read(include_str!("data/rsa-2048-exponent-3.pem")), SigningKeyError::Exponent);
}

#[test]
fn a_debug_print_shows_no_private_key() {
    let shown = format!("{:?} {:?}", **P256_KEY, issuer(&P256_KEY));
    assert!(shown.contains(P256_KEY.kid()) && shown.len() < 400, "{shown}");
}

type Sign = dyn Fn(&[u8]) -> Vec<u8> + Send + Sync;

/// A key that signs by one algorithm, also by those that [`SigningKey`] does not choose.
struct AnySigner {
    algorithm: Algorithm,
    public_key: PublicKey,
    sign: Box<Sign>,
}

impl Signer for AnySigner {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn kid(&self) -> &str {
        "any"
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok((self.sign)(message))
    }
}

fn rsa_signer(algorithm: Algorithm, encoding: &'static dyn RsaEncoding) -> AnySigner {
    let pair = RsaKeyPair::from_pkcs8(&RSA_KEY.to_pkcs8_der().unwrap()).unwrap();
    let sign = move |message: &[u8]| {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    };
    AnySigner { algorithm, public_key: RSA_KEY.public_key().clone(), sign: Box::new(sign) }
}

fn elliptic_signer(key: &'static Arc<SigningKey>) -> AnySigner {
    let sign = move |message: &[u8]| key.sign(message).unwrap();
    let public_key = key.public_key().clone();
    AnySigner { algorithm: key.algorithm(), public_key, sign: Box::new(sign) }
}

fn p521_signer() -> AnySigner {
    let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
    let public_key = PublicKey::p521(pair.public_key().as_ref()[1..].try_into().unwrap());
    let sign =
        move |message: &[u8]| pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec();
    AnySigner { algorithm: Algorithm::Es512, public_key, sign: Box::new(sign) }
}

#[test]
fn a_certificate_of_every_algorithm_names_its_issuer_and_is_signed_by_its_own_key() {
    for signer in [
        rsa_signer(Algorithm::Rs256, &RSA_PKCS1_SHA256),
        rsa_signer(Algorithm::Rs384, &RSA_PKCS1_SHA384),
        rsa_signer(Algorithm::Rs512, &RSA_PKCS1_SHA512),
        rsa_signer(Algorithm::Ps256, &RSA_PSS_SHA256),
        elliptic_signer(&P256_KEY),
        elliptic_signer(&P384_KEY),
        p521_signer(),
    ] {
        let algorithm = signer.algorithm;
        let der = provider_certificate(&signer, ISSUER, None).unwrap();
        let certificate = Certificate::parse(&der).unwrap();
        assert!(certificate.is_signed_by(&signer.public_key), "{algorithm}");
        assert!(certificate.is_self_issued());
        assert_eq!(certificate.subject().to_string(), format!("CN={ISSUER}"));
    }
}

#[test]
fn a_certificate_for_reports_says_so_and_its_ca_signed_it() {
    let provider = Arc::clone(&RSA_KEY);
    for ca in [provider as Arc<dyn Signer>, Arc::<SigningKey>::clone(&P256_KEY)] {
        let root = Certificate::parse(&report_ca_certificate(ca.as_ref()).unwrap()).unwrap();
        assert!(root.is_signed_by(ca.public_key()) && root.is_self_issued());
        assert!(root.is_ca());
        for key in [P256_KEY.public_key(), P384_KEY.public_key()] {
            let der = report_certificate(ca.as_ref(), key, ISSUER).unwrap();
            let leaf = Certificate::parse(&der).unwrap();
            assert!(leaf.is_signed_by(ca.public_key()) && !leaf.is_ca());
            assert_eq!((leaf.public_key(), leaf.issuer()), (key, root.subject()));
            assert_eq!(leaf.subject().to_string(), format!("CN={ISSUER}"));
            assert_eq!(leaf.extended_key_usages(), [REPORT_SIGNING]);
            let other = report_certificate(ca.as_ref(), key, "https://other.example").unwrap();
            assert_ne!(leaf.serial(), Certificate::parse(&other).unwrap().serial());
        }
    }
    // Under a CA with an RSA key every instance makes the same bytes.
    let made = || report_certificate(&**RSA_KEY, P256_KEY.public_key(), ISSUER).unwrap();
    assert_eq!(made(), made());
}

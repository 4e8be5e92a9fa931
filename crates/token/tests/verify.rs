//! What a relying party accepts, and everything that must be refused.
#![cfg(test)]
#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests over known data; a failed one may stop anywhere"
)]

mod support;

use std::sync::Arc;

use avouch_token::{
    Accepted, Algorithm, Expectations, Jwks, JwsError, Outcome, Part, Payload, PublishedKey,
    Signer, SigningKey, TokenKind, TokenTimes, UnusableReason, Verification, VerifyError,
    jwks_document, provider_certificate, report_ca_certificate, report_certificate, verify_token,
};
use avouch_wire::{FailedCheck as _, UnixTime, base64url};
use serde_json::{Map, Value, json};
use support::{ISSUER, P256_KEY, P384_KEY, RSA_KEY, claims, issued_at, issuer, pki};

fn keys(of: &[&Arc<SigningKey>]) -> Jwks {
    let published: Vec<PublishedKey> = of
        .iter()
        .map(|key| {
            let certificate = provider_certificate(&***key, ISSUER, None).unwrap();
            PublishedKey::new(&***key, &[certificate])
        })
        .collect();
    Jwks::parse(jwks_document(&published).as_bytes()).unwrap()
}

fn expectations() -> Expectations {
    Expectations { issuer: Some(ISSUER.to_owned()), ..Expectations::at(issued_at()) }
}

fn verify(token: &str, of: &[&Arc<SigningKey>]) -> Verification {
    verify_token(token, &keys(of), &expectations())
}

fn refused(token: &str, of: &[&Arc<SigningKey>]) -> VerifyError {
    verify(token, of).into_verified().unwrap_err()
}

/// A token with this header and payload, signed by `key`.
fn hand_made(header: &str, payload: &str, key: &SigningKey) -> String {
    let input = format!("{}.{}", base64url::encode(header), base64url::encode(payload));
    format!("{input}.{}", base64url::encode(key.sign(input.as_bytes()).unwrap()))
}

fn header(key: &SigningKey) -> String {
    json!({"alg": key.algorithm().name(), "kid": key.kid()}).to_string()
}

#[test]
fn our_own_tokens_verify_with_every_kind_of_key_and_every_check_is_reported() {
    for key in [&*RSA_KEY, &*P256_KEY, &*P384_KEY] {
        let token = support::token(key);
        let outcome = verify(&token, &[&RSA_KEY, &P256_KEY, &P384_KEY]);
        let names: Vec<&str> = outcome.checks().iter().map(|check| check.name).collect();
        assert_eq!(
            names,
            [
                "token-form",
                "token-algorithm",
                "token-key",
                "token-signature",
                "token-payload",
                "token-issuer",
                "token-not-before",
                "token-issued-at",
                "token-expiry",
                "token-audience",
                "token-nonce",
                "token-keys-url"
            ]
        );
        let not_asked = ["token-audience", "token-nonce"];
        for check in outcome.checks() {
            let expected = match not_asked.contains(&check.name) {
                true => Outcome::NotChecked,
                false => Outcome::Passed,
            };
            assert_eq!(check.outcome, expected, "{}", check.name);
        }
        let token = outcome.into_verified().unwrap();
        assert_eq!(token.claims()["x-ms-sgx-svn"], 1);
        assert_eq!(token.key().kid(), Some(key.kid()));
        assert_eq!(token.header()["typ"], "JWT");
        assert_eq!(token.expires_at(), issued_at().saturating_add_seconds(28_800));
    }
}

#[test]
fn one_flipped_bit_anywhere_is_refused() {
    for key in [&*P256_KEY, &*RSA_KEY] {
        let token = support::token(key);
        let parts: Vec<Vec<u8>> =
            token.split('.').map(|part| base64url::decode(part).unwrap()).collect();
        let set = keys(&[key]);
        for (index, part) in parts.iter().enumerate() {
            for byte in 0..part.len() {
                let mut altered = parts.clone();
                altered[index][byte] ^= 1 << (byte % 8);
                let text: Vec<String> = altered.iter().map(base64url::encode).collect();
                let outcome = verify_token(&text.join("."), &set, &expectations());
                assert!(outcome.into_verified().is_err(), "part {index} byte {byte}");
            }
        }
    }
}

#[test]
fn another_text_of_the_same_bytes_is_not_the_same_token() {
    let token = support::token(&RSA_KEY);
    for altered in [
        format!("{token}="),
        format!("{token}=="),
        format!("{token}\n"),
        format!(" {token}"),
        token.replacen('.', "=.", 1),
        format!("{token}."),
        token.replace('.', ". "),
    ] {
        assert_eq!(refused(&altered, &[&RSA_KEY]).check(), "token-form", "{altered:?}");
    }
    // RSA-2048 signatures leave four unused bits in the last character.
    let last = token.len() - 1;
    let mut loose = token.clone().into_bytes();
    loose[last] += 1;
    let loose = String::from_utf8(loose).unwrap();
    assert!(matches!(
        refused(&loose, &[&RSA_KEY]),
        VerifyError::Form(JwsError::Base64 { part: Part::Signature, .. })
    ));
}

#[test]
fn an_unsecured_token_is_refused_unless_allowed_and_never_called_verified() {
    let claims = claims();
    let token = issuer(&RSA_KEY).unsecured(&support::payload(&claims));
    let outcome = verify(&token, &[&RSA_KEY]);
    assert!(matches!(outcome.result(), Err(VerifyError::Unsecured)), "{outcome:?}");
    assert_eq!(refused(&token, &[&RSA_KEY]), VerifyError::Unsecured);

    let allowing = Expectations { allow_unsecured: true, ..expectations() };
    let outcome = verify_token(&token, &keys(&[&RSA_KEY]), &allowing);
    let Ok(Accepted::Unsecured(unsecured)) = outcome.result() else { panic!("{outcome:?}") };
    assert_eq!(unsecured.untrusted_claims()["iss"], ISSUER);
    let found: Vec<_> =
        outcome.checks().iter().skip(1).take(3).map(|one| (one.name, one.outcome)).collect();
    let expected = [
        ("token-algorithm", Outcome::Passed),
        ("token-key", Outcome::NotChecked),
        ("token-signature", Outcome::NotChecked),
    ];
    assert_eq!(found, expected);
    assert_eq!(outcome.into_verified().unwrap_err(), VerifyError::Unsecured);

    let late = Expectations { at: issued_at().saturating_add_seconds(28_800), ..allowing.clone() };
    let outcome = verify_token(&token, &keys(&[&RSA_KEY]), &late);
    assert!(matches!(outcome.result(), Err(VerifyError::Expired { .. })));

    let with_signature = format!("{token}AAAA");
    let outcome = verify_token(&with_signature, &keys(&[&RSA_KEY]), &allowing);
    assert_eq!(outcome.into_verified().unwrap_err(), VerifyError::SignatureUnderNone { length: 3 });
    for name in ["None", "NONE", "nonE"] {
        let header = json!({"alg": name, "kid": RSA_KEY.kid()}).to_string();
        let token = format!("{}.{}.", base64url::encode(header), base64url::encode("{}"));
        let outcome = verify_token(&token, &keys(&[&RSA_KEY]), &allowing);
        assert_eq!(outcome.into_verified().unwrap_err().check(), "token-algorithm", "{name}");
    }
}

#[test]
fn stripping_the_signature_of_a_signed_token_does_not_help() {
    let token = support::token(&RSA_KEY);
    let stripped = &token[..=token.rfind('.').unwrap()];
    assert!(matches!(refused(stripped, &[&RSA_KEY]), VerifyError::Signature { .. }));
}

#[test]
fn a_public_key_used_as_an_hmac_secret_is_refused() {
    let secret = aws_lc_rs::hmac::Key::new(
        aws_lc_rs::hmac::HMAC_SHA256,
        avouch_pki::pem::encode("PUBLIC KEY", RSA_KEY.public_key().spki_der()).as_bytes(),
    );
    let input = format!(
        "{}.{}",
        base64url::encode(json!({"alg": "HS256", "kid": RSA_KEY.kid()}).to_string()),
        support::token(&RSA_KEY).split('.').nth(1).unwrap()
    );
    let tag = aws_lc_rs::hmac::sign(&secret, input.as_bytes());
    let token = format!("{input}.{}", base64url::encode(tag.as_ref()));
    assert_eq!(
        refused(&token, &[&RSA_KEY]),
        VerifyError::Algorithm { found: "HS256".into(), accepted: "RS256, ES256, ES384".into() }
    );
}

#[test]
fn the_keys_type_must_go_with_the_algorithm() {
    for (algorithm, key) in [("ES256", &*RSA_KEY), ("RS256", &*P256_KEY), ("ES384", &*P256_KEY)] {
        let header = json!({"alg": algorithm, "kid": key.kid()}).to_string();
        let token = hand_made(&header, "{}", key);
        assert!(
            matches!(refused(&token, &[key]), VerifyError::KeyForOtherAlgorithm { .. }),
            "{algorithm}"
        );
    }
}

#[test]
fn an_algorithm_that_is_not_on_the_list_is_refused() {
    let only_es = Expectations { algorithms: vec![Algorithm::Es256], ..expectations() };
    let outcome = verify_token(&support::token(&RSA_KEY), &keys(&[&RSA_KEY]), &only_es);
    assert!(matches!(outcome.into_verified(), Err(VerifyError::Algorithm { .. })));
    let outcome = verify_token(&support::token(&P256_KEY), &keys(&[&P256_KEY]), &only_es);
    assert!(outcome.into_verified().is_ok());
}

#[test]
fn the_kid_must_name_a_key_and_only_that_key_counts() {
    assert!(matches!(
        refused(&support::token(&P256_KEY), &[&RSA_KEY]),
        VerifyError::UnknownKey { known: 1, .. }
    ));
    let other = pki::new_key();
    let header = json!({"alg": "ES256", "kid": other.kid()}).to_string();
    let payload = support::part(&support::token(&P256_KEY), 1);
    let token = hand_made(&header, &payload, &P256_KEY);
    assert!(matches!(
        refused(&token, &[&P256_KEY, &other]),
        VerifyError::Signature { tried: 1, .. }
    ));
    let without_kid = hand_made(r#"{"alg":"ES256"}"#, &payload, &P256_KEY);
    assert!(verify(&without_kid, &[&other, &P256_KEY]).into_verified().is_ok());
    assert!(matches!(refused(&without_kid, &[&other]), VerifyError::Signature { tried: 1, .. }));
    let odd_kid = hand_made(r#"{"alg":"ES256","kid":1}"#, &payload, &P256_KEY);
    assert_eq!(refused(&odd_kid, &[&P256_KEY]), VerifyError::MalformedHeader { name: "kid" });
}

#[test]
fn a_key_that_is_listed_but_unusable_says_why() {
    let set = json!({"keys": [
        {"kty": "oct", "kid": "other", "k": "AA"},
        {"kty": "RSA", "kid": RSA_KEY.kid(), "n": "AQAB", "e": "AQAB"},
        {"kty": "oct", "kid": "another", "k": "AA"},
    ]});
    let set = Jwks::parse(set.to_string().as_bytes()).unwrap();
    let outcome = verify_token(&support::token(&RSA_KEY), &set, &expectations());
    let error = outcome.into_verified().unwrap_err();
    assert!(
        matches!(&error, VerifyError::UnusableKey { reason, .. }
            if matches!(**reason, UnusableReason::Key(_))),
        "{error}"
    );
}

#[test]
fn another_issuer_is_refused_even_if_its_text_is_close() {
    for close in ["https://tenant.attest.example/", "https://TENANT.attest.example", "", "https://"]
    {
        let expected = Expectations { issuer: Some(close.to_owned()), ..expectations() };
        let outcome = verify_token(&support::token(&P256_KEY), &keys(&[&P256_KEY]), &expected);
        assert!(matches!(outcome.into_verified(), Err(VerifyError::Issuer { .. })), "{close:?}");
    }
    let any = Expectations { issuer: None, ..expectations() };
    let outcome = verify_token(&support::token(&P256_KEY), &keys(&[&P256_KEY]), &any);
    assert!(outcome.checks().iter().any(|check| check.outcome == Outcome::NotChecked));
    assert!(outcome.into_verified().is_ok());
}

/// A token of our issuer with these members over the usual ones.
fn token_with(header_over: Value, claims_over: Value) -> String {
    let mut header = json!({"alg": P256_KEY.algorithm().name(), "kid": P256_KEY.kid()});
    let mut payload = json!({"iss": ISSUER, "exp": issued_at().seconds() + 60});
    for (to, from) in [(&mut header, header_over), (&mut payload, claims_over)] {
        to.as_object_mut().unwrap().extend(from.as_object().unwrap().clone());
    }
    hand_made(&header.to_string(), &payload.to_string(), &P256_KEY)
}

fn check_of(token: &str, expected: &Expectations) -> Result<(), &'static str> {
    let outcome = verify_token(token, &keys(&[&P256_KEY]), expected).into_verified();
    outcome.map(drop).map_err(|error| error.check())
}

#[test]
fn a_token_for_another_audience_is_refused_and_so_is_one_for_any_where_none_is_expected() {
    let ours = Expectations { audience: Some("sts".into()), ..expectations() };
    for (audience, with, without) in [
        (json!({"aud": "sts"}), Ok(()), Err("token-audience")),
        (json!({"aud": ["other", "sts"]}), Ok(()), Err("token-audience")),
        (json!({"aud": "other"}), Err("token-audience"), Err("token-audience")),
        (json!({"aud": []}), Err("token-audience"), Err("token-audience")),
        (json!({"aud": "STS"}), Err("token-audience"), Err("token-audience")),
        (json!({"aud": ["sts", 1]}), Err("token-payload"), Err("token-payload")),
        (json!({"aud": null}), Err("token-payload"), Err("token-payload")),
        (json!({}), Err("token-payload"), Ok(())),
    ] {
        let token = token_with(json!({}), audience.clone());
        assert_eq!(check_of(&token, &ours), with, "{audience}");
        assert_eq!(check_of(&token, &expectations()), without, "{audience}");
    }
}

#[test]
fn the_nonce_that_is_expected_must_be_there_digit_for_digit() {
    let ours = Expectations { nonce: Some("17".into()), ..expectations() };
    for (nonce, expected) in [
        (json!({"nonce": "17"}), Ok(())),
        (json!({"nonce": 17}), Ok(())),
        (json!({"nonce": "017"}), Err("token-nonce")),
        (json!({"nonce": 18}), Err("token-nonce")),
        (json!({"nonce": 17.5}), Err("token-nonce")),
        (json!({"nonce": ["17"]}), Err("token-payload")),
        (json!({}), Err("token-payload")),
    ] {
        let token = token_with(json!({}), nonce.clone());
        assert_eq!(check_of(&token, &ours), expected, "{nonce}");
        assert_eq!(check_of(&token, &expectations()), Ok(()), "{nonce}: not asked for");
    }
}

#[test]
fn a_jku_that_names_other_keys_than_the_issuers_is_refused() {
    let own = format!("{ISSUER}/certs");
    for (jku, expected) in [
        (json!({"jku": own}), Ok(())),
        (json!({}), Ok(())),
        (json!({"jku": "https://evil.example/certs"}), Err("token-keys-url")),
        (json!({"jku": format!("{own}/")}), Err("token-keys-url")),
        (json!({"jku": ISSUER}), Err("token-keys-url")),
        (json!({"jku": [own]}), Err("token-keys-url")),
    ] {
        let token = token_with(jku.clone(), json!({}));
        assert_eq!(check_of(&token, &expectations()), expected, "{jku}");
        let no_issuer = Expectations { issuer: None, ..expectations() };
        assert_eq!(check_of(&token, &no_issuer), Ok(()), "{jku}: nothing to compare with");
    }
}

fn judged(at_offset: i64, slack_seconds: u32) -> Result<(), &'static str> {
    let expected = Expectations {
        at: issued_at().saturating_add_seconds(at_offset),
        slack_seconds,
        ..expectations()
    };
    let outcome = verify_token(&support::token(&P256_KEY), &keys(&[&P256_KEY]), &expected);
    outcome.into_verified().map(|_| ()).map_err(|error| error.check())
}

#[test]
fn times_are_judged_to_the_second() {
    assert_eq!(judged(0, 0), Ok(()));
    assert_eq!(judged(-1, 0), Err("token-not-before"));
    assert_eq!(judged(-1, 1), Ok(()));
    assert_eq!(judged(-2, 1), Err("token-not-before"));
    assert_eq!(judged(28_799, 0), Ok(()));
    assert_eq!(judged(28_800, 0), Err("token-expiry"));
    assert_eq!(judged(28_800, 1), Ok(()));
    assert_eq!(judged(28_801, 1), Err("token-expiry"));
}

#[test]
fn every_mismatch_of_the_claims_is_reported_at_once() {
    let expected = Expectations {
        issuer: Some("https://other".into()),
        ..Expectations::at(issued_at().saturating_add_seconds(30_000))
    };
    let outcome = verify_token(&support::token(&P256_KEY), &keys(&[&P256_KEY]), &expected);
    let failed: Vec<&str> = outcome
        .checks()
        .iter()
        .filter(|check| check.outcome == Outcome::Failed)
        .map(|check| check.name)
        .collect();
    assert_eq!(failed, ["token-issuer", "token-expiry", "token-keys-url"]);
    assert!(matches!(outcome.result(), Err(VerifyError::Issuer { .. })));
}

#[test]
fn odd_times_are_refused_and_fractions_shorten_the_life() {
    let at = issued_at().seconds();
    let with = |extra: Value| {
        let mut claims = json!({"iss": ISSUER});
        claims.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let token = hand_made(&header(&P256_KEY), &claims.to_string(), &P256_KEY);
        verify(&token, &[&P256_KEY]).into_verified().map(|_| ())
    };
    assert!(with(json!({"exp": at + 1})).is_ok());
    assert_eq!(with(json!({})), Err(VerifyError::MissingClaim { name: "exp" }));
    for odd in
        [json!("2030-01-01"), json!(null), json!(-1), json!(1e300), json!(u64::MAX), json!([])]
    {
        assert_eq!(
            with(json!({ "exp": odd })),
            Err(VerifyError::MalformedClaim { name: "exp" }),
            "{odd}"
        );
    }
    let (past, ahead) = (at as f64 + 0.5, at as f64 + 1.5);
    assert!(matches!(with(json!({ "exp": past })), Err(VerifyError::Expired { .. })));
    assert!(with(json!({ "exp": ahead })).is_ok());
    assert!(matches!(
        with(json!({"exp": at + 9, "nbf": past})),
        Err(VerifyError::NotYetValid { .. })
    ));
    // Half a second before this one, so from this one on; and exactly this one.
    assert!(with(json!({"exp": at + 9, "nbf": at as f64 - 0.5})).is_ok());
    assert!(with(json!({"exp": at + 9, "nbf": at as f64})).is_ok());
    assert!(with(json!({"exp": at + 9, "iat": past})).is_ok());
    assert!(matches!(
        with(json!({"exp": at + 9, "iat": at + 1})),
        Err(VerifyError::IssuedAhead { .. })
    ));
}

#[test]
fn a_member_named_twice_in_header_or_payload_is_refused_although_signed() {
    let exp = issued_at().seconds() + 60;
    let payload = format!(r#"{{"iss":"{ISSUER}","exp":{exp}}}"#);
    assert!(
        verify(&hand_made(&header(&P256_KEY), &payload, &P256_KEY), &[&P256_KEY])
            .into_verified()
            .is_ok()
    );
    let doubled = format!(r#"{{"iss":"{ISSUER}","exp":1,"exp":{exp}}}"#);
    let token = hand_made(&header(&P256_KEY), &doubled, &P256_KEY);
    assert!(matches!(refused(&token, &[&P256_KEY]), VerifyError::Payload(_)));
    let header = format!(r#"{{"alg":"none","alg":"ES256","kid":"{}"}}"#, P256_KEY.kid());
    let token = hand_made(&header, &payload, &P256_KEY);
    assert!(matches!(refused(&token, &[&P256_KEY]), VerifyError::Form(JwsError::Header(_))));
}

#[test]
fn a_header_that_demands_an_extension_is_refused() {
    let header = json!({"alg": "ES256", "kid": P256_KEY.kid(), "crit": ["b64"], "b64": false});
    let token = hand_made(&header.to_string(), "{}", &P256_KEY);
    assert!(matches!(refused(&token, &[&P256_KEY]), VerifyError::Form(JwsError::Critical(_))));
}

#[test]
fn an_oversized_token_is_refused_before_it_is_decoded() {
    let token = "a".repeat(2 * 1024 * 1024);
    let at_most = VerifyError::Form(JwsError::Parts { found: 1 });
    assert_eq!(refused(&token, &[&P256_KEY]), at_most);
    let token = "a".repeat(2 * 1024 * 1024 + 1);
    assert!(matches!(refused(&token, &[&P256_KEY]), VerifyError::Form(JwsError::TooLong { .. })));
}

#[test]
fn an_answer_with_the_largest_policy_that_can_be_set_verifies() {
    let claims = Map::from_iter([("x-ms-policy".to_owned(), json!("A".repeat(1024 * 1024)))]);
    let times = TokenTimes::attestation(issued_at());
    let token = issuer(&P256_KEY).sign(&Payload::new(&claims, times).unwrap()).unwrap();
    assert!(verify(&token, &[&P256_KEY]).into_verified().is_ok());
}

#[test]
fn reports_can_be_printed_as_json() {
    let outcome = verify(&support::token(&P256_KEY), &[&P256_KEY]);
    let shown = serde_json::to_value(outcome.checks()).unwrap();
    assert_eq!(
        shown[1],
        json!({"name": "token-algorithm", "outcome": "passed", "detail": "ES256"})
    );
    let _: UnixTime = outcome.into_verified().unwrap().expires_at();
}

#[test]
fn keys_for_reports_sign_no_tokens_and_keys_for_tokens_no_reports() {
    let report_key = &*P384_KEY;
    let chain = [
        report_certificate(&**RSA_KEY, report_key.public_key(), ISSUER).unwrap(),
        report_ca_certificate(&**RSA_KEY).unwrap(),
    ];
    let certificate = provider_certificate(&**P256_KEY, ISSUER, None).unwrap();
    let published =
        [PublishedKey::new(&**P256_KEY, &[certificate]), PublishedKey::new(&**report_key, &chain)];
    let keys = Jwks::parse(jwks_document(&published).as_bytes()).unwrap();
    for (key, signs) in [(&*P256_KEY, TokenKind::Attestation), (report_key, TokenKind::Report)] {
        for kind in [TokenKind::Attestation, TokenKind::Report] {
            let expectations = Expectations { kind, ..expectations() };
            let outcome = verify_token(&support::token(key), &keys, &expectations);
            if kind == signs {
                outcome.into_verified().unwrap();
                continue;
            }
            let error = outcome.into_verified().unwrap_err();
            let kid = Some(key.kid().to_owned());
            assert_eq!(error, VerifyError::KeyForOtherKind { kid, signs, expected: kind });
            assert_eq!(error.check(), "token-key");
            // Without a kid all keys of the other kind are tried, and none of this.
            let header = json!({"alg": key.algorithm().name()}).to_string();
            let text = hand_made(&header, &json!({"exp": 1}).to_string(), key);
            verify_token(&text, &keys, &expectations).into_verified().unwrap_err();
        }
    }
}

//! Tokens that the real service issued, checked with the keys that it published.
#![cfg(test)]
#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests over known data; a failed one may stop anywhere"
)]

mod support;

use std::collections::BTreeSet;

use avouch_pki::{Certificate, KeyKind};
use avouch_token::{Accepted, Expectations, Jwks, UnusableReason, VerifyError, verify_token};
use avouch_wire::json::{parse_value, to_canonical};
use avouch_wire::{FailedCheck as _, base64url};
use aws_lc_rs::signature::{RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
use serde_json::Value;
use support::Exchange;

/// Every recorded token with its exchange.
fn recorded() -> Option<Vec<(Exchange, String)>> {
    let exchanges = support::exchanges()?;
    Some(
        exchanges
            .into_iter()
            .filter_map(|exchange| exchange.token().map(|token| (exchange, token)))
            .collect(),
    )
}

fn key_sets() -> Option<Vec<(String, Vec<u8>, Jwks)>> {
    let bodies = support::certs_bodies()?;
    Some(
        bodies
            .into_iter()
            .map(|(file, body)| {
                let set = Jwks::parse(&body).unwrap();
                (file, body, set)
            })
            .collect(),
    )
}

/// The set that has a key of this identifier, usable or not.
fn set_with<'a>(sets: &'a [(String, Vec<u8>, Jwks)], kid: &str) -> &'a (String, Vec<u8>, Jwks) {
    sets.iter()
        .find(|(_, body, _)| {
            let set: Value = serde_json::from_slice(body).unwrap();
            set["keys"].as_array().unwrap().iter().any(|key| key["kid"] == kid)
        })
        .unwrap()
}

fn header(token: &str) -> Value {
    serde_json::from_str(&support::part(token, 0)).unwrap()
}

fn at_issue(token: &str) -> Expectations {
    let claims: Value = serde_json::from_str(&support::part(token, 1)).unwrap();
    let issued_at = claims["iat"].as_i64().unwrap();
    Expectations {
        issuer: Some(claims["iss"].as_str().unwrap().to_owned()),
        ..Expectations::at(avouch_wire::UnixTime::from_seconds(issued_at).unwrap())
    }
}

#[test]
fn every_recorded_signature_verifies_under_the_published_key() {
    let (Some(tokens), Some(sets)) = (recorded(), key_sets()) else { return };
    let (mut verified, mut legacy, mut unsecured) = (0, 0, 0);
    for (exchange, token) in &tokens {
        let header = header(token);
        let (file, body, keys) = set_with(&sets, header["kid"].as_str().unwrap());
        let expected = at_issue(token);
        match verify_token(token, keys, &expected).into_verified() {
            Ok(token) => {
                assert_eq!(
                    token.header()["jku"],
                    format!("{}/certs", token.claims()["iss"].as_str().unwrap())
                );
                verified += 1;
            }
            Err(VerifyError::Unsecured) => {
                assert!(exchange.request_body.as_ref().unwrap().contains("draftPolicy"));
                let allowing = Expectations { allow_unsecured: true, ..expected };
                let outcome = verify_token(token, keys, &allowing);
                assert!(matches!(outcome.result(), Ok(Accepted::Unsecured(_))));
                unsecured += 1;
            }
            Err(VerifyError::UnusableKey { reason, .. }) => {
                // The service still signed with RSA-1024 in 2020: the signature holds, and is no
                // proof any more.
                assert_eq!(*reason, UnusableReason::ModulusBits { found: 1024 }, "{file}");
                assert!(holds_under_short_key(token, body, header["kid"].as_str().unwrap()));
                legacy += 1;
            }
            Err(error) => panic!("{}: {error}", exchange.scenario),
        }
    }
    println!("{verified} verified, {legacy} under RSA-1024, {unsecured} unsecured");
    assert_eq!(verified + legacy + unsecured, tokens.len());
    assert!(verified > 0 && unsecured > 0);
}

fn holds_under_short_key(token: &str, body: &[u8], kid: &str) -> bool {
    let set: Value = serde_json::from_slice(body).unwrap();
    let key = set["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid).unwrap();
    let der = base64url::decode_standard(key["x5c"][0].as_str().unwrap()).unwrap();
    let certificate = Certificate::parse(&der).unwrap();
    assert_eq!(certificate.public_key().kind(), KeyKind::Rsa { modulus_bits: 1024 });
    let (input, signature) = token.rsplit_once('.').unwrap();
    UnparsedPublicKey::new(
        &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        certificate.public_key().raw(),
    )
    .verify(input.as_bytes(), &base64url::decode(signature).unwrap())
    .is_ok()
}

#[test]
fn recorded_tokens_with_one_flipped_bit_are_refused() {
    let (Some(tokens), Some(sets)) = (recorded(), key_sets()) else { return };
    let mut refused = 0;
    for (_, token) in &tokens {
        let header = header(token);
        if header["alg"] == "none" {
            continue;
        }
        let (_, _, keys) = set_with(&sets, header["kid"].as_str().unwrap());
        let parts: Vec<Vec<u8>> =
            token.split('.').map(|part| base64url::decode(part).unwrap()).collect();
        for (index, part) in parts.iter().enumerate() {
            for byte in (0..part.len()).step_by(37) {
                let mut altered = parts.clone();
                altered[index][byte] ^= 1 << (byte % 8);
                let text: Vec<String> = altered.iter().map(base64url::encode).collect();
                let outcome = verify_token(&text.join("."), keys, &at_issue(token));
                assert!(outcome.into_verified().is_err());
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
}

#[test]
fn recorded_tokens_are_refused_after_their_life_and_before_it() {
    let (Some(tokens), Some(sets)) = (recorded(), key_sets()) else { return };
    let mut lives = BTreeSet::new();
    for (exchange, token) in &tokens {
        let header = header(token);
        let (_, _, keys) = set_with(&sets, header["kid"].as_str().unwrap());
        let expected = at_issue(token);
        let Ok(verified) = verify_token(token, keys, &expected).into_verified() else { continue };
        lives.insert((
            exchange.route.starts_with("attest/"),
            verified.expires_at().seconds() - expected.at.seconds(),
        ));
        let late = Expectations { at: verified.expires_at(), ..expected.clone() };
        let error = verify_token(token, keys, &late).into_verified().unwrap_err();
        assert_eq!(error.check(), "token-expiry");
        let early = Expectations { at: expected.at.saturating_add_seconds(-1), ..expected.clone() };
        let error = verify_token(token, keys, &early).into_verified().unwrap_err();
        assert_eq!(error.check(), "token-not-before");
        let other = Expectations { issuer: Some("https://other".into()), ..expected };
        let error = verify_token(token, keys, &other).into_verified().unwrap_err();
        assert_eq!(error.check(), "token-issuer");
    }
    assert_eq!(Vec::from_iter(lives), [(false, 3600), (true, 28_800)]);
}

#[test]
fn recorded_payloads_from_2021_on_are_canonical_json() {
    let Some(tokens) = recorded() else { return };
    let mut compared = 0;
    for (exchange, token) in &tokens {
        for text in [support::part(token, 0), support::part(token, 1)] {
            if exchange.judge_at.seconds() < 1_609_459_200 {
                // December 2020: a space after each colon and comma.
                assert!(text.contains(": "), "{}", exchange.scenario);
                continue;
            }
            let value = parse_value(text.as_bytes(), usize::MAX).unwrap();
            assert_eq!(to_canonical(&value), text, "{}", exchange.scenario);
            compared += 1;
        }
    }
    assert!(compared > 0);
}

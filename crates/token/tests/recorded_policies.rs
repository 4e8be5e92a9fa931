//! Policies and certificate requests as real clients sent them, and what the real service answered.
#![cfg(test)]
#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests over known data; a failed one may stop anywhere"
)]

mod support;

use std::collections::HashMap;

use avouch_pki::{Certificate, PublicKey};
use avouch_token::policy_jws::{
    CertificateJws, CertificateOperation, JwsContent, NO_POLICY_JWS, PolicyEncoding, PolicyJws,
    PolicySigner, ResetJws, SignedForm, UnsignedForm, VerifiedSigner, authorize_signer,
    create_signed, create_unsigned, policy_hash,
};
use avouch_token::{Algorithm, SignError, Signer, policy_certificates};
use avouch_wire::base64url;
use serde_json::{Map, Value};
use support::Exchange;

/// Claims of the exchange's answer.
fn answer(exchange: &Exchange) -> Map<String, Value> {
    serde_json::from_str(&support::part(&exchange.token().unwrap(), 1)).unwrap()
}

/// Recorded exchanges of one method and route that were answered with a token and whose body the
/// recording has.
fn answered(method: &str, route: impl Fn(&str) -> bool) -> Option<Vec<Exchange>> {
    let exchanges = support::exchanges()?;
    let wanted = |exchange: &Exchange| {
        exchange.method == method && route(&exchange.route) && exchange.token().is_some()
    };
    Some(exchanges.into_iter().filter(wanted).collect())
}

fn is_reset(route: &str) -> bool {
    route.starts_with("policies/") && route.contains(":reset")
}

#[test]
fn every_recorded_policy_is_read_and_its_result_recomputed() {
    let Some(sets) = answered("PUT", |route| route.starts_with("policies/")) else { return };
    let mut signed = 0;
    let mut compared = 0;
    for exchange in &sets {
        let Some(body) = &exchange.request_body else { continue };
        let policy = PolicyJws::parse(body.as_bytes(), PolicyEncoding::Base64Url).unwrap();
        let result = answer(exchange);
        assert_eq!(result["x-ms-policy-result"], "Updated", "{}", exchange.scenario);
        assert_eq!(result["x-ms-policy-token-hash"], policy.token_hash(), "{}", exchange.scenario);
        assert_eq!(
            result.get("x-ms-policy-signer"),
            policy.signer().map(VerifiedSigner::jwk).as_ref(),
            "{}",
            exchange.scenario
        );
        signed += usize::from(policy.signer().is_some());
        compared += 1;
    }
    assert!(signed > 0 && compared > signed, "{signed} of {compared}");
}

#[test]
fn one_flipped_bit_in_a_recorded_signed_policy_is_refused() {
    let Some(sets) = answered("PUT", |route| route.starts_with("policies/")) else { return };
    let mut refused = 0;
    for body in sets.iter().filter_map(|exchange| exchange.request_body.as_ref()) {
        let parts: Vec<Vec<u8>> =
            body.split('.').map(|part| base64url::decode(part).unwrap()).collect();
        if parts[2].is_empty() {
            continue;
        }
        // The header's certificate is not signed by this signature: only its key matters there.
        for index in [1, 2] {
            for byte in (0..parts[index].len()).step_by(7) {
                let mut altered = parts.clone();
                altered[index][byte] ^= 0x10;
                let text: Vec<String> = altered.iter().map(base64url::encode).collect();
                let text = text.join(".");
                assert!(PolicyJws::parse(text.as_bytes(), PolicyEncoding::Base64Url).is_err());
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
}

#[test]
fn every_recorded_reset_is_read_and_reports_nothing_but_its_result() {
    let Some(resets) = answered("POST", is_reset) else { return };
    let mut signed = 0;
    for exchange in &resets {
        let Some(body) = &exchange.request_body else { continue };
        signed += usize::from(ResetJws::parse(body.as_bytes()).unwrap().signer().is_some());
        let result = answer(exchange);
        assert_eq!(result["x-ms-policy-result"], "Removed");
        assert_eq!(result.len(), 5, "{}", exchange.scenario);
    }
    assert!(signed > 0 && resets.len() > signed);
}

#[test]
fn the_policy_that_get_shows_is_the_one_that_was_put() {
    let Some(exchanges) = support::exchanges() else { return };
    let mut set: HashMap<(String, String), String> = HashMap::new();
    let mut compared = 0;
    for exchange in exchanges.iter().filter(|exchange| exchange.token().is_some()) {
        let path = exchange.route.split('?').next().unwrap();
        let route = path.trim_end_matches(":reset").to_owned();
        let key = (exchange.scenario.clone(), route);
        match (exchange.method.as_str(), &exchange.request_body) {
            ("PUT", Some(body)) => {
                let policy = PolicyJws::parse(body.as_bytes(), PolicyEncoding::Base64Url).unwrap();
                set.insert(key, policy.raw().to_owned());
            }
            ("PUT" | "POST", _) => {
                set.remove(&key);
            }
            (_, _) => {
                if let Some(raw) = set.get(&key) {
                    assert_eq!(answer(exchange)["x-ms-policy"], *raw, "{}", exchange.scenario);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 1);
}

#[test]
fn every_policy_that_get_shows_is_read() {
    let Some(gets) = answered("GET", |route| route.starts_with("policies/")) else { return };
    let mut empty = 0;
    for exchange in &gets {
        let shown = answer(exchange)["x-ms-policy"].as_str().unwrap().to_owned();
        if shown == NO_POLICY_JWS {
            assert!(exchange.route.starts_with("policies/Tpm"), "{}", exchange.route);
            empty += 1;
            continue;
        }
        let policy = PolicyJws::parse(shown.as_bytes(), PolicyEncoding::Base64Url).unwrap();
        assert!(policy.text().contains("version"), "{}", policy.text());
    }
    assert!(gets.len() > empty);
}

#[test]
fn the_policy_hash_of_every_recorded_draft_is_recomputed() {
    let Some(attests) = answered("POST", |route| route.starts_with("attest/")) else { return };
    let mut compared = 0;
    for exchange in &attests {
        let Some(body) = &exchange.request_body else { continue };
        let request: Value = serde_json::from_str(body).unwrap();
        let Some(draft) = request.get("draftPolicyForAttestation").and_then(Value::as_str) else {
            continue;
        };
        assert_eq!(answer(exchange)["x-ms-policy-hash"], policy_hash(draft));
        compared += 1;
    }
    assert!(compared > 0);
}

#[test]
fn recorded_certificate_requests_are_read_and_authorized_by_the_recorded_list() {
    let Some(changes) = answered("POST", |route| route.starts_with("certificates:")) else {
        return;
    };
    let Some(lists) = answered("GET", |route| route.starts_with("certificates?")) else { return };
    let mut authorized = 0;
    for exchange in &changes {
        let operation = if exchange.route.starts_with("certificates:add") {
            CertificateOperation::Add
        } else {
            CertificateOperation::Remove
        };
        let body = exchange.request_body.as_deref().unwrap();
        let request = CertificateJws::parse(body.as_bytes(), operation).unwrap();
        assert_eq!(answer(exchange)["x-ms-certificate-thumbprint"], request.thumbprint());
        for list in lists.iter().filter(|list| list.scenario == exchange.scenario) {
            let list = policy_certificates(&answer(list)["x-ms-policy-certificates"]).unwrap();
            authorize_signer(request.signer(), &list, exchange.judge_at).unwrap();
            authorized += 1;

            let others: Vec<Certificate> = list
                .into_iter()
                .filter(|one| one.der() != request.signer().certificate().unwrap().der())
                .collect();
            assert!(authorize_signer(request.signer(), &others, exchange.judge_at).is_err());
        }
    }
    assert!(authorized > 0);
}

/// A recorded key that "signs" with its recorded signature.
struct Recorded {
    key: PublicKey,
    signature: Vec<u8>,
}

impl Signer for Recorded {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Rs256
    }

    fn public_key(&self) -> &PublicKey {
        &self.key
    }

    fn kid(&self) -> &str {
        "recorded"
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(self.signature.clone())
    }
}

#[test]
fn our_policy_jws_of_the_same_content_and_signer_are_the_recorded_ones_byte_for_byte() {
    let changes =
        |route: &str| route.starts_with("policies/") || route.starts_with("certificates:");
    let Some(mut all) = answered("PUT", changes) else { return };
    all.extend(answered("POST", changes).unwrap());
    let (mut unsigned, mut signed) = (0, 0);
    for exchange in &all {
        let Some(body) = &exchange.request_body else { continue };
        let raw = body.trim_matches('"');
        let (content, signer) = read_any(exchange, body);
        let content = content.as_content();
        let Some(signer) = signer else {
            let python = create_unsigned(content, UnsignedForm::Python);
            let compact = create_unsigned(content, UnsignedForm::Compact);
            assert!(raw == python || raw == compact, "{}", exchange.scenario);
            unsigned += 1;
            continue;
        };
        let recorded = Recorded {
            key: signer.certificate().unwrap().public_key().clone(),
            signature: base64url::decode(raw.rsplit('.').next().unwrap()).unwrap(),
        };
        let by = || PolicySigner::new(&recorded, signer.certificates()).unwrap();
        let python = create_signed(content, SignedForm::Python, by()).unwrap();
        let compact = create_signed(content, SignedForm::Compact, by()).unwrap();
        assert!(raw == python || raw == compact, "{}", exchange.scenario);
        signed += 1;
    }
    assert!(unsigned > 0 && signed > 0);
}

enum Content {
    Policy(String),
    Reset,
    Certificate(Box<Certificate>),
}

impl Content {
    fn as_content(&self) -> JwsContent<'_> {
        match self {
            Self::Policy(text) => JwsContent::Policy(text),
            Self::Reset => JwsContent::Reset,
            Self::Certificate(certificate) => JwsContent::Certificate(certificate),
        }
    }
}

fn read_any(exchange: &Exchange, body: &str) -> (Content, Option<VerifiedSigner>) {
    if is_reset(&exchange.route) {
        return (Content::Reset, ResetJws::parse(body.as_bytes()).unwrap().signer().cloned());
    }
    if exchange.route.starts_with("certificates:") {
        let read = CertificateJws::parse(body.as_bytes(), CertificateOperation::Add).unwrap();
        let certificate = Box::new(read.certificate().clone());
        return (Content::Certificate(certificate), Some(read.signer().clone()));
    }
    let read = PolicyJws::parse(body.as_bytes(), PolicyEncoding::Base64Url).unwrap();
    (Content::Policy(read.text().to_owned()), read.signer().cloned())
}

//! Attestation results (EAR): the verdict of a token in the form of the IETF.

use avouch_claims::{Attester, Tier};
use avouch_token::EAR_PROFILE;
use avouch_wire::base64url;
use serde_json::{Map, Value, json};

use crate::appraisal::Permitted;

/// Who verified: `ear_verifier_id`.
#[derive(Debug, Clone, Copy)]
pub struct VerifierId<'a> {
    /// Who made the program.
    pub developer: &'a str,
    /// Which build of it.
    pub build: &'a str,
}

/// The claim that holds those of the token that the same evidence gets.
const TOKEN_CLAIMS: &str = "avouch-token-claims";

/// Bytes of a nonce (RFC 9711, section 4.1).
const NONCE_BYTES: std::ops::RangeInclusive<usize> = 8..=64;

/// Whether a text is a nonce as attestation results have it: 8 to 64 bytes in base64url, without padding.
#[must_use]
pub fn is_eat_nonce(text: &str) -> bool {
    base64url::decode(text)
        .is_ok_and(|bytes| NONCE_BYTES.contains(&bytes.len()) && base64url::encode(bytes) == text)
}

impl Permitted {
    /// The claims of an attestation result, without `iss`, times and `jti`: of each attester its trustworthiness,
    /// of all the worst, and within one claim those of the token, which are `token_claims`. A nonce among them
    /// is said once more where it is one that an attestation result can have.
    ///
    /// # Source
    /// `draft-ietf-rats-ear-04`; `docs/ear.md`.
    #[must_use]
    pub fn attestation_result(
        &self,
        verifier: VerifierId<'_>,
        token_claims: Map<String, Value>,
    ) -> Map<String, Value> {
        let VerifierId { developer, build } = verifier;
        let tiers = self.attesters.iter().map(|attester| attester.trust.tier());
        let submods = self.attesters.iter().map(|one| (one.name.to_owned(), self.appraisal(one)));
        let submods: Map<String, Value> = submods.collect();
        let mut claims = Map::new();
        let mut add = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        add("eat_profile", EAR_PROFILE.into());
        add("ear_verifier_id", json!({ "developer": developer, "build": build }));
        add("ear_status", tiers.max().unwrap_or(Tier::None).name().into());
        add("submods", Value::Object(submods));
        let nonce = token_claims.get("nonce").and_then(Value::as_str);
        if let Some(nonce) = nonce.filter(|nonce| is_eat_nonce(nonce)) {
            add("eat_nonce", nonce.into());
        }
        add(TOKEN_CLAIMS, Value::Object(token_claims));
        claims
    }

    /// What is said of one attester.
    fn appraisal(&self, attester: &Attester) -> Value {
        json!({
            "ear_status": attester.trust.tier().name(),
            "ear_trustworthiness_vector": attester.trust.to_json(),
            "ear_appraisal_policy_ids": [self.policy_hash],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::is_eat_nonce;

    #[test]
    fn a_nonce_is_8_to_64_bytes_in_base64url_and_in_one_form_alone() {
        for bytes in [8, 9, 63, 64] {
            assert!(is_eat_nonce(&avouch_wire::base64url::encode(vec![7; bytes])), "{bytes}");
        }
        for bytes in [0, 1, 7, 65, 200] {
            assert!(!is_eat_nonce(&avouch_wire::base64url::encode(vec![7; bytes])), "{bytes}");
        }
        for text in ["", "token-exchange:sts", "AAAAAAAAAAA=", "AAAAAAAAAAB", "+/+/+/+/+/+/", "{}"]
        {
            assert!(!is_eat_nonce(text), "{text}");
        }
    }
}

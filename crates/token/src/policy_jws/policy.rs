//! A policy as it was set, and the request to reset one.

use avouch_wire::base64url;
use avouch_wire::json::parse_object;
use serde_json::Value;

use super::body::{BODY_LIMIT_BYTES, policy_body};
use super::error::PolicyJwsError;
use super::hash::{policy_hash, policy_token_hash};
use super::signer::VerifiedSigner;
use crate::jws::{Padding, UntrustedJws};

/// What `GET /policies/{type}` shows where no policy is set: header `{"alg":"none"}`, empty payload.
/// The same text is the unsigned request to reset.
pub const NO_POLICY_JWS: &str = "eyJhbGciOiJub25lIn0..";

const POLICY: &str = "AttestationPolicy";

/// How the policy text stands in its claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PolicyEncoding {
    /// Base64url, in every api-version from 2020-10-01 on.
    #[default]
    Base64Url,
    /// As it is, in 2018-09-01-preview.
    PlainText,
}

/// A policy as a client set it: a signature, if there is one, has been verified.
///
/// An unsigned policy has no [`PolicyJws::signer`]; whether it may be set, and whether a signer is
/// trusted, depends on the provider's trust model. The policy language is not looked at here.
#[derive(Debug, Clone)]
pub struct PolicyJws {
    raw: String,
    text: String,
    signer: Option<VerifiedSigner>,
}

impl PolicyJws {
    /// Reads the body of `PUT /policies/{type}`, or a policy that was stored: the JWS bare or as a
    /// JSON string, white space around it dropped, at most 1 MiB.
    ///
    /// # Errors
    /// [`PolicyJwsError`] if it is no JWS, its signature does not hold, or it holds no policy.
    ///
    /// # Source
    /// `docs/maa/policies.md#forms-of-a-jws`.
    pub fn parse(body: &[u8], encoding: PolicyEncoding) -> Result<Self, PolicyJwsError> {
        let raw = policy_body(body)?;
        let jws = UntrustedJws::parse(&raw, BODY_LIMIT_BYTES, Padding::Accepted)
            .map_err(|error| instead_of_jws(&raw).unwrap_or_else(|| error.into()))?;
        let signer = VerifiedSigner::verify(&jws)?;
        let text = policy_text(&jws.payload, encoding)?;
        Ok(Self { raw, text, signer })
    }

    /// The JWS byte for byte as it was received, less quotes and white space around it: what is
    /// stored, hashed and shown.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The policy text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Who signed it; none if it is unsigned.
    #[must_use]
    pub const fn signer(&self) -> Option<&VerifiedSigner> {
        self.signer.as_ref()
    }

    /// `x-ms-policy-hash`.
    #[must_use]
    pub fn policy_hash(&self) -> String {
        policy_hash(&self.text)
    }

    /// `x-ms-policy-token-hash`.
    #[must_use]
    pub fn token_hash(&self) -> String {
        policy_token_hash(&self.raw)
    }
}

/// The request to reset a policy: a JWS with an empty payload.
#[derive(Debug, Clone)]
pub struct ResetJws {
    raw: String,
    signer: Option<VerifiedSigner>,
}

impl ResetJws {
    /// Reads the body of `POST /policies/{type}:reset`, in the forms of [`PolicyJws::parse`].
    ///
    /// # Errors
    /// [`PolicyJwsError`] if it is no JWS, its signature does not hold, or its payload is not empty
    /// (a signed policy is no consent to remove one).
    pub fn parse(body: &[u8]) -> Result<Self, PolicyJwsError> {
        let raw = policy_body(body)?;
        let jws = UntrustedJws::parse(&raw, BODY_LIMIT_BYTES, Padding::Accepted)?;
        let signer = VerifiedSigner::verify(&jws)?;
        if !jws.payload.is_empty() {
            return Err(PolicyJwsError::ResetWithPayload { length: jws.payload.len() });
        }
        Ok(Self { raw, signer })
    }

    /// The JWS as received.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// Who signed it; none if it is unsigned.
    #[must_use]
    pub const fn signer(&self) -> Option<&VerifiedSigner> {
        self.signer.as_ref()
    }
}

/// What was sent where a JWS is expected, if it can be told.
fn instead_of_jws(text: &str) -> Option<PolicyJwsError> {
    if text.starts_with('{') {
        let members = parse_object(text.as_bytes(), BODY_LIMIT_BYTES).ok()?;
        return members.contains_key(POLICY).then_some(PolicyJwsError::BarePayload);
    }
    is_policy_text(text).then_some(PolicyJwsError::PolicyText)
}

/// Whether it reads like the policy language, for messages: no base64url has these characters.
fn is_policy_text(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let has_rules = ["configurationrules", "authorizationrules", "issuancerules"]
        .iter()
        .any(|word| lower.contains(word));
    has_rules && lower.contains('{')
}

fn policy_text(payload: &[u8], encoding: PolicyEncoding) -> Result<String, PolicyJwsError> {
    if payload.is_empty() {
        return Err(PolicyJwsError::NoPolicy);
    }
    let members = parse_object(payload, BODY_LIMIT_BYTES).map_err(PolicyJwsError::Payload)?;
    let claim = members.get(POLICY).ok_or(PolicyJwsError::NoMember { name: POLICY })?;
    let Value::String(claim) = claim else {
        return Err(PolicyJwsError::PolicyNotString);
    };
    match encoding {
        PolicyEncoding::PlainText => Ok(claim.clone()),
        PolicyEncoding::Base64Url => {
            let bytes = base64url::decode(claim).map_err(|error| {
                if is_policy_text(claim) {
                    return PolicyJwsError::PolicyNotEncoded;
                }
                PolicyJwsError::PolicyEncoding(error)
            })?;
            String::from_utf8(bytes).map_err(|error| PolicyJwsError::PolicyNotUtf8 {
                valid_up_to: error.utf8_error().valid_up_to(),
            })
        }
    }
}

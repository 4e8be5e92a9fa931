//! `POST /attest/AzureGuest`: one message with all evidence; the answer is a token that only the machine
//! opens that sent it, in the state that it attested.

use avouch_azure::seal;
use avouch_engine::{ClaimValue, TokenClaims};
use axum::body::Body;
use axum::http::Response;

use super::super::internal;
use super::form::{AttestForm, Issue, Message, OneMessage, Step};
use crate::monitoring::{MachineProof, PROOF_CLAIM};
use crate::{ApiError, Fault, respond};

/// Bytes of the key that the token is encrypted by.
const INNER_KEY_BYTES: usize = 32;
/// Bytes of the nonce that it is encrypted with.
const NONCE_BYTES: usize = 12;

/// Guest attestation. What a draft policy permits is sealed as well: it is the same machine's.
pub(super) struct SealedToken;

impl AttestForm for SealedToken {
    fn read(&self, message: &Message<'_>) -> Result<Step, ApiError> {
        OneMessage.read(message)
    }

    fn answer(&self, issue: &Issue<'_>) -> Result<Response<Body>, ApiError> {
        let Some(key) = issue.facts.sender_key() else {
            tracing::error!("evidence proves no key to seal the answer to");
            return Err(Fault::internal().into());
        };
        let (inner_key, nonce) =
            (issue.state.random::<INNER_KEY_BYTES>()?, issue.state.random::<NONCE_BYTES>()?);
        let token = match proof(issue)? {
            None => issue.token()?,
            Some(claims) => issue.token_of(&claims)?,
        };
        let sealed = seal(&token, key, &inner_key, nonce);
        let sealed = sealed.map_err(|error| internal(&error))?;
        Ok(respond::token(&sealed.to_text()))
    }
}

/// The claims, and among them what proves that this machine opened the answer: where machines are watched.
fn proof(issue: &Issue<'_>) -> Result<Option<TokenClaims>, ApiError> {
    if !issue.state.monitoring.is_on() || issue.is_draft {
        return Ok(None);
    }
    let Some(machine) = issue.facts.machine_state() else { return Ok(None) };
    let provider = issue.provider.tenant().provider.id.get();
    let proof = MachineProof::new(provider, issue.kind, issue.at, machine);
    let key = issue.state.tpm.keys().first().ok_or_else(Fault::internal)?;
    let sealed = proof.seal(key, issue.state.random()?).ok_or_else(Fault::internal)?;
    let claims = issue.permitted.token_claims().clone();
    Ok(Some(claims.with(vec![(PROOF_CLAIM.into(), ClaimValue::String(sealed))])))
}

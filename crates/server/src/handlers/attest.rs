//! `POST /attest/{type}`

use std::sync::Arc;

use avouch_engine::{Appraisal, Decision, Permitted, PolicyInForce, Refused};
use avouch_policy::Limits;
use avouch_token::{Payload, TokenTimes};
use avouch_wire::{EvidenceKind, Hex};
use axum::body::Body;
use axum::http::Response;

use super::access::Authorized;
use super::{internal, policies};
use crate::api_version::ApiVersion;
use crate::attest_request::AttestRequest;
use crate::http::UnreadBody;
use crate::state::AppState;
use crate::{ApiError, Provider, respond};

/// Appraises the evidence of a request and answers with a token: signed, or unsecured where a
/// draft policy was sent along.
pub(super) async fn attest(
    request: &Authorized<'_>,
    kind: EvidenceKind,
    body: UnreadBody,
) -> Result<Response<Body>, ApiError> {
    if !kind.is_appraised() {
        return Err(policies::unserved(kind.policy_name()));
    }
    let body = body.read().await?;
    let (state, provider) = (Arc::clone(request.state), Arc::clone(request.provider));
    let version = request.version;
    request.work.run(move || appraise(&state, &provider, kind, version, &body)).await
}

/// From the bytes of a body to a token, without waiting for anything.
fn appraise(
    state: &AppState,
    provider: &Provider,
    kind: EvidenceKind,
    version: ApiVersion,
    body: &[u8],
) -> Result<Response<Body>, ApiError> {
    let request = AttestRequest::parse(kind, version, body)?;
    let draft = request.draft_policy.as_deref().map(PolicyInForce::draft).transpose()?;
    let policy = match &draft {
        Some(draft) => draft,
        None => provider.policy(kind)?.ok_or_else(|| no_policy(kind))?,
    };
    let at = state.clock.appraisal_time();
    let appraisal = state.engine.appraise(&request.appraisal, policy, provider.settings(), at)?;
    let permitted = permitted(appraisal, policy, provider, draft.is_some())?;
    let times = TokenTimes::attestation(state.clock.now());
    let payload = Payload::new(permitted.claims(), times)
        .map_err(|error| internal(&error))?
        .with_id(Hex(state.random::<32>()?));
    let payload = match permitted.integer_nonce() {
        Some(nonce) => payload.with_integer_nonce(nonce),
        None => payload,
    };
    let token = if draft.is_some() {
        provider.issuer().unsecured(&payload)
    } else {
        provider.issuer().sign(&payload).map_err(|error| internal(&error))?
    };
    Ok(respond::token(&token))
}

/// The claims to sign, or the refusal with what the policy refused for.
///
/// To tell, the policy runs a second time, within what a draft may cost: of one that costs more it is
/// not told. For a draft, which anybody may send, that is only done where the provider tells its
/// clients.
fn permitted(
    appraisal: Appraisal,
    policy: &PolicyInForce,
    provider: &Provider,
    is_draft: bool,
) -> Result<Permitted, ApiError> {
    let is_told = provider.explains_refusals();
    let by_policy = matches!(appraisal.decision, Decision::Deny(Refused::Policy { .. }));
    let why = (by_policy && (is_told || !is_draft))
        .then(|| policy.policy().explain_refusal(&appraisal.incoming, &Limits::draft()))
        .flatten();
    appraisal.permitted().map_err(|refused| ApiError::from(refused).explained(why, is_told))
}

fn no_policy(kind: EvidenceKind) -> ApiError {
    let name = kind.policy_name();
    ApiError::bad_request(format!(
        "A {name} attestation policy has not been set on the attestation provider."
    ))
}

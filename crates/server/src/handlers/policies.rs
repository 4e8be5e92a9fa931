//! `/policies/{type}`: get, set, reset (`maa-rest-api.md` section 5.7).

use avouch_engine::{EvidenceKind, PolicyInForce, PolicyRefused};
use avouch_store::{AttestationType, Edit, NewPolicy, PolicyReset, Sequence, StoreError};
use avouch_token::policy_jws::{NO_POLICY_JWS, PolicyEncoding, PolicyJws, ResetJws};
use avouch_wire::base64url;
use axum::body::Body;
use axum::http::Response;
use serde_json::{Map, Value};

use super::result_token;
use super::signers::{Signers, stored_signer};
use crate::auth::Caller;
use crate::state::AppState;
use crate::{ApiError, Provider};

/// Times that a decision is made anew because a signer was added or removed meanwhile.
const ATTEMPTS: usize = 4;

/// `GET`: the policy JWS, byte for byte, in a token of the service.
pub(super) async fn get(
    state: &AppState,
    provider: &Provider,
    name: &str,
) -> Result<Response<Body>, ApiError> {
    let attestation_type = known(name)?;
    let kind = EvidenceKind::from_route(name);
    // What does not compile any more is shown all the same.
    let compiled = kind.and_then(|kind| provider.policy(kind).ok().flatten());
    let jws = match compiled {
        Some(policy) => policy.jws().to_owned(),
        None => stored(state, provider, attestation_type).await?,
    };
    let claim = Value::String(jws);
    result_token(state, provider, &Map::from_iter([("x-ms-policy".to_owned(), claim)]))
}

/// The policy as it was set, or MAA's form of "no policy".
async fn stored(
    state: &AppState,
    provider: &Provider,
    attestation_type: AttestationType,
) -> Result<String, ApiError> {
    match provider.tenant().policy(attestation_type) {
        Some(policy) => {
            let jws = state.providers.stored_jws(provider.tenant(), policy).await?;
            String::from_utf8(jws).map_err(|error| super::internal(&error))
        }
        None => Ok(NO_POLICY_JWS.to_owned()),
    }
}

/// `PUT`: puts a policy in force, signed or unsigned as the provider's trust model wants it.
pub(super) async fn set(
    state: &AppState,
    provider: &Provider,
    name: &str,
    caller: &Caller,
    body: &[u8],
) -> Result<Response<Body>, ApiError> {
    let attestation_type = known(name)?;
    let jws = PolicyJws::parse(body, PolicyEncoding::default())?;
    let stored = store_policy(state, provider, attestation_type, caller, &jws).await?;
    state.providers.saw(Sequence(stored)).await;
    let mut claims = Map::new();
    claims.insert("x-ms-policy-result".to_owned(), "Updated".into());
    claims.insert("x-ms-policy-token-hash".to_owned(), jws.token_hash().into());
    if let Some(signer) = jws.signer() {
        claims.insert("x-ms-policy-signer".to_owned(), signer.jwk());
    }
    result_token(state, provider, &claims)
}

async fn store_policy(
    state: &AppState,
    provider: &Provider,
    attestation_type: AttestationType,
    caller: &Caller,
    jws: &PolicyJws,
) -> Result<u64, ApiError> {
    let (store, id, now) =
        (state.providers.store(), provider.tenant().provider.id, state.clock.now());
    let mut compiled = false;
    for _ in 0..ATTEMPTS {
        let signers = Signers::read(store, id).await?;
        signers.check(provider, jws.signer(), now)?;
        if !compiled {
            // After the trust model: who may not set policies learns nothing of theirs.
            PolicyInForce::from_jws(jws.raw().as_bytes()).map_err(|refused| match refused {
                PolicyRefused::Parsing { message } => ApiError::policy_parsing(message),
                PolicyRefused::Jws(error) => error.into(),
            })?;
            compiled = true;
        }
        let text_hash = hash_bytes(&jws.policy_hash())?;
        let signer = jws.signer().map(stored_signer).transpose()?;
        let new = NewPolicy { jws: jws.raw().as_bytes(), text_hash, signer };
        let edit = Edit::new(caller.actor()?, now).expecting(signers.expected());
        match store.set_policy(id, attestation_type, &new, &edit).await {
            Ok(policy) => return Ok(policy.sequence),
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(contended())
}

/// `POST :reset`: back to the default policy.
pub(super) async fn reset(
    state: &AppState,
    provider: &Provider,
    name: &str,
    caller: &Caller,
    body: &[u8],
) -> Result<Response<Body>, ApiError> {
    let attestation_type = known(name)?;
    let jws = ResetJws::parse(body)?;
    if let Some(sequence) = store_reset(state, provider, attestation_type, caller, &jws).await? {
        state.providers.saw(Sequence(sequence)).await;
    }
    let claims = Map::from_iter([("x-ms-policy-result".to_owned(), "Removed".into())]);
    result_token(state, provider, &claims)
}

/// The sequence of the write, or none if the default policy was in force already.
async fn store_reset(
    state: &AppState,
    provider: &Provider,
    attestation_type: AttestationType,
    caller: &Caller,
    jws: &ResetJws,
) -> Result<Option<u64>, ApiError> {
    let (store, id, now) =
        (state.providers.store(), provider.tenant().provider.id, state.clock.now());
    for _ in 0..ATTEMPTS {
        let signers = Signers::read(store, id).await?;
        signers.check(provider, jws.signer(), now)?;
        let signer = jws.signer().map(stored_signer).transpose()?;
        let reset = PolicyReset { jws: jws.raw().as_bytes(), signer };
        let edit = Edit::new(caller.actor()?, now).expecting(signers.expected());
        match store.reset_policy(id, attestation_type, &reset, &edit).await {
            Ok(done) => return Ok(done.map(|revision| revision.sequence)),
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(contended())
}

fn hash_bytes(text: &str) -> Result<[u8; 32], ApiError> {
    let bytes = base64url::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(ApiError::internal)
}

pub(super) fn contended() -> ApiError {
    ApiError::unavailable("The policy certificates change all the time; try again.")
}

/// The type that a route names. Policies can be set for every one that MAA has, also where this
/// build does not appraise such evidence yet.
pub(super) fn known(name: &str) -> Result<AttestationType, ApiError> {
    AttestationType::parse(name).ok_or_else(|| unserved(name))
}

/// 400, never 404: clients take it as "no policy" (`maa-rest-api.md` section 5.7).
pub(super) fn unserved(name: &str) -> ApiError {
    let name: String = name.chars().take(64).collect();
    ApiError::bad_request(format!("{name} attestation is not supported by this provider"))
}

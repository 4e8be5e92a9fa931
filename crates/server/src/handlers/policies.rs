//! `/policies/{type}`

use avouch_engine::EvidenceKind;
use axum::body::Body;
use axum::http::Response;
use serde_json::{Map, Value};

use super::result_token;
use crate::state::AppState;
use crate::{ApiError, Provider};

/// `GET`: the policy JWS, byte for byte, in a token of the service.
pub(super) fn get(
    state: &AppState,
    provider: &Provider,
    name: &str,
) -> Result<Response<Body>, ApiError> {
    let policy = EvidenceKind::from_route(name)
        .and_then(|kind| provider.policy(kind))
        .ok_or_else(|| unserved(name))?;
    let claim = Value::String(policy.jws().to_owned());
    result_token(state, provider, &Map::from_iter([("x-ms-policy".to_owned(), claim)]))
}

/// 400, never 404: clients take it as "no policy" (`maa-rest-api.md` section 5.7).
fn unserved(name: &str) -> ApiError {
    let name: String = name.chars().take(64).collect();
    ApiError::bad_request(format!("{name} attestation is not supported by this provider"))
}

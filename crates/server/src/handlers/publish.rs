//! What anybody may read: signing certificates, metadata, health.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::json;

use super::internal;
use crate::provider::ProviderIdentity;
use crate::state::AppState;
use crate::{ApiError, respond};

/// `GET /certs`
pub(super) fn signing_certificates(
    identity: &ProviderIdentity,
) -> Result<Response<Body>, ApiError> {
    let made = identity.signing_certificates().map_err(|error| internal(&error))?;
    Ok(respond::json(StatusCode::OK, made.to_owned()))
}

/// `GET /.well-known/openid-configuration`
pub(super) fn openid_configuration(identity: &ProviderIdentity) -> Response<Body> {
    respond::json(StatusCode::OK, identity.openid_configuration())
}

/// `GET /healthz`: the process answers.
pub(super) fn alive() -> Response<Body> {
    respond::text(StatusCode::OK, "ok\n")
}

/// `GET /readyz`: it may serve; the body says what is missing for which kind of evidence.
///
/// Missing endorsements are told but do not make it unready: other kinds are served. Without its
/// database it is unready, although attestation goes on with what is in memory.
pub(super) async fn ready(state: &AppState) -> Result<Response<Body>, ApiError> {
    let database = state.providers.store().ping().await;
    if let Err(error) = &database {
        tracing::warn!(%error, "not ready");
    }
    let body = json!({
        "ready": database.is_ok(),
        "database": if database.is_ok() { "ok" } else { "unavailable" },
        "providers": state.providers.count(),
        "endorsements": state.engine.endorsement_summary(),
        "appraisal_time_pinned": state.clock.is_pinned(),
    });
    let status = if database.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(respond::json(status, body.to_string()))
}

//! What anybody may read: signing certificates, metadata, health.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::json;

use crate::state::AppState;
use crate::{Provider, respond};

/// `GET /certs`
pub(super) fn signing_certificates(provider: &Provider) -> Response<Body> {
    respond::json(StatusCode::OK, provider.signing_certificates().to_owned())
}

/// `GET /.well-known/openid-configuration`
pub(super) fn openid_configuration(provider: &Provider) -> Response<Body> {
    respond::json(StatusCode::OK, provider.openid_configuration().to_owned())
}

/// `GET /healthz`: the process answers.
pub(super) fn alive() -> Response<Body> {
    respond::text(StatusCode::OK, "ok\n")
}

/// `GET /readyz`: it may serve; the body says what is missing for which kind of evidence.
///
/// Missing endorsements are told but do not make it unready: other kinds are served.
pub(super) fn ready(state: &AppState) -> Response<Body> {
    let body = json!({
        "ready": true,
        "endorsements": state.engine.endorsement_summary(),
        "appraisal_time_pinned": state.clock.is_pinned(),
    });
    respond::json(StatusCode::OK, body.to_string())
}

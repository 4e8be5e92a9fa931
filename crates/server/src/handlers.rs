//! One short function per route: unpack, call the engine, pack the answer.

mod attest;
mod baselines;
mod policies;
mod publish;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Response};

use crate::api_version::ApiVersion;
use crate::request_id::request_id;
use crate::route::{self, Endpoint};
use crate::state::{Access, AppState};
use crate::{ApiError, Provider};

/// The build, as MAA's `x-ms-maa-service-version` gives its own.
const SERVICE_VERSION: HeaderValue = HeaderValue::from_static(env!("CARGO_PKG_VERSION"));

/// Answers a request; every error is an answer too.
pub async fn handle(
    state: &AppState,
    head: &Parts,
    body: Result<Bytes, ApiError>,
) -> Response<Body> {
    match dispatch(state, head, body).await {
        Ok(response) => response,
        Err(error) => {
            let (status, code, message) = (error.status(), error.code(), error.message());
            tracing::info!(method = %head.method, path = head.uri.path(), %status, code, message);
            error.into_response()
        }
    }
}

/// Adds the headers that every answer has.
#[must_use]
pub fn finish(state: &AppState, head: &Parts, mut response: Response<Body>) -> Response<Body> {
    let random = || state.random().unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert("x-ms-request-id", request_id(&head.headers, random));
    headers.insert("x-ms-maa-service-version", SERVICE_VERSION);
    if let Some(id) = head.headers.get("x-ms-client-request-id") {
        headers.insert("x-ms-client-request-id", id.clone());
    }
    if head.method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

async fn dispatch(
    state: &AppState,
    head: &Parts,
    body: Result<Bytes, ApiError>,
) -> Result<Response<Body>, ApiError> {
    let target = route::resolve(&head.method, head.uri.path())?;
    let provider = state
        .providers
        .find(target.provider.as_deref())
        .ok_or_else(|| unknown_provider(target.provider.as_deref()))?;
    match target.endpoint {
        Endpoint::Attest(kind) => {
            let version = ApiVersion::from_query(head.uri.query())?;
            attest::attest(state, provider, kind, version, &body?)
        }
        Endpoint::GetPolicy(name) => {
            ApiVersion::from_query(head.uri.query())?;
            authorize(state, head)?;
            policies::get(state, provider, &name)
        }
        Endpoint::TcbBaselines(kind) => {
            let version = ApiVersion::from_query(head.uri.query())?;
            authorize(state, head)?;
            baselines::get(state, provider, kind, version, head.uri.query())
        }
        Endpoint::SigningCertificates => Ok(publish::signing_certificates(provider)),
        Endpoint::OpenIdConfiguration => Ok(publish::openid_configuration(provider)),
        Endpoint::Alive => Ok(publish::alive()),
        Endpoint::Ready => Ok(publish::ready(state)),
    }
}

fn unknown_provider(name: Option<&str>) -> ApiError {
    let name: String = name.unwrap_or_default().chars().take(64).collect();
    ApiError::not_found(format!("There is no attestation provider {name:?}."))
}

/// Demands a bearer token that may read policies.
fn authorize(state: &AppState, head: &Parts) -> Result<(), ApiError> {
    let bearer = head
        .headers
        .get(axum::http::header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()
        });
    match (state.access, bearer) {
        (_, None) => Err(ApiError::unauthorized("This route needs a bearer token.")),
        (Access::AnyBearerIsAdministrator, Some(_)) => Ok(()),
        (Access::Nobody, Some(_)) => {
            Err(ApiError::unauthorized("No issuer of bearer tokens is configured."))
        }
    }
}

/// A signed answer that lives as long as policy and certificate results do.
fn result_token(
    state: &AppState,
    provider: &Provider,
    claims: &serde_json::Map<String, serde_json::Value>,
) -> Result<Response<Body>, ApiError> {
    use avouch_token::{Payload, TokenTimes};
    let times = TokenTimes::result(state.clock.now());
    let payload = Payload::new(claims, times).map_err(|error| internal(&error))?;
    let token = provider.issuer().sign(&payload).map_err(|error| internal(&error))?;
    Ok(crate::respond::token(&token))
}

/// Logs what happened and tells the client nothing of it.
fn internal(error: &(dyn std::error::Error + 'static)) -> ApiError {
    tracing::error!(error, "a request could not be completed");
    ApiError::internal()
}

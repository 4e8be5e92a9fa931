//! One short function per route: unpack, call the engine, pack the answer.

mod attest;
mod baselines;
mod certificates;
mod control_plane;
mod policies;
mod publish;
mod signers;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Response};

use crate::api_version::ApiVersion;
use crate::auth::{Caller, Role};
use crate::http::Peer;
use crate::request_id::request_id;
use crate::route::control_plane::Operation;
use crate::route::{self, Endpoint};
use crate::state::AppState;
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
            // Outsiders choose the path; its beginning tells enough.
            let path: String = head.uri.path().chars().take(200).collect();
            tracing::info!(method = %head.method, path, %status, code, message);
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
    if let Some(operation) = route::control_plane::resolve(&head.method, head.uri.path()) {
        let answer = control_plane(state, head, body, operation).await;
        return answer.map_err(ApiError::of_control_plane);
    }
    let target = route::resolve(&head.method, head.uri.path())?;
    // Of the service as a whole: no provider's state may make it look dead.
    match target.endpoint {
        Endpoint::Alive => return Ok(publish::alive()),
        Endpoint::Ready => return publish::ready(state).await,
        _ => {}
    }
    let name = named_provider(state, head, target.provider)?;
    let provider = state.providers.find(name.as_deref()).await?;
    let provider = provider.as_ref();
    let query = head.uri.query();
    match target.endpoint {
        Endpoint::Attest(kind) => {
            let version = ApiVersion::from_query(query)?;
            if !state.access.anonymous_attest(provider.name()) {
                authorize(state, head, provider, Role::Reader).await?;
            }
            attest::attest(state, provider, kind, version, &body?)
        }
        Endpoint::GetPolicy(kind) => {
            ApiVersion::from_query(query)?;
            authorize(state, head, provider, Role::Reader).await?;
            policies::get(state, provider, &kind)
        }
        Endpoint::SetPolicy(kind) => {
            ApiVersion::from_query(query)?;
            let caller = authorize(state, head, provider, Role::Contributor).await?;
            policies::set(state, provider, &kind, &caller, &body?).await
        }
        Endpoint::ResetPolicy(kind) => {
            ApiVersion::from_query(query)?;
            let caller = authorize(state, head, provider, Role::Contributor).await?;
            policies::reset(state, provider, &kind, &caller, &body?).await
        }
        Endpoint::PolicyCertificates => {
            ApiVersion::from_query(query)?;
            authorize(state, head, provider, Role::Reader).await?;
            certificates::get(state, provider)
        }
        Endpoint::ChangePolicyCertificates(operation) => {
            ApiVersion::from_query(query)?;
            let caller = authorize(state, head, provider, Role::Contributor).await?;
            certificates::change(state, provider, operation, &caller, &body?).await
        }
        Endpoint::TcbBaselines(kind) => {
            let version = ApiVersion::from_query(query)?;
            authorize(state, head, provider, Role::Reader).await?;
            baselines::get(state, provider, kind, version, query)
        }
        Endpoint::SigningCertificates => publish::signing_certificates(provider),
        Endpoint::OpenIdConfiguration => Ok(publish::openid_configuration(provider)),
        Endpoint::Alive | Endpoint::Ready => Err(ApiError::internal()),
    }
}

/// The control plane answers under the host of the service only: nothing of one provider may be
/// reached through another.
async fn control_plane(
    state: &AppState,
    head: &Parts,
    body: Result<Bytes, ApiError>,
    operation: Result<Operation, ApiError>,
) -> Result<Response<Body>, ApiError> {
    if named_provider(state, head, None)?.is_some() {
        return Err(ApiError::not_found("The host is that of one attestation provider."));
    }
    control_plane::answer(state, head, body, operation?).await
}

/// The provider that host name or path prefix names; both at once must name the same one.
fn named_provider(
    state: &AppState,
    head: &Parts,
    in_path: Option<String>,
) -> Result<Option<String>, ApiError> {
    // HTTP/2 puts the host into the URI, HTTP/1.1 into a header field.
    let host =
        head.uri.authority().map(|authority| authority.as_str()).or_else(|| {
            head.headers.get(axum::http::header::HOST).and_then(|host| host.to_str().ok())
        });
    let in_host = host.and_then(|host| state.providers.urls().provider_of_host(host));
    match (in_host, in_path) {
        (Some(host), Some(path)) if host != path => {
            Err(ApiError::not_found("The path names another attestation provider than the host."))
        }
        (Some(name), _) | (None, Some(name)) => Ok(Some(name)),
        (None, None) => Ok(None),
    }
}

/// The caller that a bearer token or client certificate proves.
async fn authenticate(state: &AppState, head: &Parts) -> Result<Caller, ApiError> {
    let certificate = head.extensions.get::<Peer>().and_then(Peer::certificate);
    state.access.authenticate(&head.headers, certificate, state.clock.now()).await
}

/// Demands a caller who has a role at the provider.
async fn authorize(
    state: &AppState,
    head: &Parts,
    provider: &Provider,
    role: Role,
) -> Result<Caller, ApiError> {
    let caller = authenticate(state, head).await?;
    caller.require(role, provider.name())?;
    Ok(caller)
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

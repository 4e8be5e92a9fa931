//! One short function per route: unpack, call the engine, pack the answer.

mod access;
mod attest;
mod audit;
mod baselines;
mod certificates;
pub mod control_plane;
mod history;
mod paging;
mod policies;
mod publish;
mod refusals;
mod signers;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use avouch_store::ProviderName;
use avouch_token::policy_jws::CertificateOperation;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Response, Version, header};

use crate::api_version::ApiVersion;
use crate::auth::{Caller, Role};
use crate::http::{Peer, UnreadBody};
use crate::processor::Spent;
use crate::request_id::request_id;
use crate::route::control_plane::Operation;
use crate::route::{self, Endpoint, Probe, Target};
use crate::state::AppState;
use crate::work::{Source, Work};
use crate::{ApiError, Provider};
use refusals::Attempt;
pub(crate) use refusals::Refusals;

/// The build, as MAA's `x-ms-maa-service-version` gives its own.
const SERVICE_VERSION: HeaderValue = HeaderValue::from_static(env!("CARGO_PKG_VERSION"));

/// What a request asked for, as far as it was found out: an extension of its answer, for the log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    provider: Option<String>,
    route: &'static str,
    is_published: bool,
}

impl Asked {
    pub(crate) fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    pub(crate) const fn route(&self) -> &'static str {
        self.route
    }

    /// A probe, or what anybody reads all the time.
    pub(crate) const fn route_is_published(&self) -> bool {
        self.is_published
    }
}

/// Answers a request; every error is an answer too.
pub(crate) async fn handle(
    state: &Arc<AppState>,
    head: &Parts,
    body: UnreadBody,
) -> Response<Body> {
    let (mut attempt, mut asked) = (Attempt::default(), Asked::default());
    let mut response = match dispatch(state, head, body, &mut attempt, &mut asked).await {
        Ok(response) => response,
        Err(error) => {
            attempt.refused(state, &error).await;
            error.into_response()
        }
    };
    response.extensions_mut().insert(asked);
    response
}

/// Whether a request is one that must be answered when others are not: a probe, or one for what
/// relying parties need to verify tokens.
pub(crate) fn is_probe(head: &Parts) -> bool {
    match route::resolve(&head.method, head.uri.path()) {
        Ok(Target::Service(_)) => true,
        Ok(Target::Provider { endpoint, .. }) => endpoint.is_published(),
        Err(_) => false,
    }
}

/// Bytes of a client's own id that are given back to it.
const CLIENT_ID_BYTES_MAX: usize = 256;

/// Adds the headers that every answer has.
#[must_use]
pub(crate) fn finish(
    state: &AppState,
    head: &Parts,
    mut response: Response<Body>,
) -> Response<Body> {
    let random = || state.random().unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert("x-ms-request-id", request_id(&head.headers, random));
    headers.insert("x-ms-maa-service-version", SERVICE_VERSION);
    let client_id = head.headers.get("x-ms-client-request-id");
    if let Some(id) = client_id.filter(|id| id.len() <= CLIENT_ID_BYTES_MAX) {
        headers.insert("x-ms-client-request-id", id.clone());
    }
    if state.readiness.is_stopping() && head.version < Version::HTTP_2 {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if head.method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

async fn dispatch(
    state: &Arc<AppState>,
    head: &Parts,
    body: UnreadBody,
    attempt: &mut Attempt,
    asked: &mut Asked,
) -> Result<Response<Body>, ApiError> {
    let source = source(head);
    let work = Work::new(&state.work, &source);
    if let Some(operation) = route::control_plane::resolve(&head.method, head.uri.path()) {
        asked.route = operation.as_ref().map_or("control-plane", Operation::name);
        let answer = control_plane(state, head, work, body, operation, attempt).await;
        return answer.map_err(ApiError::of_control_plane);
    }
    let (name, endpoint) = match route::resolve(&head.method, head.uri.path())? {
        // No provider's state may make the service look dead.
        Target::Service(probe) => {
            (asked.route, asked.is_published) = (probe.name(), true);
            return match probe {
                Probe::Alive => Ok(publish::alive()),
                Probe::Ready => publish::ready(state, head.uri.query()),
            };
        }
        Target::Provider { name, endpoint } => (name, endpoint),
    };
    (asked.route, asked.is_published) = (endpoint.name(), endpoint.is_published());
    let name = named_provider(state, head, name)?;
    access::check_root(state, name.as_deref())?;
    asked.provider = Some(name.as_deref().unwrap_or(ProviderName::DEFAULT).to_owned());
    // What relying parties read wherever they are, to verify tokens, waits for nobody.
    match endpoint {
        Endpoint::SigningCertificates => {
            return publish::signing_certificates(&*state.providers.published(name.as_deref())?);
        }
        Endpoint::OpenIdConfiguration => {
            let published = state.providers.published(name.as_deref())?;
            return Ok(publish::openid_configuration(&published));
        }
        _ => {}
    }
    let provider = state.providers.find(name.as_deref(), work).await?;
    if let Some(change) = change_of(&endpoint) {
        attempt.to(change);
        attempt.at(provider.tenant());
    }
    access::check_network(state, head, &provider)?;
    Request { state, head, provider: &provider, work }.answer(endpoint, body, attempt).await
}

/// For whom the work of a request is done.
fn source(head: &Parts) -> Source {
    let nobody = || Source::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0, Arc::new(Spent::new(1)));
    head.extensions.get::<Peer>().map_or_else(nobody, |peer| peer.source().clone())
}

/// What an endpoint changes, in the words of the audit trail.
fn change_of(endpoint: &Endpoint) -> Option<&'static str> {
    match endpoint {
        Endpoint::SetPolicy(_) => Some("policy-set"),
        Endpoint::ResetPolicy(_) => Some("policy-reset"),
        Endpoint::ChangePolicyCertificates(CertificateOperation::Add) => Some("certificate-add"),
        Endpoint::ChangePolicyCertificates(CertificateOperation::Remove) => {
            Some("certificate-remove")
        }
        _ => None,
    }
}

/// A request to a provider.
struct Request<'a> {
    state: &'a Arc<AppState>,
    head: &'a Parts,
    provider: &'a Arc<Provider>,
    work: Work<'a>,
}

impl Request<'_> {
    async fn answer(
        self,
        endpoint: Endpoint,
        body: UnreadBody,
        attempt: &mut Attempt,
    ) -> Result<Response<Body>, ApiError> {
        let Self { state, provider, work, .. } = self;
        let query = self.head.uri.query();
        match endpoint {
            Endpoint::Attest(kind) => {
                let version = ApiVersion::from_query(query)?;
                state.providers.check_current()?;
                if !access::anonymous_attest(state, provider, kind) {
                    access::authorize_granted(state, self.head, provider).await?;
                }
                attest::attest(state, provider, kind, version, body, work).await
            }
            Endpoint::GetPolicy(kind) => {
                ApiVersion::from_query(query)?;
                self.authorize(Role::Reader, attempt).await?;
                policies::get(state, provider, &kind, work).await
            }
            Endpoint::SetPolicy(kind) => {
                ApiVersion::from_query(query)?;
                attempt.named("attestationType", &kind);
                let caller = self.authorize(Role::Contributor, attempt).await?;
                self.administer(caller)?.set_policy(&kind, body).await
            }
            Endpoint::ResetPolicy(kind) => {
                ApiVersion::from_query(query)?;
                attempt.named("attestationType", &kind);
                let caller = self.authorize(Role::Contributor, attempt).await?;
                self.administer(caller)?.reset_policy(&kind, body).await
            }
            Endpoint::PolicyCertificates => {
                ApiVersion::from_query(query)?;
                self.authorize(Role::Reader, attempt).await?;
                certificates::get(state, provider, work).await
            }
            Endpoint::ChangePolicyCertificates(operation) => {
                ApiVersion::from_query(query)?;
                let caller = self.authorize(Role::Contributor, attempt).await?;
                self.administer(caller)?.change_certificates(operation, body).await
            }
            Endpoint::TcbBaselines(kind) => {
                let version = ApiVersion::from_query(query)?;
                self.authorize(Role::Reader, attempt).await?;
                baselines::get(state, provider, kind, version, query, work).await
            }
            Endpoint::PolicyHistory(kind) => {
                self.authorize(Role::Reader, attempt).await?;
                history::list(state, provider, kind, query).await
            }
            Endpoint::PolicyRevision(kind, revision) => {
                self.authorize(Role::Reader, attempt).await?;
                history::get(state, provider, kind, revision).await
            }
            Endpoint::Audit => {
                self.authorize(Role::Owner, attempt).await?;
                audit::list(state, provider, query).await
            }
            Endpoint::SigningCertificates => publish::signing_certificates(provider.identity()),
            Endpoint::OpenIdConfiguration => Ok(publish::openid_configuration(provider.identity())),
        }
    }

    /// What the caller may change, unless nobody may.
    fn administer(&self, caller: Caller) -> Result<Administration<'_>, ApiError> {
        let (state, provider) = (self.state, self.provider);
        access::check_writable(state, provider)?;
        Ok(Administration { state, provider, caller, work: self.work })
    }

    async fn authorize(&self, role: Role, attempt: &mut Attempt) -> Result<Caller, ApiError> {
        access::authorize(self.state, self.head, self.provider, role, attempt).await
    }
}

/// The control plane answers under the host of the service only: nothing of one provider may be
/// reached through another.
async fn control_plane(
    state: &AppState,
    head: &Parts,
    work: Work<'_>,
    body: UnreadBody,
    operation: Result<Operation, ApiError>,
    attempt: &mut Attempt,
) -> Result<Response<Body>, ApiError> {
    if named_provider(state, head, None)?.is_some() {
        return Err(ApiError::not_found("The host is that of one attestation provider."));
    }
    control_plane::answer(state, head, work, body, operation?, attempt).await
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

/// What a caller with the right to it changes at a provider.
struct Administration<'a> {
    state: &'a Arc<AppState>,
    provider: &'a Arc<Provider>,
    caller: Caller,
    work: Work<'a>,
}

/// A signed answer that lives as long as policy and certificate results do.
async fn result_token(
    state: &AppState,
    provider: &Arc<Provider>,
    claims: serde_json::Map<String, serde_json::Value>,
    work: Work<'_>,
) -> Result<Response<Body>, ApiError> {
    use avouch_token::{Payload, TokenTimes};
    let times = TokenTimes::result(state.clock.now());
    let provider = Arc::clone(provider);
    let sign = move || {
        let payload = Payload::new(&claims, times).map_err(|error| internal(&error))?;
        provider.issuer().sign(&payload).map_err(|error| internal(&error))
    };
    Ok(crate::respond::token(&work.run(sign).await?))
}

/// Logs what happened and tells the client nothing of it.
fn internal(error: &(dyn std::error::Error + 'static)) -> ApiError {
    tracing::error!(error, "a request could not be completed");
    ApiError::internal()
}

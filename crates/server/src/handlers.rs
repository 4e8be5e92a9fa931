//! One short function per route: unpack, call the engine, pack the answer.

mod access;
mod attest;
mod audit;
mod baselines;
mod certificates;
mod collateral;
pub mod control_plane;
mod history;
mod machines;
mod paging;
mod policies;
mod publish;
mod refusals;
mod signers;
mod token_exchange;
mod vault;

use std::borrow::Cow;
use std::sync::Arc;

use access::Authorized;
use avouch_store::ProviderName;
use avouch_token::{SignError, TokenFormat};
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, Response, Version, header};
use refusals::Attempt;

use crate::error::PlaneError;
use crate::http::{Peer, UnreadBody};
use crate::request_id::request_id;
use crate::route::{Endpoint, Probe, Route, Row, Target};
use crate::state::AppState;
use crate::work::Work;
use crate::{ApiError, Fault, Provider, ResourceError};

pub use paging::vault_page;
pub(crate) use refusals::Refusals;
pub(crate) use token_exchange::ExchangeCounts;
pub use token_exchange::TokenExchanges;

/// The build, as MAA's `x-ms-maa-service-version` gives its own.
const SERVICE_VERSION: HeaderValue = HeaderValue::from_static(env!("CARGO_PKG_VERSION"));

/// What a request asked for, as far as it was found out: for the log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    provider: Option<Cow<'static, str>>,
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

    fn of(route: &Result<Route, PlaneError>) -> Self {
        let (route, is_published) = match route {
            Ok(Route { row, .. }) => (row.name, row.is_published),
            Err(PlaneError::Control(_)) => ("control-plane", false),
            Err(PlaneError::Vault(_)) => ("vault", false),
            Err(PlaneError::Data(_)) => ("", false),
        };
        Self { provider: None, route, is_published }
    }
}

/// Answers a request, and says what it asked for; every error is an answer too.
pub(crate) async fn handle(
    state: &Arc<AppState>,
    (head, peer): (&Parts, &Peer),
    route: Result<Route, PlaneError>,
    body: UnreadBody,
) -> (Response<Body>, Asked) {
    let (mut attempt, mut asked) = (Attempt::default(), Asked::of(&route));
    let response = match dispatch(state, (head, peer), route, body, &mut attempt, &mut asked).await
    {
        Ok(response) => response,
        Err(error) => {
            attempt.refused(state, error.fault()).await;
            error.into_response()
        }
    };
    (response, asked)
}

/// Of every answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
/// The build.
const SERVICE_VERSION_NAME: HeaderName = HeaderName::from_static("x-ms-maa-service-version");
/// What a client calls its request.
const CLIENT_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

/// Bytes of a client's own id that are given back to it.
const CLIENT_ID_BYTES_MAX: usize = 256;

/// Adds the headers that every answer has.
#[must_use]
pub(crate) fn finish(
    state: &AppState,
    head: &Parts,
    mut response: Response<Body>,
) -> Response<Body> {
    let random = || state.identifier().unwrap_or_default();
    let is_collateral = response.extensions().get::<collateral::Served>().is_some();
    let headers = response.headers_mut();
    let id = request_id(&head.headers, random);
    if is_collateral {
        // The name that clients of Intel's service know.
        headers.insert("request-id", id.clone());
    }
    headers.insert(REQUEST_ID, id);
    headers.insert(SERVICE_VERSION_NAME, SERVICE_VERSION);
    let client_id = head.headers.get(&CLIENT_ID);
    if let Some(id) = client_id.filter(|id| id.len() <= CLIENT_ID_BYTES_MAX) {
        headers.insert(CLIENT_ID, id.clone());
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
    (head, peer): (&Parts, &Peer),
    route: Result<Route, PlaneError>,
    body: UnreadBody,
    attempt: &mut Attempt,
    asked: &mut Asked,
) -> Result<Response<Body>, PlaneError> {
    let work = Work::new(&state.work, peer.source());
    let Route { row, target } = match route {
        Err(PlaneError::Control(error)) => {
            check_no_provider_host(state, head)?;
            return Err(error.into());
        }
        route => route?,
    };
    match target {
        // No provider's state may make the service look dead.
        Target::Service(Probe::Alive) => Ok(publish::alive()),
        Target::Service(Probe::Ready) => Ok(publish::ready(state, head.uri.query())?),
        Target::Service(Probe::Metrics) => Ok(publish::metrics(state)?),
        Target::Collateral(path) => Ok(collateral::get(state, head, &path, work).await?),
        Target::Published { name, document } => {
            let name = provider_asked(state, head, name, asked)?;
            let identity = state.providers.published(name.as_deref()).map_err(ApiError::from)?;
            Ok(publish::document(state, head, &identity, document).await?)
        }
        Target::Provider { name, endpoint } => {
            let name = provider_asked(state, head, name, asked)?;
            let provider = state.providers.find(name.as_deref(), work).await?;
            let request = Request { state, head, peer, provider: &provider, work };
            Ok(request.answer(row, endpoint, body, attempt).await?)
        }
        Target::ControlPlane(operation) => {
            check_no_provider_host(state, head)?;
            let request = control_plane::Request { state, head, peer, work };
            // In a box, as below: what is asked for most would be copied with their room.
            Ok(Box::pin(request.answer(row, operation, body, attempt)).await?)
        }
        Target::Vault(operation) => {
            let vault = state
                .vault
                .as_ref()
                .ok_or_else(|| ApiError::from(crate::route::no_route(head.uri.path())))?;
            let request = vault::Request { state, vault, head, peer, work };
            Ok(Box::pin(request.answer(row, operation, body, attempt)).await?)
        }
    }
}

/// A request to a provider, not checked yet.
struct Request<'a> {
    state: &'a Arc<AppState>,
    head: &'a Parts,
    peer: &'a Peer,
    provider: &'a Arc<Provider>,
    work: Work<'a>,
}

impl Request<'_> {
    async fn answer(
        self,
        row: &Row,
        endpoint: Endpoint,
        body: UnreadBody,
        attempt: &mut Attempt,
    ) -> Result<Response<Body>, ApiError> {
        if let Some(action) = row.audit {
            attempt.to(action);
            attempt.at(self.provider.tenant());
        }
        if let Endpoint::SetPolicy(name) | Endpoint::ResetPolicy(name) = &endpoint {
            attempt.named("attestationType", name);
        }
        access::check_network(self.state, self.peer, self.provider)?;
        let request = access::authorize(self, row, &endpoint, attempt).await?;
        match endpoint {
            Endpoint::Attest(kind) => {
                attest::attest(&request, kind, TokenFormat::Token, body).await
            }
            Endpoint::AttestResult(kind) => {
                attest::attest(&request, kind, TokenFormat::AttestationResult, body).await
            }
            Endpoint::GetPolicy(name) => policies::get(&request, &name).await,
            Endpoint::SetPolicy(name) => request.set_policy(&name, body).await,
            Endpoint::ResetPolicy(name) => request.reset_policy(&name, body).await,
            Endpoint::PolicyCertificates => certificates::get(&request).await,
            Endpoint::ChangePolicyCertificates(operation) => {
                request.change_certificates(operation, body).await
            }
            Endpoint::TcbBaselines(kind) => baselines::get(&request, kind).await,
            Endpoint::PolicyHistory(kind) => history::list(&request, kind).await,
            Endpoint::Machines => machines::list(&request).await,
            Endpoint::Machine(name) => machines::get(&request, &name).await,
            Endpoint::ConfirmMachine => machines::confirm(&request, body).await,
            Endpoint::SetMachineBaseline(name) => {
                machines::set_baseline(&request, &name, body).await
            }
            Endpoint::ForgetMachine(name) => machines::forget(&request, &name).await,
            Endpoint::Alerts => machines::alerts(&request).await,
            Endpoint::TokenExchange => token_exchange::exchange(&request, body).await,
            Endpoint::PolicyRevision(kind, revision) => {
                history::get(&request, kind, revision).await
            }
            Endpoint::Audit => audit::list(&request).await,
        }
    }
}

/// The control plane answers under the host of the service only: nothing of one provider may be
/// reached through another.
fn check_no_provider_host(state: &AppState, head: &Parts) -> Result<(), ResourceError> {
    match named_provider(state, head, None)? {
        None => Ok(()),
        Some(_) => Err(Fault::not_found("The host is that of one attestation provider.").into()),
    }
}

/// The provider that a request of the data plane names, none for the default one.
fn provider_asked(
    state: &AppState,
    head: &Parts,
    in_path: Option<String>,
    asked: &mut Asked,
) -> Result<Option<String>, ApiError> {
    let name = named_provider(state, head, in_path)?;
    access::check_root(state, name.as_deref())?;
    asked.provider = Some(match &name {
        Some(name) => Cow::Owned(name.clone()),
        None => Cow::Borrowed(ProviderName::DEFAULT),
    });
    Ok(name)
}

/// The provider that host name or path prefix names; both at once must name the same one.
fn named_provider(
    state: &AppState,
    head: &Parts,
    in_path: Option<String>,
) -> Result<Option<String>, Fault> {
    // HTTP/2 puts the host into the URI, HTTP/1.1 into a header field.
    let host =
        head.uri.authority().map(|authority| authority.as_str()).or_else(|| {
            head.headers.get(axum::http::header::HOST).and_then(|host| host.to_str().ok())
        });
    let in_host = host.and_then(|host| state.providers.urls().provider_of_host(host));
    match (in_host, in_path) {
        (Some(host), Some(path)) if host != path => {
            Err(Fault::not_found("The path names another attestation provider than the host."))
        }
        (Some(name), _) | (None, Some(name)) => Ok(Some(name)),
        (None, None) => Ok(None),
    }
}

/// A signed answer that lives as long as policy and certificate results do.
async fn result_token(
    request: &Authorized<'_>,
    claims: serde_json::Map<String, serde_json::Value>,
) -> Result<Response<Body>, ApiError> {
    use avouch_token::{Payload, TokenTimes};
    let times = TokenTimes::result(request.state.clock.now());
    let provider = Arc::clone(request.provider);
    let sign = move || {
        let payload = Payload::new(&claims, times).map_err(|error| internal(&error))?;
        provider.issuer().sign(&payload).map_err(|error| internal(&error))
    };
    Ok(crate::respond::token(&request.work.run(sign).await?))
}

/// Logs what happened and tells the client nothing of it, but whether it may pass: a token that keeps a signing
/// key may be away.
pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Fault {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    let is_away = |cause: &(dyn std::error::Error + 'static)| {
        matches!(cause.downcast_ref(), Some(SignError::External { .. }))
    };
    if causes.any(is_away) {
        // Whoever asks tokens whether they are there tells it once.
        tracing::debug!(error, "a signing key cannot be used");
        return Fault::unavailable("The service cannot use its signing key just now.");
    }
    tracing::error!(error, "a request could not be completed");
    Fault::internal()
}

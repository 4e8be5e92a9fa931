//! One request: admitted or refused, its body read, its handler called, its answer named and
//! counted until it is taken.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Request, Response};
use bytes::BytesMut;
use futures_util::StreamExt as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;

use super::activity::Activity;
use super::addresses::Address;
use super::body::MadeOfIt;
use super::guard::Refusal;
use super::held::{Held, Ticket};
use super::memory::{Account, Use};
use super::{Limits, Peer, access_log, rules};
use crate::error::PlaneError;
use crate::route::vault::VaultOperation;
use crate::route::{Route, Target};
use crate::state::AppState;
use crate::{ApiError, Fault, handlers, route};

/// What a request takes besides head and body: its task, its stream, a short answer with its head.
const REQUEST_BYTES: usize = 8 * 1024;
/// What is left of a request that is refused.
const REFUSAL_BYTES: usize = 2 * 1024;
/// Bytes of a body where none is needed.
const PROBE_BODY_BYTES_MAX: usize = 4096;
/// The largest body that asks for a release, in bytes: a token with what stands beside it.
const RELEASE_BODY_BYTES_MAX: usize = avouch_release::REQUEST_BYTES_MAX;
/// The largest other body under the host of the vault, in bytes: a key, the longest policy, and as many
/// tags as there may be, with every character written as its escapes.
const VAULT_BODY_BYTES_MAX: usize = 160 * 1024;
/// Requests of an address that are refused or for probes, beside those that have work done.
const BESIDES: usize = 32;

/// What the requests of one connection share.
pub(super) struct Connection {
    pub(super) state: Arc<AppState>,
    pub(super) limits: Limits,
    pub(super) peer: Peer,
    pub(super) account: Account,
    pub(super) address: Arc<Address>,
    pub(super) activity: Arc<Activity>,
    pub(super) refusal: Refusal,
}

/// There was not even memory for a refusal. A connection of HTTP/1.1 ends; of HTTP/2, the stream
/// is refused, which tells the client that nothing was done.
#[derive(Debug, thiserror::Error)]
#[error("no memory is left for an answer")]
pub(super) struct Overloaded(#[source] h2::Error);

impl Overloaded {
    fn new() -> Self {
        Self(h2::Reason::REFUSED_STREAM.into())
    }
}

type Answer = Result<Response<Full<Held>>, Overloaded>;

/// A request that may have its work done.
struct Admitted {
    ticket: Ticket,
    of: Use,
    route: Result<Route, PlaneError>,
}

impl Connection {
    /// Answers a request. What it holds is counted before this returns.
    pub(super) fn answer(
        self: &Arc<Self>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Answer> + Send + use<> {
        let begun = Instant::now();
        let (head, body) = request.into_parts();
        let admitted = self.admit(&head);
        // Who is refused holds nothing of its head while the answer waits.
        let outcome = match admitted {
            Ok(admitted) => Ok((admitted, head, body)),
            Err(error) => Err(self.refuse(&head, error, begun)),
        };
        let connection = Arc::clone(self);
        async move {
            match outcome {
                Ok((admitted, head, body)) => connection.run(admitted, head, body, begun).await,
                Err(answer) => answer,
            }
        }
    }

    fn admit(&self, head: &Parts) -> Result<Admitted, ApiError> {
        // Only the guard asks for this, in the place of a head that it refused.
        if head.uri.path() == "*"
            && let Some(error) = self.refusal.get()
        {
            return Err(error.clone());
        }
        rules::check(head, self.limits)?;
        let is_vaults = self.state.vault.as_ref().is_some_and(|vault| vault.is_asked(head));
        let resolve = if is_vaults { route::resolve_in_vault } else { route::resolve };
        let route = resolve(&head.method, head.uri.path());
        let is_published = route.as_ref().is_ok_and(|route| route.row.is_published);
        let of = if is_published { Use::Probe } else { Use::Work };
        let held = rules::memory_bytes(head).saturating_add(REQUEST_BYTES);
        let ticket = self.ticket(of, held).ok_or_else(|| Fault::too_many_requests(1))?;
        Ok(Admitted { ticket, of, route })
    }

    fn ticket(&self, of: Use, bytes: usize) -> Option<Ticket> {
        let requests = self.limits.address_requests_max;
        let requests = if of == Use::Work { requests } else { requests.saturating_add(BESIDES) };
        let in_flight = self.address.begin_request(requests)?;
        let mut share = self.account.open(of);
        share.resize(bytes).ok()?;
        Some(Ticket { share, _in_flight: in_flight, under_way: self.activity.request() })
    }

    fn refuse(&self, head: &Parts, error: ApiError, begun: Instant) -> Answer {
        let response = handlers::finish(&self.state, head, error.into_response());
        access_log::write(head, &self.peer, None, &response, begun.elapsed());
        let ticket = self.ticket(Use::Refusal, REFUSAL_BYTES).ok_or_else(Overloaded::new)?;
        let (parts, body) = response.into_parts();
        // A body that is made of one text is there at once.
        let bytes = futures_util::FutureExt::now_or_never(body.collect());
        let bytes = bytes.and_then(Result::ok).map(|body| body.to_bytes()).unwrap_or_default();
        Ok(held(parts, bytes, ticket))
    }

    async fn run(&self, admitted: Admitted, head: Parts, body: Incoming, begun: Instant) -> Answer {
        let Admitted { mut ticket, of, route } = admitted;
        let most = match (of, route.as_ref().map(|route| &route.target)) {
            (Use::Work, Ok(Target::Vault(VaultOperation::Release(_)))) => RELEASE_BODY_BYTES_MAX,
            (Use::Work, Ok(Target::Vault(_))) => VAULT_BODY_BYTES_MAX,
            (Use::Work, _) => self.limits.body_bytes_max,
            (Use::Refusal | Use::Probe, _) => PROBE_BODY_BYTES_MAX,
        };
        let most = most.min(self.limits.body_bytes_max);
        let made = MadeOfIt::by(route.as_ref().ok().map(|route| &route.target));
        let share = self.account.open(of);
        let handled = super::body::beside(body, self.limits, (most, made), share, async |body| {
            // In a box: it is large, and moved several times before it is begun.
            let task = Box::pin(handlers::handle(&self.state, (&head, &self.peer), route, body));
            let task = AssertUnwindSafe(task);
            futures_util::FutureExt::catch_unwind(task).await
        });
        let handled = handled.await.map(|(response, asked)| (response, Some(asked)));
        let (response, asked) = handled.unwrap_or_else(|_| {
            tracing::error!(path = access_log::path(&head), "a handler panicked");
            (ApiError::from(Fault::internal()).into_response(), None)
        });
        let (response, bytes) = self.fit(&head, response, &mut ticket).await;
        access_log::write(&head, &self.peer, asked.as_ref(), &response, begun.elapsed());
        Ok(held(response.into_parts().0, bytes, ticket))
    }

    /// Finishes an answer, or a refusal in its place if it breaks off or there is no memory for it to
    /// wait in.
    async fn fit(
        &self,
        head: &Parts,
        response: Response<Body>,
        ticket: &mut Ticket,
    ) -> (Response<Body>, Bytes) {
        let (parts, body) = handlers::finish(&self.state, head, response).into_parts();
        match whole(body, ticket).await {
            Ok(bytes) => (Response::from_parts(parts, Body::empty()), bytes),
            Err(refusal) => {
                let refusal = ApiError::from(refusal).into_response();
                let (parts, body) = handlers::finish(&self.state, head, refusal).into_parts();
                let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                (Response::from_parts(parts, Body::empty()), bytes)
            }
        }
    }
}

/// The whole of an answer, counted as it comes.
async fn whole(body: Body, ticket: &mut Ticket) -> Result<Bytes, Fault> {
    let mut body = body.into_data_stream();
    let (mut all, mut last) = (BytesMut::new(), Bytes::new());
    while let Some(part) = body.next().await {
        // Most answers have one part, which is not copied.
        all.extend_from_slice(&last);
        last = part.map_err(|error| {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "an answer broke off");
            Fault::internal()
        })?;
        let length = all.len().saturating_add(last.len());
        let counted = ticket.share.resize(REQUEST_BYTES.saturating_add(length));
        counted.map_err(|_| Fault::too_many_requests(1))?;
    }
    if all.is_empty() {
        return Ok(last);
    }
    all.extend_from_slice(&last);
    Ok(all.freeze())
}

fn held(
    parts: axum::http::response::Parts,
    bytes: Bytes,
    mut ticket: Ticket,
) -> Response<Full<Held>> {
    ticket.under_way.answered();
    Response::from_parts(parts, Full::new(Held::new(bytes, ticket)))
}

//! The accept loop: one task per connection, HTTP/1.1 and HTTP/2.

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::activity::Activity;
use super::body::Budget;
use super::{Limits, Peer};
use crate::state::AppState;
use crate::{ApiError, handlers};

/// How long requests under way may take after a stop.
const DRAIN: Duration = Duration::from_secs(10);
/// Pause after a failed accept (out of file descriptors, say), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

pub(crate) async fn serve_connections(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    limits: Limits,
    state: Arc<AppState>,
    stop: impl Future<Output = ()>,
) {
    let acceptor = tls.map(TlsAcceptor::from);
    let slots = Arc::new(Semaphore::new(limits.connections_max));
    let bodies = Arc::new(Budget::new(limits.bodies_bytes_max));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let slot = tokio::select! {
            slot = Arc::clone(&slots).acquire_owned() => slot,
            () = &mut stop => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let watcher = graceful.watcher();
        let (acceptor, state, bodies) = (acceptor.clone(), Arc::clone(&state), Arc::clone(&bodies));
        tokio::spawn(async move {
            let _slot = slot;
            let Some(accepted) = handshake(stream, address.ip(), acceptor, limits).await else {
                return;
            };
            let activity = Arc::new(Activity::default());
            let (peer, active) = (accepted.peer, Arc::clone(&activity));
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer.clone());
                let (state, bodies) = (Arc::clone(&state), Arc::clone(&bodies));
                let active = Arc::clone(&active);
                async move {
                    let _under_way = active.request();
                    answer(&state, limits, &bodies, request).await
                }
            });
            let builder = builder(limits, accepted.is_http2);
            let connection = builder.serve_connection(TokioIo::new(accepted.io), service);
            let connection = watcher.watch(connection);
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%address, %error, "connection ended");
                },
                () = activity.idle(limits.request_timeout()) => {
                    tracing::debug!(%address, "idle connection closed");
                }
            }
        });
    }
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(DRAIN) => tracing::warn!("stopped with requests under way"),
    }
}

/// The protocol is known from the handshake: finding it out from the first bytes would wait for
/// them without a limit.
fn builder(limits: Limits, is_http2: bool) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.request_timeout());
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(128);
    if is_http2 { builder.http2_only() } else { builder.http1_only() }
}

/// A connection that may send requests.
struct Accepted {
    io: Box<dyn Stream>,
    peer: Peer,
    is_http2: bool,
}

/// A plain or TLS stream.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

async fn handshake(
    stream: TcpStream,
    address: IpAddr,
    acceptor: Option<TlsAcceptor>,
    limits: Limits,
) -> Option<Accepted> {
    // Small answers must not wait for an acknowledgement.
    stream.set_nodelay(true).ok()?;
    let Some(acceptor) = acceptor else {
        let peer = Peer::new(address, None);
        return Some(Accepted { io: Box::new(stream), peer, is_http2: false });
    };
    match tokio::time::timeout(limits.handshake_timeout(), acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let session = stream.get_ref().1;
            let peer = Peer::new(address, session.peer_certificates());
            let is_http2 = session.alpn_protocol() == Some(b"h2");
            Some(Accepted { io: Box::new(stream), peer, is_http2 })
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "TLS handshake failed");
            None
        }
        Err(_) => None,
    }
}

/// Reads the body within its limits and hands the request to its handler; a panic becomes 500.
async fn answer(
    state: &AppState,
    limits: Limits,
    bodies: &Budget,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let (body, _share) = match super::body::read(body, limits, bodies).await {
        Ok(read) => (Ok(read.bytes.clone()), Some(read)),
        Err(error) => (Err(error), None),
    };
    let task = AssertUnwindSafe(handlers::handle(state, &head, body));
    let response = futures_util::FutureExt::catch_unwind(task).await.unwrap_or_else(|_| {
        tracing::error!(path = head.uri.path(), "a handler panicked");
        ApiError::internal().into_response()
    });
    Ok(handlers::finish(state, &head, response))
}

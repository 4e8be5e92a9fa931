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
        let (acceptor, state) = (acceptor.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            let _slot = slot;
            let Some((io, peer)) = handshake(stream, address.ip(), acceptor, limits).await else {
                return;
            };
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer.clone());
                answer(Arc::clone(&state), limits, request)
            });
            let mut builder = Builder::new(TokioExecutor::new());
            builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.request_timeout());
            builder.http2().timer(TokioTimer::new()).max_concurrent_streams(128);
            let connection = builder.serve_connection(TokioIo::new(io), service);
            if let Err(error) = watcher.watch(connection).await {
                tracing::debug!(%address, %error, "connection ended");
            }
        });
    }
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(DRAIN) => tracing::warn!("stopped with requests under way"),
    }
}

/// A plain or TLS stream.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

async fn handshake(
    stream: TcpStream,
    address: IpAddr,
    acceptor: Option<TlsAcceptor>,
    limits: Limits,
) -> Option<(Box<dyn Stream>, Peer)> {
    // Small answers must not wait for an acknowledgement.
    stream.set_nodelay(true).ok()?;
    let Some(acceptor) = acceptor else {
        return Some((Box::new(stream), Peer::new(address, None)));
    };
    match tokio::time::timeout(limits.handshake_timeout(), acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let peer = Peer::new(address, stream.get_ref().1.peer_certificates());
            Some((Box::new(stream), peer))
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
    state: Arc<AppState>,
    limits: Limits,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let body = super::body::read(body, limits).await;
    let task = AssertUnwindSafe(handlers::handle(&state, &head, body));
    let response = futures_util::FutureExt::catch_unwind(task).await.unwrap_or_else(|_| {
        tracing::error!(path = head.uri.path(), "a handler panicked");
        ApiError::internal().into_response()
    });
    Ok(handlers::finish(&state, &head, response))
}

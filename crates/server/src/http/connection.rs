//! One connection: its handshake, then HTTP/1.1 or HTTP/2 until it ends.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::activity::Activity;
use super::answer::answer;
use super::body::Budget;
use super::{Limits, Peer};
use crate::state::AppState;

/// What all connections share.
pub(super) struct Shared {
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) limits: Limits,
    pub(super) bodies: Budget,
    pub(super) state: Arc<AppState>,
}

/// Serves a connection until it ends; the watcher tells it to after a stop.
pub(super) async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    shared: Arc<Shared>,
    watcher: Watcher,
) {
    let limits = shared.limits;
    let Some(accepted) = handshake(stream, address.ip(), shared.tls.clone(), limits).await else {
        return;
    };
    let activity = Arc::new(Activity::default());
    let (peer, active) = (accepted.peer, Arc::clone(&activity));
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        let (shared, active) = (Arc::clone(&shared), Arc::clone(&active));
        async move {
            let _under_way = active.request();
            answer(&shared.state, limits, &shared.bodies, request).await
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

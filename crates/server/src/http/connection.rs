//! One connection: its handshake, then HTTP/1.1 or HTTP/2 until it ends.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::activity::Activity;
use super::answer::answer;
use super::body::Budget;
use super::closing::Open;
use super::tls::CurrentTls;
use super::{Limits, Peer};
use crate::state::AppState;

/// How long a connection without a request stays after a stop, at most twice that: what is on its
/// way is answered.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What all connections share.
pub(super) struct Shared {
    pub(super) tls: Option<CurrentTls>,
    pub(super) limits: Limits,
    pub(super) bodies: Arc<Budget>,
    pub(super) state: Arc<AppState>,
    /// Number of the next connection.
    pub(super) number: AtomicU64,
}

/// Serves a connection until it ends by itself, or after a stop.
pub(super) async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    shared: Arc<Shared>,
    mut open: Open,
) {
    let limits = shared.limits;
    let accepted = tokio::select! {
        accepted = handshake(stream, address.ip(), &shared) => accepted,
        () = last_words(&mut open) => None,
    };
    let Some(Accepted { io, peer, is_http2 }) = accepted else { return };
    let activity = Arc::new(Activity::default());
    let active = Arc::clone(&activity);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        let (shared, active) = (Arc::clone(&shared), Arc::clone(&active));
        async move {
            let _under_way = active.request();
            answer(&shared.state, limits, &shared.bodies, request).await
        }
    });
    let builder = builder(limits, is_http2);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(io), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = activity.idle(limits.request_timeout()) => {
            tracing::debug!(%address, "idle connection closed");
            return;
        }
        () = open.closing() => {
            // HTTP/1.1 is told with each answer: ended here, what has just arrived would be lost.
            if is_http2 {
                connection.as_mut().graceful_shutdown();
            }
            tokio::select! {
                ended = connection => ended,
                () = activity.idle(LAST_WORDS) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%address, %error, "connection ended");
    }
}

async fn last_words(open: &mut Open) {
    open.closing().await;
    tokio::time::sleep(LAST_WORDS).await;
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

async fn handshake(stream: TcpStream, address: IpAddr, shared: &Shared) -> Option<Accepted> {
    let number = shared.number.fetch_add(1, Ordering::Relaxed);
    // Small answers must not wait for an acknowledgement.
    stream.set_nodelay(true).ok()?;
    let Some(tls) = &shared.tls else {
        let peer = Peer::new(address, number, None);
        return Some(Accepted { io: Box::new(stream), peer, is_http2: false });
    };
    // Who comes after a reload sees the new certificate.
    let accepting = TlsAcceptor::from(tls.load_full()).accept(stream);
    match tokio::time::timeout(shared.limits.handshake_timeout(), accepting).await {
        Ok(Ok(stream)) => {
            let session = stream.get_ref().1;
            let peer = Peer::new(address, number, session.peer_certificates());
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

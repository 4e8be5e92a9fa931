//! One connection: its handshake, then HTTP/1.1 or HTTP/2 until it ends.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::activity::Activity;
use super::addresses::{Addresses, Place};
use super::answer::Connection;
use super::closing::Open;
use super::guard::{Guard, Refusal};
use super::homed::Homed;
use super::memory::{Account, Memory};
use super::paced::Paced;
use super::streams::Streams;
use super::tls::CurrentTls;
use super::{Limits, Peer};
use crate::state::AppState;

/// How long a connection without a request stays after a stop, at most twice that: what is on its
/// way is answered.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Requests at once on one HTTP/2 connection.
const STREAMS_MAX: u32 = 128;
/// Bytes of one answer that HTTP/2 takes at once, and that TLS holds before the network takes them.
const SEND_BYTES: usize = 64 * 1024;
const TLS_SEND_BYTES: usize = 16 * 1024;
/// Streams that a client begins and gives up, before the connection ends.
const RESETS_MAX: usize = 20;

/// What all connections share.
pub(super) struct Shared {
    pub(super) tls: Option<CurrentTls>,
    pub(super) limits: Limits,
    pub(super) memory: Arc<Memory>,
    pub(super) addresses: Arc<Addresses>,
    pub(super) state: Arc<AppState>,
    /// Number of the next connection.
    pub(super) number: AtomicU64,
}

/// Serves a connection until it ends by itself, or after a stop.
pub(super) async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    place: Place,
    shared: Arc<Shared>,
    mut open: Open,
) {
    let limits = shared.limits;
    let own = place.address();
    let accepted = tokio::select! {
        accepted = handshake(stream, address.ip(), &place, &shared) => accepted,
        () = last_words(&mut open) => None,
        () = own.give_way.notified() => None,
    };
    let Some(Accepted { io, peer, is_http2 }) = accepted else { return };
    let activity = Arc::new(Activity::default());
    let connection = Connection {
        state: Arc::clone(&shared.state),
        limits,
        peer,
        account: Account::new(Arc::clone(&shared.memory), place.address()),
        address: place.address(),
        activity: Arc::clone(&activity),
        refusal: Refusal::new(OnceLock::new()),
    };
    let connection = Arc::new(connection);
    let told = open.clone();
    let served = async {
        if is_http2 {
            serve_http2(io, limits, connection, told).await
        } else {
            serve_http1(io, limits, connection).await
        }
    };
    tokio::select! {
        ended = served => if let Err(error) = ended {
            tracing::debug!(%address, %error, "connection ended");
        },
        () = activity.gives_way(&own.give_way) => {
            tracing::debug!(%address, "unused connection closed for another");
        }
        () = watch(&activity, limits, open) => {
            tracing::debug!(%address, "connection without progress closed");
        }
    }
}

async fn last_words(open: &mut Open) {
    open.closing().await;
    tokio::time::sleep(LAST_WORDS).await;
}

/// Ends when a connection makes no progress: within the usual time, or soon after a stop.
async fn watch(activity: &Activity, limits: Limits, mut open: Open) {
    tokio::select! {
        () = activity.stalled(limits.request_timeout()) => return,
        () = open.closing() => {}
    }
    activity.stalled(LAST_WORDS).await;
}

/// After a stop HTTP/1.1 is told with each answer: ended here, what has just arrived would be lost.
async fn serve_http1(
    io: Box<dyn Stream>,
    limits: Limits,
    connection: Arc<Connection>,
) -> hyper::Result<()> {
    let (activity, refusal) = (Arc::clone(&connection.activity), Arc::clone(&connection.refusal));
    let guarded = Guard::new(io, limits, &connection.account, activity, refusal);
    let mut builder = http1::Builder::new();
    // The guard sees to time and size.
    builder.header_read_timeout(None).max_buf_size(limits.head_bytes_max.saturating_mul(2));
    let service = service_fn(move |request| connection.answer(request));
    builder.serve_connection(TokioIo::new(guarded), service).await
}

async fn serve_http2(
    io: Box<dyn Stream>,
    limits: Limits,
    connection: Arc<Connection>,
    mut open: Open,
) -> hyper::Result<()> {
    let streams = Streams::default();
    let mut builder = http2::Builder::new(streams.clone());
    let head_bytes = u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        // Beyond the limit the answer is one of ours; beyond this, the library's.
        .max_header_list_size(head_bytes.saturating_mul(2))
        .max_send_buf_size(SEND_BYTES)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .max_local_error_reset_streams(RESETS_MAX);
    let service = service_fn(move |request| connection.answer(request));
    let io = TokioIo::new(Paced::new(io));
    let connection = builder.serve_connection(io, service);
    let told = async {
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = open.closing() => connection.as_mut().graceful_shutdown(),
        }
        connection.await
    };
    streams.run(told).await
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

/// The protocol is known from the handshake: finding it out from the first bytes would wait for
/// them without a limit.
async fn handshake(
    stream: TcpStream,
    address: IpAddr,
    place: &Place,
    shared: &Shared,
) -> Option<Accepted> {
    let number = shared.number.fetch_add(1, Ordering::Relaxed);
    // Small answers must not wait for an acknowledgement.
    stream.set_nodelay(true).ok()?;
    let stream = Homed::accepted(stream);
    let Some(tls) = &shared.tls else {
        let peer = Peer::new(address, place.source(number), None);
        return Some(Accepted { io: Box::new(stream), peer, is_http2: false });
    };
    let limit = shared.limits.handshake_timeout();
    let _turn = tokio::time::timeout(limit, place.handshake()).await.ok()??;
    let handshake = async {
        // Who comes after a reload sees the new certificate.
        let acceptor = TlsAcceptor::from(tls.load_full());
        let bounded = |session: &mut rustls::ServerConnection| {
            session.set_buffer_limit(Some(TLS_SEND_BYTES));
        };
        let outcome = acceptor.accept_with(stream, bounded).await;
        outcome.inspect_err(|error| tracing::debug!(%error, "TLS handshake failed")).ok()
    };
    let stream = tokio::time::timeout(limit, handshake).await.ok()??;
    let session = stream.get_ref().1;
    let peer = Peer::new(address, place.source(number), session.peer_certificates());
    let is_http2 = session.alpn_protocol() == Some(b"h2");
    Some(Accepted { io: Box::new(stream), peer, is_http2 })
}

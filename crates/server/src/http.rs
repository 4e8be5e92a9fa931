//! Accepts connections, bounds requests, names each answer.
//!
//! `accept` takes connections, `connection` serves one, on one of the `lanes`. Before the HTTP library stands `guard` for
//! HTTP/1.1 and `paced` for HTTP/2; behind it `answer`, which admits a request by `rules`,
//! `addresses` and `memory`, and holds its share of both until the answer is taken.

mod accept;
mod access_log;
mod activity;
mod addresses;
mod answer;
mod body;
mod closing;
mod connection;
mod descriptors;
mod guard;
mod held;
mod homed;
mod lanes;
mod memory;
mod networks;
mod paced;
mod peer;
mod rules;
mod streams;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use accept::serve_connections;
use arc_swap::ArcSwap;
use lanes::Lanes;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use crate::state::AppState;

pub(crate) use addresses::sender;
pub(crate) use body::{ReadBody, UnreadBody};
pub use memory::CONNECTION_BYTES;
pub use networks::{Network, PrivateNetworks};
pub use peer::Peer;
pub use tls::{CurrentTls, DevelopmentCa, TlsError, TlsFiles, server_config};

/// Limits on what an outsider can make the server hold or wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest request body, in bytes. A real guest attestation request has about 130 kB.
    pub body_bytes_max: usize,
    /// The largest head of a request, in bytes; its target may have a quarter of that.
    pub head_bytes_max: usize,
    /// Bytes of memory for all connections and requests together: what each connection takes by
    /// itself ([`CONNECTION_BYTES`]), heads, bodies and what is made of them, answers that wait.
    pub memory_bytes_max: usize,
    /// The longest that a request may take from its first header to the end of its body, that its
    /// answer waits to be taken, and that a connection without requests stays open (the last two
    /// at most twice that).
    pub request_seconds_max: u64,
    /// The longest that a TLS handshake may take.
    pub handshake_seconds_max: u64,
    /// Connections open at once; further ones wait in the listen queue.
    pub connections_max: usize,
    /// Connections of one address (or one IPv6 /64); further ones are closed.
    pub address_connections_max: usize,
    /// TLS handshakes of one address under way; further ones wait.
    pub address_handshakes_max: usize,
    /// Requests of one address under way, until their answers are taken; further ones are 429.
    pub address_requests_max: usize,
    /// How long a server that was told to stop still takes connections while it says that it is not
    /// ready, so that a load balancer sees it.
    pub unready_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 1024 * 1024,
            head_bytes_max: 32 * 1024,
            memory_bytes_max: 512 << 20,
            request_seconds_max: 30,
            handshake_seconds_max: 10,
            connections_max: 4096,
            address_connections_max: 512,
            address_handshakes_max: 64,
            address_requests_max: 256,
            unready_seconds: 1,
        }
    }
}

impl Limits {
    pub(crate) const fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_seconds_max)
    }

    pub(crate) const fn unready_time(&self) -> Duration {
        Duration::from_secs(self.unready_seconds)
    }

    /// The memory that these limits need at least: for every connection, and for some requests
    /// with the largest body.
    #[must_use]
    pub const fn memory_bytes_min(&self) -> usize {
        const REQUESTS: usize = 16;
        let connections = self.connections_max.saturating_mul(CONNECTION_BYTES);
        connections.saturating_add(self.body_bytes_max.saturating_mul(REQUESTS))
    }

    /// What is left for requests.
    pub(crate) const fn request_memory_bytes(&self) -> usize {
        let connections = self.connections_max.saturating_mul(CONNECTION_BYTES);
        self.memory_bytes_max.saturating_sub(connections)
    }

    pub(crate) const fn target_bytes_max(&self) -> usize {
        self.head_bytes_max / 4
    }

    pub(crate) const fn handshake_timeout(&self) -> Duration {
        Duration::from_secs(self.handshake_seconds_max)
    }
}

/// Why the server could not be started.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The TLS key or certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The system gives no threads.
    #[error("cannot start threads for connections: {0}")]
    Threads(#[source] std::io::Error),
}

/// A server that listens and does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<CurrentTls>,
    limits: Limits,
    lanes: Lanes,
}

impl Server {
    /// Listens on `address` (port 0 for any free one).
    ///
    /// # Errors
    /// [`ServerError::Listen`], [`ServerError::Threads`].
    pub async fn bind(
        address: SocketAddr,
        tls: Option<Arc<rustls::ServerConfig>>,
        limits: Limits,
    ) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let connections_max = descriptors::connections_possible(limits.connections_max);
        let limits = Limits { connections_max, ..limits };
        let tls = tls.map(|tls| Arc::new(ArcSwap::new(tls)));
        let lanes = Lanes::start(&Handle::current()).map_err(ServerError::Threads)?;
        Ok(Self { listener, address, tls, limits, lanes })
    }

    /// The address listened on, with the real port.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// TLS for the connections to come; none where there is no TLS.
    #[must_use]
    pub fn tls(&self) -> Option<CurrentTls> {
        self.tls.clone()
    }

    /// Answers until `stop` completes. Then it is not ready for a while, takes no more connections,
    /// and ends when requests under way are answered, or some ten seconds later.
    pub async fn run(self, state: Arc<AppState>, stop: impl Future<Output = ()>) {
        let Self { listener, tls, limits, lanes, .. } = self;
        serve_connections(listener, tls, limits, lanes, state, stop).await;
    }
}

//! Accepts connections, bounds requests, names each answer.

mod accept;
mod activity;
mod answer;
mod body;
mod connection;
mod networks;
mod peer;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;

use crate::state::AppState;

pub(crate) use accept::serve_connections;
pub use networks::{Network, PrivateNetworks};
pub use peer::Peer;
pub use tls::{DevelopmentCa, TlsError, TlsFiles, server_config};

/// Limits on what an outsider can make the server hold or wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest request body, in bytes. A real guest attestation request has about 130 kB.
    pub body_bytes_max: usize,
    /// Bytes that the bodies of all requests under way may take of memory.
    pub bodies_bytes_max: usize,
    /// The longest that a request may take from its first header to the end of its body, and that
    /// a connection without requests stays open (at most twice that).
    pub request_seconds_max: u64,
    /// The longest that a TLS handshake may take.
    pub handshake_seconds_max: u64,
    /// Connections open at once; further ones wait in the listen queue.
    pub connections_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 1024 * 1024,
            bodies_bytes_max: 256 << 20,
            request_seconds_max: 30,
            handshake_seconds_max: 10,
            connections_max: 4096,
        }
    }
}

impl Limits {
    pub(crate) const fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_seconds_max)
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
}

/// A server that listens and does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<rustls::ServerConfig>>,
    limits: Limits,
}

impl Server {
    /// Listens on `address` (port 0 for any free one).
    ///
    /// # Errors
    /// [`ServerError::Listen`].
    pub async fn bind(
        address: SocketAddr,
        tls: Option<Arc<rustls::ServerConfig>>,
        limits: Limits,
    ) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, tls, limits })
    }

    /// The address listened on, with the real port.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` completes, then lets requests under way finish.
    pub async fn run(self, state: Arc<AppState>, stop: impl Future<Output = ()>) {
        serve_connections(self.listener, self.tls, self.limits, state, stop).await;
    }
}

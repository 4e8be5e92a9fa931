//! How the connections of a server end with it.

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How long the connections may take after a stop, those with requests under way too.
const DRAIN: Duration = Duration::from_secs(10);

/// Open connections, to be told of the end and waited for.
pub(super) struct Closing(watch::Sender<bool>);

/// A connection counts as open until this is dropped.
#[derive(Clone)]
pub(super) struct Open(watch::Receiver<bool>);

impl Closing {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(super) fn connection(&self) -> Open {
        Open(self.0.subscribe())
    }

    /// Tells all connections, and waits until they have ended, within limits.
    pub(super) async fn close(self) {
        self.0.send_replace(true);
        if tokio::time::timeout(DRAIN, self.0.closed()).await.is_err() {
            tracing::warn!("stopped with requests under way");
        }
    }
}

impl Open {
    /// Completes when the connection is to end.
    pub(super) async fn closing(&mut self) {
        // Fails only when the server is gone, which is an end too.
        let _ = self.0.wait_for(|closing| *closing).await;
    }
}

/// The connections that the system has accepted for a listener and nobody has taken yet: who made
/// one before the end is answered.
pub(super) fn backlog(listener: TcpListener) -> Vec<(TcpStream, std::net::SocketAddr)> {
    let Ok(listener) = listener.into_std() else { return Vec::new() };
    let mut found = Vec::new();
    // It does not block, so it fails when there is none left.
    while let Ok((stream, address)) = listener.accept() {
        let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
        found.extend(stream.ok().map(|stream| (stream, address)));
    }
    found
}

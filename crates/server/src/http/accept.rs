//! The accept loop: one task per connection, and how it stops.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use super::Limits;
use super::addresses::Addresses;
use super::closing::{Closing, backlog};
use super::connection::{self, Shared};
use super::lanes::Lanes;
use super::memory::Memory;
use super::tls::CurrentTls;
use crate::state::AppState;

/// Pause after a failed accept (out of file descriptors, say), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long somebody is waited for that was asked to give way.
const MADE_WAY_WITHIN: Duration = Duration::from_millis(100);

/// A place for the next connection. When all are taken, whoever holds most without using them gives
/// one up: so that few addresses cannot keep all others out, probes among them.
async fn slot(
    slots: &Arc<Semaphore>,
    addresses: &Addresses,
) -> Result<OwnedSemaphorePermit, AcquireError> {
    if let Ok(slot) = Arc::clone(slots).try_acquire_owned() {
        return Ok(slot);
    }
    let mut free = std::pin::pin!(Arc::clone(slots).acquire_owned());
    loop {
        addresses.make_way();
        if let Ok(slot) = tokio::time::timeout(MADE_WAY_WITHIN, &mut free).await {
            return slot;
        }
    }
}

pub(super) async fn serve_connections(
    listener: TcpListener,
    tls: Option<CurrentTls>,
    limits: Limits,
    lanes: Lanes,
    state: Arc<AppState>,
    stop: impl Future<Output = ()>,
) {
    let shared = Arc::new(Shared {
        tls,
        limits,
        memory: Arc::new(Memory::new(limits.request_memory_bytes())),
        addresses: Arc::new(Addresses::new(limits)),
        state: Arc::clone(&state),
        number: AtomicU64::default(),
    });
    let slots = Arc::new(Semaphore::new(limits.connections_max));
    let closing = Closing::new();
    let mut stop = std::pin::pin!(async {
        stop.await;
        tracing::info!("stopping");
        state.readiness.stop();
        tokio::time::sleep(limits.unready_time()).await;
    });
    loop {
        let slot = tokio::select! {
            slot = slot(&slots, &shared.addresses) => slot,
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
        let Some(place) = shared.addresses.connect(address.ip()) else {
            tracing::debug!(%address, "the address has all the connections that it may have");
            continue;
        };
        let (open, shared) = (closing.connection(), Arc::clone(&shared));
        lanes.run(place.address(), async move {
            let _slot = slot;
            connection::serve(stream, address, place, shared, open).await;
        });
    }
    for (stream, address) in backlog(listener) {
        let Some(place) = shared.addresses.connect(address.ip()) else { continue };
        let (open, shared) = (closing.connection(), Arc::clone(&shared));
        let slot = Arc::clone(&slots).acquire_owned();
        lanes.run(place.address(), async move {
            let _slot = slot.await;
            connection::serve(stream, address, place, shared, open).await;
        });
    }
    closing.close().await;
    tracing::info!("stopped");
}

//! The sidecar's connections: each for one request, none without a request for long, and not too many at once.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections open at once; further ones wait in the listen queue.
const CONNECTIONS_MAX: usize = 256;
/// How long to wait where the system gives no connection, as it has no descriptors left.
const ACCEPT_RETRY: Duration = Duration::from_secs(1);

/// Answers until `stop` completes, and then what has been asked.
///
/// A connection is closed after its answer, and where no head of a request is there within `head_timeout`: nobody
/// holds a place by saying nothing, or by taking no answers.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    head_timeout: Duration,
    stop: impl Future<Output = ()>,
) {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head_timeout).keep_alive(false);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let open = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let (stream, place) = tokio::select! {
            () = stop.as_mut() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let service = TowerToHyperService::new(router.clone());
        let served = open.watch(builder.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = served.await {
                tracing::debug!(%error, "connection ended");
            }
        });
    }
    drop(listener);
    open.shutdown().await;
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // Never closed: there is always a place, sooner or later.
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) => {
                tracing::warn!(%error, "cannot take a connection");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

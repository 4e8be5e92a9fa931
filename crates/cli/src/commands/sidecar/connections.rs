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

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// Until the head of a request is there.
    pub(super) head: Duration,
    /// All that a connection is there for: its request, the work, and until the answer is taken.
    pub(super) connection: Duration,
    /// To end what has been asked, after the signal to stop.
    pub(super) stop: Duration,
}

/// Answers until `stop` completes, and then what has been asked, for a while.
///
/// A connection is closed after its answer, and where it takes too long: nobody holds a place by saying nothing,
/// or by taking no answers.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    times: Times,
    stop: impl Future<Output = ()>,
) {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(times.head).keep_alive(false);
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
            match tokio::time::timeout(times.connection, served).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "connection ended"),
                Err(_) => tracing::debug!("a connection took too long"),
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(times.stop, open.shutdown()).await.is_err() {
        tracing::warn!("some answers were not taken");
    }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::oneshot;

    use super::{Times, serve};

    /// More than the buffers of both ends take.
    const LONG_BYTES: usize = 64 << 20;
    const NEVER: Duration = Duration::from_secs(3600);
    const SOON: Duration = Duration::from_millis(200);

    /// A client that asked for a long answer and has not read it; ends with the word to stop.
    async fn asked(times: Times) -> (TcpStream, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let long = get(async || "x".repeat(LONG_BYTES));
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            let _ = stopped.await;
        };
        let serving = tokio::spawn(serve(listener, Router::new().route("/", long), times, stopped));
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        // It is on its way.
        client.readable().await.unwrap();
        (client, stop, serving)
    }

    #[tokio::test]
    async fn a_connection_ends_though_its_answer_is_not_taken() {
        let times = Times { head: NEVER, connection: SOON, stop: NEVER };
        let (mut client, stop, serving) = asked(times).await;
        stop.send(()).unwrap();
        tokio::time::timeout(NEVER / 60, serving).await.unwrap().unwrap();
        let mut taken = Vec::new();
        let _ = client.read_to_end(&mut taken).await;
        assert!(taken.len() < LONG_BYTES, "{}", taken.len());
    }

    #[tokio::test]
    async fn stopping_waits_for_answers_only_for_a_while() {
        let times = Times { head: NEVER, connection: NEVER, stop: SOON };
        let (client, stop, serving) = asked(times).await;
        stop.send(()).unwrap();
        tokio::time::timeout(NEVER / 60, serving).await.unwrap().unwrap();
        drop(client);
    }

    #[tokio::test]
    async fn an_answer_that_is_taken_comes_whole_also_after_the_signal_to_stop() {
        let times = Times { head: NEVER, connection: NEVER, stop: NEVER };
        let (mut client, stop, serving) = asked(times).await;
        stop.send(()).unwrap();
        let mut taken = Vec::new();
        client.read_to_end(&mut taken).await.unwrap();
        assert!(taken.ends_with(b"x") && taken.len() > LONG_BYTES, "{}", taken.len());
        serving.await.unwrap();
    }
}

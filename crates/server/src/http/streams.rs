//! The requests of an HTTP/2 connection, in the task of that connection.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hyper::rt::Executor;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Takes the tasks of a connection, one for each of its streams.
///
/// In one task with their connection they take what arrives as soon as it was read, so little of
/// it waits; and a connection with many streams has the turns of one task, not of many.
#[derive(Clone, Default)]
pub(super) struct Streams(Arc<Mutex<Vec<Task>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, task: F) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::pin(task));
    }
}

impl Streams {
    fn begun(&self) -> Vec<Task> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a connection and its streams until the connection ends.
    pub(super) async fn run<C: Future>(self, connection: C) -> C::Output {
        let mut connection = std::pin::pin!(connection);
        let mut running = FuturesUnordered::new();
        std::future::poll_fn(move |context: &mut Context<'_>| {
            let ended = connection.as_mut().poll(context);
            running.extend(self.begun());
            if ended.is_ready() {
                return ended;
            }
            while let Poll::Ready(Some(())) = running.poll_next_unpin(context) {}
            Poll::Pending
        })
        .await
    }
}

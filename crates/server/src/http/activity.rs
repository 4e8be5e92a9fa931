//! Whether anything happens on a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// How long a connection in use is not asked to end.
const ASKED_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// What happens on a connection: requests that begin, answers that wait to be taken.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// Beginnings of heads and requests so far.
    begun: AtomicU64,
    under_way: AtomicUsize,
    /// Answers waiting, by the half of the time in which they were ready.
    waiting: [AtomicUsize; 2],
    half: AtomicUsize,
}

impl Activity {
    /// The client sent the first byte of a head.
    pub(super) fn head_begins(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    /// A request is under way until its answer is taken, when the guard is dropped.
    pub(super) fn request(self: &Arc<Self>) -> UnderWay {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay { activity: Arc::clone(self), answered_in: None }
    }

    /// Ends when, for `limit` and at most twice that, nothing began and nothing was under way, or
    /// an answer was not taken.
    pub(super) async fn stalled(&self, limit: Duration) {
        loop {
            let begun = self.begun.load(Ordering::Relaxed);
            let was_idle = self.is_idle();
            tokio::time::sleep(limit).await;
            let idle = was_idle && self.is_idle() && self.begun.load(Ordering::Relaxed) == begun;
            if idle || self.turn() {
                return;
            }
        }
    }

    /// Ends when the connection is asked to end while nothing is under way; asked while something
    /// is, it asks another.
    pub(super) async fn gives_way(&self, asked: &Notify) {
        loop {
            asked.notified().await;
            if self.is_idle() {
                return;
            }
            asked.notify_one();
            tokio::time::sleep(ASKED_AGAIN_AFTER).await;
        }
    }

    fn is_idle(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) == 0
    }

    /// Begins the other half; whether answers still wait that were ready in its last turn.
    fn turn(&self) -> bool {
        let next = self.half.load(Ordering::Relaxed) ^ 1;
        let late = self.counter(next).load(Ordering::Relaxed) > 0;
        self.half.store(next, Ordering::Relaxed);
        late
    }

    const fn counter(&self, half: usize) -> &AtomicUsize {
        let [even, odd] = &self.waiting;
        if half == 0 { even } else { odd }
    }
}

/// A request that is under way.
#[derive(Debug)]
pub(super) struct UnderWay {
    activity: Arc<Activity>,
    answered_in: Option<usize>,
}

impl UnderWay {
    /// The answer is ready; from now on the client is waited for.
    pub(super) fn answered(&mut self) {
        let half = self.activity.half.load(Ordering::Relaxed);
        self.activity.counter(half).fetch_add(1, Ordering::Relaxed);
        self.answered_in = Some(half);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(half) = self.answered_in {
            self.activity.counter(half).fetch_sub(1, Ordering::Relaxed);
        }
        self.activity.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

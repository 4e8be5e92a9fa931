//! Whether anything happens on a connection.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Requests begun and answered on a connection.
#[derive(Debug, Default)]
pub(super) struct Activity {
    begun: AtomicU64,
    answered: AtomicU64,
}

impl Activity {
    /// A request is under way until the guard is dropped.
    pub(super) fn request(&self) -> impl Drop + '_ {
        self.begun.fetch_add(1, Ordering::Relaxed);
        UnderWay(self)
    }

    /// Ends when for `limit`, and at most twice that, no request was under way.
    ///
    /// A client that sends nothing, and one that takes none of its answers, look the same here.
    pub(super) async fn idle(&self, limit: Duration) {
        loop {
            let before = self.counts();
            tokio::time::sleep(limit).await;
            if before.0 == before.1 && self.counts() == before {
                return;
            }
        }
    }

    fn counts(&self) -> (u64, u64) {
        (self.begun.load(Ordering::Relaxed), self.answered.load(Ordering::Relaxed))
    }
}

struct UnderWay<'a>(&'a Activity);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.answered.fetch_add(1, Ordering::Relaxed);
    }
}

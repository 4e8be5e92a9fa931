//! Tasks that are to have no end of their own.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::AbortHandle;

/// Pause after a panic.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs a task until it ends, or the handle aborts it. After a panic, a mistake of this program, it is begun anew.
pub(crate) fn supervise<F: Future<Output = ()> + Send + 'static>(
    what: &'static str,
    begin: impl Fn() -> F + Send + 'static,
) -> AbortHandle {
    let run = async move {
        while AssertUnwindSafe(begin()).catch_unwind().await.is_err() {
            tracing::error!(what, "a task panicked, and is begun anew");
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::spawn(run).abort_handle()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::supervise;

    #[tokio::test]
    async fn a_task_that_panics_is_begun_anew_and_one_that_ends_is_not() {
        let begun = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&begun);
        let task = supervise("test", move || {
            let count = counted.fetch_add(1, Ordering::Relaxed);
            async move { assert!(count >= 2, "it panics twice") }
        });
        let endless = supervise("test", std::future::pending::<()>);
        while !task.is_finished() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(begun.load(Ordering::Relaxed), 3);

        assert!(!endless.is_finished());
        endless.abort();
        while !endless.is_finished() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

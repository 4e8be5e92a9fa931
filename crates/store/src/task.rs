//! Tasks that live as long as the store: one that panics is begun anew.

use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};

/// Pause before a task is begun anew.
const PAUSE: Duration = Duration::from_millis(500);

/// A task that ends with this handle and not before, unless its work is done.
#[derive(Debug)]
pub(crate) struct Task(JoinHandle<()>);

impl Task {
    /// Runs what `make` makes; makes it anew when it has panicked.
    pub(crate) fn spawn<F>(name: &'static str, mut make: impl FnMut() -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self(tokio::spawn(async move {
            // A set ends its tasks with itself, a handle would leave them behind.
            let mut running = JoinSet::new();
            loop {
                running.spawn(make());
                match running.join_next().await {
                    Some(Err(error)) if error.is_panic() => {
                        tracing::error!(task = name, "a task of the store panicked; it goes on");
                        tokio::time::sleep(PAUSE).await;
                    }
                    _ => return,
                }
            }
        }))
    }

    pub(crate) fn stop(&self) {
        self.0.abort();
    }

    pub(crate) fn is_running(&self) -> bool {
        !self.0.is_finished()
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::Task;

    #[tokio::test]
    async fn a_task_that_panics_is_begun_anew_until_its_work_is_done() {
        let begun = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&begun);
        let task = Task::spawn("test", move || {
            let nth = counter.fetch_add(1, Ordering::SeqCst);
            async move { assert!(nth >= 2, "on purpose") }
        });
        while task.is_running() {
            tokio::time::sleep(super::PAUSE).await;
        }
        assert_eq!(begun.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_task_ends_with_its_handle() {
        let held = Arc::new(());
        let inside = Arc::clone(&held);
        let task = Task::spawn("test", move || {
            let inside = Arc::clone(&inside);
            async move {
                let _inside = inside;
                std::future::pending::<()>().await;
            }
        });
        tokio::time::sleep(super::PAUSE).await;
        assert_eq!(Arc::strong_count(&held), 3);
        drop(task);
        tokio::time::sleep(super::PAUSE).await;
        assert_eq!(Arc::strong_count(&held), 1);
    }
}

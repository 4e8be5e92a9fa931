//! The time, as an argument: tests have a clock of their own.

use std::time::{Duration, Instant, SystemTime};

use avouch_wire::UnixTime;
use futures_util::future::BoxFuture;

/// The clock on the wall, which may be set, and one that only goes forward.
pub trait Clock: Send + Sync + 'static {
    /// The moment to judge validity at.
    fn now(&self) -> UnixTime;

    /// Time since some moment of this process. Never goes back.
    fn elapsed(&self) -> Duration;

    /// Ends when so much more has elapsed.
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;
}

/// The clocks of the system.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Begins to count now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        UnixTime::EPOCH.saturating_add_seconds(seconds)
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

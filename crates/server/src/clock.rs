//! The only place where the time is read.

use std::time::{SystemTime, UNIX_EPOCH};

use avouch_wire::UnixTime;

/// Tells the time, and the moment that evidence is judged at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    appraise_at: Option<UnixTime>,
}

impl Clock {
    /// A clock that judges evidence at the present time.
    #[must_use]
    pub const fn system() -> Self {
        Self { appraise_at: None }
    }

    /// A clock that judges evidence at a fixed moment, to replay recorded evidence whose
    /// collateral has expired. Token times follow the real clock all the same.
    #[must_use]
    pub const fn appraising_at(at: UnixTime) -> Self {
        Self { appraise_at: Some(at) }
    }

    /// The present time, in whole seconds, rounded down: never ahead of a client's clock.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
        UnixTime::EPOCH.saturating_add_seconds(seconds)
    }

    /// The moment to judge evidence at.
    #[must_use]
    pub fn appraisal_time(&self) -> UnixTime {
        self.appraise_at.unwrap_or_else(|| self.now())
    }

    /// Whether the appraisal time is pinned.
    #[must_use]
    pub const fn is_pinned(&self) -> bool {
        self.appraise_at.is_some()
    }
}

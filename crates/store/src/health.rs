//! What the outcomes of operations say of the database: known at once, without asking it.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Whether one kind of operation works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    /// How the last one ended.
    pub works: bool,
    /// Since when all of them have ended so.
    pub since: Instant,
    /// When one last succeeded.
    pub confirmed: Instant,
}

/// Whether the database can be read and written.
///
/// Kept current by the outcomes of all operations. When nobody reads or writes, the store does so
/// itself: it looks for changes several times a second, and writes a row now and then, at once and
/// again after a write has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Reading.
    pub reads: Condition,
    /// Writing: what it takes to answer a change with 200.
    pub writes: Condition,
}

impl Health {
    /// When the database last did what it was asked.
    #[must_use]
    pub fn last_contact(&self) -> Instant {
        self.reads.confirmed.max(self.writes.confirmed)
    }
}

/// What an operation was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
}

/// The [`Health`] of one database, shared by all that use it.
#[derive(Debug)]
pub(crate) struct HealthCell(Mutex<Health>);

impl HealthCell {
    /// For a database that has just been opened.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let opened = Condition { works: true, since: now, confirmed: now };
        Self(Mutex::new(Health { reads: opened, writes: opened }))
    }

    pub(crate) fn get(&self) -> Health {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps how an operation ended, and says so in the log where that is news.
    pub(crate) fn ended(&self, kind: Kind, works: bool) {
        let now = Instant::now();
        let changed = {
            let mut health = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let condition = match kind {
                Kind::Read => &mut health.reads,
                Kind::Write => &mut health.writes,
            };
            let changed = condition.works != works;
            if changed {
                *condition = Condition { works, since: now, ..*condition };
            }
            if works {
                condition.confirmed = now;
            }
            changed
        };
        match (changed, works) {
            (false, _) => {}
            (true, true) => tracing::info!(?kind, "the database works again"),
            (true, false) => tracing::error!(?kind, "the database does not work"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HealthCell, Kind};

    #[test]
    fn a_failed_write_says_nothing_of_reading_and_is_mended_by_the_next_one() {
        let cell = HealthCell::new();
        let opened = cell.get();
        cell.ended(Kind::Write, false);
        let failed = cell.get();
        assert!(failed.reads.works && !failed.writes.works);
        assert_eq!(failed.writes.confirmed, opened.writes.confirmed);
        assert!(failed.writes.since >= opened.writes.since);
        // A second failure is no news.
        cell.ended(Kind::Write, false);
        assert_eq!(cell.get().writes.since, failed.writes.since);
        cell.ended(Kind::Write, true);
        let mended = cell.get();
        assert!(mended.writes.works);
        assert_eq!(mended.last_contact(), mended.writes.confirmed);
    }
}

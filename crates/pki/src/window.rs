//! A span of time in which something may be relied on.

use avouch_wire::UnixTime;
use serde::Serialize;
use thiserror::Error;

/// A span of time, both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Window {
    /// The first moment in force.
    pub not_before: UnixTime,
    /// The last moment in force; that moment counts.
    pub not_after: UnixTime,
}

/// A moment that lies outside a [`Window`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OutsideWindow {
    /// Before its first moment.
    #[error("not valid yet: judged at {at}, valid from {not_before}")]
    NotYetValid {
        /// The moment judged at.
        at: UnixTime,
        /// The first moment of the window.
        not_before: UnixTime,
    },
    /// After its last moment.
    #[error("expired: judged at {at}, valid until {not_after}")]
    Expired {
        /// The moment judged at.
        at: UnixTime,
        /// The last moment of the window.
        not_after: UnixTime,
    },
}

impl Window {
    /// Whether `at` lies inside.
    ///
    /// # Errors
    /// [`OutsideWindow`] with the moment and the end that it misses.
    pub fn check(&self, at: UnixTime) -> Result<(), OutsideWindow> {
        if at < self.not_before {
            return Err(OutsideWindow::NotYetValid { at, not_before: self.not_before });
        }
        if at > self.not_after {
            return Err(OutsideWindow::Expired { at, not_after: self.not_after });
        }
        Ok(())
    }

    /// The span that lies in both. It is empty (and no moment passes) if they do not meet.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        Self {
            not_before: self.not_before.max(other.not_before),
            not_after: self.not_after.min(other.not_after),
        }
    }
}

//! Why a source did not give what it was asked for.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::ProofError;

/// A source that did not give what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{source_name}, {path}: {failure}")]
pub struct SourceError {
    /// The source's name.
    pub source_name: Arc<str>,
    /// Path and query of the address that was asked, or the name of the thing where nothing was asked.
    pub path: String,
    /// What happened.
    pub failure: SourceFailure,
}

/// What happened to a request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SourceFailure {
    /// No connection, or it broke.
    #[error("{0}")]
    Connection(String),
    /// No whole answer in time.
    #[error("no whole answer in time: {0}")]
    TimedOut(String),
    /// The answer broke off.
    #[error("the answer broke off: {0}")]
    BrokeOff(String),
    /// It points elsewhere, which is not followed.
    #[error("it answers {status}, and redirects are not followed")]
    Redirect {
        /// HTTP status.
        status: u16,
    },
    /// It has no such thing.
    #[error("it answers {status}: it has none")]
    Absent {
        /// HTTP status: 400, 404 or 410.
        status: u16,
    },
    /// It is asked too often, or not in service.
    #[error("it answers {status}{}", after(.retry_after))]
    Busy {
        /// HTTP status: 429 or 503.
        status: u16,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// Another status.
    #[error("it answers {status}")]
    Status {
        /// HTTP status.
        status: u16,
    },
    /// The answer is longer than any that is needed.
    #[error("its answer is over {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer is not what it must be.
    #[error("{0}")]
    Content(String),
    /// What it gave is not genuine, not in force or something else.
    #[error("what it gave does not verify: {0}")]
    Unproven(#[from] ProofError),
    /// What it gave is older than what is at hand.
    #[error("what it gave is older than what is at hand")]
    Older,
    /// It wants to be left alone.
    #[error("it is left alone for {} s", .0.as_secs())]
    Resting(Duration),
    /// It may not be asked so often.
    #[error("its budget is used up for longer than {} s", .0.as_secs())]
    Budget(Duration),
}

impl SourceFailure {
    /// Whether the source has spoken and has it not: asking soon again is of no use.
    #[must_use]
    pub const fn is_absence(&self) -> bool {
        matches!(self, Self::Absent { .. })
    }
}

fn after(retry_after: &Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |time| format!(", to be asked in {} s", time.as_secs()))
}

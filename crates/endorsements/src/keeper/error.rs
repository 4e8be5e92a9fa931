//! Why something could not be fetched.

use std::time::Duration;

use thiserror::Error;

use crate::{EndorsementName, SourceError, SourceFailure};

/// Something that could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name}: {reason}")]
pub struct FetchError {
    /// What was wanted.
    pub name: EndorsementName,
    /// Why it is not there.
    pub reason: FetchFailure,
}

/// Why a name could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FetchFailure {
    /// No source has such things.
    #[error("no source has such things")]
    NoSource,
    /// Each source failed, in the order in which they were asked.
    #[error("{}", listed(.0))]
    Sources(Vec<SourceError>),
    /// More is being fetched than may be.
    #[error("{limit} other fetches are under way")]
    Crowded {
        /// The limit.
        limit: usize,
    },
    /// There is no memory left for it.
    #[error("there is no room: {limit} bytes are kept at most")]
    NoRoom {
        /// The limit in bytes.
        limit: usize,
    },
    /// The task that fetched it ended: a mistake of this program.
    #[error("the task that fetched it ended: {0}")]
    Ended(String),
}

impl FetchError {
    /// Whether every source that was asked says that it has none.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        match &self.reason {
            FetchFailure::Sources(errors) => errors.iter().all(|one| one.failure.is_absence()),
            FetchFailure::NoSource => true,
            _ => false,
        }
    }

    /// Whether every source had too much else to be asked for.
    pub(super) fn is_of_budget(&self) -> bool {
        let FetchFailure::Sources(errors) = &self.reason else { return false };
        errors.iter().all(|one| matches!(one.failure, SourceFailure::Budget(_)))
    }

    /// How long until a source can be asked, where none could.
    pub(super) fn rest(&self) -> Option<Duration> {
        let FetchFailure::Sources(errors) = &self.reason else { return None };
        let rests: Option<Vec<Duration>> = errors.iter().map(|one| rest(&one.failure)).collect();
        rests?.into_iter().min()
    }
}

const fn rest(failure: &SourceFailure) -> Option<Duration> {
    match failure {
        SourceFailure::Resting(rest) => Some(*rest),
        SourceFailure::Busy { retry_after, .. } => *retry_after,
        _ => None,
    }
}

fn listed(errors: &[SourceError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

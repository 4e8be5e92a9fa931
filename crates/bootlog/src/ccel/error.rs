//! Why bytes are no event log of a trust domain.

use avouch_wire::failed_check;
use thiserror::Error;

use crate::tcg::LogError;
use crate::{Digest, HashAlgorithm, Register};

/// Why bytes are no event log of a trust domain.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CcelError {
    /// They are no event log at all.
    #[error(transparent)]
    Log(#[from] LogError),
    /// It begins as dstack's JSON and is none.
    #[error("no event log of dstack's: {reason}")]
    Json {
        /// What is wrong, and where.
        reason: String,
    },
    /// Its digests are not those that a trust domain's registers are extended by.
    #[error("the log announces digests of {}, a trust domain's are of sha384", names(announced))]
    Algorithm {
        /// The algorithms that the log announces.
        announced: Vec<HashAlgorithm>,
    },
    /// An event has no SHA-384 digest, and so extended nothing.
    #[error("event {sequence} at byte {offset:#x} has no SHA-384 digest")]
    NoDigest {
        /// Place of the event in the log, from 0.
        sequence: usize,
        /// Where it starts.
        offset: usize,
    },
    /// An event extends `MRTD`, which the TDX module alone measures.
    #[error("event {sequence} at byte {offset:#x} extends MRTD, which no event does")]
    MrTd {
        /// Place of the event in the log, from 0.
        sequence: usize,
        /// Where it starts.
        offset: usize,
    },
    /// Its events lead to another value of a register than the quote proved.
    #[error("the log's events lead to {replayed} in {register}, the quote proves {proven}")]
    Replay {
        /// The register.
        register: Register,
        /// What the log's events lead to.
        replayed: Box<Digest>,
        /// What the quote proves.
        proven: Box<Digest>,
    },
}

fn names(algorithms: &[HashAlgorithm]) -> String {
    algorithms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

failed_check!(CcelError {
    Self::Log(error) => (error.check(), LogError::checks()),
    Self::Algorithm { .. } | Self::NoDigest { .. } => "ccel-algorithm",
    Self::Json { .. } => "ccel-json",
    Self::MrTd { .. } => "ccel-mrtd",
    Self::Replay { .. } => "ccel-replay",
});

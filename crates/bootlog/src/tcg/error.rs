//! Why bytes are no event log.

use avouch_wire::{ParseError, failed_check};
use thiserror::Error;

use crate::HashAlgorithm;

/// Why bytes are no event log that could have come from firmware and boot loaders.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LogError {
    /// A structure of the log is not what it must be.
    #[error(transparent)]
    Structure(#[from] ParseError),
    /// The log is empty or only fill.
    #[error("the log has no events")]
    Empty,
    /// The log is larger than any genuine one.
    #[error("the log has {found} bytes, the limit is {limit}")]
    TooLong {
        /// Length of the log, in bytes.
        found: usize,
        /// The largest accepted.
        limit: usize,
    },
    /// More events than any genuine log has.
    #[error("event {limit} at byte {offset:#x} is one more than the {limit} accepted")]
    TooManyEvents {
        /// The largest number accepted.
        limit: usize,
        /// Where the next one starts.
        offset: usize,
    },
    /// An event extends a register that there is none of.
    #[error(
        "event {sequence} at byte {offset:#x} extends register {index:#x}, which does not exist"
    )]
    Register {
        /// Place of the event in the log, from 0.
        sequence: usize,
        /// Where it starts.
        offset: usize,
        /// The index that it names.
        index: u32,
    },
    /// The `Spec ID` event names an algorithm that no bank has.
    #[error("the Spec ID event names algorithm {id:#06x}, which no bank has")]
    UnknownAlgorithm {
        /// Its `TPM_ALG_ID`.
        id: u16,
    },
    /// The `Spec ID` event gives an algorithm's digests a length that they do not have.
    #[error(
        "the Spec ID event says that {algorithm} digests have {found} bytes, they have {expected}"
    )]
    DigestLength {
        /// The algorithm.
        algorithm: HashAlgorithm,
        /// Its length.
        expected: usize,
        /// The length in the log.
        found: u16,
    },
    /// The `Spec ID` event names an algorithm twice.
    #[error("the Spec ID event names {algorithm} twice")]
    AlgorithmTwice {
        /// The algorithm.
        algorithm: HashAlgorithm,
    },
    /// An event has a digest that the `Spec ID` event did not announce.
    #[error(
        "event {sequence} at byte {offset:#x} has a digest of algorithm {id:#06x}, which the log did not announce"
    )]
    DigestNotAnnounced {
        /// Place of the event in the log, from 0.
        sequence: usize,
        /// Where the event starts.
        offset: usize,
        /// `TPM_ALG_ID` of the digest.
        id: u16,
    },
    /// An event has two digests of one algorithm.
    #[error("event {sequence} at byte {offset:#x} has two {algorithm} digests")]
    DigestTwice {
        /// Place of the event in the log, from 0.
        sequence: usize,
        /// Where the event starts.
        offset: usize,
        /// The algorithm.
        algorithm: HashAlgorithm,
    },
    /// An event that extends a register has no digest.
    #[error("event {sequence} at byte {offset:#x} extends {register} and has no digest")]
    NoDigest {
        /// Place of the event in the log, from 0.
        sequence: usize,
        /// Where the event starts.
        offset: usize,
        /// The register that it names.
        register: crate::Register,
    },
    /// The log says that it was started at a locality that no TPM starts at.
    #[error("the log says that the TPM was started at locality {found}, expected 0, 3 or 4")]
    Locality {
        /// The locality in the log.
        found: u8,
    },
    /// The log says twice at which locality the TPM was started.
    #[error("event {sequence} says again at which locality the TPM was started")]
    LocalityTwice {
        /// Place of the second event in the log, from 0.
        sequence: usize,
    },
}

failed_check!(LogError {
    Self::Structure(_) => "log-structure",
    Self::Empty => "log-empty",
    Self::TooLong { .. } => "log-length",
    Self::TooManyEvents { .. } => "log-events",
    Self::Register { .. } => "log-register",
    Self::UnknownAlgorithm { .. } | Self::DigestLength { .. } | Self::AlgorithmTwice { .. } =>
        "log-algorithms",
    Self::DigestNotAnnounced { .. } | Self::DigestTwice { .. } | Self::NoDigest { .. } =>
        "log-digests",
    Self::Locality { .. } | Self::LocalityTwice { .. } => "log-locality",
});

//! Why bytes are no list, and why a list is not proven.

use avouch_wire::{ParseError, failed_check};
use thiserror::Error;

use super::BankVerdict;

/// Why bytes are not a measurement list of IMA.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ListError {
    /// A binary entry is not what it must be.
    #[error(transparent)]
    Structure(#[from] ParseError),
    /// There is no entry.
    #[error("the measurement list has no entries")]
    Empty,
    /// The list is larger than what is read.
    #[error("the measurement list has {found} bytes, the limit is {limit}")]
    TooLong {
        /// Its length, in bytes.
        found: usize,
        /// The largest accepted.
        limit: usize,
    },
    /// A line of an ascii list is not what it must be.
    #[error("line {line} of the measurement list: {what}")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// An entry has a template that is not read.
    #[error("entry {index} has template {name}, which is not read")]
    Template {
        /// Number of the entry, from 0.
        index: usize,
        /// Its template's name, quoted.
        name: String,
    },
    /// The gzip stream around the list.
    #[error("the measurement list is compressed: {0}")]
    Gzip(#[from] GzipError),
}

failed_check!(ListError {
    Self::Structure(_) | Self::Empty => "ima-structure",
    Self::TooLong { .. } => "ima-size",
    Self::Line { .. } => "ima-line",
    Self::Template { .. } => "ima-template",
    Self::Gzip(_) => "ima-gzip",
});

/// Why bytes are not one gzip member (RFC 1952) that expands within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GzipError {
    /// The stream ends before it is complete.
    #[error("the gzip stream is cut")]
    Short,
    /// Its header, the deflate stream in it (RFC 1951), its checksum or its length is not as it must be.
    #[error("the gzip stream is malformed")]
    Malformed,
    /// It expands beyond the limit.
    #[error("it expands to more than {limit} bytes")]
    Expansion {
        /// The most that is expanded, in bytes.
        limit: usize,
    },
    /// Bytes follow.
    #[error("{0} bytes follow the gzip stream")]
    Trailing(usize),
}

/// Why no prefix of a list is proven.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// The quote proves PCR 10 in no bank that counts.
    #[error("the quote has no PCR 10 in a bank of SHA-256 or better")]
    NoBank,
    /// No prefix of the list leads to the quoted value.
    #[error(
        "no prefix of the measurement list's {entries} entries leads to PCR 10 of the quote: {verdict}"
    )]
    Unexplained {
        /// Entries in the list.
        entries: usize,
        /// The quoted value, and what the whole list leads to.
        verdict: Box<BankVerdict>,
    },
    /// Only digests of SHA-1 lead to the quoted value, which the operator does not accept.
    #[error("PCR 10 is explained by SHA-1 digests only (a kernel before Linux 5.8)")]
    Sha1Only,
}

failed_check!(ReplayError {
    Self::NoBank => "ima-bank",
    Self::Unexplained { .. } => "ima-replay",
    Self::Sha1Only => "ima-sha1",
});

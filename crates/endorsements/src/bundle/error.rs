//! What is wrong with a bundle.

use avouch_wire::{Hex, failed_check};
use thiserror::Error;

use crate::StatedError;

/// Why bytes are no bundle, or things cannot be put into one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BundleError {
    /// Larger than any bundle may be.
    #[error("bundle of {found} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its size in bytes.
        found: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// More things than a bundle may have.
    #[error("{found} things are over the limit of {limit} for a bundle")]
    TooMany {
        /// How many.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// It does not begin as every bundle does.
    #[error("not a bundle of endorsements")]
    NotBundle,
    /// A version that is not read.
    #[error("bundle of version {found} is not supported, supported is 1")]
    Version {
        /// The version.
        found: u32,
    },
    /// The file ends too early.
    #[error("bundle is cut off in line {line}")]
    Truncated {
        /// Where it ends, from 1 on.
        line: usize,
    },
    /// No JSON of the right shape: a member that is unknown, missing, twice or of another type.
    #[error("bundle, {0}")]
    Syntax(String),
    /// A row of the manifest under no known name.
    #[error("manifest row {row}: {reason}")]
    Name {
        /// The row, from 1 on.
        row: usize,
        /// What is wrong with its name.
        reason: String,
    },
    /// Two rows that are the same.
    #[error("{list} row {row} is there twice: {what}")]
    Twice {
        /// `manifest` or `contents`.
        list: &'static str,
        /// The second of them, from 1 on.
        row: usize,
        /// The name or hash.
        what: String,
    },
    /// A row that belongs before the one before it.
    #[error("{list} row {row} is not in order: {what}")]
    Order {
        /// `manifest` or `contents`.
        list: &'static str,
        /// The row, from 1 on.
        row: usize,
        /// The name or hash.
        what: String,
    },
    /// A content that is neither text nor base64, or both.
    #[error("contents row {row}: {reason}")]
    Content {
        /// The row, from 1 on.
        row: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A content under the hash of another.
    #[error("contents row {row} has the SHA-256 {found}, not {expected}")]
    Hash {
        /// The row, from 1 on.
        row: usize,
        /// What the row says.
        expected: Hex<32>,
        /// What its content has.
        found: Hex<32>,
    },
    /// A row of the manifest without its content.
    #[error("{name}: no content has the SHA-256 {sha256}")]
    Missing {
        /// Of which thing.
        name: String,
        /// The hash of its body or issuer chain.
        sha256: Hex<32>,
    },
    /// A content that no row of the manifest names.
    #[error("content {sha256} is of nothing in the manifest")]
    Unused {
        /// Its hash.
        sha256: Hex<32>,
    },
    /// A row that says something else of a thing than the thing itself.
    #[error("{name}: manifest says that {member} is {found}, and it is {expected}")]
    Manifest {
        /// Of which thing.
        name: String,
        /// The member.
        member: &'static str,
        /// What the row says.
        found: String,
        /// What it is.
        expected: String,
    },
    /// A thing that is not what its name says.
    #[error("{name}: {source}")]
    Thing {
        /// Its name.
        name: String,
        /// What is wrong with it.
        source: Box<StatedError>,
    },
    /// A document or chain that is no text.
    #[error("{name}: not UTF-8 text")]
    NotText {
        /// Of which thing.
        name: String,
    },
    /// The same content, written otherwise than a bundle is.
    #[error("bundle is not written as bundles are, from byte {at} (line {line}) on")]
    Form {
        /// The first byte that differs, from 0 on.
        at: usize,
        /// Its line, from 1 on.
        line: usize,
    },
}

failed_check!(BundleError {
    Self::TooLarge { .. } | Self::TooMany { .. } => "bundle-size",
    Self::Version { .. } => "bundle-version",
    Self::Truncated { .. } => "bundle-truncated",
    Self::Hash { .. } | Self::Missing { .. } | Self::Unused { .. } => "bundle-hash",
    Self::Manifest { .. } | Self::Thing { .. } => "bundle-manifest",
    Self::NotBundle
    | Self::Syntax(_)
    | Self::Name { .. }
    | Self::Twice { .. }
    | Self::Order { .. }
    | Self::Content { .. }
    | Self::NotText { .. }
    | Self::Form { .. } => "bundle-malformed",
});

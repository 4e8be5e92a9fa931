//! Why a signed JSON document is refused.

use avouch_wire::excerpt;
use thiserror::Error;

use crate::status::UnknownTcbStatus;

/// Why a JSON document is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// Larger than any real one.
    #[error("{found} bytes are over the limit of {limit}")]
    TooLarge {
        /// Its size in bytes.
        found: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Nested deeper than any real one.
    #[error("nesting is over the limit of {limit}")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// Not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// Not JSON of the right shape: a key twice, missing or unknown, a value of another type or
    /// out of range.
    #[error("{0}")]
    Json(String),
    /// A version that is not read.
    #[error("version {found} is not supported, supported are {supported}")]
    Version {
        /// Version found.
        found: u32,
        /// Versions read.
        supported: &'static str,
    },
    /// An id that is not known.
    #[error("id {0:?} is not known")]
    Id(String),
    /// Another way of comparing TCBs than the one that is known.
    #[error("tcbType is {0}, expected 0")]
    TcbType(u32),
    /// A part that must be there is not, or the reverse.
    #[error("{field} {problem}")]
    Field {
        /// The key.
        field: &'static str,
        /// What is wrong about it.
        problem: &'static str,
    },
    /// Component lists have sixteen entries.
    #[error("{field} has {found} entries, expected 16")]
    Components {
        /// The key.
        field: &'static str,
        /// Entries found.
        found: usize,
    },
    /// A status that this kind of level cannot have.
    #[error("status {} in {field}, expected one of {expected}", excerpt(.found))]
    Status {
        /// The list of levels.
        field: &'static str,
        /// The status.
        found: String,
        /// What is possible.
        expected: String,
    },
    /// Two levels that nothing tells apart.
    #[error("two equal levels in {field}: {key}")]
    EqualLevels {
        /// The list of levels.
        field: &'static str,
        /// What both ask for.
        key: String,
    },
}

impl From<serde_json::Error> for DocumentError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error.to_string())
    }
}

impl From<UnknownTcbStatus> for DocumentError {
    fn from(error: UnknownTcbStatus) -> Self {
        Self::Json(error.to_string())
    }
}

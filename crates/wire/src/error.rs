//! Why some bytes are not the structure they claim to be.

use thiserror::Error;

/// Why some bytes are not the structure they claim to be: which structure, which of its fields,
/// and where in the whole input.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{structure}.{field} at byte {offset:#x}: {kind}")]
pub struct ParseError {
    /// The structure, by its name in the vendor's document.
    pub structure: &'static str,
    /// The field, by its name in the vendor's document.
    pub field: &'static str,
    /// Offset of the field in the whole input, in bytes.
    pub offset: usize,
    /// What was wrong with it.
    pub kind: ParseErrorKind,
}

/// What was wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The input ends inside the field.
    #[error("{needed} bytes needed, {left} left")]
    Short {
        /// Bytes that the field needs.
        needed: usize,
        /// Bytes that the input still has.
        left: usize,
    },
    /// The structure is complete, yet bytes follow.
    #[error("{extra} unexpected bytes after the structure")]
    Trailing {
        /// Bytes that follow.
        extra: usize,
    },
    /// A count or length is beyond what is accepted.
    #[error("{value} is over the limit of {limit}")]
    OverLimit {
        /// The value in the input.
        value: u64,
        /// The largest value accepted.
        limit: u64,
    },
    /// A field has another value than the only one allowed.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What is allowed.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A reserved field is not zero.
    #[error("reserved bytes are not zero: {found}")]
    ReservedNotZero {
        /// The bytes in hex.
        found: String,
    },
    /// The field is not in the format that it must have.
    #[error("{0}")]
    Malformed(String),
}

//! What can go wrong when minting.

use avouch_wire::EvidenceKind;
use thiserror::Error;

/// Why nothing was minted.
#[derive(Debug, Error)]
pub enum MintError {
    /// Nothing is known of how to mint this kind.
    #[error("{0} evidence cannot be minted by this build")]
    NotMinted(EvidenceKind),
    /// The kind has no break of this name.
    #[error("{kind} evidence has no break named {name:?}; `--break list` names them")]
    UnknownBreak {
        /// The kind asked for.
        kind: EvidenceKind,
        /// The name asked for.
        name: String,
    },
    /// Two options, or an option and a break, contradict each other.
    #[error("these options do not go together: {0}")]
    Contradiction(&'static str),
    /// The break finds nothing to change in evidence of these options.
    #[error("the break finds nothing to change in evidence of these options")]
    NothingToBreak,
    /// The crypto library refused; says during what.
    #[error("crypto library refused while {0}")]
    Crypto(&'static str),
    /// A structure is too large for its length field.
    #[error("{field} is {length} bytes, too many for its length field")]
    TooLong {
        /// The structure.
        field: &'static str,
        /// Its length in bytes.
        length: usize,
    },
    /// A JSON document could not be written.
    #[error("writing JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A file could not be written.
    #[error("writing {path}: {source}")]
    Write {
        /// The file or directory.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },
}

//! Why bytes are no HCL report that could prove anything.

use avouch_wire::{ParseError, failed_check};
use thiserror::Error;

/// Why bytes are no HCL report that could prove anything.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HclError {
    /// A field is cut short or too long.
    #[error(transparent)]
    Field(#[from] ParseError),
    /// It does not begin as one.
    #[error("it does not begin with HCLA")]
    Signature,
    /// A header that is not known.
    #[error("header version {found}, expected 1 or 2")]
    Version {
        /// The version.
        found: u32,
    },
    /// Another layout of the runtime data.
    #[error("runtime data version {found}, expected 1")]
    DataVersion {
        /// The version.
        found: u32,
    },
    /// Not of hardware that proves anything to others.
    #[error("report type {found}, expected 2 (SNP) or 4 (TDX)")]
    ReportType {
        /// The type.
        found: u32,
    },
    /// The hardware report is not of the type that the header says.
    #[error("the header says {said}, and the report area is none")]
    Area {
        /// What the header says.
        said: &'static str,
    },
    /// A hash that is not known.
    #[error("hash type {found}, expected 1 (SHA-256), 2 (SHA-384) or 3 (SHA-512)")]
    HashType {
        /// The type.
        found: u32,
    },
    /// Something else than zeros follows.
    #[error("something else than zeros follows the runtime data")]
    Trailing,
    /// The hardware report binds other runtime data.
    #[error("the hardware report's data are not the hash of the runtime data")]
    NotBound,
}

failed_check!(HclError {
    Self::Field(_) => "hcl-structure",
    Self::Signature => "hcl-signature",
    Self::Version { .. } => "hcl-version",
    Self::DataVersion { .. } => "hcl-data-version",
    Self::ReportType { .. } => "hcl-report-type",
    Self::Area { .. } => "hcl-report-area",
    Self::HashType { .. } => "hcl-hash-type",
    Self::Trailing => "hcl-trailing",
    Self::NotBound => "hcl-runtime-binding",
});

//! Why files are no endorsements.

use std::path::PathBuf;

use avouch_dcap::{CollateralError, VerifyError};
use avouch_snp::ChainError;
use avouch_wire::{FailedCheck as _, ParseError, failed_check};
use thiserror::Error;

use crate::BundleError;

/// The largest endorsement file but for bundles. A set of Intel collateral has about 25 KB.
pub(crate) const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Why endorsements could not be loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A file or directory cannot be read.
    #[error("cannot read endorsements from {path}: {source}")]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is larger than any endorsement.
    #[error("{path} is over the limit of {FILE_BYTES_MAX} bytes for endorsements")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A file is no endorsement.
    #[error("{path} is no endorsement: {source}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<EndorsementError>,
    },
    /// A directory holds none.
    #[error("{path} holds no endorsements: {files} files were looked at")]
    Empty {
        /// The directory.
        path: PathBuf,
        /// How many files it has.
        files: usize,
    },
}

/// Why bytes are no endorsement: neither a set of Intel collateral nor AMD certificates and CRLs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EndorsementError {
    /// A JSON object that is no set of Intel collateral.
    #[error(transparent)]
    Collateral(#[from] CollateralError),
    /// A set of Intel collateral whose TCB info cannot be read, so that nothing says what it is for.
    #[error(transparent)]
    TcbInfo(#[from] VerifyError),
    /// Open Enclave's endorsements that cannot be cut into their elements.
    #[error("Open Enclave endorsements: {0}")]
    OpenEnclave(#[from] ParseError),
    /// Text that ends within the mark of a block: what comes after it was cut off.
    #[error("the text ends where a PEM block begins")]
    Cut,
    /// CAs of TPMs of which none has an effect.
    #[error("{0}")]
    Unused(String),
    /// What looks like something else.
    #[error("this is {what} ({source})")]
    Other {
        /// What it looks like.
        what: String,
        /// Why it is no endorsement.
        source: Box<Self>,
    },
    /// A bundle that cannot be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Anything else, and no AMD certificates and CRLs.
    #[error(transparent)]
    Amd(#[from] ChainError),
}

// Those that verification would fail with.
failed_check!(EndorsementError {
    Self::Collateral(error) => (error.check(), CollateralError::checks()),
    Self::TcbInfo(error) => (error.check(), VerifyError::checks()),
    Self::OpenEnclave(_) => "collateral-malformed",
    Self::Cut => "chain-pem",
    Self::Unused(_) => "chain-foreign-certificate",
    Self::Bundle(error) => (error.check(), BundleError::checks()),
    Self::Other { source, .. } => (source.check()),
    Self::Amd(error) => (error.check(), ChainError::checks()),
});

impl EndorsementError {
    /// Why it is no endorsement, whatever it looks like.
    pub(crate) fn reason(&self) -> &Self {
        match self {
            Self::Other { source, .. } => source.reason(),
            other => other,
        }
    }
}

impl LoadError {
    /// The stable name of the check that a file failed; none where no file was understood to be
    /// judged, because it cannot be read or a directory holds nothing of use.
    #[must_use]
    pub fn check(&self) -> Option<&'static str> {
        match self {
            Self::Malformed { source, .. } => Some(source.check()),
            Self::TooLarge { .. } => Some("endorsements-size"),
            Self::Read { .. } | Self::Empty { .. } => None,
        }
    }
}

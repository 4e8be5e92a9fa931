//! Files and directories of endorsements.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use avouch_dcap::{Collateral, CollateralError, TeeType, VerifyError};
use avouch_engine::{EndorsementSource, IntelWanted, TcbBaseline};
use avouch_snp::{ChainError, Endorsements as AmdEndorsements};
use serde_json::{Value, json};
use thiserror::Error;

use crate::intel::IntelShelf;

/// Endorsements at hand.
#[derive(Debug, Default)]
pub struct EndorsementSet {
    intel: IntelShelf,
    amd: AmdEndorsements,
}

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
    #[error("{path} has {found} bytes, over the limit of {FILE_BYTES_MAX} for endorsements")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        found: u64,
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
    /// Anything else, and no AMD certificates and CRLs.
    #[error(transparent)]
    Amd(#[from] ChainError),
}

impl EndorsementError {
    /// The stable name of the check that failed: the one that verification would fail with.
    #[must_use]
    pub fn check(&self) -> &'static str {
        match self {
            Self::Collateral(error) => error.check(),
            Self::TcbInfo(error) => error.check(),
            Self::Amd(error) => error.check(),
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

/// The largest endorsement file. A set of Intel collateral has about 25 KB.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

impl EndorsementSet {
    /// Loads every path: a file must be an endorsement; of a directory, the files that are (its
    /// other files and its subdirectories are passed over), of which there must be one.
    ///
    /// # Errors
    /// [`LoadError`] naming the path.
    pub fn load(paths: &[PathBuf]) -> Result<Self, LoadError> {
        let mut set = Self::default();
        for path in paths {
            if path.is_dir() {
                set.add_directory(path)?;
            } else {
                set.add_file(path)?;
            }
        }
        Ok(set)
    }

    fn add_directory(&mut self, directory: &Path) -> Result<(), LoadError> {
        let failed = |source| LoadError::Read { path: directory.to_owned(), source };
        let mut files: Vec<PathBuf> = fs::read_dir(directory)
            .map_err(failed)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        files.retain(|path| path.is_file());
        files.sort();
        let mut found = false;
        for file in &files {
            match self.add_file(file) {
                Ok(()) => found = true,
                Err(LoadError::Malformed { .. } | LoadError::TooLarge { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if found {
            return Ok(());
        }
        Err(LoadError::Empty { path: directory.to_owned(), files: files.len() })
    }

    fn add_file(&mut self, path: &Path) -> Result<(), LoadError> {
        let failed = |source| LoadError::Read { path: path.to_owned(), source };
        let found = fs::metadata(path).map_err(failed)?.len();
        if found > FILE_BYTES_MAX {
            return Err(LoadError::TooLarge { path: path.to_owned(), found });
        }
        let bytes = fs::read(path).map_err(failed)?;
        self.add(&bytes).map_err(|source| LoadError::Malformed {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// Adds the content of one file: Intel collateral as JSON, or AMD certificates and CRLs.
    ///
    /// # Errors
    /// [`EndorsementError`], if it is neither.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), EndorsementError> {
        if bytes.trim_ascii_start().first() == Some(&b'{') {
            return Ok(self.intel.add(Collateral::parse_json(bytes)?)?);
        }
        let amd = AmdEndorsements::parse(&[bytes])?;
        self.amd.chain.extend(amd.chain);
        self.amd.crls.extend(amd.crls);
        Ok(())
    }
}

impl EndorsementSource for EndorsementSet {
    fn intel(&self, wanted: &IntelWanted<'_>) -> Option<Arc<Collateral>> {
        self.intel.best(wanted)
    }

    fn tcb_baselines(&self, tee: TeeType) -> Vec<TcbBaseline> {
        self.intel.baselines(tee)
    }

    fn amd(&self) -> &AmdEndorsements {
        &self.amd
    }

    fn summary(&self) -> Value {
        let chain = &self.amd.chain;
        let upper = chain.intermediates().len().saturating_add(chain.roots().len());
        json!({
            "intel_collateral": self.intel.summary(),
            "amd_certificates": chain.leaves().count().saturating_add(upper),
            "amd_crls": self.amd.crls.len(),
        })
    }
}

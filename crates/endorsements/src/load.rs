//! Files and directories of endorsements.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use avouch_dcap::{Collateral, TeeType};
use avouch_engine::{EndorsementSource, IntelWanted, TcbBaseline};
use avouch_snp::Endorsements as AmdEndorsements;
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
    #[error("{path} is no endorsement: {reason}")]
    Unrecognised {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
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
                Err(LoadError::Unrecognised { .. } | LoadError::TooLarge { .. }) => {}
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
        self.add(&bytes).map_err(|reason| LoadError::Unrecognised { path: path.to_owned(), reason })
    }

    /// Adds the content of one file: Intel collateral as JSON, or AMD certificates and CRLs.
    ///
    /// # Errors
    /// What is wrong with it, if it is neither.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), String> {
        if bytes.trim_ascii_start().first() == Some(&b'{') {
            let collateral = Collateral::parse_json(bytes).map_err(|error| error.to_string())?;
            return self.intel.add(collateral).map_err(|error| error.to_string());
        }
        let amd = AmdEndorsements::parse(&[bytes]).map_err(|error| error.to_string())?;
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

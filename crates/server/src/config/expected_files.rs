//! `[appraisal.files]`: what is expected of files that Linux machines with a TPM run.

use std::path::PathBuf;
use std::sync::Arc;

use avouch_engine::{ExpectedFiles, Requirement};
use serde::Deserialize;

use super::ConfigError;

/// `[appraisal.files]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FilesConfig {
    /// Keys that sign files: certificates or public keys in PEM, or a certificate in DER.
    pub keys: Vec<PathBuf>,
    /// Reference values: what `sha256sum` prints, with lines `exclude` and `volume`.
    pub reference_values: Option<PathBuf>,
    /// What a machine's measurement list must show.
    pub require: Vec<Requirement>,
    /// What is in the files, once they were read.
    #[serde(skip)]
    pub read: Arc<ExpectedFiles>,
}

impl FilesConfig {
    /// Relative paths start from the folder of the configuration.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.keys.iter_mut().chain(&mut self.reference_values)
    }

    /// Reads the files.
    pub(super) fn read_files(&mut self) -> Result<(), ConfigError> {
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|error| ConfigError::Read {
                path: path.clone(),
                reason: error.to_string(),
            })
        };
        let keys = self.keys.iter().map(read).collect::<Result<_, _>>()?;
        let references = self.reference_values.as_ref().map(read).transpose()?;
        let files = ExpectedFiles::read(keys, references)
            .map_err(|error| ConfigError::value("appraisal.files", error))?;
        self.read = Arc::new(files);
        Ok(())
    }
}

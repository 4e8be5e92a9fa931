//! `appraisal.reference_values`: which confidential VMs have a compliance status.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use avouch_engine::ReferenceValues;
use serde::Deserialize;

use super::ConfigError;

/// A file of reference values, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "PathBuf")]
pub struct ReferenceValuesConfig {
    /// The file, TOML: `compliance_status`, and the entries `[[snp]]` and `[[tdx]]`.
    pub file: PathBuf,
    /// What is in the file, once it was read.
    pub read: Arc<ReferenceValues>,
}

impl From<PathBuf> for ReferenceValuesConfig {
    fn from(file: PathBuf) -> Self {
        Self { file, read: Arc::default() }
    }
}

impl ReferenceValuesConfig {
    /// Reads the file.
    pub(super) fn read_file(&mut self) -> Result<(), ConfigError> {
        let failed = |reason| ConfigError::Read { path: self.file.clone(), reason };
        let text =
            std::fs::read_to_string(&self.file).map_err(|error| failed(error.to_string()))?;
        self.read = Arc::new(reference_values(&self.file, &text)?);
        Ok(())
    }
}

/// Reference values from the text of a file, checked.
///
/// # Errors
/// [`ConfigError`] naming the file and what is wrong in it.
pub fn reference_values(file: &Path, text: &str) -> Result<ReferenceValues, ConfigError> {
    let values: ReferenceValues = toml::from_str(text).map_err(|error| ConfigError::Syntax {
        path: file.display().to_string(),
        message: error.to_string().trim_end().to_owned(),
    })?;
    values.check().map_err(|error| {
        let file = file.display();
        ConfigError::value("appraisal.reference_values", format!("{file}: {error}"))
    })?;
    Ok(values)
}

//! The attestation key that a machine keeps, and what a service knows it by.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use avouch_wire::{UnixTime, base64url, failed_check, json};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{KeySource, WrappedKey, write_private};

/// The file in the state directory.
const FILE: &str = "attestation-key.json";
/// Largest such file read, in bytes: a key has about 1 KB, an enrolment under 2.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// Enrolments that count no longer than this, in seconds, are renewed.
const MARGIN_SECONDS: i64 = 600;

/// What makes a service take a key for a TPM's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The service's own word, given when a credential was activated.
    Enrolled {
        /// As the service gave it.
        enrolment: String,
        /// How long it counts.
        valid_until: UnixTime,
    },
    /// A certificate of a CA for attestation keys, in DER.
    Certified(Vec<u8>),
}

impl Standing {
    /// The member of a request that says it.
    pub(crate) fn member(&self) -> (&'static str, String) {
        match self {
            Self::Enrolled { enrolment, .. } => ("avouch_enrolment", enrolment.clone()),
            Self::Certified(der) => ("aik_cert", base64url::encode(der)),
        }
    }

    /// Whether it still counts for a while.
    #[must_use]
    pub fn counts_at(&self, at: UnixTime) -> bool {
        match self {
            Self::Enrolled { valid_until, .. } => {
                at.saturating_add_seconds(MARGIN_SECONDS) < *valid_until
            }
            Self::Certified(_) => true,
        }
    }
}

/// An attestation key with its standing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldKey {
    /// The key.
    pub source: KeySource,
    /// What the service knows it by.
    pub standing: Standing,
}

/// The file in which an enrolled key is kept: for its owner only, though only its TPM can use it.
#[derive(Debug, Clone)]
pub struct AttestationKeyFile {
    path: PathBuf,
    service: String,
}

/// Why a key is not read or kept.
#[derive(Debug, Error)]
pub enum AttestationKeyFileError {
    /// The file or its folder.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not as this program writes it.
    #[error("{path}: {reason}; remove it and enrol again")]
    Contents {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

failed_check!(AttestationKeyFileError {
    Self::File { .. } => "attestation-key-file",
    Self::Contents { .. } => "attestation-key-contents",
});

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    service: String,
    public: String,
    private: String,
    enrolment: String,
    valid_until: String,
}

impl AttestationKeyFile {
    /// The file for one service (the URL of its provider) in a state directory.
    #[must_use]
    pub fn new(directory: &Path, service: &str) -> Self {
        Self { path: directory.join(FILE), service: service.to_owned() }
    }

    /// The key, and whether it is enrolled at this service: a key that was enrolled elsewhere has no
    /// standing here. `None` if none is kept.
    ///
    /// # Errors
    /// [`AttestationKeyFileError`].
    pub fn read(&self) -> Result<Option<(WrappedKey, Option<Standing>)>, AttestationKeyFileError> {
        let bytes = match read_bounded(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.file(source)),
        };
        let contents = |reason: String| {
            let path = self.path.clone();
            AttestationKeyFileError::Contents { path, reason }
        };
        let document: Document = json::read_object(&bytes).map_err(contents)?;
        let decode =
            |text: &str| base64url::decode(text).map_err(|error| contents(error.to_string()));
        let key =
            WrappedKey { public: decode(&document.public)?, private: decode(&document.private)? };
        if document.service != self.service {
            return Ok(Some((key, None)));
        }
        let valid_until = UnixTime::from_rfc3339(&document.valid_until)
            .map_err(|error| contents(error.to_string()))?;
        Ok(Some((key, Some(Standing::Enrolled { enrolment: document.enrolment, valid_until }))))
    }

    /// Keeps a key that was enrolled; makes the directory, for its owner only.
    ///
    /// # Errors
    /// [`AttestationKeyFileError::File`].
    pub fn write(
        &self,
        key: &WrappedKey,
        enrolment: &str,
        valid_until: UnixTime,
    ) -> Result<(), AttestationKeyFileError> {
        let document = Document {
            service: self.service.clone(),
            public: base64url::encode(&key.public),
            private: base64url::encode(&key.private),
            enrolment: enrolment.to_owned(),
            valid_until: valid_until.to_rfc3339(),
        };
        let made = self.path.parent().map_or(Ok(()), make_private);
        made.and_then(|()| Ok(serde_json::to_vec_pretty(&document)?))
            .and_then(|text| write_private(&self.path, &text))
            .map_err(|source| self.file(source))
    }

    fn file(&self, source: std::io::Error) -> AttestationKeyFileError {
        AttestationKeyFileError::File { path: self.path.clone(), source }
    }
}

fn make_private(directory: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;

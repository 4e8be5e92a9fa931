//! What the publisher of the service's code says, handed out as it is: the service has no part in it.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use arc_swap::ArcSwap;
use bytes::Bytes;
use thiserror::Error;

use crate::config::PublicationConfig;

/// Largest list of measurements, signed: what `avouch verify` reads at most.
const MEASUREMENTS_BYTES_MAX: usize = 352 * 1024;
/// Largest statement with receipts: as that.
const STATEMENT_BYTES_MAX: usize = 512 * 1024;
/// The tag of a `COSE_Sign1`.
const COSE_SIGN1: u8 = 0xd2;

/// The documents of one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Documents {
    measurements: Option<Document>,
    statement: Option<Document>,
}

/// A document, and what tells it from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    bytes: Bytes,
    etag: String,
}

impl Document {
    fn new(bytes: Bytes) -> Self {
        let etag = format!("\"{}\"", avouch_pki::digest::sha256(&bytes));
        Self { bytes, etag }
    }

    /// The document as it is.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Its `ETag`: its SHA-256.
    #[must_use]
    pub fn etag(&self) -> &str {
        &self.etag
    }
}

/// Why a document is not handed out.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// The file cannot be read.
    #[error("{key}: cannot read {path}: {reason}")]
    Read {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// It is larger than anybody reads.
    #[error("{key}: {path} is over the limit of {limit} bytes")]
    TooLarge {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: usize,
    },
    /// It is something else.
    #[error("{key}: {path} is no {expected}")]
    Form {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
    },
}

impl Documents {
    /// Reads the files that are configured. Whether they are signed, by whom and over what, is for those who get
    /// them to check: only their sizes and outer forms are looked at.
    ///
    /// # Errors
    /// [`DocumentError`] naming key and file.
    pub fn read(config: &PublicationConfig) -> Result<Self, DocumentError> {
        let (list, statement) = ("publication.measurements", "publication.statement");
        let measurements = config.measurements.as_deref().map(|path| {
            let bytes = read(list, path, MEASUREMENTS_BYTES_MAX)?;
            checked(
                list,
                path,
                bytes,
                is_compact_jws,
                "compact JWS: sign it by `avouch measurements sign`",
            )
        });
        let statement = config.statement.as_deref().map(|path| {
            let bytes = read(statement, path, STATEMENT_BYTES_MAX)?;
            let is_cose = |bytes: &[u8]| bytes.first() == Some(&COSE_SIGN1);
            checked(statement, path, bytes, is_cose, "tagged COSE_Sign1")
        });
        let (measurements, statement) = (measurements.transpose()?, statement.transpose()?);
        Ok(Self {
            measurements: measurements.map(Document::new),
            statement: statement.map(Document::new),
        })
    }

    /// The signed list.
    #[must_use]
    pub const fn measurements(&self) -> Option<&Document> {
        self.measurements.as_ref()
    }

    /// The statement.
    #[must_use]
    pub const fn statement(&self) -> Option<&Document> {
        self.statement.as_ref()
    }
}

/// The documents in force; a reload replaces them.
#[derive(Debug, Default)]
pub struct PublishedDocuments(ArcSwap<Documents>);

impl PublishedDocuments {
    /// Hands these out.
    #[must_use]
    pub fn new(documents: Documents) -> Self {
        Self(ArcSwap::from_pointee(documents))
    }

    /// Hands these out from now on.
    pub fn replace(&self, documents: Documents) {
        self.0.store(documents.into());
    }

    /// Those of this moment.
    #[must_use]
    pub fn get(&self) -> Documents {
        Documents::clone(&self.0.load())
    }
}

fn read(key: &'static str, path: &Path, limit: usize) -> Result<Vec<u8>, DocumentError> {
    let failed = |error: std::io::Error| {
        let (path, reason) = (path.to_owned(), error.to_string());
        DocumentError::Read { key, path, reason }
    };
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(most).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > limit {
        return Err(DocumentError::TooLarge { key, path: path.to_owned(), limit });
    }
    Ok(bytes)
}

fn checked(
    key: &'static str,
    path: &Path,
    bytes: Vec<u8>,
    is_one: impl Fn(&[u8]) -> bool,
    expected: &'static str,
) -> Result<Bytes, DocumentError> {
    if is_one(&bytes) {
        return Ok(Bytes::from(bytes));
    }
    Err(DocumentError::Form { key, path: path.to_owned(), expected })
}

/// Three parts of base64url, white space around them.
fn is_compact_jws(bytes: &[u8]) -> bool {
    let parts: Vec<&[u8]> = bytes.trim_ascii().split(|byte| *byte == b'.').collect();
    let is_base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.iter().all(is_base64url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_forms_and_sizes_are_refused_with_their_key() {
        let folder = tempfile::tempdir().unwrap();
        let write = |bytes: &[u8]| {
            let path = folder.path().join("document");
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let list = |bytes: &[u8]| {
            let config = PublicationConfig { measurements: Some(write(bytes)), statement: None };
            Documents::read(&config).map(|read| read.measurements().cloned().unwrap())
        };
        assert_eq!(&list(b"eyJ.e30.AA_-\n").unwrap().bytes()[..], b"eyJ.e30.AA_-\n");
        for bytes in [&b""[..], b"{}", b"a.b", b"a.b.c.d", b"a..c", b"a.b.", b"a.b.=", b"\xd2\x84"]
        {
            let error = list(bytes).unwrap_err().to_string();
            assert!(error.starts_with("publication.measurements: "), "{error}");
        }
        let long = [b"a.b.".to_vec(), vec![b'c'; MEASUREMENTS_BYTES_MAX - 4]].concat();
        assert!(list(&long).is_ok());
        let error = list(&[long, vec![b'c']].concat()).unwrap_err();
        assert!(matches!(error, DocumentError::TooLarge { limit: MEASUREMENTS_BYTES_MAX, .. }));

        let statement = |bytes: &[u8]| {
            let config = PublicationConfig { measurements: None, statement: Some(write(bytes)) };
            Documents::read(&config).map(|read| read.statement().cloned().unwrap())
        };
        assert!(statement(b"\xd2\x84").is_ok());
        for bytes in [&b""[..], b"\x84", b"a.b.c", &vec![COSE_SIGN1; STATEMENT_BYTES_MAX + 1]] {
            let error = statement(bytes).unwrap_err().to_string();
            assert!(error.starts_with("publication.statement: "), "{error}");
        }
        let nowhere = PublicationConfig { measurements: Some("nowhere".into()), statement: None };
        assert!(matches!(Documents::read(&nowhere), Err(DocumentError::Read { .. })));
        assert_eq!(Documents::read(&PublicationConfig::default()).unwrap(), Documents::default());
    }
}

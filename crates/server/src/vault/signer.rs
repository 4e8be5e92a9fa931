//! The key that signs answers, with the certificates that clients verify it by.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use avouch_pki::pem::{self, PemError};
use avouch_pki::{Certificate, CertificateError};
use avouch_release::{ReleaseSigner, ReleaseSignerError};
use avouch_token::{KeySpec, SigningKey, SigningKeyError};
use thiserror::Error;

use crate::http::{DevelopmentCa, TlsError};
use crate::signing_key::{self, KeyFileError};

/// Most certificates in a file.
const CERTIFICATES_MAX: usize = 10;

/// Why answers cannot be signed.
#[derive(Debug, Error)]
pub enum SignerFileError {
    /// The key.
    #[error("vault.private_key: {0}")]
    Key(#[from] KeyFileError),
    /// The certificates cannot be read.
    #[error("vault.certificates: cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// They are no PEM.
    #[error("vault.certificates: {0}")]
    Pem(#[from] PemError),
    /// They are no certificates.
    #[error("vault.certificates: {0}")]
    Certificate(#[from] CertificateError),
    /// Key and certificates do not go together.
    #[error("vault.certificates: {0}")]
    Signer(#[from] ReleaseSignerError),
    /// A key for development could not be made.
    #[error("cannot make a key for the vault: {0}")]
    Make(#[from] SigningKeyError),
    /// A certificate for development could not be made.
    #[error("cannot make a certificate for the vault: {0}")]
    Issue(#[from] TlsError),
}

/// The operator's key and certificates. Dates and the host in the first certificate are for clients to
/// judge.
///
/// # Errors
/// [`SignerFileError`] naming the setting.
pub fn release_signer(
    certificates: &Path,
    private_key: &Path,
) -> Result<ReleaseSigner, SignerFileError> {
    let key = signing_key::load(private_key)?;
    let text = std::fs::read(certificates)
        .map_err(|source| SignerFileError::Read { path: certificates.to_owned(), source })?;
    let chain: Vec<Certificate> = pem::certificates(&text, CERTIFICATES_MAX)?
        .iter()
        .map(|der| Certificate::parse(der))
        .collect::<Result<_, _>>()?;
    Ok(ReleaseSigner::new(Arc::new(key), &chain)?)
}

/// A key of the moment with a certificate for a host under the CA for development.
///
/// # Errors
/// [`SignerFileError`].
pub fn development_signer(
    ca: &DevelopmentCa,
    host: &str,
) -> Result<ReleaseSigner, SignerFileError> {
    let key = SigningKey::generate(KeySpec::Rsa2048)?;
    let chain = ca.certify(&key.to_pkcs8_der()?, host)?;
    let chain: Vec<Certificate> =
        chain.iter().map(|der| Certificate::parse(der)).collect::<Result<_, _>>()?;
    Ok(ReleaseSigner::new(Arc::new(key), &chain)?)
}

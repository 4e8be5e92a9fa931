//! The service's token signing key as a file that only its owner can read.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use avouch_token::{KeySpec, SigningKey, SigningKeyError};
use thiserror::Error;
use zeroize::Zeroizing;

/// Why the signing key cannot be used.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// The file or its directory cannot be read or written.
    #[error("cannot use the signing key at {path}: {source}{}", advice(source))]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds no usable key.
    #[error("the signing key at {path} cannot be used: {source}")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: SigningKeyError,
    },
}

/// What to do where there is no key.
fn advice(error: &std::io::Error) -> &'static str {
    if error.kind() != std::io::ErrorKind::NotFound {
        return "";
    }
    "; `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out signing-key.pem` makes one"
}

/// Logs a warning if others than its owner can read the file of a private key.
#[cfg(unix)]
pub fn warn_of_readers(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(found) = fs::metadata(path) else { return };
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        tracing::warn!(
            path = %path.display(),
            mode = format!("{mode:o}"),
            "others than its owner can use the file of a private key: chmod 600 closes it"
        );
    }
}

/// Logs a warning if others than its owner can read the file of a private key; here that is not
/// known.
#[cfg(not(unix))]
pub fn warn_of_readers(_path: &Path) {}

/// Loads an operator's key, PKCS#8 in PEM. A warning is logged if others can read it.
///
/// # Errors
/// [`KeyFileError`] naming the file.
pub fn load(path: &Path) -> Result<SigningKey, KeyFileError> {
    warn_of_readers(path);
    let text = fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|source| KeyFileError::File { path: path.to_owned(), source })?;
    SigningKey::from_pkcs8_pem(&text)
        .map_err(|source| KeyFileError::Key { path: path.to_owned(), source })
}

/// Loads `signing-key.pem` (PKCS#8) from `directory`, or makes an RSA-2048 key there.
///
/// # Errors
/// [`KeyFileError`] naming the file.
pub fn open(directory: &Path) -> Result<SigningKey, KeyFileError> {
    let path = directory.join("signing-key.pem");
    let file_error = |source| KeyFileError::File { path: path.clone(), source };
    let key_error = |source| KeyFileError::Key { path: path.clone(), source };
    match fs::read_to_string(&path).map(Zeroizing::new) {
        Ok(text) => {
            warn_of_readers(&path);
            SigningKey::from_pkcs8_pem(&text).map_err(key_error)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = SigningKey::generate(KeySpec::Rsa2048).map_err(key_error)?;
            let text = key.to_pkcs8_pem().map_err(key_error)?;
            fs::create_dir_all(directory).map_err(file_error)?;
            write_private(&path, text.as_bytes()).map_err(file_error)?;
            Ok(key)
        }
        Err(error) => Err(file_error(error)),
    }
}

/// Writes a new file that only its owner can read.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}

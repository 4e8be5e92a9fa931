//! A corpus folder on disk.

use super::case::{Case, CaseError};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why a corpus folder cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A file or the folder cannot be read.
    #[error("{}: {source}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file does not have the documented form.
    #[error("{name}: {source}")]
    Case {
        /// The case.
        name: String,
        /// Why.
        source: CaseError,
    },
}

const POLICY: &str = ".policy.txt";

/// Reads every `NAME.policy.txt` of a folder with its two companions, sorted by name.
///
/// # Errors
/// [`DirectoryError`] if the folder cannot be listed. A case whose files are missing or wrong is
/// an error in the list instead, so that the others still run.
pub fn read_directory(
    directory: &Path,
) -> Result<Vec<Result<Case, DirectoryError>>, DirectoryError> {
    let failed = |source| DirectoryError::Io { path: directory.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(POLICY)) {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names.iter().map(|name| read_case(directory, name)).collect())
}

fn read_case(directory: &Path, name: &str) -> Result<Case, DirectoryError> {
    let read = |suffix: &str| {
        let path = directory.join(format!("{name}{suffix}"));
        fs::read(&path).map_err(|source| DirectoryError::Io { path, source })
    };
    let policy = read(POLICY)?;
    let claims = String::from_utf8_lossy(&read(".claims.json")?).into_owned();
    let expectation = String::from_utf8_lossy(&read(".expect.json")?).into_owned();
    Case::parse(name, &policy, &claims, &expectation)
        .map_err(|source| DirectoryError::Case { name: name.to_owned(), source })
}

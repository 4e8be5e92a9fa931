//! Usage and I/O errors: what was wrong with the call, never with the evidence.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use avouch_attester::AttestError;
use avouch_wire::failed_check;
use thiserror::Error;

/// Why a command could not do its work (exit status 2).
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// This machine cannot be attested.
    #[error(transparent)]
    Attest(#[from] AttestError),
    /// A service that has no answer now, and says when to come again.
    #[error("{message}")]
    Later {
        /// What it said.
        message: String,
        /// After how many seconds.
        seconds: u32,
    },
    /// Anything else that is wrong with the call or the machine.
    #[error("{0}")]
    Other(String),
}

failed_check!(Failure {
    Self::Read { .. } => "read",
    Self::Write { .. } => "write",
    Self::Attest(error) => (error.check(), AttestError::checks()),
    Self::Later { .. } | Self::Other(_) => "failed",
});

impl Failure {
    pub(crate) fn other(error: impl std::fmt::Display) -> Self {
        Self::Other(error.to_string())
    }
}

/// The answer of a command that did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Done, valid or permitted.
    Yes,
    /// Understood, and the answer is no.
    No,
}

impl Verdict {
    pub(crate) const fn of(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }

    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self::Yes => ExitCode::SUCCESS,
            Self::No => ExitCode::from(1),
        }
    }
}

/// A file's bytes; `-` reads standard input. Files over 64 MiB are refused.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    const LIMIT_BYTES: u64 = 64 * 1024 * 1024;
    let failed = |source| Failure::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(LIMIT_BYTES.saturating_add(1)).read_to_end(&mut bytes)
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(LIMIT_BYTES.saturating_add(1)).read_to_end(&mut bytes)
    };
    let length = read.map_err(failed)?;
    if u64::try_from(length).unwrap_or(u64::MAX) > LIMIT_BYTES {
        return Err(Failure::Other(format!("{} is over 64 MiB", path.display())));
    }
    Ok(bytes)
}

/// A file's text.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path)?)
        .map_err(|_| Failure::Other(format!("{} is not UTF-8 text", path.display())))
}

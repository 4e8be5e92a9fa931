//! The logs that explain PCRs, as the kernel gives them.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use avouch_tpm::protocol::{Log, LogKind};
use avouch_wire::failed_check;
use flate2::Compression;
use flate2::write::GzEncoder;
use thiserror::Error;

/// Where the kernel gives the log of the firmware and the boot loaders.
const TCG_LOG: &str = "/sys/kernel/security/tpm0/binary_bios_measurements";
/// Where it gives IMA's list, the better form first: with SHA-256 digests of its entries, as newer kernels
/// have it, and with SHA-1.
const IMA_LISTS: [&str; 2] = [
    "/sys/kernel/security/ima/binary_runtime_measurements_sha256",
    "/sys/kernel/security/ima/binary_runtime_measurements",
];
/// Largest log read: as much of a list as the service reads, in bytes.
const LOG_BYTES_MAX: u64 = 16 << 20;
/// Above so many bytes a list is sent compressed.
const PLAIN_BYTES_MAX: usize = 16 << 10;

/// Where logs are read from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFiles {
    /// The TCG log; where the kernel has it, if none is named.
    pub tcg: Option<PathBuf>,
    /// IMA's list; where the kernel has it, if none is named, and none where the kernel has none.
    pub ima: Option<PathBuf>,
}

/// Why a log is not collected.
#[derive(Debug, Error)]
pub enum LogError {
    /// It cannot be read.
    #[error("cannot read the log {path}: {source}{}", advice(.source))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Larger than a service reads.
    #[error("the log {path} is over {LOG_BYTES_MAX} bytes")]
    Length {
        /// The file.
        path: PathBuf,
    },
}

failed_check!(LogError {
    Self::Read { .. } => "log-read",
    Self::Length { .. } => "log-file-length",
});

fn advice(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound => {
            "; mount securityfs (mount -t securityfs none /sys/kernel/security), or name another file \
             with --log; a kernel that was not started through its EFI stub has no log"
        }
        ErrorKind::PermissionDenied => "; only root reads the kernel's logs",
        _ => "",
    }
}

impl LogFiles {
    /// Reads the logs, the boot's first. Lists grow: read after the quote, they reach up to it.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn read(&self) -> Result<Vec<Log>, LogError> {
        let tcg = self.tcg.as_deref().unwrap_or(Path::new(TCG_LOG));
        let mut logs = vec![Log { kind: LogKind::Tcg, bytes: read(tcg)? }];
        let list = match &self.ima {
            Some(path) => Some(read(path)?),
            None => first_of(&IMA_LISTS)?,
        };
        let bytes = list.filter(|list| !list.is_empty()).map(compact);
        logs.extend(bytes.map(|bytes| Log { kind: LogKind::Ima, bytes }));
        Ok(logs)
    }
}

/// The first of these files that exists.
fn first_of(paths: &[&str]) -> Result<Option<Vec<u8>>, LogError> {
    for path in paths {
        match read(Path::new(path)) {
            Err(LogError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {}
            other => return other.map(Some),
        }
    }
    Ok(None)
}

fn read(path: &Path) -> Result<Vec<u8>, LogError> {
    let mut bytes = Vec::new();
    let length = File::open(path)
        .and_then(|file| file.take(LOG_BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|source| LogError::Read { path: path.to_owned(), source })?;
    if u64::try_from(length).is_ok_and(|length| length <= LOG_BYTES_MAX) {
        return Ok(bytes);
    }
    Err(LogError::Length { path: path.to_owned() })
}

/// A long list compressed by gzip, which takes a quarter of it.
fn compact(list: Vec<u8>) -> Vec<u8> {
    if list.len() <= PLAIN_BYTES_MAX {
        return list;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let compressed = encoder.write_all(&list).and_then(|()| encoder.finish());
    compressed.unwrap_or(list)
}

#[cfg(test)]
mod tests;

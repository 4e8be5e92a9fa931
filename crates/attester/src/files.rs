//! Files that are whole or absent, whoever reads them when.

use std::fs;
use std::io::{Error, ErrorKind, Write as _};
use std::path::Path;

/// Writes a file whole or not at all, under its old permissions or readable by everybody as the system's
/// default has it: readers see the one before until it is complete.
///
/// # Errors
/// What the system says.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace(path, bytes, 0o644)
}

/// As [`write_whole`], for its owner only (0600).
///
/// # Errors
/// What the system says.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace(path, bytes, 0o600)
}

fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let Some(name) = path.file_name() else {
        return Err(Error::new(ErrorKind::InvalidInput, "no name of a file"));
    };
    let mut incomplete = name.to_owned();
    incomplete.push(".incomplete");
    let incomplete = path.with_file_name(incomplete);
    // One that was left behind may be anybody's to read.
    match fs::remove_file(&incomplete) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let written = options
        .open(&incomplete)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&incomplete, path));
    if written.is_err() {
        // What went wrong first is what to tell.
        let _ = fs::remove_file(&incomplete);
    }
    written
}

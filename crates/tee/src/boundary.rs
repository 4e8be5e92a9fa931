//! Files that a kernel or a library OS answers by.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

use avouch_wire::excerpt;

use crate::TeeError;

/// Most bytes of evidence, or of what goes with it: a signing certificate has no room for more.
pub(crate) const BLOB_BYTES_MAX: u64 = 64 * 1024;
/// Most bytes of a word or a number.
const WORD_BYTES_MAX: u64 = 64;

/// Reads a file to its end.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, TeeError> {
    let failed =
        |error: std::io::Error| TeeError::Read { path: path.to_owned(), reason: error.to_string() };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(TeeError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

/// Reads a file into this place, to its end or until the place is full: nothing of it stays elsewhere. How many
/// bytes there are.
pub(crate) fn read_into(path: &Path, place: &mut [u8]) -> Result<usize, TeeError> {
    let failed =
        |error: std::io::Error| TeeError::Read { path: path.to_owned(), reason: error.to_string() };
    let mut file = File::open(path).map_err(failed)?;
    let mut length = 0_usize;
    while let Some(rest) = place.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => length = length.saturating_add(read),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(length)
}

/// Reads a file with one word in it.
pub(crate) fn read_word(path: &Path) -> Result<String, TeeError> {
    let bytes = read(path, WORD_BYTES_MAX)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// Reads a file with one number in it.
pub(crate) fn read_number(path: &Path) -> Result<u64, TeeError> {
    let word = read_word(path)?;
    word.parse().map_err(|_| TeeError::Unexpected {
        path: path.to_owned(),
        found: excerpt(&word).to_string(),
        expected: "a number",
    })
}

/// Writes a file that is there, in one piece. It is neither made nor cut: what answers is no plain file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), TeeError> {
    let written = OpenOptions::new().write(true).open(path);
    written
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|error| TeeError::Write { path: path.to_owned(), reason: error.to_string() })
}

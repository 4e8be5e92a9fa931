//! Objects read into types. Derived readers also take arrays, by position, which no document means.

use serde::Deserialize;

/// Most texts in a document, the names of its members among them. What clients send has under 40;
/// members that nobody knows are read over, and each costs some hundred nanoseconds.
const TEXTS_MAX: usize = 512;
/// Most characters of what the reader says, which quotes what it found.
const REASON_CHARACTERS_MAX: usize = 200;

/// Reads a JSON object of at most 512 names and texts; white space may stand around it.
///
/// # Errors
/// What is wrong and where, in at most 200 characters.
pub fn read_object<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err("expected an object".to_owned());
    }
    // Two marks to a text; counting them takes a fraction of reading them.
    let texts = bytes.iter().filter(|byte| **byte == b'"').count() / 2;
    if texts > TEXTS_MAX {
        return Err(format!("{texts} names and texts are over the limit of {TEXTS_MAX}"));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| error.to_string().chars().take(REASON_CHARACTERS_MAX).collect())
}

//! JSON objects. Derived readers also take arrays, by position, which no document here means.

use serde::Deserialize;

/// Reads a JSON object; white space may stand around it.
///
/// On failure, the text says what is wrong and where.
pub(crate) fn object<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err("expected an object".to_owned());
    }
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

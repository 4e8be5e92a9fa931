//! Base64url and standard base64, strict in all but the padding that clients differ in.

use base64_simd::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use thiserror::Error;

/// Why a text is not base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// A character outside the alphabet.
    #[error("character {index} ({character:?}) is not in the alphabet")]
    Character {
        /// Index of the byte in the text.
        index: usize,
        /// The byte as a character.
        character: char,
    },
    /// Padding that does not complete a group of four, or a lone last character, or trailing bits
    /// that are not zero.
    #[error("length, padding or last character is not canonical ({length} characters)")]
    NotCanonical {
        /// Length of the text in bytes.
        length: usize,
    },
}

/// Base64url without padding.
#[must_use]
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// Appends base64url without padding to `text`, for writers that build a token in one buffer.
pub fn encode_append(bytes: impl AsRef<[u8]>, text: &mut String) {
    URL_SAFE_NO_PAD.encode_append(bytes, text);
}

/// Standard base64 with padding, as in `x5c` and `kid`.
#[must_use]
pub fn encode_standard(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode_to_string(bytes)
}

/// Decodes base64url with no padding or with complete padding (some MAA clients pad).
///
/// Trailing bits must be zero, so that one byte string has one text up to padding.
///
/// # Errors
/// [`DecodeError`] with the place of the first wrong character.
pub fn decode(text: &str) -> Result<Vec<u8>, DecodeError> {
    let body = unpadded(text)?;
    URL_SAFE_NO_PAD.decode_to_vec(body).map_err(|_| {
        explain(text, body, |byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    })
}

/// Decodes standard base64 with no padding or with complete padding.
///
/// # Errors
/// [`DecodeError`] with the place of the first wrong character.
pub fn decode_standard(text: &str) -> Result<Vec<u8>, DecodeError> {
    let body = unpadded(text)?;
    STANDARD_NO_PAD.decode_to_vec(body).map_err(|_| {
        explain(text, body, |byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
    })
}

/// Decodes base64url or standard base64, padded or not; never both alphabets in one text.
///
/// # Errors
/// [`DecodeError`] with the place of the first wrong character, in standard base64 if the text has a
/// character that only that knows.
pub fn decode_either(text: &str) -> Result<Vec<u8>, DecodeError> {
    decode(text).or_else(
        |error| {
            if text.contains(['+', '/']) { decode_standard(text) } else { Err(error) }
        },
    )
}

/// Strips complete padding: none, or as many `=` as bring the length to a multiple of four.
fn unpadded(text: &str) -> Result<&[u8], DecodeError> {
    let body = text.trim_end_matches('=');
    let padding = text.len().saturating_sub(body.len());
    let complete = padding == 0 || (padding <= 2 && text.len().is_multiple_of(4));
    if complete {
        Ok(body.as_bytes())
    } else {
        Err(DecodeError::NotCanonical { length: text.len() })
    }
}

fn explain(text: &str, body: &[u8], allowed: impl Fn(u8) -> bool) -> DecodeError {
    match body.iter().position(|byte| !allowed(*byte)) {
        Some(index) => {
            let character = text.get(index..).and_then(|rest| rest.chars().next());
            DecodeError::Character { index, character: character.unwrap_or('\u{fffd}') }
        }
        None => DecodeError::NotCanonical { length: text.len() },
    }
}

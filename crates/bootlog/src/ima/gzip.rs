//! gzip (RFC 1952) around a list: one member, expanded within bounds that its length gives.
//!
//! Lists are mostly digests, which do not compress: real ones shrink to a half. What expands to
//! more than [`EXPANSION_MAX`] times its length is none.

use std::io::{self, Read as _};

use flate2::bufread::GzDecoder;

use super::GzipError;

/// The most bytes that one byte may stand for, beyond [`EXPANSION_FREE`].
const EXPANSION_MAX: usize = 16;
/// What anything may expand to, in bytes.
const EXPANSION_FREE: usize = 64 << 10;

/// Whether the bytes begin as gzip does: its mark, and deflate as the method.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b, 8])
}

/// What a gzip member expands to, at most `bytes_max` bytes.
///
/// # Errors
/// [`GzipError`].
pub fn inflate(bytes: &[u8], bytes_max: usize) -> Result<Vec<u8>, GzipError> {
    let free = bytes.len().saturating_mul(EXPANSION_MAX).saturating_add(EXPANSION_FREE);
    let limit = bytes_max.min(free);
    let mut decoder = GzDecoder::new(bytes);
    let mut out = Vec::with_capacity(said_length(bytes).min(limit));
    // One byte more tells that there is more.
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    decoder.by_ref().take(most).read_to_end(&mut out).map_err(|error| reason(&error))?;
    if out.len() > limit {
        return Err(GzipError::Expansion { limit });
    }
    match decoder.into_inner().len() {
        0 => Ok(out),
        more => Err(GzipError::Trailing(more)),
    }
}

fn reason(error: &io::Error) -> GzipError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => GzipError::Short,
        _ => GzipError::Malformed,
    }
}

/// The length that the trailer gives, unproven: it spares growing.
fn said_length(bytes: &[u8]) -> usize {
    let length = bytes.last_chunk().map(|length| u32::from_le_bytes(*length));
    length.and_then(|length| usize::try_from(length).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;

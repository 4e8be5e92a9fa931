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
    let said = said_length(bytes).min(limit);
    let mut decoder = GzDecoder::new(bytes);
    let mut out = Vec::with_capacity(said);
    decoder.by_ref().take(wide(said)).read_to_end(&mut out).map_err(|error| reason(&error))?;
    // What follows goes nowhere: if anything does, this is no member by itself. Reading on to the end
    // also has the checksum compared.
    let more = wide(limit.saturating_sub(out.len())).saturating_add(1);
    let more = io::copy(&mut decoder.by_ref().take(more), &mut io::sink())
        .map_err(|error| reason(&error))?;
    if wide(out.len()).saturating_add(more) > wide(limit) {
        return Err(GzipError::Expansion { limit });
    }
    match (decoder.into_inner().len(), more) {
        (0, 0) => Ok(out),
        (0, _) => Err(GzipError::Malformed),
        (trailing, _) => Err(GzipError::Trailing(trailing)),
    }
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// The length that the trailer gives, unproven: as much memory is taken, and no more.
fn said_length(bytes: &[u8]) -> usize {
    let length = bytes.last_chunk().map(|length| u32::from_le_bytes(*length));
    length.and_then(|length| usize::try_from(length).ok()).unwrap_or_default()
}

fn reason(error: &io::Error) -> GzipError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => GzipError::Short,
        _ => GzipError::Malformed,
    }
}

#[cfg(test)]
mod tests;

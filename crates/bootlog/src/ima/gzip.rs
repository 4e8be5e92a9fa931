//! gzip (RFC 1952) around a list: one member, expanded within bounds that its length gives.
//!
//! Lists are mostly digests, which do not compress: real ones shrink to a half. What expands to
//! more than [`EXPANSION_MAX`] times its length is none.

mod deflate;
mod huffman;

use avouch_wire::{Cursor, ParseError};

use super::GzipError;
use deflate::Inflater;

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
    let mut cursor = Cursor::new("gzip", bytes);
    header(&mut cursor).map_err(|_| GzipError::Short)??;
    let free = bytes.len().saturating_mul(EXPANSION_MAX).saturating_add(EXPANSION_FREE);
    let limit = bytes_max.min(free);
    let (out, used) =
        Inflater::new(cursor.clone().rest(), said_length(bytes).min(limit), limit).run()?;
    cursor.take("deflate", used).map_err(|_| GzipError::Short)?;
    let (sum, length) = trailer(&mut cursor).map_err(|_| GzipError::Short)?;
    if sum != crc32(&out) {
        return Err(GzipError::Trailer("checksum"));
    }
    if u32::try_from(out.len()) != Ok(length) {
        return Err(GzipError::Trailer("length"));
    }
    match cursor.remaining() {
        0 => Ok(out),
        more => Err(GzipError::Trailing(more)),
    }
}

/// The bits of the header's flags: what else is in it.
const HEADER_SUM: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

fn header(cursor: &mut Cursor<'_>) -> Result<Result<(), GzipError>, ParseError> {
    let mark = cursor.array::<3>("mark")?;
    let flags = cursor.u8("flags")?;
    if !is_gzip(mark) || flags & RESERVED != 0 {
        return Ok(Err(GzipError::Header));
    }
    cursor.take("time_and_system", 6)?;
    if flags & EXTRA != 0 {
        let length = cursor.u16_le("extra_length")?;
        cursor.take("extra", usize::from(length))?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            while cursor.u8("text")? != 0 {}
        }
    }
    if flags & HEADER_SUM != 0 {
        cursor.u16_le("header_sum")?;
    }
    Ok(Ok(()))
}

/// The length that the trailer gives, unproven: it spares growing.
fn said_length(bytes: &[u8]) -> usize {
    let length = bytes.last_chunk().map(|length| u32::from_le_bytes(*length));
    length.and_then(|length| usize::try_from(length).ok()).unwrap_or_default()
}

fn trailer(cursor: &mut Cursor<'_>) -> Result<(u32, u32), ParseError> {
    Ok((cursor.u32_le("checksum")?, cursor.u32_le("length")?))
}

/// The checksum of RFC 1952, section 8.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        let [low, ..] = sum.to_le_bytes();
        let row = TABLE.get(usize::from(low ^ byte)).copied().unwrap_or_default();
        row ^ (sum >> 8)
    })
}

static TABLE: [u32; 256] = table();

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "computed by the compiler, which stops at a mistake"
)]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests;

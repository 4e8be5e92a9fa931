//! As much DER as Intel's certificate extension needs: definite, minimal lengths and six tags.

use avouch_wire::{Cursor, ParseError, ParseErrorKind};

use crate::header::unexpected;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const SEQUENCE: u8 = 0x30;

/// Opens the content of the next element, which must have `tag`.
pub(crate) fn open<'a>(
    cursor: &mut Cursor<'a>,
    field: &'static str,
    tag: u8,
) -> Result<Cursor<'a>, ParseError> {
    let before = cursor.clone();
    let found = cursor.u8(field)?;
    if found != tag {
        return Err(unexpected(
            &before,
            field,
            format!("tag {tag:#04x}"),
            format!("tag {found:#04x}"),
        ));
    }
    let length = length(cursor, field)?;
    cursor.sub(field, "SgxExtension", length)
}

/// A definite length in its shortest form, of at most two bytes: extensions are small.
fn length(cursor: &mut Cursor<'_>, field: &'static str) -> Result<usize, ParseError> {
    let before = cursor.clone();
    let (length, smallest) = match cursor.u8(field)? {
        short @ 0..=0x7f => (u16::from(short), 0),
        0x81 => (u16::from(cursor.u8(field)?), 0x80),
        0x82 => (cursor.u16_be(field)?, 0x100),
        other => {
            let text = format!("length byte {other:#04x} is not DER of a small element");
            return Err(before.error(field, ParseErrorKind::Malformed(text)));
        }
    };
    if length < smallest {
        let text = format!("length {length} is not in its shortest form");
        return Err(before.error(field, ParseErrorKind::Malformed(text)));
    }
    Ok(usize::from(length))
}

/// A non-negative INTEGER or ENUMERATED of at most 16 bits, in its shortest form.
pub(crate) fn unsigned(
    cursor: &mut Cursor<'_>,
    field: &'static str,
    tag: u8,
    limit: u16,
) -> Result<u16, ParseError> {
    let content = open(cursor, field, tag)?;
    let bytes = content.clone().rest();
    let value = match *bytes {
        [low @ 0..=0x7f] => Some(u16::from(low)),
        [0, low @ 0x80..=0xff] => Some(u16::from(low)),
        [high @ 1..=0x7f, low] => Some(u16::from_be_bytes([high, low])),
        [0, high @ 0x80..=0xff, low] => Some(u16::from_be_bytes([high, low])),
        _ => None,
    };
    match value {
        Some(value) if value <= limit => Ok(value),
        _ => {
            let expected = format!("an integer from 0 to {limit} in its shortest form");
            Err(unexpected(&content, field, expected, avouch_wire::encode_hex(bytes)))
        }
    }
}

/// A BOOLEAN: 0x00 or 0xff.
pub(crate) fn boolean(cursor: &mut Cursor<'_>, field: &'static str) -> Result<bool, ParseError> {
    let content = open(cursor, field, BOOLEAN)?;
    match content.clone().rest() {
        [0x00] => Ok(false),
        [0xff] => Ok(true),
        other => Err(unexpected(&content, field, "0x00 or 0xff", avouch_wire::encode_hex(other))),
    }
}

/// An OCTET STRING of exactly `N` bytes.
pub(crate) fn octets<const N: usize>(
    cursor: &mut Cursor<'_>,
    field: &'static str,
) -> Result<avouch_wire::Hex<N>, ParseError> {
    let mut content = open(cursor, field, OCTET_STRING)?;
    let bytes = content.hex(field)?;
    content.finish()?;
    Ok(bytes)
}

#[cfg(test)]
#[path = "der_tests.rs"]
mod tests;

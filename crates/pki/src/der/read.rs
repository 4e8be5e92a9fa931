//! Reading, strictly: definite lengths in their shortest form, integers and booleans in their only
//! form.
//!
//! Each element is read where its structure has it, and each structure is read to its end: nothing
//! nests deeper than the structures that are known, and each byte is looked at once.

use avouch_wire::{Cursor, Hex, ParseError, ParseErrorKind, UnixTime, encode_hex};

use super::{
    BIT_STRING, BOOLEAN, GENERALIZED_TIME, INTEGER, NULL, OBJECT_IDENTIFIER, OCTET_STRING, UTC_TIME,
};
use crate::oid;

/// One element.
pub struct Element<'a> {
    /// Tag, of one byte.
    pub tag: u8,
    /// Tag, length and content.
    pub whole: &'a [u8],
    /// Content.
    pub content: Cursor<'a>,
}

/// Whether the next element has this tag.
pub(crate) fn next_is(cursor: &Cursor<'_>, tag: u8) -> bool {
    cursor.clone().rest().first() == Some(&tag)
}

/// The next element, of whatever tag.
///
/// # Errors
/// [`ParseError`] if none is there, or its tag or length is not of DER.
pub fn any<'a>(cursor: &mut Cursor<'a>, field: &'static str) -> Result<Element<'a>, ParseError> {
    let mut before = cursor.clone();
    let tag = cursor.u8(field)?;
    if tag & 0x1f == 0x1f {
        return Err(malformed(&before, field, "tag of more than one byte"));
    }
    let length = length(cursor, field)?;
    let content = cursor.sub(field, cursor.structure(), length)?;
    let size = before.remaining().saturating_sub(cursor.remaining());
    Ok(Element { tag, whole: before.take(field, size)?, content })
}

/// The next element, which must have this tag.
pub(crate) fn element<'a>(
    cursor: &mut Cursor<'a>,
    field: &'static str,
    tag: u8,
) -> Result<Element<'a>, ParseError> {
    let before = cursor.clone();
    let found = any(cursor, field)?;
    if found.tag != tag {
        let kind = ParseErrorKind::Unexpected {
            expected: format!("tag {tag:#04x}"),
            found: format!("tag {:#04x}", found.tag),
        };
        return Err(before.error(field, kind));
    }
    Ok(found)
}

/// The content of the next element, which must have this tag.
///
/// # Errors
/// [`ParseError`] if none is there, or another.
pub fn open<'a>(
    cursor: &mut Cursor<'a>,
    field: &'static str,
    tag: u8,
) -> Result<Cursor<'a>, ParseError> {
    element(cursor, field, tag).map(|found| found.content)
}

/// A definite length in its shortest form, below 4 GiB.
fn length(cursor: &mut Cursor<'_>, field: &'static str) -> Result<usize, ParseError> {
    let before = cursor.clone();
    let count = match cursor.u8(field)? {
        short @ 0..=0x7f => return Ok(usize::from(short)),
        long @ 0x81..=0x84 => usize::from(long & 0x7f),
        _ => return Err(malformed(&before, field, "length is not definite or over 4 GiB")),
    };
    let bytes = cursor.take(field, count)?;
    let length = bytes.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
    if length < 0x80 || bytes.first() == Some(&0) {
        return Err(malformed(&before, field, "length is not in its shortest form"));
    }
    Ok(length)
}

pub(crate) fn malformed(cursor: &Cursor<'_>, field: &'static str, text: &str) -> ParseError {
    cursor.error(field, ParseErrorKind::Malformed(text.to_owned()))
}

/// A BOOLEAN: 0x00 or 0xff.
///
/// # Errors
/// [`ParseError`] if it is none.
pub fn boolean(cursor: &mut Cursor<'_>, field: &'static str) -> Result<bool, ParseError> {
    let mut content = open(cursor, field, BOOLEAN)?;
    let at = content.clone();
    match content.rest() {
        [0x00] => Ok(false),
        [0xff] => Ok(true),
        _ => Err(malformed(&at, field, "BOOLEAN is neither 0x00 nor 0xff")),
    }
}

/// A BOOLEAN that is false where it is absent. `false` written out is taken too: tools in wide use
/// write it, though DER leaves it out.
pub(crate) fn boolean_or_false(
    cursor: &mut Cursor<'_>,
    field: &'static str,
) -> Result<bool, ParseError> {
    if next_is(cursor, BOOLEAN) { boolean(cursor, field) } else { Ok(false) }
}

/// The content of an INTEGER: two's complement, big-endian, in its shortest form.
pub(crate) fn integer<'a>(
    cursor: &mut Cursor<'a>,
    field: &'static str,
) -> Result<&'a [u8], ParseError> {
    let mut content = open(cursor, field, INTEGER)?;
    let at = content.clone();
    match content.rest() {
        [] | [0x00, 0x00..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => {
            Err(malformed(&at, field, "INTEGER is not in its shortest form"))
        }
        shortest => Ok(shortest),
    }
}

/// The magnitude of an INTEGER that is not negative, without leading zeros; empty for zero.
///
/// # Errors
/// [`ParseError`] if it is none, negative, or not in its shortest form.
pub fn unsigned<'a>(cursor: &mut Cursor<'a>, field: &'static str) -> Result<&'a [u8], ParseError> {
    let before = cursor.clone();
    match integer(cursor, field)? {
        [0x00, magnitude @ ..] => Ok(magnitude),
        [0x80..=0xff, ..] => Err(malformed(&before, field, "INTEGER is negative")),
        magnitude => Ok(magnitude),
    }
}

/// An INTEGER or ENUMERATED (by its tag) from 0 to `limit`, in its shortest form.
///
/// # Errors
/// [`ParseError`] if it is none, or another number.
pub fn number(
    cursor: &mut Cursor<'_>,
    field: &'static str,
    tag: u8,
    limit: u32,
) -> Result<u32, ParseError> {
    let mut content = open(cursor, field, tag)?;
    let at = content.clone();
    let bytes = content.rest();
    let value = match *bytes {
        [low @ 0..=0x7f] => Some(u32::from(low)),
        [0, high @ 0x80..=0xff, ref rest @ ..] | [high @ 1..=0x7f, ref rest @ ..]
            if rest.len() < 4 =>
        {
            Some(rest.iter().fold(u32::from(high), |sum, byte| (sum << 8) | u32::from(*byte)))
        }
        _ => None,
    };
    value.filter(|value| *value <= limit).ok_or_else(|| {
        let kind = ParseErrorKind::Unexpected {
            expected: format!("an integer from 0 to {limit} in its shortest form"),
            found: encode_hex(bytes),
        };
        at.error(field, kind)
    })
}

/// An OCTET STRING of exactly `N` bytes.
///
/// # Errors
/// [`ParseError`] if it is none, or of another length.
pub fn octets<const N: usize>(
    cursor: &mut Cursor<'_>,
    field: &'static str,
) -> Result<Hex<N>, ParseError> {
    let mut content = open(cursor, field, OCTET_STRING)?;
    let bytes = content.hex(field)?;
    content.finish()?;
    Ok(bytes)
}

/// An INTEGER from 0 to 2^32 - 1.
pub(crate) fn unsigned_32(cursor: &mut Cursor<'_>, field: &'static str) -> Result<u32, ParseError> {
    let before = cursor.clone();
    let magnitude = unsigned(cursor, field)?;
    if magnitude.len() > 4 {
        return Err(malformed(&before, field, "INTEGER is over 32 bits"));
    }
    Ok(magnitude.iter().fold(0, |sum, byte| (sum << 8) | u32::from(*byte)))
}

/// The bytes of a BIT STRING without unused bits.
pub(crate) fn whole_bytes<'a>(
    cursor: &mut Cursor<'a>,
    field: &'static str,
) -> Result<&'a [u8], ParseError> {
    let mut content = open(cursor, field, BIT_STRING)?;
    let at = content.clone();
    match content.rest() {
        [0, bytes @ ..] => Ok(bytes),
        _ => Err(malformed(&at, field, "BIT STRING has unused bits or no content")),
    }
}

/// The first byte of a BIT STRING of named bits, whose bit 0 is the highest; 0 if there is none.
/// Unused bits must be zero.
pub(crate) fn named_bits(cursor: &mut Cursor<'_>, field: &'static str) -> Result<u8, ParseError> {
    let mut content = open(cursor, field, BIT_STRING)?;
    let at = content.clone();
    let bad = || malformed(&at, field, "BIT STRING with unused bits that are set or too many");
    match content.rest() {
        [0] => Ok(0),
        [unused @ 0..=7, bytes @ ..] => {
            let last = bytes.last().ok_or_else(bad)?;
            if last.trailing_zeros() < u32::from(*unused) {
                return Err(bad());
            }
            Ok(bytes.first().copied().unwrap_or(0))
        }
        _ => Err(bad()),
    }
}

/// The content of an OBJECT IDENTIFIER, well-formed.
pub(crate) fn identifier<'a>(
    cursor: &mut Cursor<'a>,
    field: &'static str,
) -> Result<&'a [u8], ParseError> {
    let mut content = open(cursor, field, OBJECT_IDENTIFIER)?;
    let at = content.clone();
    let bytes = content.rest();
    if oid::is_well_formed(bytes) {
        Ok(bytes)
    } else {
        Err(malformed(&at, field, "OBJECT IDENTIFIER with an arc that is cut or too long a form"))
    }
}

/// An OBJECT IDENTIFIER in dotted form.
///
/// # Errors
/// [`ParseError`] if it is none.
pub fn dotted(cursor: &mut Cursor<'_>, field: &'static str) -> Result<String, ParseError> {
    identifier(cursor, field).map(oid::dotted)
}

/// NULL.
pub(crate) fn null(cursor: &mut Cursor<'_>, field: &'static str) -> Result<(), ParseError> {
    open(cursor, field, NULL)?.finish()
}

/// Whether the next element is a `Time`.
pub(crate) fn next_is_time(cursor: &Cursor<'_>) -> bool {
    next_is(cursor, UTC_TIME) || next_is(cursor, GENERALIZED_TIME)
}

/// A `Time` as RFC 5280 section 4.1.2.5 has it: `YYMMDDhhmmssZ` for 1950 to 2049, or
/// `YYYYMMDDhhmmssZ`.
pub(crate) fn time(cursor: &mut Cursor<'_>, field: &'static str) -> Result<UnixTime, ParseError> {
    let before = cursor.clone();
    let mut found = any(cursor, field)?;
    let text = found.content.rest();
    let moment = match (found.tag, numbers(text).as_deref()) {
        (UTC_TIME, Some(&[year @ 50..=99, ref rest @ ..])) => moment(19, year, rest),
        (UTC_TIME, Some(&[year, ref rest @ ..])) => moment(20, year, rest),
        (GENERALIZED_TIME, Some(&[century, year, ref rest @ ..])) => moment(century, year, rest),
        _ => None,
    };
    moment.ok_or_else(|| malformed(&before, field, "not a time with seconds in UTC"))
}

/// The numbers of two digits each before a final `Z`.
fn numbers(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks::<2>();
    let number = |pair: &[u8; 2]| match pair.map(|digit| digit.wrapping_sub(b'0')) {
        [tens @ 0..=9, ones @ 0..=9] => Some(tens.saturating_mul(10).saturating_add(ones)),
        _ => None,
    };
    if rest == b"Z" { pairs.iter().map(number).collect() } else { None }
}

fn moment(century: u8, year: u8, rest: &[u8]) -> Option<UnixTime> {
    let &[month, day, hour, minute, second] = rest else {
        return None;
    };
    let year = i32::from(century).saturating_mul(100).saturating_add(i32::from(year));
    UnixTime::from_utc((year, month, day), (hour, minute, second))
}

#[cfg(test)]
mod tests;

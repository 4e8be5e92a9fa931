//! The little DER that public keys, certificates and ECDSA signatures need.

use avouch_wire::{Cursor, ParseError, ParseErrorKind};

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SET: u8 = 0x31;
const GENERALIZED_TIME: u8 = 0x18;

/// One element: tag, length, content.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let octets: Vec<u8> =
                length.to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
            // At most eight octets, so the count fits.
            out.push(0x80 | u8::try_from(octets.len()).unwrap_or(0x7f));
            out.extend_from_slice(&octets);
        }
    }
    out.extend_from_slice(content);
    out
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, &parts.concat())
}

pub(crate) fn set(parts: &[&[u8]]) -> Vec<u8> {
    element(SET, &parts.concat())
}

pub(crate) fn octet_string(content: &[u8]) -> Vec<u8> {
    element(OCTET_STRING, content)
}

pub(crate) fn utf8_string(text: &str) -> Vec<u8> {
    element(UTF8_STRING, text.as_bytes())
}

/// A time as `YYYYMMDDHHMMSSZ`.
pub(crate) fn generalized_time(text: &str) -> Vec<u8> {
    element(GENERALIZED_TIME, text.as_bytes())
}

/// A bit string of whole octets.
pub(crate) fn bit_string(content: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], content].concat())
}

/// The integer that big-endian `magnitude` stands for, never negative.
pub(crate) fn unsigned_integer(magnitude: &[u8]) -> Vec<u8> {
    let mut content: Vec<u8> = magnitude.iter().copied().skip_while(|octet| *octet == 0).collect();
    if content.first().is_none_or(|octet| *octet >= 0x80) {
        content.insert(0, 0);
    }
    element(INTEGER, &content)
}

/// An object identifier from its arcs; the first two are below 3 and 40.
pub(crate) fn object_identifier(arcs: &[u64]) -> Vec<u8> {
    let mut content = Vec::new();
    if let [first, second, rest @ ..] = arcs {
        push_arc(first.saturating_mul(40).saturating_add(*second), &mut content);
        rest.iter().for_each(|arc| push_arc(*arc, &mut content));
    }
    element(OBJECT_IDENTIFIER, &content)
}

fn push_arc(arc: u64, content: &mut Vec<u8>) {
    let mut groups = vec![low_seven_bits(arc)];
    let mut rest = arc >> 7;
    while rest > 0 {
        groups.push(0x80 | low_seven_bits(rest));
        rest >>= 7;
    }
    content.extend(groups.into_iter().rev());
}

fn low_seven_bits(value: u64) -> u8 {
    u8::try_from(value & 0x7f).unwrap_or_default()
}

/// Takes the next element, which must carry `tag`, and returns its content.
pub(crate) fn read<'a>(
    cursor: &mut Cursor<'a>,
    field: &'static str,
    tag: u8,
) -> Result<&'a [u8], ParseError> {
    let before = cursor.clone();
    let found = cursor.u8(field)?;
    if found != tag {
        return Err(before.error(
            field,
            ParseErrorKind::Unexpected {
                expected: format!("DER tag {tag:#04x}"),
                found: format!("{found:#04x}"),
            },
        ));
    }
    let length = read_length(cursor, field)?;
    cursor.take(field, length)
}

/// Reads a definite length in its shortest form, of at most four octets.
fn read_length(cursor: &mut Cursor<'_>, field: &'static str) -> Result<usize, ParseError> {
    let before = cursor.clone();
    let malformed =
        |reason: &str| before.error(field, ParseErrorKind::Malformed(reason.to_owned()));
    let first = cursor.u8(field)?;
    if first < 0x80 {
        return Ok(usize::from(first));
    }
    let count = usize::from(first & 0x7f);
    if count == 0 || count > 4 {
        return Err(malformed("length is indefinite or longer than four octets"));
    }
    let octets = cursor.take(field, count)?;
    let length = octets.iter().fold(0_usize, |sum, octet| sum << 8 | usize::from(*octet));
    if length < 0x80 || octets.first() == Some(&0) {
        return Err(malformed("length is not in its shortest form"));
    }
    Ok(length)
}

/// Takes the next element, an integer that is not negative, as big-endian octets without a sign.
pub(crate) fn read_unsigned<'a>(
    cursor: &mut Cursor<'a>,
    field: &'static str,
) -> Result<&'a [u8], ParseError> {
    let before = cursor.clone();
    let content = read(cursor, field, INTEGER)?;
    match content {
        [0, rest @ ..] if rest.first().is_some_and(|octet| *octet >= 0x80) => Ok(rest),
        [first, ..] if *first < 0x80 && (*first != 0 || content.len() == 1) => Ok(content),
        _ => Err(before.error(
            field,
            ParseErrorKind::Malformed("integer is negative or not in its shortest form".to_owned()),
        )),
    }
}

#[cfg(test)]
mod tests;

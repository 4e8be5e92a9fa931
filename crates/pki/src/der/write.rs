//! Writing: elements with a definite length in the shortest form. What an element holds is the
//! caller's affair, right or wrong.

use avouch_wire::UnixTime;

use super::{
    BIT_STRING, BOOLEAN, ENUMERATED, GENERALIZED_TIME, INTEGER, NULL, OBJECT_IDENTIFIER,
    OCTET_STRING, SEQUENCE, SET, UTC_TIME, UTF8_STRING,
};

/// One element: tag, length, content.
#[must_use]
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len().saturating_add(HEAD_BYTES_MAX));
    out.push(tag);
    if let Ok(short @ 0..=0x7f) = u8::try_from(content.len()) {
        out.push(short);
    } else {
        let length = content.len().to_be_bytes();
        let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
        // At most eight length bytes, so the sum stays below 0x89.
        out.push(0x80 | u8::try_from(length.len()).unwrap_or(0));
        out.extend(length);
    }
    out.extend_from_slice(content);
    out
}

/// Tag, length of the length, and that.
const HEAD_BYTES_MAX: usize = 10;

/// SEQUENCE of elements that are written already.
#[must_use]
pub fn sequence<P: AsRef<[u8]>>(parts: &[P]) -> Vec<u8> {
    let parts: Vec<&[u8]> = parts.iter().map(AsRef::as_ref).collect();
    element(SEQUENCE, &parts.concat())
}

/// SET of one element.
#[must_use]
pub fn set_of_one(part: &[u8]) -> Vec<u8> {
    element(SET, part)
}

/// `[number] EXPLICIT`, constructed.
#[must_use]
pub fn explicit(number: u8, content: &[u8]) -> Vec<u8> {
    element(super::explicit(number), content)
}

/// `[number] IMPLICIT` of a primitive type.
#[must_use]
pub fn implicit(number: u8, content: &[u8]) -> Vec<u8> {
    element(super::implicit(number), content)
}

/// NULL.
#[must_use]
pub fn null() -> Vec<u8> {
    element(NULL, &[])
}

/// BOOLEAN; true is 0xff in DER.
#[must_use]
pub fn boolean(value: bool) -> Vec<u8> {
    element(BOOLEAN, &[if value { 0xff } else { 0 }])
}

/// INTEGER from an unsigned big-endian number: shortest form, never negative.
#[must_use]
pub fn integer(magnitude: &[u8]) -> Vec<u8> {
    let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
    let digits = magnitude.get(zeros..).unwrap_or_default();
    match digits.first() {
        Some(..0x80) => element(INTEGER, digits),
        _ => element(INTEGER, &[&[0], digits].concat()),
    }
}

/// INTEGER of a small number.
#[must_use]
pub fn integer_u64(value: u64) -> Vec<u8> {
    integer(&value.to_be_bytes())
}

/// ENUMERATED of a number below 128.
#[must_use]
pub fn enumerated(value: u8) -> Vec<u8> {
    element(ENUMERATED, &[value])
}

/// OCTET STRING.
#[must_use]
pub fn octet_string(content: &[u8]) -> Vec<u8> {
    element(OCTET_STRING, content)
}

/// BIT STRING whose last byte has `unused_bits` low bits that do not count.
#[must_use]
pub fn bit_string(unused_bits: u8, bytes: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[unused_bits], bytes].concat())
}

/// `UTF8String`.
#[must_use]
pub fn utf8_string(text: &str) -> Vec<u8> {
    element(UTF8_STRING, text.as_bytes())
}

/// OBJECT IDENTIFIER from its arcs; the first two are below 3 and 40.
#[must_use]
pub fn oid(arcs: &[u64]) -> Vec<u8> {
    let mut content = Vec::new();
    if let [first, second, rest @ ..] = arcs {
        push_base_128(&mut content, first.saturating_mul(40).saturating_add(*second));
        rest.iter().for_each(|arc| push_base_128(&mut content, *arc));
    }
    element(OBJECT_IDENTIFIER, &content)
}

fn push_base_128(out: &mut Vec<u8>, value: u64) {
    let low_seven_bits = |value: u64| u8::try_from(value & 0x7f).unwrap_or(0);
    let mut groups = vec![low_seven_bits(value)];
    let mut left = value >> 7;
    while left > 0 {
        groups.push(0x80 | low_seven_bits(left));
        left >>= 7;
    }
    out.extend(groups.into_iter().rev());
}

/// A `Time` as RFC 5280 section 4.1.2.5 wants it: `UTCTime` from 1950 to 2049, else
/// `GeneralizedTime`, both with seconds and `Z`.
#[must_use]
pub fn time(moment: UnixTime) -> Vec<u8> {
    let text = moment.to_rfc3339();
    let digits: Vec<u8> = text.bytes().filter(|byte| !b"-:T".contains(byte)).collect();
    match digits.as_slice() {
        [b'1', b'9', short @ ..] if short >= b"50".as_slice() => element(UTC_TIME, short),
        [b'2', b'0', short @ ..] if short < b"50".as_slice() => element(UTC_TIME, short),
        whole => element(GENERALIZED_TIME, whole),
    }
}

#[cfg(test)]
mod tests;

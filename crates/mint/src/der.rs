//! Writes DER (ITU-T X.690), as much of it as X.509 certificates and CRLs need.
//!
//! A writer and not a certificate library, because a mint must be able to write what a library
//! rightly refuses to: a leaf that claims to be a CA, a CRL without `nextUpdate`, a component SVN
//! of 256.

use avouch_wire::UnixTime;
use time::OffsetDateTime;

/// An object identifier as its arcs.
pub(crate) type Oid = &'static [u64];

const TAG_BOOLEAN: u8 = 0x01;
const TAG_INTEGER: u8 = 0x02;
const TAG_BIT_STRING: u8 = 0x03;
const TAG_OCTET_STRING: u8 = 0x04;
const TAG_OID: u8 = 0x06;
const TAG_ENUMERATED: u8 = 0x0a;
const TAG_UTF8_STRING: u8 = 0x0c;
const TAG_UTC_TIME: u8 = 0x17;
const TAG_GENERALIZED_TIME: u8 = 0x18;
const TAG_SEQUENCE: u8 = 0x30;
const TAG_SET: u8 = 0x31;

/// One element: tag, definite length in the shortest form, content.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    if let Ok(short @ 0..=127) = u8::try_from(content.len()) {
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

/// SEQUENCE of elements that are written already.
pub(crate) fn sequence<P: AsRef<[u8]>>(parts: &[P]) -> Vec<u8> {
    element(TAG_SEQUENCE, &concat(parts))
}

/// SET of one element.
pub(crate) fn set_of_one(part: &[u8]) -> Vec<u8> {
    element(TAG_SET, part)
}

/// `[number] EXPLICIT`, constructed.
pub(crate) fn explicit(number: u8, content: &[u8]) -> Vec<u8> {
    element(0xa0 | number, content)
}

/// `[number] IMPLICIT` of a primitive type.
pub(crate) fn implicit(number: u8, content: &[u8]) -> Vec<u8> {
    element(0x80 | number, content)
}

/// BOOLEAN; true is 0xff in DER.
pub(crate) fn boolean(value: bool) -> Vec<u8> {
    element(TAG_BOOLEAN, &[if value { 0xff } else { 0 }])
}

/// INTEGER from an unsigned big-endian number: shortest form, positive.
pub(crate) fn integer(magnitude: &[u8]) -> Vec<u8> {
    let mut content: Vec<u8> = magnitude.iter().copied().skip_while(|byte| *byte == 0).collect();
    if content.first().is_none_or(|first| *first >= 0x80) {
        content.insert(0, 0);
    }
    element(TAG_INTEGER, &content)
}

/// INTEGER of a small number.
pub(crate) fn integer_u64(value: u64) -> Vec<u8> {
    integer(&value.to_be_bytes())
}

/// ENUMERATED of a small number below 128.
pub(crate) fn enumerated(value: u8) -> Vec<u8> {
    element(TAG_ENUMERATED, &[value])
}

/// OCTET STRING.
pub(crate) fn octet_string(content: &[u8]) -> Vec<u8> {
    element(TAG_OCTET_STRING, content)
}

/// BIT STRING whose last byte has `unused_bits` low bits that do not count.
pub(crate) fn bit_string(unused_bits: u8, bytes: &[u8]) -> Vec<u8> {
    element(TAG_BIT_STRING, &concat(&[&[unused_bits], bytes]))
}

/// `UTF8String`.
pub(crate) fn utf8_string(text: &str) -> Vec<u8> {
    element(TAG_UTF8_STRING, text.as_bytes())
}

/// OBJECT IDENTIFIER.
pub(crate) fn oid(arcs: &[u64]) -> Vec<u8> {
    let mut content = Vec::new();
    if let [first, second, rest @ ..] = arcs {
        push_base_128(&mut content, first.saturating_mul(40).saturating_add(*second));
        for arc in rest {
            push_base_128(&mut content, *arc);
        }
    }
    element(TAG_OID, &content)
}

fn push_base_128(out: &mut Vec<u8>, value: u64) {
    let mut groups = Vec::new();
    let mut left = value;
    loop {
        groups.push(u8::try_from(left & 0x7f).unwrap_or(0));
        left >>= 7;
        if left == 0 {
            break;
        }
    }
    while let Some(group) = groups.pop() {
        out.push(if groups.is_empty() { group } else { group | 0x80 });
    }
}

/// A `Time` as RFC 5280 section 4.1.2.5 wants it: `UTCTime` from 1950 to 2049, else
/// `GeneralizedTime`, both with seconds and `Z`.
pub(crate) fn time(moment: UnixTime) -> Vec<u8> {
    let utc =
        OffsetDateTime::from_unix_timestamp(moment.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let year = utc.year();
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        u8::from(utc.month()),
        utc.day(),
        utc.hour(),
        utc.minute(),
        utc.second()
    );
    if (1950..=2049).contains(&year) {
        element(TAG_UTC_TIME, format!("{:02}{rest}", year.rem_euclid(100)).as_bytes())
    } else {
        element(TAG_GENERALIZED_TIME, format!("{year:04}{rest}").as_bytes())
    }
}

/// The parts one after the other.
pub(crate) fn concat<P: AsRef<[u8]>>(parts: &[P]) -> Vec<u8> {
    parts.iter().flat_map(|part| part.as_ref().iter().copied()).collect()
}

#[cfg(test)]
#[path = "der/tests.rs"]
mod tests;

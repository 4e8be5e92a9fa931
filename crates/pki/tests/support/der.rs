//! Writes DER, right or wrong.

use avouch_pki::der::write;
pub(crate) use avouch_pki::der::write::element;
pub(crate) use avouch_pki::der::{
    BIT_STRING, BOOLEAN, INTEGER, OBJECT_IDENTIFIER as IDENTIFIER, OCTET_STRING, SEQUENCE, SET,
    UTF8_STRING as UTF8,
};

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    write::sequence(parts)
}

/// `SEQUENCE { identifier, critical, OCTET STRING { value } }`.
pub(crate) fn extension(identifier: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { element(BOOLEAN, &[0xff]) } else { Vec::new() };
    sequence(&[&element(IDENTIFIER, identifier), &critical, &element(OCTET_STRING, value)])
}

/// A name of one attribute.
pub(crate) fn common_name(text: &str) -> Vec<u8> {
    element(SEQUENCE, &attribute(&[0x55, 4, 3], UTF8, text.as_bytes()))
}

/// `SET { SEQUENCE { identifier, value } }`.
pub(crate) fn attribute(identifier: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
    element(SET, &sequence(&[&element(IDENTIFIER, identifier), &element(tag, value)]))
}

/// Base-128 groups of an identifier below 1.3.6.1.4.1 with one arc more.
pub(crate) fn private_identifier(arc: usize) -> Vec<u8> {
    let group = |shift: usize| u8::try_from((arc >> shift) & 0x7f).unwrap();
    vec![0x2b, 6, 1, 4, 1, 0x81 | group(14), 0x80 | group(7), group(0)]
}

//! DER (ITU-T X.690, sections 8 to 10), as much of it as certificates, CRLs, keys and vendors'
//! extensions need: tags of one byte with their class and form.
//!
//! Own code and not the crate `der`: every refusal names the structure, the field and the offset in
//! the whole input, as all readers of evidence here do, and what is minted must be able to be wrong.

mod read;
pub mod write;

pub use read::{Element, any, boolean, dotted, number, octets, open, unsigned};
pub(crate) use read::{
    boolean_or_false, element, identifier, integer, malformed, named_bits, next_is, next_is_time,
    null, time, unsigned_32, whole_bytes,
};

/// BOOLEAN.
pub const BOOLEAN: u8 = 0x01;
/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// NULL.
pub const NULL: u8 = 0x05;
/// OBJECT IDENTIFIER.
pub const OBJECT_IDENTIFIER: u8 = 0x06;
/// ENUMERATED.
pub const ENUMERATED: u8 = 0x0a;
/// `UTF8String`.
pub const UTF8_STRING: u8 = 0x0c;
/// `PrintableString`.
pub const PRINTABLE_STRING: u8 = 0x13;
/// `IA5String`.
pub const IA5_STRING: u8 = 0x16;
/// `UTCTime`.
pub const UTC_TIME: u8 = 0x17;
/// `GeneralizedTime`.
pub const GENERALIZED_TIME: u8 = 0x18;
/// SEQUENCE.
pub const SEQUENCE: u8 = 0x30;
/// SET.
pub const SET: u8 = 0x31;

/// `[number]` with a content of elements: EXPLICIT.
#[must_use]
pub const fn explicit(number: u8) -> u8 {
    0xa0 | number
}

/// `[number]` with a content of bytes: IMPLICIT of a primitive type.
#[must_use]
pub const fn implicit(number: u8) -> u8 {
    0x80 | number
}

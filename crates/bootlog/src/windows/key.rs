//! Identity keys of the secure kernel, as its loader measures them.

use avouch_wire::{Cursor, ParseError, ParseErrorKind, failed_check};
use thiserror::Error;

/// `VSM_IDK_ALG_ID` of an RSA key, the only kind that is known.
const RSA: u32 = 1;
/// Longest numbers accepted, in bytes: RSA with 8192 bits.
const NUMBER_LIMIT: u32 = 1024;

/// A public RSA key that the secure kernel made during this boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdentityKey<'a> {
    /// Modulus, big-endian, without leading zeros.
    pub modulus: &'a [u8],
    /// Public exponent, big-endian.
    pub exponent: &'a [u8],
}

/// Why there is no identity key to believe in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoIdentityKey {
    /// None was measured before Windows took over.
    #[error("no such key was measured in PCR 12 before Windows took over")]
    NotMeasured,
    /// It is not of the one form that is known.
    #[error("the key measured in PCR 12 is of no known form: {0}")]
    Form(#[from] ParseError),
    /// A boot makes one.
    #[error("two different keys were measured")]
    Two,
    /// Only the secure kernel of virtual secure mode has such keys.
    #[error(
        "a key was measured, but it is not proven that virtual secure mode was required and launched"
    )]
    NoSecureMode,
}

failed_check!(NoIdentityKey {
    _ => "windows-identity-key",
});

impl<'a> IdentityKey<'a> {
    /// The one key that stands in `tags`, the data of `VSM_IDK_INFO` or `VSM_IDKS_INFO`; several equal
    /// ones are one.
    pub(super) fn only(tags: impl Iterator<Item = &'a [u8]>) -> Result<Self, NoIdentityKey> {
        let mut only = Err(NoIdentityKey::NotMeasured);
        for bytes in tags {
            let key = read(bytes)?;
            if only.as_ref().is_ok_and(|other| *other != key) {
                return Err(NoIdentityKey::Two);
            }
            only = Ok(key);
        }
        only
    }
}

fn read(bytes: &[u8]) -> Result<IdentityKey<'_>, ParseError> {
    let mut cursor = Cursor::new("VSM_IDK_INFO", bytes);
    expect(&mut cursor, "KeyAlgID", RSA)?;
    let bits = cursor.u32_le("KeyBitLength")?;
    let exponent_length = cursor.length_u32_le("PublicExpLengthBytes", NUMBER_LIMIT)?;
    let modulus_field = cursor.clone();
    let modulus_length = cursor.length_u32_le("ModulusSizeBytes", NUMBER_LIMIT)?;
    if usize::try_from(bits).ok() != modulus_length.checked_mul(8) {
        return Err(unexpected(&modulus_field, "ModulusSizeBytes", bits / 8, modulus_length));
    }
    let exponent = cursor.take("exponent", exponent_length)?;
    let modulus = cursor.take("modulus", modulus_length)?;
    cursor.finish()?;
    Ok(IdentityKey { modulus, exponent })
}

fn expect(cursor: &mut Cursor<'_>, field: &'static str, expected: u32) -> Result<(), ParseError> {
    let before = cursor.clone();
    let found = cursor.u32_le(field)?;
    if found == expected { Ok(()) } else { Err(unexpected(&before, field, expected, found)) }
}

fn unexpected(
    at: &Cursor<'_>,
    field: &'static str,
    expected: impl ToString,
    found: impl ToString,
) -> ParseError {
    let (expected, found) = (expected.to_string(), found.to_string());
    at.error(field, ParseErrorKind::Unexpected { expected, found })
}

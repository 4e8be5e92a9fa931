//! Parameters of a header, and members of a map, by number or name.

use coset::cbor::value::Value;
use coset::{Header, Label};

/// CWT claims as a header parameter (RFC 9597).
pub const CWT_CLAIMS: i64 = 15;
/// Certificates, the signer's first (RFC 9360).
pub const X5CHAIN: i64 = 33;
/// The digest of the signer's certificate (RFC 9360).
pub const X5T: i64 = 34;
/// Receipts beside a signed statement (RFC 9942).
pub const RECEIPTS: i64 = 394;
/// The verifiable data structure of a receipt (RFC 9942).
pub const VERIFIABLE_DATA_STRUCTURE: i64 = 395;
/// The proofs in a receipt (RFC 9942).
pub const VERIFIABLE_DATA_PROOFS: i64 = 396;

/// Claims of a CWT (RFC 8392).
pub const CWT_ISSUER: i64 = 1;
/// As that.
pub const CWT_SUBJECT: i64 = 2;
/// As that.
pub const CWT_ISSUED_AT: i64 = 6;

/// A header parameter by its number, of those that have no field of their own.
#[must_use]
pub fn number(header: &Header, label: i64) -> Option<&Value> {
    header.rest.iter().find(|(key, _)| *key == Label::Int(label)).map(|(_, value)| value)
}

/// A header parameter by its name.
#[must_use]
pub fn text<'a>(header: &'a Header, label: &str) -> Option<&'a Value> {
    let wanted = |key: &Label| matches!(key, Label::Text(text) if text == label);
    header.rest.iter().find(|(key, _)| wanted(key)).map(|(_, value)| value)
}

/// An integer that 64 bits hold.
#[must_use]
pub fn integer(value: &Value) -> Option<i64> {
    value.as_integer().and_then(|integer| i64::try_from(integer).ok())
}

/// Whole seconds since the epoch, bare or tagged as such.
#[must_use]
pub fn seconds(value: &Value) -> Option<i64> {
    match value {
        Value::Tag(1, inner) => integer(inner),
        other => integer(other),
    }
}

/// A member that a map has twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Twice;

/// The only value in a map whose key is the one wanted.
///
/// # Errors
/// [`Twice`] if there are several.
pub fn only(
    map: &[(Value, Value)],
    is_key: impl Fn(&Value) -> bool,
) -> Result<Option<&Value>, Twice> {
    let mut found = map.iter().filter(|(key, _)| is_key(key)).map(|(_, value)| value);
    let first = found.next();
    match found.next() {
        Some(_) => Err(Twice),
        None => Ok(first),
    }
}

/// As [`only`], by a number.
///
/// # Errors
/// As [`only`].
pub fn numbered(map: &[(Value, Value)], label: i64) -> Result<Option<&Value>, Twice> {
    only(map, |key| integer(key) == Some(label))
}

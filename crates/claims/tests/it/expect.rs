//! How expected claims are written and compared.

use std::collections::BTreeMap;

use avouch_claims::{ClaimValue, SeenBy, ServiceClaim};
use avouch_wire::UnixTime;
use serde_json::Value;

/// One expected claim: who sees it, its name, its value.
pub(crate) type Row = (SeenBy, &'static str, ClaimValue);

/// The moment that everything is minted for and judged at.
pub(crate) fn at() -> UnixTime {
    UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap()
}

pub(crate) fn text(text: impl Into<String>) -> ClaimValue {
    ClaimValue::String(text.into())
}

pub(crate) fn integer(integer: i64) -> ClaimValue {
    ClaimValue::Integer(integer)
}

pub(crate) fn boolean(boolean: bool) -> ClaimValue {
    ClaimValue::Boolean(boolean)
}

pub(crate) fn json(value: Value) -> ClaimValue {
    value.into()
}

/// `N` bytes that count up from `first`: no two fields, and no two bytes of one field, are alike.
pub(crate) fn counting<const N: usize>(first: u8) -> [u8; N] {
    let mut next = first;
    [(); N].map(|()| {
        let byte = next;
        next = next.wrapping_add(1);
        byte
    })
}

/// The same bytes as lower-case hex.
pub(crate) fn counting_hex(first: u8, length: usize) -> ClaimValue {
    let mut digits = String::new();
    for offset in 0..length {
        let byte = (usize::from(first) + offset) % 256;
        digits.push_str(&format!("{byte:02x}"));
    }
    text(digits)
}

/// Compares whole maps: no row too many, too few, twice, under another name, with another value, or
/// for somebody else's eyes.
pub(crate) fn assert_claims(what: &str, claims: &[ServiceClaim], expected: &[Row]) {
    let mut found: BTreeMap<&str, (&ClaimValue, SeenBy)> = BTreeMap::new();
    for claim in claims {
        let before = found.insert(claim.name, (&claim.value, claim.seen_by));
        assert_eq!(before, None, "{what}: {} is made twice", claim.name);
    }
    for (seen_by, name, value) in expected {
        let row = found.remove(name);
        assert_eq!(row, Some((value, *seen_by)), "{what}: {name}");
    }
    assert_eq!(found, BTreeMap::new(), "{what}: made, but not expected");
}

#[test]
fn a_claim_stands_in_a_token_as_the_json_of_its_kind() {
    let object = serde_json::json!({"a": [1]});
    for (value, expected) in [
        (text("1"), Value::from("1")),
        (integer(-1), Value::from(-1)),
        (boolean(true), Value::from(true)),
        (boolean(false), Value::from(false)),
        (json(object.clone()), object),
    ] {
        assert_eq!(value.to_json(), expected);
        assert_eq!(ClaimValue::of_json(expected), value);
    }
}

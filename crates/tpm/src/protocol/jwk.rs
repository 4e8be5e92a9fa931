//! Keys as JWKs (RFC 7517): RSA, and for keys that sign nothing here P-256, P-384, P-521.

use avouch_pki::{KeyKind, PublicKey};
use avouch_wire::base64url;
use serde_json::{Value, json};

use super::ProtocolError;
use super::members::Members;

/// Reads an RSA key.
pub(super) fn rsa(path: &'static str, value: Option<&Value>) -> Result<PublicKey, ProtocolError> {
    let key = any(path, value)?;
    if matches!(key.kind(), KeyKind::Rsa { .. }) {
        return Ok(key);
    }
    Members::of_value(path, value.unwrap_or(&Value::Null))?.refuse("kty", "expected RSA")
}

/// Reads a key of any kind that is taken.
pub(super) fn any(path: &'static str, value: Option<&Value>) -> Result<PublicKey, ProtocolError> {
    let members = Members::of_value(path, value.unwrap_or(&Value::Null))?;
    if ["d", "p", "q", "k"].iter().any(|private| members.has(private)) {
        return members.refuse("kty", "the key has private parts");
    }
    match members.text("kty")? {
        "RSA" => {
            let (modulus, exponent) = (members.bytes("n")?, members.bytes("e")?);
            PublicKey::rsa(&modulus, &exponent)
                .map_err(|source| ProtocolError::Key { path, source })
        }
        "EC" => elliptic(members),
        _ => members.refuse("kty", "expected RSA or EC"),
    }
}

fn elliptic(members: Members<'_>) -> Result<PublicKey, ProtocolError> {
    let point = [members.bytes("x")?, members.bytes("y")?].concat();
    let point = point.as_slice();
    let key = match members.text("crv")? {
        "P-256" => point.try_into().ok().map(PublicKey::p256),
        "P-384" => point.try_into().ok().map(PublicKey::p384),
        "P-521" => point.try_into().ok().map(PublicKey::p521),
        _ => return members.refuse("crv", "expected P-256, P-384 or P-521"),
    };
    key.map_or_else(|| members.refuse("x", "coordinates are not as long as the field"), Ok)
}

/// A key as a JWK of its required members, in the order of RFC 7638.
#[must_use]
pub(super) fn write(key: &PublicKey) -> Value {
    if let Some((modulus, exponent)) = key.rsa_parts() {
        let (n, e) = (base64url::encode(modulus), base64url::encode(exponent));
        return json!({"e": e, "kty": "RSA", "n": n});
    }
    let (curve, length) = match key.kind() {
        KeyKind::P256 => ("P-256", 32),
        KeyKind::P384 => ("P-384", 48),
        _ => ("P-521", 66),
    };
    let xy = key.raw().get(1..).unwrap_or_default();
    let (x, y) = xy.split_at_checked(length).unwrap_or_default();
    let (x, y) = (base64url::encode(x), base64url::encode(y));
    json!({"crv": curve, "kty": "EC", "x": x, "y": y})
}

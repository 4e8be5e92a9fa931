//! The body of `GET /certs`.

use avouch_pki::{KeyKind, PublicKey};
use avouch_wire::base64url;
use avouch_wire::json::write_string;

use crate::Signer;

/// One key of the published set, written once.
///
/// Members as MAA sends them (`x5c`, `kid`, `kty`), then those that make the key usable to readers
/// that ignore `x5c`: `n`, `e` (or `crv`, `x`, `y`), `alg`, `use`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedKey {
    kid: String,
    json: String,
}

impl PublishedKey {
    /// A key of ours, with its certificate chain in DER: the key's own certificate first.
    #[must_use]
    pub fn new(signer: &dyn Signer, certificates: &[impl AsRef<[u8]>]) -> Self {
        let mut json = String::from("{\"x5c\":[");
        for (index, certificate) in certificates.iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            write_string(&base64url::encode_standard(certificate), &mut json);
        }
        json.push(']');
        let algorithm = signer.algorithm().name().to_owned();
        let mut members = vec![("kid", signer.kid().to_owned())];
        members.extend(public_jwk_members(signer.public_key()));
        members.extend([("alg", algorithm), ("use", "sig".to_owned())]);
        for (name, value) in members {
            json.push(',');
            write_string(name, &mut json);
            json.push(':');
            write_string(&value, &mut json);
        }
        json.push('}');
        Self { kid: signer.kid().to_owned(), json }
    }

    /// The key's identifier.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The JWK as it stands in the set.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }
}

/// `{"keys":[…]}`; the key that signs now comes first.
#[must_use]
pub fn jwks_document<'a>(keys: impl IntoIterator<Item = &'a PublishedKey>) -> String {
    let mut out = String::from("{\"keys\":[");
    for (index, key) in keys.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&key.json);
    }
    out.push_str("]}");
    out
}

/// The members of a JWK that stand for a public key: `kty` and the public values (RFC 7518, sections
/// 6.2.1 and 6.3.1).
#[must_use]
pub fn public_jwk_members(key: &PublicKey) -> Vec<(&'static str, String)> {
    let curve = match key.kind() {
        KeyKind::P256 => "P-256",
        KeyKind::P384 => "P-384",
        KeyKind::P521 => "P-521",
        KeyKind::Rsa { .. } => {
            let mut members = vec![("kty", "RSA".to_owned())];
            if let Some((modulus, exponent)) = key.rsa_parts() {
                members.push(("n", base64url::encode(modulus)));
                members.push(("e", base64url::encode(exponent)));
            }
            return members;
        }
    };
    let point = key.raw().get(1..).unwrap_or_default();
    let (x, y) = point.split_at(point.len() / 2);
    vec![
        ("kty", "EC".to_owned()),
        ("crv", curve.to_owned()),
        ("x", base64url::encode(x)),
        ("y", base64url::encode(y)),
    ]
}

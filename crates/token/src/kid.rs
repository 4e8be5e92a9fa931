//! Key identifiers by MAA's rule.

use avouch_pki::{PublicKey, digest, pem};
use avouch_wire::{Hex, base64url};

/// SHA-256 of the key's PEM text and one NUL byte after it.
///
/// The PEM text is that of the SubjectPublicKeyInfo: 64 columns, LF, a final LF after the end line.
/// The quote in a signing certificate carries this digest in the first half of its report data.
///
/// # Source
/// `docs/maa/keys.md#key-identifiers`: computed on every certificate seen, 2020 to 2022.
#[must_use]
pub fn key_digest(key: &PublicKey) -> Hex<32> {
    let mut text = pem::encode("PUBLIC KEY", key.spki_der());
    text.push('\0');
    digest::sha256(text.as_bytes())
}

/// The `kid` of a token signing key: standard base64, padded, of [`key_digest`].
#[must_use]
pub fn key_id(key: &PublicKey) -> String {
    base64url::encode_standard(key_digest(key).as_bytes())
}

//! What the service gives a client to keep: sealed, so that only the service reads it, and any of its
//! instances does.
//!
//! It has the shape of MAA's service context: base64url of a JSON object with the name of the key and the
//! sealed bytes.

use avouch_pki::digest::sha256_of_parts;
use avouch_wire::{base64url, encode_hex, json};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde_json::json;

use super::members::Members;

/// What the name of a key is made from.
const NAME_PURPOSE: &[u8] = b"avouch TPM service context 1";
/// Bytes of the AEAD's nonce.
pub const NONCE_BYTES: usize = 12;
/// Bytes of the AEAD's tag.
pub(super) const TAG_BYTES: usize = 16;

/// A key that what clients keep is sealed under; all instances of a service have the same.
pub struct ContextKey {
    key: LessSafeKey,
    name: String,
}

impl std::fmt::Debug for ContextKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "context key {}", self.name)
    }
}

impl ContextKey {
    /// A key from 32 secret bytes; `None` if the provider refuses it.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Option<Self> {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, secret).ok()?);
        // A name that tells nothing of the key: what cannot be inverted, of what cannot be guessed.
        let name = encode_hex(sha256_of_parts(&[NAME_PURPOSE, secret]).as_bytes()).to_uppercase();
        Some(Self { key, name })
    }

    /// Its name, 64 hex digits.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Seals `contents` for one purpose: sealed bytes of another do not open. A nonce must not be used twice
    /// under one key. `None` if the provider of cryptography refuses.
    pub fn seal(
        &self,
        purpose: &[u8],
        nonce: [u8; NONCE_BYTES],
        mut contents: Vec<u8>,
    ) -> Option<String> {
        let unique = Nonce::assume_unique_for_key(nonce);
        self.key.seal_in_place_append_tag(unique, Aad::from(purpose), &mut contents).ok()?;
        let sealed = base64url::encode([nonce.as_slice(), &contents].concat());
        let document = json!({"ProtectionKeyName": self.name, "ProtectedContext": sealed});
        Some(base64url::encode(document.to_string()))
    }
}

/// Why sealed bytes are not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unopened {
    /// Not of the shape that all of ours have.
    Malformed,
    /// Sealed under a key that is not at hand.
    Key,
    /// Changed after they were sealed, or sealed for something else.
    Seal,
}

/// Opens a text of at most `bytes_max` bytes that was sealed for one purpose, under whichever of the keys it
/// names.
///
/// # Errors
/// [`Unopened`].
pub fn open(
    text: &str,
    bytes_max: usize,
    purpose: &[u8],
    keys: &[ContextKey],
) -> Result<Vec<u8>, Unopened> {
    let (name, mut sealed) = parts(text, bytes_max).ok_or(Unopened::Malformed)?;
    let key = keys.iter().find(|key| key.name == name).ok_or(Unopened::Key)?;
    let (nonce, body) = sealed.split_first_chunk_mut::<NONCE_BYTES>().ok_or(Unopened::Malformed)?;
    let unique = Nonce::assume_unique_for_key(*nonce);
    let opened = key.key.open_in_place(unique, Aad::from(purpose), body);
    opened.map(|contents| contents.to_vec()).map_err(|_| Unopened::Seal)
}

/// The key's name and the sealed bytes.
fn parts(text: &str, bytes_max: usize) -> Option<(String, Vec<u8>)> {
    if text.len() > bytes_max {
        return None;
    }
    let document = base64url::decode_either(text).ok()?;
    let members = json::parse_object(&document, bytes_max).ok()?;
    let members = Members::new("service_context", &members);
    let name = members.text("ProtectionKeyName").ok()?.to_owned();
    Some((name, members.bytes("ProtectedContext").ok()?))
}

//! The service context: what the service must remember between two messages, sealed and given to the
//! client, so that any instance with the key can take the second message.
//!
//! It has the shape of MAA's: base64url of a JSON object with the name of the key and the sealed bytes.

use avouch_pki::digest::{sha256, sha256_of_parts};
use avouch_wire::{Cursor, Hex, ParseError, UnixTime, base64url, encode_hex, failed_check, json};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde_json::json;
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::CHALLENGE_BYTES;
use super::members::Members;

/// What the key is for: sealed bytes of another kind do not open.
const PURPOSE: &[u8] = b"avouch TPM service context 1";
/// Bytes of the AEAD's nonce.
const NONCE_BYTES: usize = 12;
/// Sealed bytes: nonce, contents and tag, as many as MAA's have.
const SEALED_BYTES: usize = 128;
/// Bytes of the AEAD's tag.
const TAG_BYTES: usize = 16;
/// Bytes of the contents, with zeros behind them.
const CONTENTS_BYTES: usize = SEALED_BYTES - NONCE_BYTES - TAG_BYTES;
/// Longest context; ours have 340 characters.
const CONTEXT_BYTES_MAX: usize = 1024;
/// How far the clocks of two instances may differ, in seconds.
const SKEW_SECONDS: i64 = 60;

/// A key that contexts are sealed under; all instances of a service have the same.
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
        let name = encode_hex(sha256_of_parts(&[PURPOSE, secret]).as_bytes()).to_uppercase();
        Some(Self { key, name })
    }

    /// Its name, 64 hex digits.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// What a context holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceContext {
    /// The challenge.
    pub challenge: [u8; CHALLENGE_BYTES],
    /// SHA-256 of the provider's name.
    provider: Hex<32>,
    /// When the challenge was given.
    pub issued_at: UnixTime,
    /// SHA-256 of the SubjectPublicKeyInfo of the AIK that it was given for, if the client said which.
    pub aik: Option<Hex<32>>,
}

/// What a context must fit to be opened.
#[derive(Debug, Clone, Copy)]
pub struct OpenContext<'a> {
    /// The provider that the second message is for.
    pub provider: &'a str,
    /// Now.
    pub at: UnixTime,
    /// How long a challenge may be answered, in seconds.
    pub life_seconds: i64,
}

/// Why a context is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ContextError {
    /// Not a context of any service like this one.
    #[error("the service context is malformed")]
    Malformed,
    /// Sealed under a key that is not at hand.
    #[error("the service context is sealed under another key")]
    Key,
    /// Changed after it was sealed.
    #[error("the service context does not open")]
    Seal,
    /// Given by another provider.
    #[error("the service context is of another provider")]
    Provider,
    /// Too old.
    #[error("the challenge was given at {issued_at} and could be answered for {life_seconds} s")]
    Expired {
        /// When it was given.
        issued_at: UnixTime,
        /// How long it could be answered, in seconds.
        life_seconds: i64,
    },
    /// Given in the future.
    #[error("the challenge was given at {issued_at}, which is yet to come")]
    Early {
        /// When it was given.
        issued_at: UnixTime,
    },
}

failed_check!(ContextError {
    Self::Malformed => "tpm-context",
    Self::Key => "tpm-context-key",
    Self::Seal => "tpm-context",
    Self::Provider => "tpm-context-provider",
    Self::Expired { .. } => "tpm-context-expired",
    Self::Early { .. } => "tpm-context-early",
});

impl ServiceContext {
    /// A context for a challenge of this provider.
    #[must_use]
    pub fn new(
        challenge: [u8; CHALLENGE_BYTES],
        provider: &str,
        issued_at: UnixTime,
        aik: Option<Hex<32>>,
    ) -> Self {
        Self { challenge, provider: sha256(provider.as_bytes()), issued_at, aik }
    }

    /// The text that the client sends back. A nonce must not be used twice under one key; 12 random
    /// bytes will do for 2^32 contexts. `None` if the provider of cryptography refuses.
    #[must_use]
    pub fn seal(&self, key: &ContextKey, nonce: [u8; NONCE_BYTES]) -> Option<String> {
        let mut sealed = self.contents();
        sealed.resize(CONTENTS_BYTES, 0);
        key.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(PURPOSE),
                &mut sealed,
            )
            .ok()?;
        let sealed = base64url::encode([nonce.as_slice(), &sealed].concat());
        let context = json!({"ProtectionKeyName": key.name, "ProtectedContext": sealed});
        Some(base64url::encode(context.to_string()))
    }

    fn contents(&self) -> Vec<u8> {
        let aik = self.aik.unwrap_or(Hex::ZERO);
        let mut out = self.challenge.to_vec();
        out.extend(self.provider.as_bytes());
        out.extend(self.issued_at.seconds().to_be_bytes());
        out.push(u8::from(self.aik.is_some()));
        out.extend(aik.as_bytes());
        out
    }

    fn read(contents: &[u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("ServiceContext", contents);
        let challenge = *cursor.array("challenge")?;
        let provider = cursor.hex("provider")?;
        let seconds = i64::from_be_bytes(*cursor.array("issued_at")?);
        let issued_at = UnixTime::from_seconds(seconds).unwrap_or(UnixTime::EPOCH);
        let has_aik = cursor.u8("has_aik")? != 0;
        let aik = cursor.hex("aik")?;
        Ok(Self { challenge, provider, issued_at, aik: has_aik.then_some(aik) })
    }

    /// Opens a context that the client sent back, under whichever of the keys it names, and judges that
    /// it is this provider's and that its time has not passed. Whether it was used before, and whether
    /// the AIK is the one it was given for, is for the caller.
    ///
    /// # Errors
    /// [`ContextError`].
    pub fn open(
        text: &str,
        keys: &[ContextKey],
        expected: OpenContext<'_>,
    ) -> Result<Self, ContextError> {
        let (name, mut sealed) = parts(text).ok_or(ContextError::Malformed)?;
        let key = keys.iter().find(|key| key.name == name).ok_or(ContextError::Key)?;
        let (nonce, body) =
            sealed.split_first_chunk_mut::<NONCE_BYTES>().ok_or(ContextError::Malformed)?;
        let contents = key
            .key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(PURPOSE), body)
            .map_err(|_| ContextError::Seal)?;
        let found = Self::read(contents).map_err(|_| ContextError::Malformed)?;
        found.check(expected)?;
        Ok(found)
    }

    fn check(&self, expected: OpenContext<'_>) -> Result<(), ContextError> {
        let provider = sha256(expected.provider.as_bytes());
        if !bool::from(self.provider.as_bytes().ct_eq(provider.as_bytes())) {
            return Err(ContextError::Provider);
        }
        let issued_at = self.issued_at;
        if expected.at.saturating_add_seconds(SKEW_SECONDS) < issued_at {
            return Err(ContextError::Early { issued_at });
        }
        let life_seconds = expected.life_seconds;
        if issued_at.saturating_add_seconds(life_seconds) < expected.at {
            return Err(ContextError::Expired { issued_at, life_seconds });
        }
        Ok(())
    }
}

/// The key's name and the sealed bytes.
fn parts(text: &str) -> Option<(String, Vec<u8>)> {
    if text.len() > CONTEXT_BYTES_MAX {
        return None;
    }
    let document = base64url::decode_either(text).ok()?;
    let members = json::parse_object(&document, CONTEXT_BYTES_MAX).ok()?;
    let members = Members::new("service_context", &members);
    let name = members.text("ProtectionKeyName").ok()?.to_owned();
    let sealed = members.bytes("ProtectedContext").ok()?;
    (sealed.len() == SEALED_BYTES).then_some((name, sealed))
}

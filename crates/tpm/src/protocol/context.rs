//! The service context: what the service must remember between two messages, sealed and given to the
//! client, so that any instance with the key can take the second message.
//!
//! It has the shape of MAA's: base64url of a JSON object with the name of the key and the sealed bytes.

use avouch_pki::digest::sha256;
use avouch_wire::{Cursor, Hex, ParseError, UnixTime, failed_check};
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::CHALLENGE_BYTES;
use super::sealed::{self, ContextKey, NONCE_BYTES, TAG_BYTES, Unopened};

/// What is sealed: bytes that were sealed for anything else do not open as a context.
const PURPOSE: &[u8] = b"avouch TPM service context 1";
/// Sealed bytes: nonce, contents and tag, as many as MAA's have.
const SEALED_BYTES: usize = 128;
/// Bytes of the contents, with zeros behind them.
const CONTENTS_BYTES: usize = SEALED_BYTES - NONCE_BYTES - TAG_BYTES;
/// Longest context; ours have 340 characters.
const CONTEXT_BYTES_MAX: usize = 1024;
/// How far the clocks of two instances may differ, in seconds.
pub(super) const SKEW_SECONDS: i64 = 60;

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
        let mut contents = self.contents();
        contents.resize(CONTENTS_BYTES, 0);
        key.seal(PURPOSE, nonce, contents)
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
        let contents = sealed::open(text, CONTEXT_BYTES_MAX, PURPOSE, keys)?;
        if contents.len() != CONTENTS_BYTES {
            return Err(ContextError::Malformed);
        }
        let found = Self::read(&contents).map_err(|_| ContextError::Malformed)?;
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

impl From<Unopened> for ContextError {
    fn from(why: Unopened) -> Self {
        match why {
            Unopened::Malformed => Self::Malformed,
            Unopened::Key => Self::Key,
            Unopened::Seal => Self::Seal,
        }
    }
}

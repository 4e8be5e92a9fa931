//! Master keys: what private keys are wrapped under before they are stored.

use std::fmt;

use avouch_wire::encode_hex;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes of a master key.
pub(super) const MASTER_KEY_BYTES: usize = 32;
/// First byte of what is wrapped: AES-256-GCM, a nonce of 12 bytes, the tag at the end.
const FORM: u8 = 1;
/// What the key that wraps, the key's name and the key of contexts are derived for.
const WRAPPING: &[u8] = b"avouch wrapping key 1";
const NAME: &[u8] = b"avouch master key name 1";
/// What a master key is derived from a service's own signing key for.
const OF_SIGNING_KEY: &[u8] = b"avouch master key of a signing key 1";

/// What a master key is derived from a key of a TEE for.
const OF_SEALED_KEY: &[u8] = b"avouch master key of a sealed key 1";

/// Why a text is no master key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MasterKeyError {
    /// Not 64 hex digits.
    #[error("a master key is 64 hex digits; `openssl rand -hex 32` makes one")]
    Form,
    /// The crypto library refused it.
    #[error("the crypto library refused the master key")]
    Provider,
}

/// Why a private key was not wrapped or unwrapped. Nothing of a key is in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WrapError {
    /// It is wrapped under a master key that is not at hand.
    #[error("it is wrapped under master key {found}; at hand: {known}")]
    OtherMasterKey {
        /// Name of the master key that is needed.
        found: String,
        /// Names of those at hand.
        known: String,
    },
    /// It is damaged, or stands in another record than it was wrapped for.
    #[error("it does not unwrap: it is damaged, or was wrapped for another record")]
    Damaged,
    /// It was wrapped in a form of another version.
    #[error("it is wrapped in an unknown form")]
    Form,
    /// No randomness, or the crypto library failed.
    #[error("the crypto library failed")]
    Provider,
}

/// A secret of 256 bits that wraps private keys. Its memory is overwritten when it goes.
pub struct MasterKey {
    name: String,
    key: LessSafeKey,
    secret: Zeroizing<[u8; MASTER_KEY_BYTES]>,
    /// Whether a TEE derives it for this service alone.
    is_sealed: bool,
}

impl MasterKey {
    /// Reads 64 hex digits, with white space around them.
    ///
    /// # Errors
    /// [`MasterKeyError`].
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let digits = text.trim().as_bytes();
        if digits.len() != 2 * MASTER_KEY_BYTES {
            return Err(MasterKeyError::Form);
        }
        let mut secret = Zeroizing::new([0; MASTER_KEY_BYTES]);
        for (byte, pair) in secret.iter_mut().zip(digits.chunks_exact(2)) {
            let mut digits = pair.iter().map(|digit| char::from(*digit).to_digit(16));
            let (Some(Some(high)), Some(Some(low))) = (digits.next(), digits.next()) else {
                return Err(MasterKeyError::Form);
            };
            *byte = u8::try_from(high << 4 | low).map_err(|_| MasterKeyError::Form)?;
        }
        Self::new(secret)
    }

    /// The master key that belongs to a signing key: whoever has the one has the other.
    ///
    /// # Errors
    /// [`MasterKeyError::Provider`].
    pub fn of_signing_key(pkcs8: &[u8]) -> Result<Self, MasterKeyError> {
        Self::new(derived(pkcs8, OF_SIGNING_KEY))
    }

    /// The master key that belongs to a key which a TEE derives for this service.
    ///
    /// # Errors
    /// [`MasterKeyError::Provider`].
    pub fn of_sealed_key(key: &[u8]) -> Result<Self, MasterKeyError> {
        Ok(Self { is_sealed: true, ..Self::new(derived(key, OF_SEALED_KEY))? })
    }

    pub(super) fn new(secret: Zeroizing<[u8; MASTER_KEY_BYTES]>) -> Result<Self, MasterKeyError> {
        let name = derived(secret.as_slice(), NAME);
        let name = encode_hex(name.get(..8).unwrap_or_default());
        let key = UnboundKey::new(&AES_256_GCM, derived(secret.as_slice(), WRAPPING).as_slice());
        let key = LessSafeKey::new(key.map_err(|_| MasterKeyError::Provider)?);
        Ok(Self { name, key, secret, is_sealed: false })
    }

    /// What it is called in records: of its secret it tells nothing.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a TEE derives it for this service alone: nobody brought it.
    #[must_use]
    pub const fn is_sealed(&self) -> bool {
        self.is_sealed
    }

    /// A secret for another purpose, which all who have this master key have.
    #[must_use]
    pub fn derive(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        derived(self.secret.as_slice(), purpose)
    }

    fn wrap(&self, secret: &[u8], context: &[u8]) -> Result<Vec<u8>, WrapError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| WrapError::Provider)?;
        // Room for the tag: growing would leave a copy of the secret behind.
        let mut sealed = Vec::with_capacity(secret.len().saturating_add(AES_256_GCM.tag_len()));
        sealed.extend_from_slice(secret);
        let nonce_used = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(nonce_used, Aad::from(context), &mut sealed)
            .map_err(|_| WrapError::Provider)?;
        Ok([&[FORM], nonce.as_slice(), &sealed].concat())
    }

    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>, WrapError> {
        let Some((&FORM, rest)) = wrapped.split_first() else { return Err(WrapError::Form) };
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>().ok_or(WrapError::Damaged)?;
        let mut opened = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self
            .key
            .open_in_place(nonce, Aad::from(context), opened.as_mut_slice())
            .map_err(|_| WrapError::Damaged)?
            .len();
        opened.truncate(length);
        Ok(opened)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("name", &self.name).finish_non_exhaustive()
    }
}

fn derived(secret: &[u8], purpose: &[u8]) -> Zeroizing<[u8; 32]> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut derived = Zeroizing::new([0; 32]);
    let tag = hmac::sign(&key, purpose);
    derived.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
    derived
}

/// The master keys at hand: the first wraps, all unwrap.
#[derive(Debug)]
pub struct MasterKeys {
    first: MasterKey,
    former: Vec<MasterKey>,
}

impl MasterKeys {
    /// One that wraps, and former ones.
    #[must_use]
    pub const fn new(first: MasterKey, former: Vec<MasterKey>) -> Self {
        Self { first, former }
    }

    /// The same with one more that unwraps.
    #[must_use]
    pub fn with_former(mut self, key: MasterKey) -> Self {
        self.former.push(key);
        self
    }

    /// All, the one that wraps first.
    pub fn all(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&self.first).chain(&self.former)
    }

    /// The one that wraps.
    #[must_use]
    pub const fn first(&self) -> &MasterKey {
        &self.first
    }

    /// Whether what was wrapped under that name can be unwrapped.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.all().any(|key| key.name == name)
    }

    /// Wraps a secret for one context: it opens in no other.
    ///
    /// # Errors
    /// [`WrapError::Provider`].
    pub fn wrap(&self, secret: &[u8], context: &[u8]) -> Result<Vec<u8>, WrapError> {
        self.first.wrap(secret, context)
    }

    /// Unwraps what was wrapped under the master key of that name, for that context.
    ///
    /// # Errors
    /// [`WrapError`].
    pub fn unwrap(
        &self,
        name: &str,
        wrapped: &[u8],
        context: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, WrapError> {
        let key = self.all().find(|key| key.name == name).ok_or_else(|| {
            let known = self.all().map(MasterKey::name).collect::<Vec<_>>().join(", ");
            WrapError::OtherMasterKey { found: name.to_owned(), known }
        })?;
        key.unwrap(wrapped, context)
    }
}

#[cfg(test)]
mod tests;

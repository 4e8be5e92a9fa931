//! Wrapping: RSA-OAEP around a key-encryption key, and that around the key (PKCS #11's
//! `CKM_RSA_AES_KEY_WRAP`).

use std::fmt;

use avouch_wire::{excerpt, failed_check};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded as _};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OaepAlgorithm,
    OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use thiserror::Error;
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

use crate::WrappingKey;

/// Longest key that is wrapped, in bytes: RSA-4096 in PKCS#8 has about 2400.
const KEY_BYTES_MAX: usize = 16 * 1024;
/// What AES key wrap with padding adds at most, in bytes (RFC 5649, section 4.1).
const PADDING_BYTES_MAX: usize = 15;
/// Shortest output of AES key wrap with padding, in bytes.
const WRAPPED_BYTES_MIN: usize = 16;
/// Length of the key-encryption key, in bytes.
const KEK_BYTES: usize = 32;

/// How a key is wrapped; they differ in the hash of RSA-OAEP, which MGF1 uses too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WrapAlgorithm {
    /// SHA-1: what is meant where a request names none.
    #[default]
    RsaAesSha1,
    /// SHA-256.
    RsaAesSha256,
    /// SHA-384.
    RsaAesSha384,
}

/// A name that is none of a [`WrapAlgorithm`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "enc is {}, expected CKM_RSA_AES_KEY_WRAP, RSA_AES_KEY_WRAP_256 or RSA_AES_KEY_WRAP_384",
    excerpt(.0)
)]
pub struct UnknownWrapAlgorithm(pub String);

impl WrapAlgorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::RsaAesSha1, Self::RsaAesSha256, Self::RsaAesSha384];

    /// Its name in `enc`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaAesSha1 => "CKM_RSA_AES_KEY_WRAP",
            Self::RsaAesSha256 => "RSA_AES_KEY_WRAP_256",
            Self::RsaAesSha384 => "RSA_AES_KEY_WRAP_384",
        }
    }

    /// The algorithm of that name, in exactly that spelling.
    ///
    /// # Errors
    /// [`UnknownWrapAlgorithm`].
    pub fn from_name(name: &str) -> Result<Self, UnknownWrapAlgorithm> {
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.name() == name).ok_or_else(|| UnknownWrapAlgorithm(name.to_owned()))
    }

    const fn oaep(self) -> &'static OaepAlgorithm {
        match self {
            Self::RsaAesSha1 => &OAEP_SHA1_MGF1SHA1,
            Self::RsaAesSha256 => &OAEP_SHA256_MGF1SHA256,
            Self::RsaAesSha384 => &OAEP_SHA384_MGF1SHA384,
        }
    }
}

impl fmt::Display for WrapAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The key between the workload's RSA key and the released key: 32 random bytes, for one release.
#[derive(ZeroizeOnDrop)]
pub struct KeyEncryptionKey([u8; KEK_BYTES]);

impl KeyEncryptionKey {
    /// Takes 32 bytes that nobody can guess and that serve for nothing else; the array that they came
    /// in is wiped.
    #[must_use]
    pub fn from_random(random: &mut [u8; KEK_BYTES]) -> Self {
        let key = Self(*random);
        random.zeroize();
        key
    }
}

impl fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyEncryptionKey").finish_non_exhaustive()
    }
}

/// Why a key was not wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WrapError {
    /// No bytes, or more than any key has.
    #[error("a key of {length} bytes cannot be wrapped, only of 1 to {KEY_BYTES_MAX}")]
    Length {
        /// Length in bytes.
        length: usize,
    },
    /// The crypto library failed.
    #[error("the crypto library failed to wrap")]
    Provider,
}

failed_check!(WrapError {
    _ => "key-wrap",
});

/// Wraps a key: `RSA-OAEP(wrapping key, KEK) || AES-KWP(KEK, key)`. The first part is as long as the
/// modulus; the label is empty; the second is longer than the key by 8 to 15 bytes.
///
/// # Errors
/// [`WrapError`].
///
/// # Source
/// RFC 8017, section 7.1; RFC 5649, section 4.1.
pub fn wrap(
    wrapping_key: &WrappingKey,
    algorithm: WrapAlgorithm,
    kek: &KeyEncryptionKey,
    key: &[u8],
) -> Result<Vec<u8>, WrapError> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(WrapError::Length { length: key.len() });
    }
    let first_bytes = wrapping_key.modulus_bytes();
    let room = first_bytes.saturating_add(key.len()).saturating_add(PADDING_BYTES_MAX);
    let mut out = vec![0; room];
    let failed = |_| WrapError::Provider;
    let (first, second) = out.split_at_mut_checked(first_bytes).ok_or(WrapError::Provider)?;
    wrapping_key.key().encrypt(algorithm.oaep(), &kek.0, first, None).map_err(failed)?;
    let wrapped = wrap_padded(&kek.0, key, second).ok_or(WrapError::Provider)?;
    out.truncate(first_bytes.saturating_add(wrapped));
    Ok(out)
}

/// Why a ciphertext was not opened. One word for every way in which its content is wrong, so that nobody
/// learns more by trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UnwrapError {
    /// No private key of RSA in PKCS#8.
    #[error("private key is not an unencrypted PKCS#8 key for RSA of 2048 to 8192 bits")]
    NoKey,
    /// Shorter or longer than any wrapped key.
    #[error("ciphertext of {length} bytes, expected {modulus_bytes} and 16 to {} more", KEY_BYTES_MAX + 8)]
    Length {
        /// Length in bytes.
        length: usize,
        /// Length of the modulus in bytes.
        modulus_bytes: usize,
    },
    /// Wrapped to another key or by another algorithm, or changed.
    #[error("ciphertext does not open under this key and algorithm")]
    DoesNotOpen,
}

failed_check!(UnwrapError {
    _ => "key-unwrap",
});

/// The private half of a wrapping key, with the workload.
#[derive(Debug)]
pub struct UnwrappingKey(OaepPrivateDecryptingKey);

impl UnwrappingKey {
    /// Reads an unencrypted PKCS#8 key.
    ///
    /// # Errors
    /// [`UnwrapError::NoKey`].
    pub fn from_pkcs8_der(pkcs8: &[u8]) -> Result<Self, UnwrapError> {
        PrivateDecryptingKey::from_pkcs8(pkcs8)
            .ok()
            .and_then(|key| OaepPrivateDecryptingKey::new(key).ok())
            .map(Self)
            .ok_or(UnwrapError::NoKey)
    }
}

/// Opens what [`wrap`] made. `algorithm` is what the answer says that it was wrapped by.
///
/// The library checks padding, integrity value and length in constant time.
///
/// # Errors
/// [`UnwrapError`].
pub fn unwrap(
    unwrapping_key: &UnwrappingKey,
    algorithm: WrapAlgorithm,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, UnwrapError> {
    let UnwrappingKey(private) = unwrapping_key;
    let modulus_bytes = private.key_size_bytes();
    let wrong = UnwrapError::Length { length: ciphertext.len(), modulus_bytes };
    let (first, second) = ciphertext.split_at_checked(modulus_bytes).ok_or(wrong)?;
    let accepted = WRAPPED_BYTES_MIN..=KEY_BYTES_MAX.saturating_add(8);
    if !accepted.contains(&second.len()) || !second.len().is_multiple_of(8) {
        return Err(wrong);
    }
    let kek = open_oaep(private, algorithm, first).ok_or(UnwrapError::DoesNotOpen)?;
    let kek: &[u8; KEK_BYTES] = kek.as_slice().try_into().map_err(|_| UnwrapError::DoesNotOpen)?;
    unwrap_padded(kek, second).ok_or(UnwrapError::DoesNotOpen)
}

fn open_oaep(
    private: &OaepPrivateDecryptingKey,
    algorithm: WrapAlgorithm,
    ciphertext: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(vec![0; private.min_output_size()]);
    let length = private.decrypt(algorithm.oaep(), ciphertext, &mut out, None).ok()?.len();
    out.truncate(length);
    Some(out)
}

/// AES key wrap with padding (RFC 5649) into `out`; how many bytes it took.
fn wrap_padded(kek: &[u8; KEK_BYTES], key: &[u8], out: &mut [u8]) -> Option<usize> {
    let kek = AesKek::new(&AES_256, kek).ok()?;
    kek.wrap_with_padding(key, out).ok().map(|wrapped| wrapped.len())
}

fn unwrap_padded(kek: &[u8; KEK_BYTES], wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let kek = AesKek::new(&AES_256, kek).ok()?;
    let mut out = Zeroizing::new(vec![0; wrapped.len()]);
    let length = kek.unwrap_with_padding(wrapped, &mut out).ok()?.len();
    out.truncate(length);
    Some(out)
}

#[cfg(test)]
mod tests;

//! The key that reports are signed by.

use std::ops::RangeInclusive;

use avouch_pki::digest::sha256;
use avouch_pki::{KeyError, KeyKind, PublicKey};
use avouch_wire::{Hex, failed_check, hex_beginning};
use thiserror::Error;

/// Shortest identity key accepted, in bits of its modulus.
pub const KEY_BITS_MIN: usize = 2048;
/// Longest identity key accepted, in bits of its modulus.
pub const KEY_BITS_MAX: usize = 8192;

/// Most significant bytes of a public exponent: verifying takes time by it.
const EXPONENT_BYTES_MAX: usize = 4;
/// As much of an exponent as a message shows.
const EXPONENT_BYTES_SHOWN: usize = 16;
const KEY_BITS: RangeInclusive<usize> = KEY_BITS_MIN..=KEY_BITS_MAX;

/// The identity key that the secure kernel signs by.
///
/// Whose key the numbers are is for the caller to prove: they must be those of a log that the registers of
/// a quote explain.
#[derive(Debug, Clone)]
pub struct SigningKey(PublicKey);

/// Why numbers are no key to sign reports by.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SigningKeyError {
    /// They are none of RSA, or the key can be factored (ROCA).
    #[error("the identity key of the secure kernel: {0}")]
    Key(#[from] KeyError),
    /// The modulus is too short to be safe, or too long to be anybody's.
    #[error("the identity key has {bits} bits, expected {KEY_BITS_MIN} to {KEY_BITS_MAX}")]
    Length {
        /// Length of the modulus.
        bits: usize,
    },
    /// Anybody can sign by a modulus that is even.
    #[error("the modulus of the identity key is even")]
    EvenModulus,
    /// Anybody can sign by an exponent of 1; an even one is no key's.
    #[error("the exponent {exponent} of the identity key is none of a key")]
    Exponent {
        /// The exponent in hex.
        exponent: String,
    },
}

failed_check!(SigningKeyError {
    Self::Key(_) => "vbs-identity-key",
    Self::Length { .. } => "vbs-identity-key-length",
    Self::EvenModulus => "vbs-identity-key-modulus",
    Self::Exponent { .. } => "vbs-identity-key-exponent",
});

impl SigningKey {
    /// The key of the numbers that measured boot proves (`VSM_IDKS_INFO`), big-endian: 2048 to 8192 bits, an
    /// odd exponent from 3 to 2³² − 1.
    ///
    /// # Errors
    /// [`SigningKeyError`].
    pub fn of(modulus: &[u8], exponent: &[u8]) -> Result<Self, SigningKeyError> {
        let key = PublicKey::rsa(modulus, exponent)?;
        let bits = match key.kind() {
            KeyKind::Rsa { modulus_bits } => modulus_bits,
            _ => 0,
        };
        if !KEY_BITS.contains(&bits) {
            return Err(SigningKeyError::Length { bits });
        }
        if !is_odd(modulus) {
            return Err(SigningKeyError::EvenModulus);
        }
        let zeros = exponent.iter().take_while(|byte| **byte == 0).count();
        let significant = exponent.get(zeros..).unwrap_or_default();
        if significant.len() > EXPONENT_BYTES_MAX || significant == [1] || !is_odd(significant) {
            let exponent = hex_beginning(exponent, EXPONENT_BYTES_SHOWN);
            return Err(SigningKeyError::Exponent { exponent });
        }
        Ok(Self(key))
    }

    /// SHA-256 of its SubjectPublicKeyInfo, to tell keys by: one boot, one key.
    #[must_use]
    pub fn sha256(&self) -> Hex<32> {
        sha256(self.0.spki_der())
    }

    pub(crate) const fn public_key(&self) -> &PublicKey {
        &self.0
    }
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|last| last % 2 == 1)
}

//! Credential activation: a secret that only the TPM with a certain endorsement key can read, and only
//! while it holds a certain other key.
//!
//! TCG, TPM Library, Part 1, section 24, and annexes B and C for the seed; `TPM2_MakeCredential` and
//! `TPM2_ActivateCredential` of Part 3.

mod ek;
mod seed;

use avouch_wire::{Cursor, ParseError, failed_check};
use aws_lc_rs::cipher::{
    AES_128, AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext,
    UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use subtle::ConstantTimeEq;
use thiserror::Error;

pub use ek::EndorsementKey;
pub use seed::EkPrivateKey;

use crate::key_derivation::{hmac, kdf_a};
use crate::sized::{sized, unsized_whole};
use crate::{HashAlgorithm, Name};

/// A credential as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// `TPM2B_ID_OBJECT`.
    pub id_object: Vec<u8>,
    /// `TPM2B_ENCRYPTED_SECRET`.
    pub encrypted_secret: Vec<u8>,
}

/// Why a credential is not made, opened or taken as answered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CredentialError {
    /// A field is not as the structure says, or bytes follow.
    #[error(transparent)]
    Field(#[from] ParseError),
    /// The public area is no endorsement key's.
    #[error("the public area is no endorsement key's: {what}")]
    NotEndorsementKey {
        /// What it lacks.
        what: &'static str,
    },
    /// The public area is of another key than the certificate.
    #[error("the endorsement key is not the one in the certificate")]
    OtherKey,
    /// The secret is longer than the TPM takes, or empty.
    #[error("a secret of {found} bytes, expected 1 to {limit}")]
    SecretLength {
        /// Bytes of the secret.
        found: usize,
        /// The longest.
        limit: usize,
    },
    /// The secret was made for another key, or came to the wrong TPM.
    #[error("the credential does not open: it is for another TPM, or for another key in it")]
    Integrity,
    /// The answer is not the secret.
    #[error("the answer is not the secret that the credential held")]
    WrongSecret,
    /// No certificate proves the endorsement key.
    #[error("the endorsement key is not proven by a certificate")]
    NotCertified,
    /// The provider refused, such as a point off its curve.
    #[error("{0}")]
    Provider(&'static str),
}

failed_check!(CredentialError {
    Self::Field(_) => "credential-structure",
    Self::NotEndorsementKey { .. } => "credential-ek",
    Self::OtherKey => "credential-ek-certificate",
    Self::SecretLength { .. } => "credential-secret-length",
    Self::Integrity => "credential-integrity",
    Self::WrongSecret => "credential-answer",
    Self::NotCertified => "credential-not-certified",
    Self::Provider(_) => "credential-provider",
});

/// Fills bytes with randomness, or says that it cannot.
pub type Fill<'a> = &'a mut dyn FnMut(&mut [u8]) -> bool;

/// Makes a credential that the TPM with `ek` opens while it holds the object `ak`.
///
/// All that is secret comes from `fill`; the padding of RSA-OAEP, which hides nothing else, is drawn by
/// the provider.
///
/// # Errors
/// [`CredentialError::SecretLength`], or [`CredentialError::Provider`] if the key cannot be used.
pub fn make_credential(
    ek: &EndorsementKey,
    ak: &Name,
    secret: &[u8],
    fill: Fill<'_>,
) -> Result<Credential, CredentialError> {
    let (found, limit) = (secret.len(), ek.hash().digest_length());
    if found == 0 || found > limit {
        return Err(CredentialError::SecretLength { found, limit });
    }
    let (seed, encrypted_secret) = seed::share(ek, fill)?;
    let id_object = seal(ek, &seed, ak, secret)?;
    Ok(Credential { id_object, encrypted_secret })
}

/// Opens a credential as the TPM with this private key does while it holds the object `ak`. A service
/// never has the key; tests and minted TPMs do.
///
/// # Errors
/// [`CredentialError`]: `Field`, `Provider`, or `Integrity` for another TPM or another object.
pub fn activate_credential(
    ek: &EndorsementKey,
    private: &EkPrivateKey,
    ak: &Name,
    credential: &Credential,
) -> Result<Vec<u8>, CredentialError> {
    let seed = seed::recover(ek, private, &credential.encrypted_secret)?;
    open_with_seed(ek, &seed, ak, &credential.id_object)
}

/// Opens the inner part of a credential whose seed is known.
///
/// # Errors
/// [`CredentialError::Field`] or [`CredentialError::Integrity`].
pub fn open_with_seed(
    ek: &EndorsementKey,
    seed: &[u8],
    ak: &Name,
    id_object: &[u8],
) -> Result<Vec<u8>, CredentialError> {
    let mut object = Cursor::new("TPM2B_ID_OBJECT", unsized_whole("TPM2B_ID_OBJECT", id_object)?);
    let integrity = sized(&mut object, "integrity_hmac", 64)?;
    let mut identity = object.rest().to_vec();
    let expected = integrity_of(ek.hash(), seed, &identity, ak)?;
    if !bool::from(expected.ct_eq(integrity)) {
        return Err(CredentialError::Integrity);
    }
    let context = DecryptionContext::Iv128(FixedLength::from([0; 16]));
    let key = DecryptingKey::cfb128(cipher_key(ek, seed, ak)?);
    let plain = key.and_then(|key| key.decrypt(&mut identity, context).map(|found| found.to_vec()));
    let plain =
        plain.map_err(|_| CredentialError::Provider("the credential cannot be decrypted"))?;
    Ok(unsized_whole("TPM2B_DIGEST", &plain)?.to_vec())
}

/// `TPM2B_ID_OBJECT` around the secret.
fn seal(
    ek: &EndorsementKey,
    seed: &[u8],
    ak: &Name,
    secret: &[u8],
) -> Result<Vec<u8>, CredentialError> {
    let mut identity = to_sized(secret)?;
    let context = EncryptionContext::Iv128(FixedLength::from([0; 16]));
    EncryptingKey::cfb128(cipher_key(ek, seed, ak)?)
        .and_then(|key| key.less_safe_encrypt(&mut identity, context))
        .map_err(|_| CredentialError::Provider("the credential cannot be encrypted"))?;
    let integrity = to_sized(&integrity_of(ek.hash(), seed, &identity, ak)?)?;
    to_sized(&[integrity, identity].concat())
}

/// The key that encrypts the secret.
fn cipher_key(
    ek: &EndorsementKey,
    seed: &[u8],
    ak: &Name,
) -> Result<UnboundCipherKey, CredentialError> {
    let algorithm = if ek.cipher_key_bytes() == 16 { &AES_128 } else { &AES_256 };
    kdf_a(ek.hash(), seed, b"STORAGE", [ak.as_bytes(), &[]], ek.cipher_key_bytes())
        .and_then(|key| UnboundCipherKey::new(algorithm, &key).ok())
        .ok_or(CredentialError::Provider("the hash of the endorsement key is not supported"))
}

/// HMAC that ties the encrypted secret to the object.
fn integrity_of(
    hash: HashAlgorithm,
    seed: &[u8],
    identity: &[u8],
    ak: &Name,
) -> Result<Vec<u8>, CredentialError> {
    kdf_a(hash, seed, b"INTEGRITY", [&[], &[]], hash.digest_length())
        .and_then(|key| hmac(hash, &key, [identity, ak.as_bytes()]))
        .ok_or(CredentialError::Provider("the hash of the endorsement key is not supported"))
}

/// Bytes behind their size.
fn to_sized(bytes: &[u8]) -> Result<Vec<u8>, CredentialError> {
    let length = u16::try_from(bytes.len()).map_err(|_| CredentialError::Provider("too long"))?;
    Ok([length.to_be_bytes().as_slice(), bytes].concat())
}

/// What a service remembers of a credential until it is answered.
#[derive(Clone)]
pub struct ActivationSecret {
    ak: Name,
    secret: Vec<u8>,
}

impl ActivationSecret {
    /// The secret of a credential for `ak` under an endorsement key with a verified certificate.
    ///
    /// # Errors
    /// [`CredentialError::NotCertified`] if no certificate proves the endorsement key: then who answers
    /// proves nothing.
    pub fn new(ek: &EndorsementKey, ak: &Name, secret: &[u8]) -> Result<Self, CredentialError> {
        if !ek.is_certified() {
            return Err(CredentialError::NotCertified);
        }
        Ok(Self::resumed(ak, secret))
    }

    /// The same, out of a place that only this service can write.
    #[must_use]
    pub fn resumed(ak: &Name, secret: &[u8]) -> Self {
        Self { ak: ak.clone(), secret: secret.to_vec() }
    }

    /// Judges the answer, in constant time.
    ///
    /// # Errors
    /// [`CredentialError::WrongSecret`].
    pub fn check(&self, answer: &[u8]) -> Result<VerifiedActivation, CredentialError> {
        if !self.secret.is_empty() && bool::from(self.secret.ct_eq(answer)) {
            return Ok(VerifiedActivation { ak: self.ak.clone() });
        }
        Err(CredentialError::WrongSecret)
    }
}

/// Proof that a TPM with a verified endorsement key holds an object. Only
/// [`ActivationSecret::check`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedActivation {
    ak: Name,
}

impl VerifiedActivation {
    /// Name of the object.
    #[must_use]
    pub const fn ak_name(&self) -> &Name {
        &self.ak
    }
}

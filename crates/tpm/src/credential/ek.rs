//! Endorsement keys that credentials are made for.

use avouch_pki::{KeyKind, PublicKey};

use super::CredentialError;
use crate::algorithm::id;
use crate::{HashAlgorithm, Public, Scheme, Symmetric, VerifiedEk};

/// A key that a credential can be encrypted to.
#[derive(Debug, Clone)]
pub struct EndorsementKey {
    key: PublicKey,
    hash: HashAlgorithm,
    cipher_key_bytes: usize,
    certified: bool,
}

impl EndorsementKey {
    /// The key of a public area, whose numbers are those of a verified certificate.
    ///
    /// # Errors
    /// [`CredentialError::OtherKey`], or as [`EndorsementKey::untrusted`].
    pub fn certified(certificate: &VerifiedEk, public: &Public) -> Result<Self, CredentialError> {
        if certificate.public_key() != public.key() {
            return Err(CredentialError::OtherKey);
        }
        Ok(Self { certified: true, ..Self::untrusted(public)? })
    }

    /// The key of a public area that nothing proves to be a TPM's: what answers to it proves nothing.
    ///
    /// # Errors
    /// [`CredentialError::NotEndorsementKey`] if its attributes, cipher or scheme are not an endorsement
    /// key's: restricted, decrypting, made in the TPM and fixed there, AES-128 or AES-256 in CFB, no
    /// scheme.
    pub fn untrusted(public: &Public) -> Result<Self, CredentialError> {
        let found = public.attributes();
        let rules = [
            (found.restricted(), "it is not restricted"),
            (found.decrypt(), "it does not decrypt"),
            (!found.sign(), "it signs"),
            (found.fixed_tpm() && found.fixed_parent(), "it can leave its TPM"),
            (found.sensitive_data_origin(), "it was not made in the TPM"),
            (public.scheme() == Scheme::Open, "it has a scheme of its own"),
            (is_long_enough(public.key()), "its key is shorter than RSA-2048"),
        ];
        if let Some((_, what)) = rules.into_iter().find(|(holds, _)| !holds) {
            return Err(CredentialError::NotEndorsementKey { what });
        }
        let cipher_key_bytes = match public.symmetric() {
            Some(Symmetric { algorithm: id::AES, key_bits: 128, mode: id::CFB }) => 16,
            Some(Symmetric { algorithm: id::AES, key_bits: 256, mode: id::CFB }) => 32,
            _ => {
                let what = "its cipher is neither AES-128 nor AES-256 in CFB";
                return Err(CredentialError::NotEndorsementKey { what });
            }
        };
        let (key, hash) = (public.key().clone(), public.name_algorithm());
        Ok(Self { key, hash, cipher_key_bytes, certified: false })
    }

    /// Whether a verified certificate proves it.
    #[must_use]
    pub const fn is_certified(&self) -> bool {
        self.certified
    }

    pub(super) const fn key(&self) -> &PublicKey {
        &self.key
    }

    pub(super) const fn hash(&self) -> HashAlgorithm {
        self.hash
    }

    pub(super) const fn cipher_key_bytes(&self) -> usize {
        self.cipher_key_bytes
    }
}

const fn is_long_enough(key: &PublicKey) -> bool {
    match key.kind() {
        KeyKind::Rsa { modulus_bits } => modulus_bits >= 2048,
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => true,
    }
}

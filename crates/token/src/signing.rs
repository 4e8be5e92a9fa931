//! Signing keys, kept parsed.

use std::fmt;

use avouch_pki::{KeyKind, PublicKey, ecdsa, pem};
use avouch_wire::base64url;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair as _, RSA_PKCS1_SHA256,
};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{Algorithm, key_id};

/// Makes signatures with one key, wherever the key is held.
///
/// [`SigningKey`] holds it in memory; a key in a hardware module implements the same.
pub trait Signer: Send + Sync {
    /// The algorithm of every signature that this key makes.
    fn algorithm(&self) -> Algorithm;

    /// The public half.
    fn public_key(&self) -> &PublicKey;

    /// The key's identifier by MAA's rule, as [`key_id`] computes it.
    fn kid(&self) -> &str;

    /// Signs `message`; ECDSA signatures are `r || s`, big-endian.
    ///
    /// # Errors
    /// [`SignError`] if the key cannot be used.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;

    /// Whether the key can sign at this moment, as far as that can be known. What is in memory can.
    ///
    /// # Errors
    /// [`SignError`] if whoever holds the key does not answer, or does not have it any more.
    fn probe(&self) -> Result<(), SignError> {
        Ok(())
    }
}

/// Why a signature was not made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignError {
    /// The crypto library refused.
    #[error("the {0} signing key failed to sign")]
    Failed(Algorithm),
    /// A key outside of this process failed.
    #[error("signing key {kid} failed to sign: {reason}")]
    External {
        /// The key's identifier.
        kid: String,
        /// What its holder said.
        reason: String,
    },
}

/// Why bytes are not a private key that tokens may be signed with.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SigningKeyError {
    /// Not a PEM block `PRIVATE KEY` with base64 inside.
    #[error("private key is not one PEM block labelled \"PRIVATE KEY\" (PKCS#8, unencrypted)")]
    NotPem,
    /// Not PKCS#8, or not RSA, P-256 or P-384, or inconsistent.
    #[error("private key is not an unencrypted PKCS#8 key for RSA, P-256 or P-384")]
    Unsupported,
    /// An RSA key of another length.
    #[error("RSA modulus has {found} bits, expected 2048, 3072 or 4096")]
    ModulusBits {
        /// Length found, in bits.
        found: usize,
    },
    /// An RSA key with another public exponent than 65537.
    #[error("RSA public exponent is not 65537")]
    Exponent,
    /// The crypto library failed to make or encode a key.
    #[error("the crypto library failed")]
    Provider,
}

/// Label of a PEM block with an unencrypted PKCS#8 key (RFC 7468, section 10).
const PRIVATE_KEY: &str = "PRIVATE KEY";

/// What kind of key to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KeySpec {
    /// RSA-2048, for RS256: what every MAA client takes.
    #[default]
    Rsa2048,
    /// RSA-3072, for RS256.
    Rsa3072,
    /// RSA-4096, for RS256.
    Rsa4096,
    /// P-256, for ES256.
    P256,
    /// P-384, for ES384.
    P384,
}

impl KeySpec {
    /// All kinds.
    pub const ALL: [Self; 5] =
        [Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::P256, Self::P384];

    /// The algorithm that such a key signs by.
    #[must_use]
    pub const fn algorithm(self) -> Algorithm {
        match self {
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => Algorithm::Rs256,
            Self::P256 => Algorithm::Es256,
            Self::P384 => Algorithm::Es384,
        }
    }

    /// What it is called in configurations and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
            Self::P256 => "p-256",
            Self::P384 => "p-384",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|spec| spec.name() == name)
    }
}

/// A private key in memory, parsed once: RSA for RS256, P-256 for ES256, P-384 for ES384.
pub struct SigningKey {
    pair: Pair,
    algorithm: Algorithm,
    public_key: PublicKey,
    kid: String,
}

enum Pair {
    Rsa(rsa::KeyPair),
    Ec(EcdsaKeyPair),
}

impl SigningKey {
    /// Reads an unencrypted PKCS#8 key.
    ///
    /// # Errors
    /// [`SigningKeyError`] if it is none, or not one of the kinds of [`KeySpec`].
    pub fn from_pkcs8_der(pkcs8: &[u8]) -> Result<Self, SigningKeyError> {
        if let Ok(pair) = rsa::KeyPair::from_pkcs8(pkcs8) {
            return Self::from_rsa(pair);
        }
        let curves = [
            (Algorithm::Es256, &ECDSA_P256_SHA256_ASN1_SIGNING),
            (Algorithm::Es384, &ECDSA_P384_SHA384_ASN1_SIGNING),
        ];
        curves
            .into_iter()
            .find_map(|(algorithm, curve)| {
                let pair = EcdsaKeyPair::from_pkcs8(curve, pkcs8).ok()?;
                Some(Self::from_ec(pair, algorithm))
            })
            .unwrap_or(Err(SigningKeyError::Unsupported))
    }

    /// Reads an unencrypted PKCS#8 key in PEM: one block labelled `PRIVATE KEY`.
    ///
    /// # Errors
    /// [`SigningKeyError`] if it is none, or not one of the kinds of [`KeySpec`].
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, SigningKeyError> {
        let block = pem::only_block(text, PRIVATE_KEY).ok_or(SigningKeyError::NotPem)?;
        let base64 = Zeroizing::new(block.base64());
        let der = base64url::decode_standard(&base64).map_err(|_| SigningKeyError::NotPem)?;
        Self::from_pkcs8_der(&Zeroizing::new(der))
    }

    /// Makes a new key from the crypto library's randomness.
    ///
    /// # Errors
    /// [`SigningKeyError::Provider`] if the library fails.
    pub fn generate(spec: KeySpec) -> Result<Self, SigningKeyError> {
        match spec {
            KeySpec::Rsa2048 => generate_rsa(rsa::KeySize::Rsa2048),
            KeySpec::Rsa3072 => generate_rsa(rsa::KeySize::Rsa3072),
            KeySpec::Rsa4096 => generate_rsa(rsa::KeySize::Rsa4096),
            KeySpec::P256 => generate_ec(Algorithm::Es256, &ECDSA_P256_SHA256_ASN1_SIGNING),
            KeySpec::P384 => generate_ec(Algorithm::Es384, &ECDSA_P384_SHA384_ASN1_SIGNING),
        }
    }

    /// The private key as unencrypted PKCS#8, to be wrapped before it is stored.
    ///
    /// # Errors
    /// [`SigningKeyError::Provider`] if the crypto library fails.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, SigningKeyError> {
        let encoded = match &self.pair {
            Pair::Rsa(pair) => {
                let der: Pkcs8V1Der<'static> =
                    pair.as_der().map_err(|_| SigningKeyError::Provider)?;
                der.as_ref().to_vec()
            }
            Pair::Ec(pair) => {
                pair.to_pkcs8v1().map_err(|_| SigningKeyError::Provider)?.as_ref().to_vec()
            }
        };
        Ok(Zeroizing::new(encoded))
    }

    /// The private key as unencrypted PKCS#8 in PEM.
    ///
    /// # Errors
    /// [`SigningKeyError::Provider`] if the crypto library fails.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, SigningKeyError> {
        let der = self.to_pkcs8_der()?;
        Ok(Zeroizing::new(pem::encode(PRIVATE_KEY, &der)))
    }

    fn from_rsa(pair: rsa::KeyPair) -> Result<Self, SigningKeyError> {
        let public = pair.public_key();
        let spki = aws_lc_rs::encoding::AsDer::as_der(public)
            .map_err(|_: aws_lc_rs::error::Unspecified| SigningKeyError::Provider)?;
        let spki: aws_lc_rs::encoding::PublicKeyX509Der<'static> = spki;
        let public_key =
            PublicKey::from_spki(spki.as_ref()).map_err(|_| SigningKeyError::Unsupported)?;
        check_rsa(&public_key)?;
        Ok(Self::new(Pair::Rsa(pair), Algorithm::Rs256, public_key))
    }

    fn from_ec(pair: EcdsaKeyPair, algorithm: Algorithm) -> Result<Self, SigningKeyError> {
        let point = pair.public_key().as_ref();
        let public_key = match point.split_first() {
            Some((4, xy)) => match (<&[u8; 64]>::try_from(xy), <&[u8; 96]>::try_from(xy)) {
                (Ok(xy), _) => PublicKey::p256(xy),
                (_, Ok(xy)) => PublicKey::p384(xy),
                _ => return Err(SigningKeyError::Unsupported),
            },
            _ => return Err(SigningKeyError::Unsupported),
        };
        Ok(Self::new(Pair::Ec(pair), algorithm, public_key))
    }

    fn new(pair: Pair, algorithm: Algorithm, public_key: PublicKey) -> Self {
        let kid = key_id(&public_key);
        Self { pair, algorithm, public_key, kid }
    }
}

impl Signer for SigningKey {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn kid(&self) -> &str {
        &self.kid
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let failed = |_| SignError::Failed(self.algorithm);
        // The provider draws its own randomness and ignores this handle.
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Pair::Ec(pair) => {
                let signature = pair.sign(&random, message).map_err(failed)?;
                let scalar_bytes = self.public_key.raw().len() / 2;
                ecdsa::to_fixed(signature.as_ref(), scalar_bytes).ok_or_else(|| failed(Unspecified))
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

fn generate_rsa(size: rsa::KeySize) -> Result<SigningKey, SigningKeyError> {
    let pair = rsa::KeyPair::generate(size).map_err(|_| SigningKeyError::Provider)?;
    SigningKey::from_rsa(pair)
}

fn generate_ec(
    algorithm: Algorithm,
    curve: &'static EcdsaSigningAlgorithm,
) -> Result<SigningKey, SigningKeyError> {
    let pair = EcdsaKeyPair::generate(curve).map_err(|_| SigningKeyError::Provider)?;
    SigningKey::from_ec(pair, algorithm)
}

/// Judges length and exponent.
fn check_rsa(key: &PublicKey) -> Result<(), SigningKeyError> {
    match key.kind() {
        KeyKind::Rsa { modulus_bits: 2048 | 3072 | 4096 } => {}
        KeyKind::Rsa { modulus_bits: found } => return Err(SigningKeyError::ModulusBits { found }),
        _ => return Err(SigningKeyError::Unsupported),
    }
    match key.rsa_parts() {
        Some((_, [1, 0, 1])) => Ok(()),
        _ => Err(SigningKeyError::Exponent),
    }
}

//! The private and secret keys themselves: made, read, and shown by their public halves.

mod jwk;

use std::fmt;

use avouch_pki::{KeyKind, PublicKey, der};
use avouch_token::public_jwk_members;
use avouch_wire::{Cursor, failed_check};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _,
};
use serde_json::{Map, Value};
use thiserror::Error;
use zeroize::Zeroizing;

/// A private or secret key; wiped when it is dropped, and never shown.
pub struct KeyMaterial {
    bytes: Zeroizing<Vec<u8>>,
    public_key: Option<PublicKey>,
}

/// What kind of key to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaterialSpec {
    /// RSA, 2048 bits.
    Rsa2048,
    /// RSA, 3072 bits.
    Rsa3072,
    /// RSA, 4096 bits.
    Rsa4096,
    /// On P-256.
    P256,
    /// On P-384.
    P384,
    /// On P-521.
    P521,
    /// 16 secret bytes.
    Oct128,
    /// 24 secret bytes.
    Oct192,
    /// 32 secret bytes.
    Oct256,
}

/// Why bytes are no key that can be kept for release.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyMaterialError {
    /// Not PKCS#8, or of another kind, or inconsistent.
    #[error("private key is not an unencrypted PKCS#8 key for RSA, P-256, P-384 or P-521")]
    Unsupported,
    /// An RSA key of another length.
    #[error("RSA modulus has {found} bits, expected 2048, 3072 or 4096")]
    ModulusBits {
        /// Length found, in bits.
        found: usize,
    },
    /// A secret of another length.
    #[error("secret key has {found} bytes, expected 16, 24 or 32")]
    SecretBytes {
        /// Length found, in bytes.
        found: usize,
    },
    /// A JWK of another type.
    #[error("kty of the key is not RSA, EC or oct, with or without -HSM")]
    KeyType,
    /// A JWK on another curve.
    #[error("crv of the key is not P-256, P-384 or P-521")]
    Curve,
    /// A member of a JWK that is missing, or not of its form. Nothing of it is shown.
    #[error("member {0} of the key is missing or not base64url of its length")]
    Member(&'static str),
    /// The members of a JWK do not belong together.
    #[error("members of the key do not belong together")]
    Inconsistent,
    /// The crypto library failed.
    #[error("the crypto library failed to make a key")]
    Provider,
}

failed_check!(KeyMaterialError {
    _ => "key-material",
});

impl KeyMaterial {
    /// Makes a new key from the crypto library's randomness. RSA keys take up to seconds.
    ///
    /// # Errors
    /// [`KeyMaterialError::Provider`] if the library fails.
    pub fn generate(spec: MaterialSpec) -> Result<Self, KeyMaterialError> {
        match spec {
            MaterialSpec::Rsa2048 => generate_rsa(rsa::KeySize::Rsa2048),
            MaterialSpec::Rsa3072 => generate_rsa(rsa::KeySize::Rsa3072),
            MaterialSpec::Rsa4096 => generate_rsa(rsa::KeySize::Rsa4096),
            MaterialSpec::P256 => generate_ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
            MaterialSpec::P384 => generate_ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            MaterialSpec::P521 => generate_ec(&ECDSA_P521_SHA512_FIXED_SIGNING),
            MaterialSpec::Oct128 => generate_secret(16),
            MaterialSpec::Oct192 => generate_secret(24),
            MaterialSpec::Oct256 => generate_secret(32),
        }
    }

    /// An RSA or EC key in unencrypted PKCS#8: RSA of 2048, 3072 or 4096 bits, P-256, P-384, P-521.
    ///
    /// # Errors
    /// [`KeyMaterialError`].
    pub fn from_pkcs8_der(pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, KeyMaterialError> {
        let public_key = public_key(&pkcs8).ok_or(KeyMaterialError::Unsupported)?;
        match public_key.kind() {
            KeyKind::Rsa { modulus_bits: 2048 | 3072 | 4096 }
            | KeyKind::P256
            | KeyKind::P384
            | KeyKind::P521 => Ok(Self { bytes: pkcs8, public_key: Some(public_key) }),
            KeyKind::Rsa { modulus_bits: found } => Err(KeyMaterialError::ModulusBits { found }),
        }
    }

    /// A secret key of 16, 24 or 32 bytes (`oct`).
    ///
    /// # Errors
    /// [`KeyMaterialError::SecretBytes`].
    pub fn from_secret(secret: Zeroizing<Vec<u8>>) -> Result<Self, KeyMaterialError> {
        match secret.len() {
            16 | 24 | 32 => Ok(Self { bytes: secret, public_key: None }),
            found => Err(KeyMaterialError::SecretBytes { found }),
        }
    }

    /// Bytes that were the [`KeyMaterial::secret_bytes`] of a key with that public half, and have been
    /// where nobody can change them unseen since. Nothing is checked again: reading an RSA key takes as
    /// long as signing with it.
    #[must_use]
    pub const fn of_kept(bytes: Zeroizing<Vec<u8>>, public_key: Option<PublicKey>) -> Self {
        Self { bytes, public_key }
    }

    /// The private or secret key of a JWK (RFC 7518, section 6): `RSA` with all of `n`, `e`, `d`, `p`,
    /// `q`, `dp`, `dq`, `qi`; `EC` with `crv`, `x`, `y`, `d`; `oct` with `k`. The type may end in
    /// `-HSM`. What stands beside them is not looked at.
    ///
    /// # Errors
    /// [`KeyMaterialError`], which shows nothing of the key.
    pub fn from_jwk(members: &Map<String, Value>) -> Result<Self, KeyMaterialError> {
        jwk::read(members)
    }

    /// The private or secret key as a JWK (RFC 7518, section 6), with all that stands for it.
    ///
    /// # Errors
    /// [`KeyMaterialError::Unsupported`] if the library's PKCS#8 is not of the usual form.
    pub fn to_private_jwk(&self) -> Result<Map<String, Value>, KeyMaterialError> {
        jwk::write(self)
    }

    /// The public half; a secret key has none.
    #[must_use]
    pub const fn public_key(&self) -> Option<&PublicKey> {
        self.public_key.as_ref()
    }

    /// What is wrapped, for a release and for a database: DER of PKCS#8, or the secret itself.
    #[must_use]
    pub fn secret_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The members of a JWK that stand for what of a key everybody may know; of a secret key that is its
/// type alone.
#[must_use]
pub fn public_members(public_key: Option<&PublicKey>, is_hsm: bool) -> Map<String, Value> {
    let mut members = Map::new();
    match public_key {
        None => {
            members.insert("kty".to_owned(), "oct".into());
        }
        Some(public) => {
            let named = |(name, value): (&str, String)| (name.to_owned(), value.into());
            members.extend(public_jwk_members(public).into_iter().map(named));
        }
    }
    if is_hsm && let Some(Value::String(key_type)) = members.get_mut("kty") {
        key_type.push_str("-HSM");
    }
    members
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyMaterial").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}

fn generate_rsa(size: rsa::KeySize) -> Result<KeyMaterial, KeyMaterialError> {
    let pair = rsa::KeyPair::generate(size).map_err(|_| KeyMaterialError::Provider)?;
    of_rsa(&pair)
}

/// A pair as it is kept: in PKCS#8.
fn of_rsa(pair: &rsa::KeyPair) -> Result<KeyMaterial, KeyMaterialError> {
    let pkcs8: Pkcs8V1Der<'static> = pair.as_der().map_err(|_| KeyMaterialError::Provider)?;
    KeyMaterial::from_pkcs8_der(Zeroizing::new(pkcs8.as_ref().to_vec()))
}

fn generate_ec(curve: &'static EcdsaSigningAlgorithm) -> Result<KeyMaterial, KeyMaterialError> {
    let pair = EcdsaKeyPair::generate(curve).map_err(|_| KeyMaterialError::Provider)?;
    of_ec(&pair)
}

fn of_ec(pair: &EcdsaKeyPair) -> Result<KeyMaterial, KeyMaterialError> {
    let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyMaterialError::Provider)?;
    KeyMaterial::from_pkcs8_der(Zeroizing::new(pkcs8.as_ref().to_vec()))
}

fn generate_secret(bytes: usize) -> Result<KeyMaterial, KeyMaterialError> {
    let mut secret = Zeroizing::new(vec![0; bytes]);
    rand::fill(&mut secret).map_err(|_| KeyMaterialError::Provider)?;
    KeyMaterial::from_secret(secret)
}

/// The public half of a key in PKCS#8, with nothing behind it: the library reads over what follows.
fn public_key(pkcs8: &[u8]) -> Option<PublicKey> {
    let mut cursor = Cursor::new("PrivateKeyInfo", pkcs8);
    der::open(&mut cursor, "structure", der::SEQUENCE).ok()?;
    cursor.finish().ok()?;
    if let Ok(pair) = rsa::KeyPair::from_pkcs8(pkcs8) {
        let spki: PublicKeyX509Der<'static> = pair.public_key().as_der().ok()?;
        return PublicKey::from_spki(spki.as_ref()).ok();
    }
    let curves = [
        &ECDSA_P256_SHA256_FIXED_SIGNING,
        &ECDSA_P384_SHA384_FIXED_SIGNING,
        &ECDSA_P521_SHA512_FIXED_SIGNING,
    ];
    let pair = curves.into_iter().find_map(|curve| EcdsaKeyPair::from_pkcs8(curve, pkcs8).ok())?;
    let (_, point) = pair.public_key().as_ref().split_first()?;
    if let Ok(xy) = <&[u8; 64]>::try_from(point) {
        return Some(PublicKey::p256(xy));
    }
    if let Ok(xy) = <&[u8; 96]>::try_from(point) {
        return Some(PublicKey::p384(xy));
    }
    <&[u8; 132]>::try_from(point).ok().map(PublicKey::p521)
}

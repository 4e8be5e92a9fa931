//! Keys that may be released: what they are, and when they may leave.

use std::fmt;

use avouch_pki::{KeyKind, PublicKey, der};
use avouch_token::public_jwk_members;
use avouch_wire::{Cursor, UnixTime, base64url, failed_check};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
};
use serde_json::{Map, Value};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::PolicyEnvelope;

/// One version of a key, with all that decides about its release.
#[derive(Debug)]
pub struct KeyVersion {
    /// Its identifier, a URL with vault, name and version.
    pub kid: String,
    /// Whether it is shown as a key of a hardware module, with `-HSM` after its type.
    pub is_hsm: bool,
    /// What it may be used for (`key_ops`).
    pub operations: Vec<String>,
    /// Its attributes.
    pub attributes: KeyAttributes,
    /// When it may be released; never, if there is none.
    pub release_policy: Option<PolicyEnvelope>,
    /// The key itself.
    pub material: KeyMaterial,
}

/// Attributes of a key, as Key Vault has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyAttributes {
    /// Whether it may be used at all.
    pub is_enabled: bool,
    /// Whether it may leave the vault.
    pub is_exportable: bool,
    /// First moment at which it may be used (`nbf`).
    pub not_before: Option<UnixTime>,
    /// Moment from which on it may not be used (`exp`).
    pub expires_at: Option<UnixTime>,
    /// When it was made.
    pub created_at: UnixTime,
    /// When it was last changed.
    pub updated_at: UnixTime,
}

/// Why a key is not released, whatever the token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyRefusal {
    /// It may not be used at all.
    #[error("key is disabled")]
    Disabled,
    /// It may not leave the vault.
    #[error("key is not exportable")]
    NotExportable,
    /// Nothing says when it may be released.
    #[error("key has no release policy")]
    NoPolicy,
    /// It may not be used yet.
    #[error("key is not to be used before {not_before}, judged at {at}")]
    NotYetValid {
        /// Its `nbf`.
        not_before: UnixTime,
        /// The moment of judgement.
        at: UnixTime,
    },
    /// It may no longer be used.
    #[error("key has expired at {expires_at}, judged at {at}")]
    Expired {
        /// Its `exp`.
        expires_at: UnixTime,
        /// The moment of judgement.
        at: UnixTime,
    },
}

failed_check!(KeyRefusal {
    Self::Disabled => "key-enabled",
    Self::NotExportable => "key-exportable",
    Self::NoPolicy => "key-release-policy",
    Self::NotYetValid { .. } | Self::Expired { .. } => "key-window",
});

impl KeyVersion {
    /// The policy by which the key may be released at that moment: it is enabled, exportable, in its
    /// window, and has one.
    ///
    /// # Errors
    /// [`KeyRefusal`].
    pub fn policy_at(&self, at: UnixTime) -> Result<&PolicyEnvelope, KeyRefusal> {
        let KeyAttributes { is_enabled, is_exportable, not_before, expires_at, .. } =
            self.attributes;
        if !is_enabled {
            return Err(KeyRefusal::Disabled);
        }
        if !is_exportable {
            return Err(KeyRefusal::NotExportable);
        }
        if let Some(not_before) = not_before.filter(|not_before| at < *not_before) {
            return Err(KeyRefusal::NotYetValid { not_before, at });
        }
        if let Some(expires_at) = expires_at.filter(|expires_at| *expires_at <= at) {
            return Err(KeyRefusal::Expired { expires_at, at });
        }
        self.release_policy.as_ref().ok_or(KeyRefusal::NoPolicy)
    }

    /// The public JWK: `kid`, `kty`, `key_ops`, and `n`, `e` or `crv`, `x`, `y`.
    #[must_use]
    pub fn public_jwk(&self) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("kid".to_owned(), self.kid.as_str().into());
        members.insert("key_ops".to_owned(), self.operations.clone().into());
        match self.material.public_key() {
            None => {
                members.insert("kty".to_owned(), "oct".into());
            }
            Some(public) => {
                let named = |(name, value): (&str, String)| (name.to_owned(), value.into());
                members.extend(public_jwk_members(public).into_iter().map(named));
            }
        }
        if self.is_hsm
            && let Some(Value::String(key_type)) = members.get_mut("kty")
        {
            key_type.push_str("-HSM");
        }
        members
    }
}

impl KeyAttributes {
    /// As Key Vault writes them, times in seconds since 1970.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        let moments = [
            ("nbf", self.not_before),
            ("exp", self.expires_at),
            ("created", Some(self.created_at)),
            ("updated", Some(self.updated_at)),
        ];
        members.insert("enabled".to_owned(), self.is_enabled.into());
        members.insert("exportable".to_owned(), self.is_exportable.into());
        for (name, moment) in moments {
            if let Some(moment) = moment {
                members.insert(name.to_owned(), moment.seconds().into());
            }
        }
        Value::Object(members)
    }
}

/// A private or secret key; wiped when it is dropped, and never shown.
pub struct KeyMaterial {
    bytes: Zeroizing<Vec<u8>>,
    public_key: Option<PublicKey>,
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
}

failed_check!(KeyMaterialError {
    _ => "key-material",
});

impl KeyMaterial {
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

    /// The public half; a secret key has none.
    #[must_use]
    pub const fn public_key(&self) -> Option<&PublicKey> {
        self.public_key.as_ref()
    }

    /// The bytes that are wrapped: DER of PKCS#8, or the secret itself.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyMaterial").field("public_key", &self.public_key).finish_non_exhaustive()
    }
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

/// `key_hsm` and other parts are base64url of JSON.
pub(crate) fn encoded(json: &Value) -> String {
    base64url::encode(avouch_wire::json::to_canonical(json))
}

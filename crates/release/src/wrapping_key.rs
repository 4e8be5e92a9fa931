//! The key of the attested workload that a released key is wrapped to.

use avouch_pki::{KeyKind, PublicKey};
use avouch_token::{UnusableReason, public_key_of_jwk};
use avouch_wire::failed_check;
use aws_lc_rs::rsa::{OaepPublicEncryptingKey, PublicEncryptingKey};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::AttestedToken;

/// Most keys in the set of a token.
const KEYS_MAX: usize = 64;
/// Shortest modulus, in bits.
const MODULUS_BITS_MIN: usize = 2048;
/// Longest modulus, in bits.
const MODULUS_BITS_MAX: usize = 4096;
/// Longest identifier of a key, in bytes.
const KID_BYTES_MAX: usize = 256;
/// The private members of a JWK for RSA (RFC 7518, section 6.3.2): each of them gives all away.
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];
/// Keys of a virtual TPM that must never wrap: its attestation key signs, and its endorsement key opens
/// nothing but credentials of TPMs.
const RESERVED: [&str; 2] = ["HCLAkPub", "HCLEkPub"];

/// The RSA key that a released key is wrapped to: one that the evidence of a verified token binds.
/// Only [`WrappingKey::choose`] makes one.
///
/// Proven: the authority says that whoever was attested holds the key. Not proven: that they deserve a
/// secret; any workload can bind a key, and the release policy says which workload may have what.
#[derive(Debug)]
pub struct WrappingKey {
    kid: Option<String>,
    key: OaepPublicEncryptingKey,
}

/// Why a token has no key to wrap to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WrappingKeyError {
    /// No `x-ms-runtime` with an array `keys`.
    #[error("token has no array x-ms-runtime.keys")]
    NoKeys,
    /// More keys than accepted.
    #[error("x-ms-runtime has {found} keys, over the limit of {limit}")]
    TooMany {
        /// Keys found.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// None of the keys may encrypt.
    #[error("none of the {keys} keys of x-ms-runtime may encrypt")]
    NoneEncrypts {
        /// How many keys there are.
        keys: usize,
    },
    /// A key of a virtual TPM that must not wrap.
    #[error("x-ms-runtime.keys[{index}] is {kid}, a key of a TPM that opens no secrets")]
    Reserved {
        /// Its index.
        index: usize,
        /// Its identifier.
        kid: &'static str,
    },
    /// Its private part stands in the token, where everybody reads it.
    #[error("x-ms-runtime.keys[{index}] has a private part, for all to read")]
    Private {
        /// Its index.
        index: usize,
    },
    /// A key that cannot be read, is of another type, or is weak.
    #[error("x-ms-runtime.keys[{index}]: {reason}")]
    Unusable {
        /// Its index.
        index: usize,
        /// Why.
        reason: Box<UnusableReason>,
    },
    /// Another kind of key than RSA, or of another length.
    #[error("x-ms-runtime.keys[{index}] is {kind}, expected RSA of 2048 to 4096 bits")]
    Kind {
        /// Its index.
        index: usize,
        /// What it is.
        kind: KeyKind,
    },
    /// A public exponent that protects nothing, or that the crypto library refuses.
    #[error("x-ms-runtime.keys[{index}] has a modulus or exponent that RSA-OAEP does not take")]
    Numbers {
        /// Its index.
        index: usize,
    },
    /// An identifier that is no string, or too long.
    #[error(
        "x-ms-runtime.keys[{index}] has a kid that is not a string of at most {KID_BYTES_MAX} bytes"
    )]
    Kid {
        /// Its index.
        index: usize,
    },
}

failed_check!(WrappingKeyError {
    Self::NoKeys | Self::TooMany { .. } | Self::NoneEncrypts { .. } => "wrapping-key",
    Self::Reserved { .. } => "wrapping-key-reserved",
    Self::Private { .. } => "wrapping-key-private",
    Self::Unusable { .. }
    | Self::Kind { .. }
    | Self::Numbers { .. }
    | Self::Kid { .. } => "wrapping-key-unusable",
});

impl WrappingKey {
    /// The first key of the token's `x-ms-runtime.keys` that may encrypt: `use` or `key_use` is `enc`,
    /// or `key_ops` has `encrypt`. That one decides; if it cannot serve, none behind it does.
    ///
    /// Only `x-ms-runtime` at the top of the token is looked at, never the one within
    /// `x-ms-isolation-tee`, which the workload does not hold the keys of.
    ///
    /// # Errors
    /// [`WrappingKeyError`] if there is none, or it must not or cannot wrap.
    ///
    /// # Source
    /// Microsoft Learn, "Azure Key Vault secure key release policy grammar"; what is refused beyond
    /// that is our choice (`docs/maa-divergences/key-release.md`).
    pub fn choose(token: &AttestedToken) -> Result<Self, WrappingKeyError> {
        Self::of_claims(token.claims())
    }

    fn of_claims(claims: &Map<String, Value>) -> Result<Self, WrappingKeyError> {
        let keys = claims
            .get("x-ms-runtime")
            .and_then(|runtime| runtime.as_object()?.get("keys")?.as_array())
            .ok_or(WrappingKeyError::NoKeys)?;
        if keys.len() > KEYS_MAX {
            return Err(WrappingKeyError::TooMany { found: keys.len(), limit: KEYS_MAX });
        }
        let mut members = keys.iter().map(Value::as_object).enumerate();
        members
            .find_map(|(index, key)| key.filter(|key| may_encrypt(key)).map(|key| (index, key)))
            .ok_or(WrappingKeyError::NoneEncrypts { keys: keys.len() })
            .and_then(|(index, key)| Self::read(index, key))
    }

    fn read(index: usize, members: &Map<String, Value>) -> Result<Self, WrappingKeyError> {
        let kid = match members.get("kid") {
            None | Some(Value::Null) => None,
            Some(Value::String(kid)) if kid.len() <= KID_BYTES_MAX => Some(kid.clone()),
            Some(_) => return Err(WrappingKeyError::Kid { index }),
        };
        let is_kid = |name: &&str| kid.as_ref().is_some_and(|kid| kid.eq_ignore_ascii_case(name));
        if let Some(kid) = RESERVED.into_iter().find(is_kid) {
            return Err(WrappingKeyError::Reserved { index, kid });
        }
        if PRIVATE.iter().any(|name| members.contains_key(*name)) {
            return Err(WrappingKeyError::Private { index });
        }
        let public = public_key_of_jwk(members).map_err(|reason| {
            let reason = Box::new(reason);
            WrappingKeyError::Unusable { index, reason }
        })?;
        let key = encrypting(index, &public)?;
        Ok(Self { kid, key })
    }

    /// The identifier that the workload gave it.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Length of its modulus, in bytes.
    #[must_use]
    pub fn modulus_bytes(&self) -> usize {
        self.key.key_size_bytes()
    }

    /// A key that no token has, for tests of wrapping alone.
    #[cfg(test)]
    pub(crate) const fn for_tests(key: OaepPublicEncryptingKey) -> Self {
        Self { kid: None, key }
    }

    pub(crate) const fn key(&self) -> &OaepPublicEncryptingKey {
        &self.key
    }
}

fn may_encrypt(members: &Map<String, Value>) -> bool {
    let is_enc = |name: &str| members.get(name).and_then(Value::as_str) == Some("enc");
    let operations = members.get("key_ops").and_then(Value::as_array);
    let encrypts = operations.is_some_and(|all| all.iter().any(|operation| operation == "encrypt"));
    is_enc("use") || is_enc("key_use") || encrypts
}

fn encrypting(index: usize, key: &PublicKey) -> Result<OaepPublicEncryptingKey, WrappingKeyError> {
    match key.kind() {
        KeyKind::Rsa { modulus_bits: MODULUS_BITS_MIN..=MODULUS_BITS_MAX } => {}
        kind => return Err(WrappingKeyError::Kind { index, kind }),
    }
    // An exponent of 1 would leave the wrapped key in the open.
    let is_sound = |(_, exponent): (&[u8], &[u8])| {
        exponent.len() >= 3 && exponent.last().is_some_and(|last| last & 1 == 1)
    };
    if !key.rsa_parts().is_some_and(is_sound) {
        return Err(WrappingKeyError::Numbers { index });
    }
    PublicEncryptingKey::from_der(key.spki_der())
        .ok()
        .and_then(|key| OaepPublicEncryptingKey::new(key).ok())
        .ok_or(WrappingKeyError::Numbers { index })
}

//! Signatures beside a file by keys without certificates: who verifies knows the key itself.
//!
//! The form is that of [`crate::policy_jws::sign_detached`], a compact JWS whose payload is left out
//! (RFC 7515, appendix F), with a `kid` in place of certificates: the SHA-256 of the key's
//! SubjectPublicKeyInfo in hex. Beside RSA, P-256 and P-384 keys may be on Ed25519 (RFC 8037).
//! [`BarePrivateKey::sign_jws`] keeps the payload, and names in `typ` what it is, so that a signature over one
//! sort of document is none over another.

use std::fmt;

use avouch_pki::{KeyKind, PublicKey, digest, pem};
use avouch_wire::{Hex, base64url, excerpt, failed_check};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde_json::{Value, json};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::jws::{JwsError, Padding, UntrustedJws};
use crate::policy_jws::signing_input;
use crate::{Algorithm, SignError, Signer as _, SigningKey, SigningKeyError};

/// Most bytes of a signature: an RSA key of 8192 bits takes a tenth of it.
const SIGNATURE_BYTES_MAX: usize = 16 * 1024;
/// Shortest modulus of an RSA key, in bits.
const MODULUS_BITS_MIN: usize = 2048;
/// SubjectPublicKeyInfo of a key on Ed25519 before its 32 bytes (RFC 8410, section 10.1).
const ED25519_SPKI: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// Its algorithm in JOSE (RFC 8037, section 3.1).
const EDDSA: &str = "EdDSA";

/// A private key without a certificate: Ed25519, RSA, P-256 or P-384.
pub struct BarePrivateKey(Private);

enum Private {
    Ed25519(Ed25519KeyPair),
    Other(SigningKey),
}

impl fmt::Debug for BarePrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BarePrivateKey").field(&self.public_key().id()).finish()
    }
}

/// A public key that somebody trusts by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarePublicKey(Public);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Public {
    Ed25519([u8; 32]),
    Other(PublicKey),
}

/// Why bytes are no public key that can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BarePublicKeyError {
    /// Not PEM.
    #[error("public key is not one PEM block labelled \"PUBLIC KEY\" (SubjectPublicKeyInfo)")]
    NotPem,
    /// Of a kind that signs nothing here, or too short.
    #[error("public key is not Ed25519, RSA of at least 2048 bits, P-256 or P-384")]
    Unsupported,
}

/// Why a signature beside a file does not count.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BareSignatureError {
    /// No compact JWS.
    #[error("signature: {0}")]
    Jws(#[from] JwsError),
    /// It has a payload of its own.
    #[error("signature has a payload of its own, or is no JWS")]
    NotDetached,
    /// It is over another sort of document.
    #[error("signature is over a document of type {}, expected {expected:?}", excerpt(.found))]
    Type {
        /// What the header says; empty if it says nothing.
        found: String,
        /// What is expected.
        expected: &'static str,
    },
    /// Nobody's key is named who is trusted.
    #[error("signature is by key {}, which is none of the {trusted} that are trusted", excerpt(.kid))]
    UnknownKey {
        /// The key that it names; empty if it names none.
        kid: String,
        /// How many are trusted.
        trusted: usize,
    },
    /// The key makes no such signatures.
    #[error("signature is by {}, the key {kid} signs by {expected}", excerpt(.found))]
    Algorithm {
        /// The key.
        kid: Hex<32>,
        /// What the header says.
        found: String,
        /// What goes with the key.
        expected: &'static str,
    },
    /// The signature does not hold.
    #[error("signature does not hold under key {kid}")]
    Signature {
        /// The key.
        kid: Hex<32>,
    },
}

failed_check!(BareSignatureError {
    Self::Jws(_) => "bare-signature-form",
    Self::NotDetached => "bare-signature-form",
    Self::Type { .. } => "bare-signature-type",
    Self::UnknownKey { .. } => "bare-signature-key",
    Self::Algorithm { .. } => "bare-signature-algorithm",
    Self::Signature { .. } => "bare-signature",
});

impl BarePrivateKey {
    /// Reads an unencrypted PKCS#8 key in PEM: one block labelled `PRIVATE KEY`.
    ///
    /// # Errors
    /// [`SigningKeyError`] if it is none, or of another kind.
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, SigningKeyError> {
        let refused = match SigningKey::from_pkcs8_pem(text) {
            Ok(key) => return Ok(Self(Private::Other(key))),
            Err(error) => error,
        };
        let block = pem::only_block(text, "PRIVATE KEY").ok_or(SigningKeyError::NotPem)?;
        let base64 = Zeroizing::new(block.base64());
        let der = base64url::decode_standard(&base64).map_err(|_| SigningKeyError::NotPem)?;
        let der = Zeroizing::new(der);
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|_| refused)?;
        Ok(Self(Private::Ed25519(pair)))
    }

    /// Its public half.
    #[must_use]
    pub fn public_key(&self) -> BarePublicKey {
        BarePublicKey(match &self.0 {
            Private::Ed25519(pair) => {
                Public::Ed25519(pair.public_key().as_ref().try_into().unwrap_or_default())
            }
            Private::Other(key) => Public::Other(key.public_key().clone()),
        })
    }

    /// A signature over `content`.
    ///
    /// # Errors
    /// [`SignError`] if the key cannot be used.
    pub fn sign(&self, content: &[u8]) -> Result<String, SignError> {
        let public = self.public_key();
        let header = json!({"alg": public.algorithm(), "kid": public.id()}).to_string();
        let header = base64url::encode(header);
        let signature = self.sign_bytes(signing_input(&header, content).as_bytes())?;
        Ok(format!("{header}..{}", base64url::encode(signature)))
    }

    /// A compact JWS with the payload in it; `typ` names what that is.
    ///
    /// # Errors
    /// [`SignError`] if the key cannot be used.
    pub fn sign_jws(&self, typ: &'static str, payload: &[u8]) -> Result<String, SignError> {
        let public = self.public_key();
        let header = json!({"alg": public.algorithm(), "kid": public.id(), "typ": typ}).to_string();
        let message = signing_input(&base64url::encode(header), payload);
        let signature = self.sign_bytes(message.as_bytes())?;
        Ok(format!("{message}.{}", base64url::encode(signature)))
    }

    /// A signature over bytes as they are, by the algorithm of the key ([`BarePublicKey::algorithm`]); of a
    /// curve `r || s`.
    ///
    /// # Errors
    /// [`SignError`] if the key cannot be used.
    pub fn sign_bytes(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.0 {
            Private::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Private::Other(key) => key.sign(message),
        }
    }
}

impl BarePublicKey {
    /// Reads a SubjectPublicKeyInfo in PEM: one block labelled `PUBLIC KEY`.
    ///
    /// # Errors
    /// [`BarePublicKeyError`].
    pub fn from_pem(text: &str) -> Result<Self, BarePublicKeyError> {
        let block = pem::only_block(text, "PUBLIC KEY").ok_or(BarePublicKeyError::NotPem)?;
        let der = block.der().map_err(|_| BarePublicKeyError::NotPem)?;
        if let Some(raw) = der.strip_prefix(&ED25519_SPKI) {
            let raw = raw.try_into().map_err(|_| BarePublicKeyError::Unsupported)?;
            return Ok(Self(Public::Ed25519(raw)));
        }
        let key = PublicKey::from_spki(&der).map_err(|_| BarePublicKeyError::Unsupported)?;
        match key.kind() {
            KeyKind::P256 | KeyKind::P384 | KeyKind::Rsa { modulus_bits: MODULUS_BITS_MIN.. } => {
                Ok(Self(Public::Other(key)))
            }
            _ => Err(BarePublicKeyError::Unsupported),
        }
    }

    /// SHA-256 of its SubjectPublicKeyInfo.
    #[must_use]
    pub fn id(&self) -> Hex<32> {
        match &self.0 {
            Public::Ed25519(raw) => digest::sha256(&[ED25519_SPKI.as_slice(), raw].concat()),
            Public::Other(key) => digest::sha256(key.spki_der()),
        }
    }

    /// How it signs.
    const fn scheme(&self) -> Option<Algorithm> {
        match &self.0 {
            Public::Ed25519(_) => None,
            Public::Other(key) => Some(match key.kind() {
                KeyKind::P256 => Algorithm::Es256,
                KeyKind::P384 => Algorithm::Es384,
                _ => Algorithm::Rs256,
            }),
        }
    }

    /// The JOSE name of the algorithm that it signs by: `EdDSA`, `ES256`, `ES384` or `RS256`.
    #[must_use]
    pub const fn algorithm(&self) -> &'static str {
        match self.scheme() {
            Some(algorithm) => algorithm.name(),
            None => EDDSA,
        }
    }

    /// The key if it is none on Ed25519.
    #[must_use]
    pub const fn public_key(&self) -> Option<&PublicKey> {
        match &self.0 {
            Public::Ed25519(_) => None,
            Public::Other(key) => Some(key),
        }
    }

    /// Whether a signature over these bytes is the key's.
    #[must_use]
    pub fn holds(&self, message: &[u8], signature: &[u8]) -> bool {
        match (&self.0, self.scheme()) {
            (Public::Ed25519(raw), _) => {
                UnparsedPublicKey::new(&ED25519, raw).verify(message, signature).is_ok()
            }
            (Public::Other(key), Some(algorithm)) => {
                key.verify(algorithm.scheme(), message, signature).is_ok()
            }
            (Public::Other(_), None) => false,
        }
    }
}

/// Verifies a signature over `content`, as [`BarePrivateKey::sign`] makes it; white space around it is
/// dropped. Gives the key, one of `trusted`.
///
/// # Errors
/// [`BareSignatureError`] if it has another form, names another key, or does not hold.
pub fn verify_bare_signature<'k>(
    signature: &str,
    content: &[u8],
    trusted: &'k [BarePublicKey],
) -> Result<&'k BarePublicKey, BareSignatureError> {
    let text = signature.trim();
    if text.len() > SIGNATURE_BYTES_MAX {
        let (length, limit) = (text.len(), SIGNATURE_BYTES_MAX);
        return Err(JwsError::TooLong { length, limit }.into());
    }
    let (header, signature) = text.split_once("..").ok_or(BareSignatureError::NotDetached)?;
    let jws = format!("{}.{signature}", signing_input(header, content));
    verified_key(&UntrustedJws::parse(&jws, jws.len(), Padding::Refused)?, trusted)
}

/// Verifies a compact JWS of at most `limit_bytes`, as [`BarePrivateKey::sign_jws`] makes it; white space around
/// it is dropped. Gives the payload and the key, one of `trusted`.
///
/// # Errors
/// [`BareSignatureError`] if it has another form or type, names another key, or does not hold.
pub fn verify_bare_jws<'k>(
    jws: &str,
    typ: &'static str,
    limit_bytes: usize,
    trusted: &'k [BarePublicKey],
) -> Result<(Vec<u8>, &'k BarePublicKey), BareSignatureError> {
    let jws = UntrustedJws::parse(jws.trim(), limit_bytes, Padding::Refused)?;
    let found = jws.header.get("typ").and_then(Value::as_str).unwrap_or_default();
    if found != typ {
        return Err(BareSignatureError::Type { found: found.to_owned(), expected: typ });
    }
    let key = verified_key(&jws, trusted)?;
    Ok((jws.payload, key))
}

/// The key among those trusted that the header names, if it made the signature.
fn verified_key<'k>(
    jws: &UntrustedJws<'_>,
    trusted: &'k [BarePublicKey],
) -> Result<&'k BarePublicKey, BareSignatureError> {
    let kid = jws.header.get("kid").and_then(Value::as_str).unwrap_or_default();
    let key = trusted.iter().find(|key| key.id().to_string() == kid);
    let Some(key) = key else {
        let kid = kid.to_owned();
        return Err(BareSignatureError::UnknownKey { kid, trusted: trusted.len() });
    };
    let (kid, expected) = (key.id(), key.algorithm());
    if jws.algorithm != expected {
        let found = jws.algorithm.clone();
        return Err(BareSignatureError::Algorithm { kid, found, expected });
    }
    if !key.holds(jws.signing_input.as_bytes(), &jws.signature) {
        return Err(BareSignatureError::Signature { kid });
    }
    Ok(key)
}

#[cfg(test)]
mod tests;

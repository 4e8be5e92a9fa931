//! The key that a token is for: it signs the request, and the quote binds it to the TPM.

use avouch_pki::digest::sha256_of_parts;
use avouch_wire::{base64url, failed_check};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA256};
use serde_json::json;
use thiserror::Error;
use zeroize::Zeroizing;

/// The protected header of a request: nothing but this (MAA's protocol, version 2).
const HEADER: &str = r#"{"alg":"PS256","typ":"attReqV2"}"#;
/// Bits of the smallest key that signs a request.
const MODULUS_BITS_MIN: usize = 2048;

/// An RSA key in memory. Whoever holds it can use a token that is for it (`cnf`).
pub struct RequestKey {
    pair: KeyPair,
    jwk: String,
}

/// Why a key does not serve.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestKeyError {
    /// Not PKCS#8, or not RSA.
    #[error("the request's key is no unencrypted PKCS#8 key for RSA of 2048 bits or more")]
    Unsupported,
    /// The crypto library failed.
    #[error("the crypto library failed")]
    Provider,
}

failed_check!(RequestKeyError {
    Self::Unsupported => "request-key",
    Self::Provider => "request-key-provider",
});

impl std::fmt::Debug for RequestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "request key {}", self.jwk)
    }
}

impl RequestKey {
    /// A new RSA-2048 key.
    ///
    /// # Errors
    /// [`RequestKeyError::Provider`].
    pub fn generate() -> Result<Self, RequestKeyError> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| RequestKeyError::Provider)?;
        Self::of(pair)
    }

    /// A key from the DER of an unencrypted PKCS#8 structure.
    ///
    /// # Errors
    /// [`RequestKeyError`].
    pub fn from_pkcs8_der(pkcs8: &[u8]) -> Result<Self, RequestKeyError> {
        let pair = KeyPair::from_pkcs8(pkcs8).map_err(|_| RequestKeyError::Unsupported)?;
        Self::of(pair)
    }

    fn of(pair: KeyPair) -> Result<Self, RequestKeyError> {
        let bits = pair.public_modulus_len().saturating_mul(8);
        if bits < MODULUS_BITS_MIN {
            return Err(RequestKeyError::Unsupported);
        }
        let key = pair.public_key();
        let n = base64url::encode(key.modulus().big_endian_without_leading_zero());
        let e = base64url::encode(key.exponent().big_endian_without_leading_zero());
        let jwk = json!({"e": e, "kty": "RSA", "n": n}).to_string();
        Ok(Self { pair, jwk })
    }

    /// The private key as unencrypted PKCS#8.
    ///
    /// # Errors
    /// [`RequestKeyError::Provider`].
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, RequestKeyError> {
        let der: Pkcs8V1Der<'static> = self.pair.as_der().map_err(|_| RequestKeyError::Provider)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    /// The public key as a JWK, character by character as requests have it.
    #[must_use]
    pub fn jwk(&self) -> &str {
        &self.jwk
    }

    /// What a quote must hold to bind this key and answer a challenge: SHA-256 of the JWK as written, a zero
    /// byte and the challenge (MAA's `tpm_quote`).
    #[must_use]
    pub fn qualifying_data(&self, challenge: &[u8]) -> [u8; 32] {
        sha256_of_parts(&[self.jwk.as_bytes(), &[0], challenge]).0
    }

    /// A compact JWS over a payload: PS256 with a salt of 32 bytes.
    ///
    /// # Errors
    /// [`RequestKeyError::Provider`].
    pub fn sign(&self, payload: &str) -> Result<String, RequestKeyError> {
        let mut jws = base64url::encode(HEADER);
        jws.push('.');
        base64url::encode_append(payload, &mut jws);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), jws.as_bytes(), &mut signature)
            .map_err(|_| RequestKeyError::Provider)?;
        jws.push('.');
        base64url::encode_append(&signature, &mut jws);
        Ok(jws)
    }
}

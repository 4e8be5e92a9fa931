//! Sealed answers: a token that only the machine opens that asked for it, in the state that it attested.

use avouch_wire::base64url;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rsa::{
    Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What is authenticated beside the token. Clients have it as a constant.
const ASSOCIATED_DATA: &[u8] = b"Transport Key";
/// Bytes of the inner key: AES-256.
const KEY_BYTES: usize = 32;
/// Bytes of a nonce of AES-GCM.
const NONCE_BYTES: usize = 12;

/// Why an answer is not sealed, or not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealError {
    /// The crypto library refuses the key.
    #[error("nothing can be encrypted to this key")]
    Key,
    /// It is not an answer.
    #[error("this is not a sealed answer")]
    Form,
    /// It is sealed to another key, or was altered.
    #[error("the answer does not open")]
    Closed,
}

/// A sealed answer, as clients read it.
///
/// The inner key is encrypted to the machine's key by RSAES-PKCS1-v1_5, the token to the inner key by
/// AES-256-GCM with the associated data `Transport Key`; `BlockPadding` is said and not applied, because GCM
/// has none.
///
/// # Source
/// `docs/maa/attest.md#azure-guests`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SealedAnswer {
    encrypted_inner_key: String,
    encryption_params: EncryptionParams,
    /// The tag of GCM.
    authentication_data: String,
    jwt: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EncryptionParams {
    cipher: String,
    block_mode: String,
    block_padding: String,
    key_size_in_bits: u32,
    iv: String,
}

/// Seals a token to a key, DER of its SubjectPublicKeyInfo, with a fresh inner key and nonce that serve for
/// nothing else. Who opens it is as sure as what proved the key ([`crate::SealingKey`]).
///
/// # Errors
/// [`SealError::Key`].
pub fn seal(
    token: &str,
    to_spki_der: &[u8],
    inner_key: &[u8; KEY_BYTES],
    nonce: [u8; NONCE_BYTES],
) -> Result<SealedAnswer, SealError> {
    let encrypted_inner_key = wrap(to_spki_der, inner_key).ok_or(SealError::Key)?;
    let mut jwt = token.as_bytes().to_vec();
    let key = UnboundKey::new(&AES_256_GCM, inner_key).map_err(|_| SealError::Key)?;
    let tag = LessSafeKey::new(key)
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(ASSOCIATED_DATA),
            &mut jwt,
        )
        .map_err(|_| SealError::Key)?;
    Ok(SealedAnswer {
        encrypted_inner_key: base64url::encode_standard(encrypted_inner_key),
        encryption_params: EncryptionParams {
            cipher: "AES".to_owned(),
            block_mode: "ChainingModeGCM".to_owned(),
            block_padding: "PKCS7".to_owned(),
            key_size_in_bits: 256,
            iv: base64url::encode_standard(nonce),
        },
        authentication_data: base64url::encode_standard(tag.as_ref()),
        jwt: base64url::encode_standard(jwt),
    })
}

fn wrap(spki_der: &[u8], inner_key: &[u8]) -> Option<Vec<u8>> {
    let key = Pkcs1PublicEncryptingKey::new(PublicEncryptingKey::from_der(spki_der).ok()?).ok()?;
    let mut out = vec![0; key.ciphertext_size()];
    Some(key.encrypt(inner_key, &mut out).ok()?.to_vec())
}

impl SealedAnswer {
    /// The text of the answer's `token`: base64url of JSON.
    #[must_use]
    pub fn to_text(&self) -> String {
        base64url::encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads the text of an answer's `token`.
    ///
    /// # Errors
    /// [`SealError::Form`].
    pub fn from_text(text: &str) -> Result<Self, SealError> {
        let json = base64url::decode(text).map_err(|_| SealError::Form)?;
        serde_json::from_slice(&json).map_err(|_| SealError::Form)
    }

    /// The encrypted inner key, for a TPM to decrypt.
    ///
    /// # Errors
    /// [`SealError::Form`].
    pub fn encrypted_inner_key(&self) -> Result<Vec<u8>, SealError> {
        base64url::decode_standard(&self.encrypted_inner_key).map_err(|_| SealError::Form)
    }

    /// Opens the answer with the decrypted inner key: the token.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(&self, inner_key: &[u8]) -> Result<String, SealError> {
        let decode = |text: &str| base64url::decode_standard(text).map_err(|_| SealError::Form);
        let nonce: [u8; NONCE_BYTES] =
            decode(&self.encryption_params.iv)?.try_into().map_err(|_| SealError::Form)?;
        let mut sealed = decode(&self.jwt)?;
        sealed.extend(decode(&self.authentication_data)?);
        let key = UnboundKey::new(&AES_256_GCM, inner_key).map_err(|_| SealError::Closed)?;
        let token = LessSafeKey::new(key)
            .open_in_place(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(ASSOCIATED_DATA),
                &mut sealed,
            )
            .map_err(|_| SealError::Closed)?;
        String::from_utf8(token.to_vec()).map_err(|_| SealError::Form)
    }

    /// The same with the private key, PKCS#8 DER, as only software has one.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open_with(&self, pkcs8: &[u8]) -> Result<String, SealError> {
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| SealError::Key)?;
        let key = Pkcs1PrivateDecryptingKey::new(key).map_err(|_| SealError::Key)?;
        let mut out = vec![0; key.min_output_size()];
        let inner_key =
            key.decrypt(&self.encrypted_inner_key()?, &mut out).map_err(|_| SealError::Closed)?;
        self.open(inner_key)
    }
}

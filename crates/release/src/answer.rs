//! The answer as the workload reads it: verified, then opened with its private key.

use avouch_pki::{Certificate, CertificateError, KeyKind, SignatureScheme};
use avouch_wire::base64url::{self, DecodeError};
use avouch_wire::json::{JsonError, parse_object};
use avouch_wire::{excerpt, failed_check};
use serde_json::{Map, Value};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    KeyMaterial, KeyMaterialError, UnknownWrapAlgorithm, UnwrapError, UnwrappingKey, WrapAlgorithm,
    unwrap,
};

/// Longest answer read, in bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Most certificates in its header.
const CERTIFICATES_MAX: usize = 10;

/// An answer whose signature was verified by its first certificate. Only [`SignedAnswer::verify`] makes
/// one.
///
/// Proven: whoever holds the key of the first certificate signed it. Not proven: that this certificate is
/// for the vault's host and under a root that anybody trusts, which is for who has roots and a clock.
#[derive(Debug, Clone)]
pub struct SignedAnswer {
    certificates: Vec<Certificate>,
    payload: Map<String, Value>,
}

/// Why an answer is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignedAnswerError {
    /// Not three parts of base64url, or too long.
    #[error("answer is not a compact JWS of at most {ANSWER_BYTES_MAX} bytes")]
    Form,
    /// A part that is no base64url.
    #[error("answer: {0}")]
    Base64(#[from] DecodeError),
    /// A part that is no JSON object.
    #[error("answer: {0}")]
    Json(#[from] JsonError),
    /// Not RS256.
    #[error("answer is not signed by RS256")]
    Algorithm,
    /// No certificates in the header, or too many.
    #[error("answer has no certificates in x5c, or more than {CERTIFICATES_MAX}")]
    Certificates,
    /// One that cannot be read.
    #[error("certificate in x5c: {0}")]
    Certificate(#[from] CertificateError),
    /// Its signature is not that of the first certificate's key.
    #[error("signature is not that of the first certificate's key")]
    Signature,
    /// Something that an answer has is missing.
    #[error("answer has no {0}")]
    Missing(&'static str),
    /// It is to a request for another key.
    #[error("answer is of key {}, asked for was {}", excerpt(.found), excerpt(.asked))]
    OtherKey {
        /// The key's identifier in the answer.
        found: String,
        /// Name, or name and version.
        asked: String,
    },
    /// It repeats another nonce than was sent.
    #[error("answer is to another request: its nonce is not the one that was sent")]
    Nonce,
    /// `enc` is not known.
    #[error(transparent)]
    Algorithms(#[from] UnknownWrapAlgorithm),
    /// It does not open.
    #[error(transparent)]
    Unwrap(#[from] UnwrapError),
    /// What was in it is no key.
    #[error(transparent)]
    Material(#[from] KeyMaterialError),
}

failed_check!(SignedAnswerError {
    Self::Unwrap(error) => (error.check(), UnwrapError::checks()),
    _ => "release-answer",
});

impl SignedAnswer {
    /// Verifies a compact JWS by the first certificate of its header: RS256 only.
    ///
    /// # Errors
    /// [`SignedAnswerError`].
    pub fn verify(value: &str) -> Result<Self, SignedAnswerError> {
        let (message, signature) = value.rsplit_once('.').ok_or(SignedAnswerError::Form)?;
        let (header, payload) = message.split_once('.').ok_or(SignedAnswerError::Form)?;
        if value.len() > ANSWER_BYTES_MAX || payload.contains('.') {
            return Err(SignedAnswerError::Form);
        }
        let header = object(header)?;
        if header.get("alg").and_then(Value::as_str) != Some("RS256") {
            return Err(SignedAnswerError::Algorithm);
        }
        let certificates = certificates(&header)?;
        let first = certificates.first().ok_or(SignedAnswerError::Certificates)?;
        let key = first.public_key();
        if !matches!(key.kind(), KeyKind::Rsa { .. }) {
            return Err(SignedAnswerError::Algorithm);
        }
        key.verify(
            SignatureScheme::RsaPkcs1Sha256,
            message.as_bytes(),
            &base64url::decode(signature)?,
        )
        .map_err(|_| SignedAnswerError::Signature)?;
        Ok(Self { certificates, payload: object(payload)? })
    }

    /// The certificates of its header, its own first, the root last.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The identifier of the released key.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.request()?.get("kid")?.as_str()
    }

    /// Opens the answer to a request that had this nonce, for this key: its name, or `name/version`.
    ///
    /// That it is this key is signed; whoever stands between could have asked for another.
    ///
    /// # Errors
    /// [`SignedAnswerError`].
    pub fn open(
        &self,
        private: &UnwrappingKey,
        nonce: &str,
        asked: &str,
    ) -> Result<KeyMaterial, SignedAnswerError> {
        let request = self.request().ok_or(SignedAnswerError::Missing("request"))?;
        let found = self.kid().ok_or(SignedAnswerError::Missing("request.kid"))?;
        if !is_of_key(found, asked) {
            let (found, asked) = (found.to_owned(), asked.to_owned());
            return Err(SignedAnswerError::OtherKey { found, asked });
        }
        if request.get("nonce").and_then(Value::as_str) != Some(nonce) {
            return Err(SignedAnswerError::Nonce);
        }
        let enc = request.get("enc").and_then(Value::as_str);
        let algorithm =
            WrapAlgorithm::from_name(enc.ok_or(SignedAnswerError::Missing("request.enc"))?)?;
        let key = self
            .payload
            .get("response")
            .and_then(|response| response.get("key")?.get("key"))
            .filter(|key| key.get("kid").and_then(Value::as_str) == Some(found))
            .ok_or(SignedAnswerError::Missing("response.key.key of that kid"))?;
        let member = |name: &'static str| {
            key.get(name).and_then(Value::as_str).ok_or(SignedAnswerError::Missing(name))
        };
        let wrapped = object(member("key_hsm")?)?;
        let ciphertext = wrapped
            .get("ciphertext")
            .and_then(Value::as_str)
            .ok_or(SignedAnswerError::Missing("ciphertext"))?;
        let bytes: Zeroizing<Vec<u8>> =
            unwrap(private, algorithm, &base64url::decode(ciphertext)?)?;
        let key_type = member("kty")?;
        Ok(match key_type.strip_suffix("-HSM").unwrap_or(key_type) {
            "oct" => KeyMaterial::from_secret(bytes)?,
            _ => KeyMaterial::from_pkcs8_der(bytes)?,
        })
    }

    fn request(&self) -> Option<&Map<String, Value>> {
        self.payload.get("request")?.as_object()
    }
}

/// Whether an identifier, `https://vault/keys/name/version`, is of the key that was asked for. Names that
/// differ in case are one.
fn is_of_key(kid: &str, asked: &str) -> bool {
    let mut last = kid.rsplit('/');
    let (version, name, keys) = (last.next(), last.next(), last.next());
    let (asked_name, asked_version) = match asked.split_once('/') {
        Some((name, version)) => (name, Some(version).filter(|version| !version.is_empty())),
        None => (asked, None),
    };
    keys == Some("keys")
        && name.is_some_and(|name| name.eq_ignore_ascii_case(asked_name))
        && asked_version.is_none_or(|asked| version == Some(asked))
}

fn object(part: &str) -> Result<Map<String, Value>, SignedAnswerError> {
    Ok(parse_object(&base64url::decode(part)?, ANSWER_BYTES_MAX)?)
}

fn certificates(header: &Map<String, Value>) -> Result<Vec<Certificate>, SignedAnswerError> {
    let all = header.get("x5c").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if all.is_empty() || all.len() > CERTIFICATES_MAX {
        return Err(SignedAnswerError::Certificates);
    }
    all.iter()
        .map(|one| {
            let text = one.as_str().ok_or(SignedAnswerError::Certificates)?;
            Ok(Certificate::parse(&base64url::decode_standard(text)?)?)
        })
        .collect()
}

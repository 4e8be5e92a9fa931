//! Certificate chains in JSON: `x5c`, an array of DER in standard base64 (RFC 7515, section 4.1.6).

use avouch_pki::{Certificate, CertificateError, KeyKind};
use avouch_wire::base64url::{self, DecodeError};
use serde_json::{Map, Value, json};
use thiserror::Error;

/// Most certificates in one chain; MAA sends one or three.
const CERTIFICATES_LIMIT: usize = 10;

/// Why a value is not a chain of certificates.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum X5cError {
    /// No array of strings.
    #[error("x5c is not an array of strings")]
    NotStrings,
    /// An empty array.
    #[error("x5c is empty")]
    Empty,
    /// More certificates than accepted.
    #[error("x5c has {found} certificates, over the limit of {limit}")]
    TooMany {
        /// Certificates found.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// An entry that is no standard base64.
    #[error("x5c[{index}]: {source}")]
    Base64 {
        /// Its index.
        index: usize,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// An entry that is no certificate that can be read.
    #[error("x5c[{index}]: {source}")]
    Certificate {
        /// Its index.
        index: usize,
        /// What is wrong with it.
        source: CertificateError,
    },
}

/// Reads a chain of 1 to 10 certificates; nothing about them is trusted.
pub(crate) fn read(value: &Value) -> Result<Vec<Certificate>, X5cError> {
    let texts = value.as_array().ok_or(X5cError::NotStrings)?;
    if texts.is_empty() {
        return Err(X5cError::Empty);
    }
    if texts.len() > CERTIFICATES_LIMIT {
        return Err(X5cError::TooMany { found: texts.len(), limit: CERTIFICATES_LIMIT });
    }
    let certificate = |(index, text): (usize, &Value)| {
        let text = text.as_str().ok_or(X5cError::NotStrings)?;
        let der = base64url::decode_standard(text)
            .map_err(|source| X5cError::Base64 { index, source })?;
        Certificate::parse(&der).map_err(|source| X5cError::Certificate { index, source })
    };
    texts.iter().enumerate().map(certificate).collect()
}

/// The JWK that MAA shows a signer or policy certificate as: `alg`, `kty`, `use`, `x5c`, no more.
///
/// # Source
/// `docs/maa/policies.md#policy-certificates`: seen for RSA; EC by analogy.
#[must_use]
pub fn signer_jwk(certificates: &[Certificate]) -> Value {
    let kind = certificates.first().map(|certificate| certificate.public_key().kind());
    let (algorithm, key_type) = match kind {
        Some(KeyKind::P256) => ("ES256", "EC"),
        Some(KeyKind::P384) => ("ES384", "EC"),
        Some(KeyKind::P521) => ("ES512", "EC"),
        Some(KeyKind::Rsa { .. }) | None => ("RS256", "RSA"),
    };
    let chain: Vec<String> = certificates
        .iter()
        .map(|certificate| base64url::encode_standard(certificate.der()))
        .collect();
    json!({"alg": algorithm, "kty": key_type, "use": "sig", "x5c": chain})
}

/// `kty` of a certificate's key.
pub(crate) fn key_type(certificate: &Certificate) -> &'static str {
    match certificate.public_key().kind() {
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => "EC",
        KeyKind::Rsa { .. } => "RSA",
    }
}

/// Why a JWK does not name a policy certificate.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CertificateJwkError {
    /// No object.
    #[error("the key is not an object")]
    NotObject,
    /// No `x5c`.
    #[error("the key has no x5c")]
    NoCertificate,
    /// `x5c` is malformed.
    #[error(transparent)]
    X5c(#[from] X5cError),
    /// An RSA key that is too short to be trusted.
    #[error("the certificate's RSA key has {found} bits, at least 2048 are needed")]
    ShortKey {
        /// Length in bits.
        found: usize,
    },
    /// More keys than a provider may have.
    #[error("{found} keys are over the limit of {limit}")]
    TooMany {
        /// Keys found.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// `keys` is missing or no array.
    #[error("no array \"keys\"")]
    NoKeys,
}

/// The policy certificate that a JWK `{"kty","x5c"}` names: the first of `x5c`.
///
/// Further certificates must be readable and are dropped: trusting an issuer is another decision
/// than trusting the one signer named first. `kty` is not compared: clients name every key `RSA`,
/// and the certificate says what its key is.
///
/// # Errors
/// [`CertificateJwkError`].
pub fn certificate_of_jwk(jwk: &Value) -> Result<Certificate, CertificateJwkError> {
    let members: &Map<String, Value> = jwk.as_object().ok_or(CertificateJwkError::NotObject)?;
    let chain = members.get("x5c").ok_or(CertificateJwkError::NoCertificate)?;
    let certificate = read(chain)?.into_iter().next().ok_or(X5cError::Empty)?;
    match certificate.public_key().kind() {
        KeyKind::Rsa { modulus_bits } if modulus_bits < 2048 => {
            Err(CertificateJwkError::ShortKey { found: modulus_bits })
        }
        _ => Ok(certificate),
    }
}

/// Most policy certificates of one provider.
pub const POLICY_CERTIFICATES_LIMIT: usize = 64;

/// The policy certificates of `{"keys":[…]}`, the form of `policySigningCertificates` in the
/// control plane; an empty list is allowed and means a provider of trust model AAD.
///
/// # Errors
/// [`CertificateJwkError`] for the first key that names none.
pub fn policy_certificates(set: &Value) -> Result<Vec<Certificate>, CertificateJwkError> {
    let keys = set.get("keys").and_then(Value::as_array).ok_or(CertificateJwkError::NoKeys)?;
    if keys.len() > POLICY_CERTIFICATES_LIMIT {
        let limit = POLICY_CERTIFICATES_LIMIT;
        return Err(CertificateJwkError::TooMany { found: keys.len(), limit });
    }
    keys.iter().map(certificate_of_jwk).collect()
}

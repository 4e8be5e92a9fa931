//! The answer: a JWS that shows the request, the key's public half, and the wrapped key.

use std::fmt;
use std::sync::Arc;

use avouch_pki::{Certificate, digest};
use avouch_token::{Algorithm, SignError, Signer};
use avouch_wire::json::to_canonical;
use avouch_wire::{base64url, failed_check};
use serde_json::{Value, json};
use thiserror::Error;

use crate::key::encoded;
use crate::{KeyVersion, PolicyEnvelope, ReleaseRequest, WrappingKey};

/// Version of the form of `key_hsm`.
const SCHEMA_VERSION: &str = "1.0.0";
/// Most certificates of a chain.
const CERTIFICATES_MAX: usize = 10;

/// Signs answers with one key and the certificates for it; the header is encoded once.
#[derive(Clone)]
pub struct ReleaseSigner {
    signer: Arc<dyn Signer>,
    head: String,
}

/// Why a key and certificates cannot sign answers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReleaseSignerError {
    /// No certificates, or more than a chain has.
    #[error("chain of {found} certificates, expected 1 to {CERTIFICATES_MAX}")]
    Count {
        /// How many.
        found: usize,
    },
    /// Clients take signatures by RS256 only.
    #[error("signing key signs by {0}, clients of released keys take RS256")]
    Algorithm(Algorithm),
    /// The first certificate is for another key.
    #[error("the first certificate ({subject:?}) is not for the signing key")]
    CertificateForOtherKey {
        /// Its subject.
        subject: String,
    },
    /// A certificate that the next one did not sign.
    #[error("certificate {index} ({subject:?}) is not signed by the one behind it")]
    Order {
        /// Its index.
        index: usize,
        /// Its subject.
        subject: String,
    },
    /// The last one is no root: clients take it for one and leave it out of the chain.
    #[error("the last certificate ({subject:?}) is not a root: it is not signed by itself")]
    NoRoot {
        /// Its subject.
        subject: String,
    },
}

failed_check!(ReleaseSignerError {
    _ => "release-signer",
});

impl ReleaseSigner {
    /// Puts a key and its certificates together: its own first, each signed by the next, the root last.
    ///
    /// Not checked: dates, and the host name that clients compare the first certificate with.
    ///
    /// # Errors
    /// [`ReleaseSignerError`].
    pub fn new(signer: Arc<dyn Signer>, chain: &[Certificate]) -> Result<Self, ReleaseSignerError> {
        let (Some(first), Some(last), 1..=CERTIFICATES_MAX) =
            (chain.first(), chain.last(), chain.len())
        else {
            return Err(ReleaseSignerError::Count { found: chain.len() });
        };
        if signer.algorithm() != Algorithm::Rs256 {
            return Err(ReleaseSignerError::Algorithm(signer.algorithm()));
        }
        let subject = |certificate: &Certificate| certificate.subject().to_string();
        if first.public_key() != signer.public_key() {
            return Err(ReleaseSignerError::CertificateForOtherKey { subject: subject(first) });
        }
        for (index, (one, next)) in chain.iter().zip(chain.iter().skip(1)).enumerate() {
            if !one.is_signed_by(next.public_key()) {
                return Err(ReleaseSignerError::Order { index, subject: subject(one) });
            }
        }
        if !last.is_signed_by(last.public_key()) {
            return Err(ReleaseSignerError::NoRoot { subject: subject(last) });
        }
        let x5c: Vec<String> =
            chain.iter().map(|one| base64url::encode_standard(one.der())).collect();
        let header = json!({
            "alg": signer.algorithm().name(),
            "kid": signer.kid(),
            "x5c": x5c,
            "x5t#S256": base64url::encode(digest::sha256(first.der()).as_bytes()),
        });
        let mut head = encoded(&header);
        head.push('.');
        Ok(Self { signer, head })
    }

    fn sign(&self, payload: &Value) -> Result<String, SignError> {
        let mut jws = self.head.clone();
        base64url::encode_append(to_canonical(payload), &mut jws);
        let signature = self.signer.sign(jws.as_bytes())?;
        jws.push('.');
        base64url::encode_append(signature, &mut jws);
        Ok(jws)
    }
}

impl fmt::Debug for ReleaseSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReleaseSigner").field("kid", &self.signer.kid()).finish_non_exhaustive()
    }
}

/// All that an answer shows.
pub(crate) struct Answer<'a> {
    pub(crate) request: &'a ReleaseRequest,
    pub(crate) api_version: &'a str,
    pub(crate) key: &'a KeyVersion,
    pub(crate) policy: &'a PolicyEnvelope,
    pub(crate) wrapping_key: &'a WrappingKey,
    pub(crate) ciphertext: &'a [u8],
}

impl Answer<'_> {
    /// The compact JWS.
    pub(crate) fn sign(&self, signer: &ReleaseSigner) -> Result<String, SignError> {
        signer
            .sign(&json!({"request": self.request_shown(), "response": {"key": self.key_shown()}}))
    }

    /// What was asked, with the algorithm that is in effect also where none was named: clients unwrap
    /// by what stands here.
    fn request_shown(&self) -> Value {
        let members = [
            ("api-version", Some(self.api_version)),
            ("enc", Some(self.request.algorithm().name())),
            ("kid", Some(&*self.key.kid)),
            ("nonce", self.request.nonce()),
        ];
        members.into_iter().filter_map(|(name, text)| Some((name, Value::from(text?)))).collect()
    }

    fn key_shown(&self) -> Value {
        let mut jwk = self.key.public_jwk();
        let wrapped = json!({
            "schema_version": SCHEMA_VERSION,
            "header": {
                "kid": self.wrapping_key.kid().unwrap_or_default(),
                "alg": "dir",
                "enc": self.request.algorithm().name(),
            },
            "ciphertext": base64url::encode(self.ciphertext),
        });
        jwk.insert("key_hsm".to_owned(), encoded(&wrapped).into());
        json!({
            "attributes": self.key.attributes.to_json(),
            "key": jwk,
            "release_policy": self.policy.to_json_of_answer(),
        })
    }
}

//! Why a message of the protocol is refused.

use avouch_pki::KeyError;
use avouch_wire::json::JsonError;
use avouch_wire::{Hex, ParseError, base64url, excerpt, failed_check};
use thiserror::Error;

use crate::{
    AkError, AttestError, CertifyError, PublicError, QuoteError, SignatureError,
    TpmCertificateError,
};

/// Why a message cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProtocolError {
    /// The message is not base64.
    #[error("data: {0}")]
    Base64(#[from] base64url::DecodeError),
    /// The message is not a JSON object.
    #[error("message: {0}")]
    Json(#[from] JsonError),
    /// Not one of the protocol's messages.
    #[error("the message is no message of the TPM protocol: {0}")]
    Shape(&'static str),
    /// A `type` that no message has.
    #[error("message type {} is not known, expected \"aikcert\"", excerpt(.found))]
    Type {
        /// `type`.
        found: String,
    },
    /// The request is not a compact JWS.
    #[error("request: {0}")]
    Jws(&'static str),
    /// The JWS says that it is something else.
    #[error("request header: {0}")]
    Header(&'static str),
    /// A member is absent or of another kind.
    #[error("{path}: {problem}")]
    Member {
        /// Name of the member, with that of the object it stands in.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A key is not one that can be used.
    #[error("{path}: {source}")]
    Key {
        /// Where it stands.
        path: &'static str,
        /// What is wrong with it.
        source: KeyError,
    },
    /// More keys than the protocol has.
    #[error("{found} other keys, the protocol has at most {limit}")]
    OtherKeys {
        /// How many there are.
        found: usize,
        /// How many are accepted.
        limit: usize,
    },
    /// The public area of the key is malformed.
    #[error("ak_public: {0}")]
    Public(#[from] PublicError),
    /// The claim of Windows' key storage provider is malformed.
    #[error(transparent)]
    ClaimBlob(#[from] ParseError),
}

failed_check!(ProtocolError {
    Self::Base64(_) => "tpm-message",
    Self::Json(_) => "tpm-message",
    Self::Shape(_) => "tpm-message",
    Self::Type { .. } => "tpm-message-type",
    Self::Jws(_) => "tpm-request-jws",
    Self::Header(_) => "tpm-request-header",
    Self::Member { .. } => "tpm-request-member",
    Self::Key { .. } => "tpm-request-key",
    Self::OtherKeys { .. } => "tpm-other-keys",
    Self::Public(error) => (error.check(), PublicError::checks()),
    Self::ClaimBlob(_) => "tpm-claim-blob",
});

/// Why a request that could be read proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestError {
    /// It cannot be read.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The key inside did not sign it.
    #[error("the request is not signed by its own key")]
    Signature,
    /// It answers another challenge than its context holds.
    #[error("the request's challenge is not the one that was given")]
    Challenge,
    /// No AIK certificate, and one is needed.
    #[error("the request has no AIK certificate, and the provider needs one")]
    AikMissing,
    /// The AIK is another than the one that the challenge was given for.
    #[error("the AIK has the hash {found}, the challenge was given for {expected}")]
    AikSwapped {
        /// SHA-256 of the AIK that the challenge was given for.
        expected: Hex<32>,
        /// SHA-256 of the AIK in the request.
        found: Hex<32>,
    },
    /// The AIK is another than the enrolled one.
    #[error("the AIK has the hash {found}, enrolled is {enrolled}")]
    EnrolledKey {
        /// SHA-256 of the AIK that was enrolled.
        enrolled: Hex<32>,
        /// SHA-256 of the AIK in the request.
        found: Hex<32>,
    },
    /// The request names an enrolment that was not opened.
    #[error("the request's enrolment was not opened")]
    EnrolmentUnopened,
    /// Nothing ties the request's key to the TPM.
    #[error("the request's key must be bound by the quote or certified by the AIK")]
    KeyUnbound,
    /// The attestations are by different AIKs.
    #[error("the attestation of the boot is by another AIK than the current one")]
    BootAik,
    /// The certificate of the AIK is refused.
    #[error(transparent)]
    Certificate(#[from] TpmCertificateError),
    /// The AIK may not attest.
    #[error(transparent)]
    Ak(#[from] AkError),
    /// The quote, or a certification, is malformed.
    #[error(transparent)]
    Attest(#[from] AttestError),
    /// A signature of the TPM is malformed.
    #[error(transparent)]
    TpmSignature(#[from] SignatureError),
    /// The quote does not hold.
    #[error(transparent)]
    Quote(#[from] QuoteError),
    /// The public area of a certified key is malformed.
    #[error(transparent)]
    Public(#[from] PublicError),
    /// A certification of a key does not hold.
    #[error(transparent)]
    Certify(#[from] CertifyError),
    /// The certified key is not the one in the request.
    #[error("the certified key is not the key of the request")]
    CertifiedKey,
}

failed_check!(RequestError {
    Self::Protocol(error) => (error.check(), ProtocolError::checks()),
    Self::Signature => "tpm-request-signature",
    Self::Challenge => "tpm-challenge",
    Self::AikMissing => "tpm-aik-missing",
    Self::AikSwapped { .. } => "tpm-aik-swapped",
    Self::EnrolledKey { .. } => "tpm-enrolment-aik",
    Self::EnrolmentUnopened => "tpm-enrolment",
    Self::KeyUnbound => "tpm-request-key-unbound",
    Self::BootAik => "tpm-boot-aik",
    Self::Certificate(error) => (error.check(), TpmCertificateError::checks()),
    Self::Ak(error) => (error.check(), AkError::checks()),
    Self::Attest(error) => (error.check(), AttestError::checks()),
    Self::TpmSignature(error) => (error.check(), SignatureError::checks()),
    Self::Quote(error) => (error.check(), QuoteError::checks()),
    Self::Public(error) => (error.check(), PublicError::checks()),
    Self::Certify(error) => (error.check(), CertifyError::checks()),
    Self::CertifiedKey => "tpm-certified-key",
});

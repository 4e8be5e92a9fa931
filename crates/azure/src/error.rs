//! Why evidence of a virtual machine is refused.

use avouch_pki::OutsideWindow;
use avouch_tpm::{
    AkError, AttestError, CertifyError, PcrMask, PublicError, QuoteError, TpmCertificateError,
};
use avouch_wire::failed_check;
use thiserror::Error;

use crate::{SealingKeyError, document::DocumentError};

/// Why the certificate of a virtual TPM's attestation key is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AkCertificateError {
    /// The certificate itself, or its path.
    #[error(transparent)]
    Certificate(#[from] TpmCertificateError),
    /// The CA of Azure's that it rests on is out of its own time.
    #[error("the certificate of {ca:?}: {source}")]
    CaOutsideWindow {
        /// Common name of the CA.
        ca: String,
        /// By how much.
        source: OutsideWindow,
    },
    /// More CAs stand below the one of Azure's than its certificate allows.
    #[error("{found} CAs stand below {ca:?}, over its limit of {limit}")]
    TooDeep {
        /// Common name of the CA.
        ca: String,
        /// How many there are.
        found: usize,
        /// How many it allows.
        limit: usize,
    },
}

failed_check!(AkCertificateError {
    Self::Certificate(error) => (error.check(), TpmCertificateError::checks()),
    Self::CaOutsideWindow { source: OutsideWindow::NotYetValid { .. }, .. } => "tpm-ca-not-yet-valid",
    Self::CaOutsideWindow { source: OutsideWindow::Expired { .. }, .. } => "tpm-ca-expired",
    Self::TooDeep { .. } => "tpm-ca-path-length",
});

/// Why guest attestation is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GuestError {
    /// The document is not what clients send.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A public area cannot be read.
    #[error("{member}: {source}")]
    Public {
        /// `AikPub` or `EncKeyPub`.
        member: &'static str,
        /// What is wrong with it.
        source: PublicError,
    },
    /// What a TPM answered beside a public area is not about that key.
    #[error("{member}: what follows the public area is not its Name and a qualified name")]
    PublicNames {
        /// `AikPub` or `EncKeyPub`.
        member: &'static str,
    },
    /// A structure that a TPM signs cannot be read.
    #[error("{member}: {source}")]
    Attest {
        /// `PcrQuote` or `EncKeyCertifyInfo`.
        member: &'static str,
        /// What is wrong with it.
        source: AttestError,
    },
    /// The key may not attest, or something else names another one.
    #[error(transparent)]
    Ak(#[from] AkError),
    /// The key's certificate is refused.
    #[error(transparent)]
    Certificate(#[from] AkCertificateError),
    /// Nothing says that the key is a TPM's.
    #[error("no certificate of the attestation key was sent, and nothing else vouches for it")]
    NotVouched,
    /// The quote is refused.
    #[error("quote: {0}")]
    Quote(#[from] QuoteError),
    /// The quote has another bank than that of SHA-256, or other PCRs than were said to be in it.
    #[error("PcrSet says {said}, of SHA-256 alone; the quote has {found} of it")]
    Selection {
        /// What the document says.
        said: PcrMask,
        /// What is quoted of SHA-256.
        found: PcrMask,
    },
    /// The key for the answer does not live in this TPM.
    #[error("EncKeyCertifyInfo: {0}")]
    Certify(#[from] CertifyError),
    /// The key for the answer does not keep what is sealed to it.
    #[error("EncKeyPub: {0}")]
    SealingKey(#[from] SealingKeyError),
}

failed_check!(GuestError {
    Self::Document(error) => (error.check(), DocumentError::checks()),
    Self::Public { source, .. } => (source.check(), PublicError::checks()),
    Self::PublicNames { .. } => "guest-public-names",
    Self::Attest { source, .. } => (source.check(), AttestError::checks()),
    Self::Ak(error) => (error.check(), AkError::checks()),
    Self::Certificate(error) => (error.check(), AkCertificateError::checks()),
    Self::NotVouched => "guest-ak-not-vouched",
    Self::Quote(error) => (error.check(), QuoteError::checks()),
    Self::Selection { .. } => "guest-pcr-set",
    Self::Certify(error) => (error.check(), CertifyError::checks()),
    Self::SealingKey(error) => (error.check(), SealingKeyError::checks()),
});

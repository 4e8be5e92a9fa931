//! Why an endorsement of a utility VM is refused.

use avouch_pki::{CertificateError, PathChecks, PathError, path_checks};
use avouch_wire::{Hex, UnixTime, beginning, excerpt, failed_check};
use thiserror::Error;

/// Why an endorsement of a utility VM is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UvmError {
    /// Larger than any endorsement.
    #[error("UVM endorsement has {found} bytes, over the limit of {limit}")]
    TooLarge {
        /// Its size in bytes.
        found: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Not a tagged `COSE_Sign1`.
    #[error("UVM endorsement is no tagged COSE_Sign1: {reason}")]
    Cose {
        /// What the reader says.
        reason: String,
    },
    /// A header is missing or of another type or value than it must be.
    #[error("protected header {name}: {reason}")]
    Header {
        /// Its name or number.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Another signature algorithm than PS384 or ES384.
    #[error("algorithm is {}, expected -38 (PS384) or -35 (ES384)", beginning(.found, 64))]
    Algorithm {
        /// Its COSE number or name.
        found: String,
    },
    /// A header that must be understood and is not.
    #[error("critical headers are not understood: {}", beginning(.found, 200))]
    CriticalHeader {
        /// The headers.
        found: String,
    },
    /// Headers of both generations in one endorsement.
    #[error("header {found} of the old form stands beside CWT claims, or the other way round")]
    MixedForms {
        /// The header that does not belong.
        found: &'static str,
    },
    /// A certificate of the chain cannot be read.
    #[error("x5chain certificate {index}: {source}")]
    Certificate {
        /// Its place, 0 for the signer's.
        index: usize,
        /// What is wrong with it.
        source: CertificateError,
    },
    /// A chain that is too short or too long.
    #[error("x5chain has {found} certificates, expected {least} to {most}")]
    ChainLength {
        /// How many there are.
        found: usize,
        /// The fewest accepted.
        least: usize,
        /// The most accepted.
        most: usize,
    },
    /// The thumbprint header names another certificate.
    #[error("x5t is {found}, the signer's certificate has {expected}")]
    Thumbprint {
        /// SHA-256 of the signer's certificate.
        expected: Hex<32>,
        /// What the header says.
        found: String,
    },
    /// The issuer is no `did:x509` of the form in use.
    #[error("issuer is {}, expected did:x509:0:sha256:<fingerprint>::eku:<oid>", excerpt(.found))]
    Did {
        /// The issuer.
        found: String,
    },
    /// The issuer and feed are not on the trust list.
    #[error("issuer {} with feed {} is not on the trust list", excerpt(.issuer), excerpt(.feed))]
    Untrusted {
        /// The issuer.
        issuer: String,
        /// The feed.
        feed: String,
    },
    /// No CA certificate of the chain is the one that the issuer's identifier names.
    #[error("no CA certificate of x5chain has SHA-256 {expected}; found {found:?}")]
    DidFingerprint {
        /// The fingerprint in the identifier.
        expected: Hex<32>,
        /// Those of the chain's CA certificates.
        found: Vec<Hex<32>>,
    },
    /// The signer's certificate lacks the extended key usage in the issuer's identifier.
    #[error("signer has extended key usages {found:?}, expected {expected}")]
    ExtendedKeyUsage {
        /// The usage in the identifier.
        expected: String,
        /// Those of the certificate.
        found: Vec<String>,
    },
    /// A link of the chain does not hold at the time of signing.
    #[error("at signing time {signed_at}: {source}")]
    Path {
        /// The time of signing, by the signer's word.
        signed_at: UnixTime,
        /// What does not hold.
        source: PathError,
    },
    /// The time of signing has not come.
    #[error("signed at {signed_at}, judged at {at}")]
    SignedInFuture {
        /// The time of signing.
        signed_at: UnixTime,
        /// The moment judged at.
        at: UnixTime,
    },
    /// The signature was not made by the signer's key.
    #[error("COSE signature does not verify under the key of {signer:?}")]
    Signature {
        /// The signer.
        signer: String,
    },
    /// The payload is not what its form says.
    #[error("payload: {reason}")]
    Payload {
        /// What is wrong.
        reason: String,
    },
    /// The security version is below the trust list's floor.
    #[error("SVN of feed {} is {found}, at least {minimum} is required", excerpt(.feed))]
    Svn {
        /// The feed.
        feed: String,
        /// The endorsement's version.
        found: u64,
        /// The floor.
        minimum: u64,
    },
    /// It endorses another measurement.
    #[error("endorsed measurement is {endorsed}, the report's is {report}")]
    Measurement {
        /// The endorsement's.
        endorsed: Hex<48>,
        /// The report's.
        report: Hex<48>,
    },
}

impl UvmError {
    /// Whether the endorsement is sound and merely not one that the operator counts: another
    /// publisher or feed, or too old a version. Such evidence is genuine but not compliant.
    #[must_use]
    pub const fn is_not_counted(&self) -> bool {
        matches!(self, Self::Untrusted { .. } | Self::Svn { .. })
    }
}

static CERTIFICATE: PathChecks = path_checks!(
    "uvm-certificate",
    unsupported_constraint: "critical-extension",
    foreign_root: "root",
);

failed_check!(UvmError {
    Self::TooLarge { .. } => "uvm-size",
    Self::Cose { .. } => "uvm-cose",
    Self::Header { .. } => "uvm-header",
    Self::Algorithm { .. } => "uvm-algorithm",
    Self::CriticalHeader { .. } => "uvm-critical-header",
    Self::MixedForms { .. } => "uvm-mixed-forms",
    Self::Certificate { .. } => "uvm-certificate",
    Self::ChainLength { .. } => "uvm-chain-length",
    Self::Thumbprint { .. } => "uvm-thumbprint",
    Self::Did { .. } => "uvm-did",
    Self::Untrusted { .. } => "uvm-untrusted",
    Self::DidFingerprint { .. } => "uvm-did-fingerprint",
    Self::ExtendedKeyUsage { .. } => "uvm-extended-key-usage",
    Self::Path { source, .. } => (CERTIFICATE.of(&source.kind), CERTIFICATE.all()),
    Self::SignedInFuture { .. } => "uvm-signed-in-future",
    Self::Signature { .. } => "uvm-signature",
    Self::Payload { .. } => "uvm-payload",
    Self::Svn { .. } => "uvm-svn",
    Self::Measurement { .. } => "uvm-measurement",
});

//! Why there is no evidence of one's own.

use std::path::PathBuf;

use avouch_attester::TpmError;
use avouch_azure::{HclError, RuntimeClaimsError};
use avouch_dcap::QuoteError;
use avouch_wire::{ParseError, UnixTime};
use thiserror::Error;

use crate::CertificatesError;

/// Why a TEE gave no evidence. Nothing secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TeeError {
    /// There is none where it was looked for.
    #[error("there is no TEE at {source_name}: {reason}")]
    Absent {
        /// The kind of source.
        source_name: &'static str,
        /// What was looked for, and what was found.
        reason: String,
    },
    /// A file of it cannot be read.
    #[error("cannot read {path}: {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A file of it cannot be written.
    #[error("cannot write {path}: {reason}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A file has more than any evidence.
    #[error("{path} has more than {limit} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How many bytes are read at most.
        limit: u64,
    },
    /// Evidence that no certificate has room for.
    #[error("the evidence takes {found} bytes of a certificate, which has room for {limit}")]
    TooLargeToPublish {
        /// Its bytes as certificates carry it.
        found: usize,
        /// The most.
        limit: usize,
    },
    /// Evidence with a certificate that had ended when it came.
    #[error("the evidence has a certificate that ended at {until}")]
    Expired {
        /// When the first one ended.
        until: UnixTime,
    },
    /// A file is not the number or word that it should be.
    #[error("{path} says {found}, expected {expected}")]
    Unexpected {
        /// The file.
        path: PathBuf,
        /// The beginning of what it says.
        found: String,
        /// What is known.
        expected: &'static str,
    },
    /// Somebody else asked at the same time, again and again.
    #[error("in {attempts} attempts somebody else asked the TEE in between")]
    Conflict {
        /// How often it was tried.
        attempts: u32,
    },
    /// Evidence for other bytes than were asked about.
    #[error("the evidence is for {found}, asked was {expected}")]
    OtherReportData {
        /// What was asked about, in hex.
        expected: String,
        /// What the evidence has, in hex.
        found: String,
    },
    /// A report of another length than reports have.
    #[error("the report has {found} bytes, expected {expected}")]
    ReportLength {
        /// Its bytes.
        found: usize,
        /// What reports have.
        expected: usize,
    },
    /// What came is no quote.
    #[error("the quote: {0}")]
    Quote(#[from] QuoteError),
    /// What the host put beside a report is no table of certificates.
    #[error("the certificate table: {0}")]
    Table(#[from] ParseError),
    /// Certificates that an operator or a host gave are none.
    #[error(transparent)]
    Certificates(#[from] CertificatesError),
    /// The TPM.
    #[error(transparent)]
    Tpm(#[from] TpmError),
    /// What the paravisor left in the TPM.
    #[error("the report at NV index 0x01400001: {0}")]
    Hcl(#[from] HclError),
    /// Its runtime data.
    #[error("the report at NV index 0x01400001: {0}")]
    RuntimeClaims(#[from] RuntimeClaimsError),
    /// The host's own service does not answer, or not as it should.
    #[error("{url}: {reason}")]
    Host {
        /// What was asked.
        url: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// No answer in time.
    #[error("the TEE has not answered within {milliseconds} ms")]
    Silent {
        /// For how long it was waited.
        milliseconds: u128,
    },
    /// Too many wait already.
    #[error("too many questions wait for the TEE already")]
    Busy,
    /// The thread that asks is gone, or panicked: a mistake of this program.
    #[error("the thread that asks the TEE has ended, or panicked")]
    Ended,
}

impl TeeError {
    /// The same for everybody's eyes: no path, no address, and nothing that a host or a file said.
    #[must_use]
    pub fn without_places(&self) -> String {
        let said = match self {
            Self::Absent { source_name, .. } => return format!("there is no TEE at {source_name}"),
            Self::Read { .. } => "a file of the TEE cannot be read",
            Self::Write { .. } => "a file of the TEE cannot be written",
            Self::TooLarge { .. } => "a file of the TEE is too large",
            Self::Unexpected { .. } => "a file of the TEE says what is not known",
            Self::Certificates(_) => "the certificates of SEV-SNP cannot be read",
            Self::Tpm(_) => "the TPM failed",
            Self::Host { .. } => "the host's service gives no answer that can be used",
            other => return other.to_string(),
        };
        format!("{said}; the log says more")
    }
}

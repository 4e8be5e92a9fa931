//! What the arm itself refuses.

use avouch_bootlog::boot::{BootError, NoSigningKey};
use avouch_bootlog::ima::{ListError, ReplayError};
use avouch_vbs::{ReportError, SigningKeyError, VerifyError};
use avouch_wire::failed_check;
use thiserror::Error;

/// Why TPM evidence is refused that could be read.
#[derive(Debug, Error)]
pub enum TpmRefused {
    /// It is neither a request nor an attestation.
    #[error("this is neither a request of the TPM protocol (a JWS) nor an attestation (JSON)")]
    Form,
    /// Nobody says what it must answer: then it may be as old as its sender likes.
    #[error("it is not known which challenge the quote must answer")]
    Challenge,
    /// There is no place in it for such data.
    #[error("a quote binds a request's key alone: TPM evidence goes without {member}")]
    HeldData {
        /// The member of the request.
        member: &'static str,
    },
    /// More logs than can be judged.
    #[error("{found} {what}: a quote explains one, and logs before it need quotes of their own")]
    Logs {
        /// Which.
        what: &'static str,
        /// How many there are.
        found: usize,
    },
    /// The firmware's log is refused.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The kernel's list cannot be read.
    #[error("IMA list: {0}")]
    List(#[from] ListError),
    /// The kernel's list is not what PCR 10 says.
    #[error("IMA list: {0}")]
    Replay(#[from] ReplayError),
    /// Only the log of the boot says whose key signs reports of enclaves.
    #[error("an enclave's report came along, and no log of the boot that says whose key signed it")]
    EnclaveWithoutLog,
    /// The boot proves no key that signs reports of enclaves.
    #[error("enclave: {0}")]
    NoSigningKey(#[from] NoSigningKey),
    /// What the boot measured is no key to sign by.
    #[error("enclave: {0}")]
    SigningKey(#[from] SigningKeyError),
    /// An enclave's report cannot be read.
    #[error("enclave's report: {0}")]
    Report(#[from] ReportError),
    /// An enclave's report proves nothing.
    #[error("enclave: {0}")]
    Enclave(#[from] VerifyError),
}

failed_check!(TpmRefused {
    Self::Form => "tpm-evidence",
    Self::Challenge => "tpm-challenge-unknown",
    Self::HeldData { .. } => "tpm-held-data",
    Self::Logs { .. } => "tpm-logs",
    Self::Boot(error) => (error.check(), BootError::checks()),
    Self::List(error) => (error.check(), ListError::checks()),
    Self::Replay(error) => (error.check(), ReplayError::checks()),
    Self::EnclaveWithoutLog => "vbs-log-missing",
    Self::NoSigningKey(error) => (error.check(), NoSigningKey::checks()),
    Self::SigningKey(error) => (error.check(), SigningKeyError::checks()),
    Self::Report(error) => (error.check(), ReportError::checks()),
    Self::Enclave(error) => (error.check(), VerifyError::checks()),
});

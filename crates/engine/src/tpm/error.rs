//! What the arm itself refuses.

use avouch_bootlog::boot::BootError;
use avouch_bootlog::ima::{ListError, ReplayError};
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
    /// An enclave's report came along, and this build does not judge it.
    #[error("reports of VBS enclaves are not appraised by this build")]
    Enclave,
}

failed_check!(TpmRefused {
    Self::Form => "tpm-evidence",
    Self::Challenge => "tpm-challenge-unknown",
    Self::HeldData { .. } => "tpm-held-data",
    Self::Logs { .. } => "tpm-logs",
    Self::Boot(error) => (error.check(), BootError::checks()),
    Self::List(error) => (error.check(), ListError::checks()),
    Self::Replay(error) => (error.check(), ReplayError::checks()),
    Self::Enclave => "vbs-not-appraised",
});

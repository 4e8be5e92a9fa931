//! What the arm itself refuses.

use avouch_bootlog::boot::BootError;
use avouch_wire::failed_check;
use thiserror::Error;

/// Why guest attestation is refused that could be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AzureRefused {
    /// There is no place in it for such data.
    #[error("nothing in guest attestation binds {member}: what a client adds is its ClientPayload")]
    HeldData {
        /// The member of the request.
        member: &'static str,
    },
    /// The firmware's log is refused.
    #[error(transparent)]
    Boot(#[from] BootError),
}

failed_check!(AzureRefused {
    Self::HeldData { .. } => "guest-held-data",
    Self::Boot(error) => (error.check(), BootError::checks()),
});

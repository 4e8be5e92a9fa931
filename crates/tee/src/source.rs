//! What can be asked for evidence.

use crate::{OwnEvidence, TeeError};

/// A way to this process's, or this machine's, own evidence. Asking may block for as long as the TEE
/// likes: [`crate::TeeWorker`] bounds that.
pub trait EvidenceSource: Send {
    /// What it is called in configuration and reports.
    fn name(&self) -> &'static str;

    /// Evidence whose report data are these bytes.
    ///
    /// # Errors
    /// [`TeeError`].
    fn evidence(&mut self, report_data: &[u8; 64]) -> Result<OwnEvidence, TeeError>;
}

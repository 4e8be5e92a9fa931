//! What a report binds beyond itself: data that its guest or host hashed into it.

use avouch_wire::{Hex, failed_check};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use crate::VerifiedReport;

/// Why data is not what the report binds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BindingError {
    /// REPORT_DATA is another value.
    #[error("REPORT_DATA is {found}, runtime data needs {expected}")]
    RuntimeData {
        /// SHA-256 of the runtime data, then 32 zero bytes.
        expected: Box<Hex<64>>,
        /// `REPORT_DATA`.
        found: Box<Hex<64>>,
    },
    /// HOST_DATA is another value.
    #[error("HOST_DATA is {found}, init-time data needs {expected}")]
    InitTimeData {
        /// SHA-256 of the init-time data.
        expected: Hex<32>,
        /// `HOST_DATA`.
        found: Hex<32>,
    },
}

failed_check!(BindingError {
    Self::RuntimeData { .. } => "runtime-data",
    Self::InitTimeData { .. } => "init-time-data",
});

/// Compares REPORT_DATA with the SHA-256 of runtime data, as sent, and 32 zero bytes: whether the
/// guest put them into the report.
///
/// # Errors
/// [`BindingError::RuntimeData`] with both values.
///
/// # Source
/// MAA's REST specification, `AttestSevSnpVmRequest.runtimeData`; the zeros are in every sample.
pub fn bind_runtime_data(report: &VerifiedReport, sha256: Hex<32>) -> Result<(), BindingError> {
    let mut expected = [0; 64];
    expected.split_at_mut(32).0.copy_from_slice(sha256.as_bytes());
    let found = report.body().report_data;
    if bool::from(expected.ct_eq(found.as_bytes())) {
        return Ok(());
    }
    Err(BindingError::RuntimeData { expected: Box::new(Hex(expected)), found: Box::new(found) })
}

/// Compares HOST_DATA with the SHA-256 of init-time data, as sent: whether the host launched the
/// guest with them.
///
/// For confidential containers the data are the decoded CCE policy.
///
/// # Errors
/// [`BindingError::InitTimeData`] with both values.
///
/// # Source
/// MAA's REST specification, `AttestSevSnpVmRequest.initTimeData`.
pub fn bind_init_time_data(report: &VerifiedReport, sha256: Hex<32>) -> Result<(), BindingError> {
    let found = report.body().host_data;
    if bool::from(sha256.as_bytes().ct_eq(found.as_bytes())) {
        return Ok(());
    }
    Err(BindingError::InitTimeData { expected: sha256, found })
}

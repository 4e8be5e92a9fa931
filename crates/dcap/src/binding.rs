//! Whether data that came with evidence are the data that the enclave or TD vouches for.

use avouch_wire::{Hex, failed_check};
use thiserror::Error;

use crate::quote::Body;
use crate::verify::VerifiedQuote;

/// Why data are not those that the evidence vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BindingError {
    /// Runtime data are not what the report data vouch for.
    #[error("runtime data have SHA-256 {expected}, report data begin with {found}")]
    RuntimeData {
        /// Hash of the data.
        expected: Hex<32>,
        /// First 32 bytes of the report data.
        found: Hex<32>,
    },
    /// Init-time data are not what the configuration id vouches for.
    #[error("init-time data have SHA-256 {expected}, {field} begins with {found}")]
    InitTimeData {
        /// Hash of the data.
        expected: Hex<32>,
        /// First 32 bytes of the field.
        found: Hex<32>,
        /// Which field of the report.
        field: &'static str,
    },
    /// The rest of the field is not zero.
    #[error("{field} holds {found} after the hash of init-time data, expected zeros")]
    InitTimeDataRest {
        /// The bytes after the hash.
        found: Hex<16>,
        /// Which field of the report.
        field: &'static str,
    },
    /// Init-time data need KSS, and the enclave has none.
    #[error(
        "enclave has no key separation and sharing (attributes {attributes}), so CONFIGID binds no init-time data"
    )]
    InitTimeDataWithoutKss {
        /// The enclave's attributes.
        attributes: Hex<16>,
    },
    /// Custom claims of Open Enclave evidence are not what the report data vouch for.
    #[error("custom claims have SHA-256 {expected}, report data begin with {found}")]
    CustomClaims {
        /// Hash of the claims buffer.
        expected: Hex<32>,
        /// First 32 bytes of the report data.
        found: Hex<32>,
    },
}

failed_check!(BindingError {
    Self::RuntimeData { .. } => "runtime-data",
    Self::InitTimeData { .. }
    | Self::InitTimeDataRest { .. }
    | Self::InitTimeDataWithoutKss { .. } => "init-time-data",
    Self::CustomClaims { .. } => "custom-claims",
});

/// Compares the SHA-256 of runtime data, as sent, with the first 32 bytes of the report data.
///
/// The other 32 bytes are free: real enclaves use them.
///
/// # Errors
/// [`BindingError::RuntimeData`] with both values.
pub fn bind_runtime_data(quote: &VerifiedQuote, sha256: Hex<32>) -> Result<(), BindingError> {
    let found = first_half(quote.report_data());
    if sha256 == found {
        return Ok(());
    }
    Err(BindingError::RuntimeData { expected: sha256, found })
}

/// Compares the SHA-256 of init-time data, as sent, with `CONFIGID` of an enclave with KSS, or with
/// `MRCONFIGID` of a TD, whose last 16 bytes must then be zero.
///
/// # Errors
/// [`BindingError`] with both values; always for an enclave without KSS, whose `CONFIGID` means
/// nothing.
pub fn bind_init_time_data(quote: &VerifiedQuote, sha256: Hex<32>) -> Result<(), BindingError> {
    match quote.body() {
        Body::Enclave(report) => {
            if !report.attributes.has_kss() {
                let attributes = report.attributes.0;
                return Err(BindingError::InitTimeDataWithoutKss { attributes });
            }
            check_init_time(sha256, first_half(&report.config_id), "CONFIGID")
        }
        Body::Td(report) => {
            let field = "MRCONFIGID";
            let (hash, rest) = split(&report.mr_config_id);
            check_init_time(sha256, hash, field)?;
            if rest.is_zero() {
                return Ok(());
            }
            Err(BindingError::InitTimeDataRest { found: rest, field })
        }
    }
}

fn check_init_time(
    expected: Hex<32>,
    found: Hex<32>,
    field: &'static str,
) -> Result<(), BindingError> {
    if expected == found {
        return Ok(());
    }
    Err(BindingError::InitTimeData { expected, found, field })
}

/// The first 32 of 64 bytes.
pub(crate) fn first_half(bytes: &Hex<64>) -> Hex<32> {
    let mut half = [0; 32];
    half.iter_mut().zip(bytes.0).for_each(|(place, byte)| *place = byte);
    Hex(half)
}

/// 48 bytes as 32 and 16.
fn split(bytes: &Hex<48>) -> (Hex<32>, Hex<16>) {
    let (mut head, mut tail) = ([0; 32], [0; 16]);
    head.iter_mut().zip(bytes.0).for_each(|(place, byte)| *place = byte);
    tail.iter_mut().zip(bytes.0.into_iter().skip(32)).for_each(|(place, byte)| *place = byte);
    (Hex(head), Hex(tail))
}

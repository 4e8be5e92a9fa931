//! What an endorsement says: a measurement and a security version.

use avouch_wire::Hex;
use serde::Deserialize;

use super::UvmError;
use super::envelope::{Envelope, Form};

/// Measurement and security version, from the places where the form has them.
pub(super) fn read(envelope: &Envelope) -> Result<(Hex<48>, u64), UvmError> {
    match (envelope.form, envelope.svn) {
        (Form::Cwt, Some(svn)) => Ok((raw_measurement(&envelope.payload)?, svn)),
        (Form::Cwt, None) => Err(bad("no security version")),
        (Form::Json, _) => json(&envelope.payload),
    }
}

fn raw_measurement(payload: &[u8]) -> Result<Hex<48>, UvmError> {
    let found = payload.len();
    <[u8; 48]>::try_from(payload)
        .map(Hex)
        .map_err(|_| bad(format!("has {found} bytes, expected the 48 of a measurement")))
}

#[derive(Deserialize)]
struct Statement {
    #[serde(rename = "x-ms-sevsnpvm-launchmeasurement")]
    measurement: String,
    /// Decimal digits in a string.
    #[serde(rename = "x-ms-sevsnpvm-guestsvn")]
    svn: String,
    /// The same as a number, since October 2025.
    #[serde(rename = "x-ms-sevsnpvm-guestsvn-int")]
    svn_number: Option<u64>,
}

fn json(payload: &[u8]) -> Result<(Hex<48>, u64), UvmError> {
    let statement: Statement = avouch_wire::json::read_object(payload).map_err(bad)?;
    let measurement = Hex::from_hex(&statement.measurement)
        .map_err(|error| bad(format!("x-ms-sevsnpvm-launchmeasurement: {error}")))?;
    let digits = statement.svn.bytes().all(|byte| byte.is_ascii_digit());
    let svn = statement.svn.parse().ok().filter(|_| digits);
    let svn: u64 =
        svn.ok_or_else(|| bad("x-ms-sevsnpvm-guestsvn: expected decimal digits in a string"))?;
    match statement.svn_number {
        Some(other) if other != svn => {
            Err(bad(format!("x-ms-sevsnpvm-guestsvn is {svn}, -guestsvn-int is {other}")))
        }
        _ => Ok((measurement, svn)),
    }
}

fn bad(reason: impl Into<String>) -> UvmError {
    UvmError::Payload { reason: reason.into() }
}

#[cfg(test)]
mod tests;

//! A quote as a TEE hands it out: perhaps in a buffer that is longer.

use avouch_dcap::{Body, Quote};
use avouch_wire::Hex;

use crate::TeeError;
use crate::snp_quote::other_report_data;

/// The quote without what lies behind it, if it is over these bytes.
pub(crate) fn checked(bytes: &[u8], report_data: &[u8; 64]) -> Result<Vec<u8>, TeeError> {
    let (quote, found) = read(bytes)?;
    if found.0 != *report_data {
        return Err(other_report_data(report_data, &found));
    }
    Ok(quote)
}

/// The quote without what lies behind it, and what it is over.
pub(crate) fn read(bytes: &[u8]) -> Result<(Vec<u8>, Hex<64>), TeeError> {
    let quote = Quote::parse(bytes)?;
    let end = bytes.len().saturating_sub(quote.untrusted_trailing().len());
    let report_data = match quote.body() {
        Body::Enclave(report) => report.report_data,
        Body::Td(report) => report.report_data,
    };
    Ok((bytes.get(..end).unwrap_or(bytes).to_vec(), report_data))
}

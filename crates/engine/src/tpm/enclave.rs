//! Reports of VBS enclaves, by the identity key that measured boot proves.

use avouch_bootlog::boot::ProvenBoot;
use avouch_vbs::{Report, SigningKey, VerifiedReport, verify_report};

use super::error::TpmRefused;

/// Judges the report of an enclave: `statement` is the text that it must vouch for, byte for byte, and
/// `boot` what the logs prove, among it whose key signs reports.
pub(super) fn enclave(
    statement: &str,
    report: &[u8],
    boot: Option<&ProvenBoot>,
) -> Result<VerifiedReport, TpmRefused> {
    let key = boot.ok_or(TpmRefused::EnclaveWithoutLog)?.identity_signing_key()?;
    let key = SigningKey::of(key.modulus(), key.exponent())?;
    Ok(verify_report(Report::parse(report)?, &key, statement.as_bytes())?)
}

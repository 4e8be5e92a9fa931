//! Reports of VBS enclaves, by the identity key that measured boot proves.

use avouch_bootlog::boot::ProvenBoot;
use avouch_claims::ServiceClaim;
use serde_json::Value;

use super::error::TpmRefused;

/// What an enclave's report proves.
#[derive(Debug)]
pub(super) struct ProvenEnclave {
    pub(super) claims: Vec<ServiceClaim>,
    pub(super) facts: Value,
}

/// Judges the report of an enclave: `statement` is the text that it must vouch for, byte for byte.
pub(super) fn enclave(
    _statement: &str,
    _report: &[u8],
    _boot: Option<&ProvenBoot>,
) -> Result<ProvenEnclave, TpmRefused> {
    Err(TpmRefused::Enclave)
}

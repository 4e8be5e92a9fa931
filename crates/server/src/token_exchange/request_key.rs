//! The key that signed a request to attest a TPM, as the report speaks of it.

use serde_json::{Map, Value};

/// The claim of reports; no policy can issue it in one.
const CLAIM: &str = "x-ms-tpm-request-key";

/// Whether the token is a report whose request was signed by a key that the TPM bound.
pub(super) fn is_bound(claims: &Map<String, Value>) -> bool {
    is_report(claims) && claims.get(CLAIM).is_some_and(|key| key.get("info").is_some())
}

/// Whether the token is a report of a TPM.
pub(super) fn is_report(claims: &Map<String, Value>) -> bool {
    claims.get(super::ATTESTATION_TYPE).is_some_and(|attested| attested == "tpm")
}

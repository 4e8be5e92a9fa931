//! How attestation results (EAR) are told from attestation tokens.

use serde_json::{Map, Value};

use crate::{TokenFormat, VerifyError};

/// `eat_profile` of an attestation result.
///
/// # Source
/// IETF, `draft-ietf-rats-ear-04`, section 3.
pub const EAR_PROFILE: &str = "tag:ietf.org,2026:rats/ear#04";

/// `typ` of one (RFC 9782): the media type without `application/`, which has one meaning.
pub(crate) const EAT_TYPE: &str = "eat+jwt";

/// What only an attestation result says of itself.
const VERIFIER: &str = "ear_verifier_id";

/// That something signed has the expected format, by its type and by what it says. Either makes it an attestation
/// result; to be taken for one it needs both.
pub(crate) fn check_format(
    header: &Map<String, Value>,
    claims: &Map<String, Value>,
    expected: TokenFormat,
) -> Result<(), VerifyError> {
    let kind = header.get("typ").and_then(Value::as_str).unwrap_or_default();
    let kind = kind.to_ascii_lowercase();
    let is_typed = kind.strip_prefix("application/").unwrap_or(&kind) == EAT_TYPE;
    let profile = claims.get("eat_profile").and_then(Value::as_str);
    match expected {
        TokenFormat::Token if is_typed || claims.contains_key(VERIFIER) => {
            Err(VerifyError::AttestationResult)
        }
        TokenFormat::AttestationResult if !is_typed || profile != Some(EAR_PROFILE) => {
            Err(VerifyError::NoAttestationResult)
        }
        TokenFormat::Token | TokenFormat::AttestationResult => Ok(()),
    }
}

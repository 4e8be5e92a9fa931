//! Claims of every attestation type.

use avouch_wire::json::CanonicalJson;

use crate::claim::{both, policy_only};
use crate::{BoundData, ServiceClaim};

/// Claims that stand in the token of every attestation type and that its policy can read: version,
/// type, and bound JSON data.
///
/// # Source
/// `docs/maa/token.md#claims-of-every-kind`.
#[must_use]
pub fn common(
    attestation_type: &'static str,
    runtime_data: Option<&BoundData>,
    init_time_data: Option<&BoundData>,
) -> Vec<ServiceClaim> {
    let mut claims = vec![
        both("x-ms-ver", "1.0"),
        both("x-ms-attestation-type", attestation_type),
        policy_only("ver", "1.0"),
        policy_only("tee", attestation_type),
    ];
    let bound = [("x-ms-runtime", runtime_data), ("x-ms-inittime", init_time_data)];
    for (name, data) in bound {
        if let Some(object) = data.and_then(BoundData::json) {
            claims.push(both(name, CanonicalJson::from(object)));
        }
    }
    claims
}

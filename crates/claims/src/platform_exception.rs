//! Platforms that are accepted by an operator's exception.

use avouch_dcap::AcceptedException;
use serde_json::json;

use crate::ServiceClaim;
use crate::claim::both;

/// The claim that no TCB level of Intel's fits the platform, and that an operator's exception accepts it:
/// which, why, and until when.
///
/// # Source
/// `docs/maa-divergences/intel.md`: MAA has none.
#[must_use]
pub fn platform_exception(exception: &AcceptedException) -> ServiceClaim {
    let AcceptedException { name, reason, until, .. } = exception;
    let until = until.to_rfc3339();
    both("avouch-platform-exception", json!({ "name": name, "reason": reason, "until": until }))
}

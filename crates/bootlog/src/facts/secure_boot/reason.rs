//! Why secure boot was not enforced, or is not proven to be.

use avouch_wire::FailedCheck as _;
use serde::Serialize;

use super::{NotEnforced, SecureBoot};

/// Why secure boot was not enforced, or is not proven to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Reason {
    /// A stable name.
    pub check: &'static str,
    /// What was found.
    pub message: String,
}

impl SecureBoot {
    /// Why it is not [`SecureBoot::Enforced`]; `None` if it is.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        let (check, message) = match self {
            Self::Enforced => return None,
            Self::Off => ("secure-boot-off", "SecureBoot is off".to_owned()),
            Self::NotEnforced(NotEnforced::MokSbState) => {
                ("secure-boot-shim", "shim was told to verify nothing (MokSBState)".to_owned())
            }
            Self::NotEnforced(NotEnforced::CustomPolicy) => (
                "secure-boot-custom-policy",
                "a custom policy of Windows is in force (CurrentPolicy)".to_owned(),
            ),
            Self::Unproven(why) => (why.check(), why.to_string()),
        };
        Some(Reason { check, message })
    }
}

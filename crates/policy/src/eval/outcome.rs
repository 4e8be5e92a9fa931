//! What a policy says.

use serde::Serialize;

use crate::named::named;
use crate::properties::Properties;
use crate::value::Claim;

/// Whether a token may be issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// `permit` fired and `deny` did not.
    Permit,
    /// Refused.
    Deny(DenyReason),
}

impl Decision {
    /// Whether a token may be issued.
    #[must_use]
    pub const fn is_permit(self) -> bool {
        matches!(self, Self::Permit)
    }

    /// `permit` or `deny`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Deny(_) => "deny",
        }
    }
}

impl Serialize for Decision {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

named! {
    /// Why a policy refuses.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum DenyReason {
        /// `deny` fired, whether or not `permit` did.
        DenyIssued = "deny-issued",
        /// Neither fired.
        NoPermit = "no-permit",
    }
}

impl DenyReason {
    /// The sentence in which MAA tells it (`docs/maa/service.md#errors`).
    #[must_use]
    pub const fn maa_message(self) -> &'static str {
        match self {
            Self::DenyIssued => "A Deny claim was issued, authorization failed.",
            Self::NoPermit => {
                "No Permit claim was issued in the authorizationrules section, authorization failed."
            }
        }
    }
}

/// The result of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Whether a token may be issued.
    pub decision: Decision,
    /// The claims that the rules issued, in order, repeats kept; empty unless permitted.
    pub outgoing: Vec<Claim>,
    /// Every claim that the rules put into the incoming set, in order, repeats kept.
    pub added: Vec<Claim>,
    /// The settings of `configurationrules`.
    pub configuration: Properties,
    /// The settings of `issuancerules`.
    pub properties: Properties,
    /// What evaluating was charged, of [`crate::Limits::steps`] and
    /// [`crate::Limits::memory_bytes`].
    #[serde(skip)]
    pub cost: crate::Cost,
}

//! What is wrong with a policy, and where.

use std::fmt;

use avouch_wire::json::JsonError;
use avouch_wire::{excerpt, failed_check};
use serde::Serialize;
use thiserror::Error;

use super::{AuthorityError, CONDITIONS_MAX, GROUPS_DEEP_MAX, Operator};

/// One thing that is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    /// Where: `policy` for all of it, else a path such as `anyOf[0].allOf[2].equals`.
    pub place: String,
    /// What.
    pub problem: Problem,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl Serialize for PolicyError {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use avouch_wire::FailedCheck as _;
        use serde::ser::SerializeStruct as _;
        let mut shown = serializer.serialize_struct("PolicyError", 3)?;
        shown.serialize_field("check", self.problem.check())?;
        shown.serialize_field("place", &self.place)?;
        shown.serialize_field("message", &self.problem.to_string())?;
        shown.end()
    }
}

/// All that is wrong with a policy, in the order of its text; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
#[error("{}", shown(.0))]
pub struct PolicyErrors(pub(super) Vec<PolicyError>);

fn shown(errors: &[PolicyError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl PolicyErrors {
    /// Each of them.
    #[must_use]
    pub fn all(&self) -> &[PolicyError] {
        &self.0
    }
}

/// What can be wrong at a place of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    /// Not JSON, too long, or a member named twice.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Another kind of value.
    #[error("expected {expected}, found {found}")]
    Kind {
        /// What belongs here.
        expected: &'static str,
        /// The kind of value found.
        found: &'static str,
    },
    /// A member that the grammar does not have here: a reader that skipped it could skip a condition.
    #[error("member {} is not of the grammar here", excerpt(.0))]
    UnknownMember(String),
    /// A member twice, in two spellings.
    #[error("member {0} is named twice, in upper and lower case")]
    MemberTwice(&'static str),
    /// A member that must be there is not.
    #[error("member {0} is missing")]
    Missing(&'static str),
    /// A version that is not known.
    #[error("version {} is not known, expected 1.0.0", excerpt(.0))]
    Version(String),
    /// An array without members: it is not said whether that holds or not.
    #[error("an array without conditions")]
    Empty,
    /// `allOf` and `anyOf` side by side: it is not said how they go together.
    #[error("both allOf and anyOf")]
    BothGroups,
    /// The URL of an authority that is none.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// A path with an empty name.
    #[error("claim {} is not names with single dots between them", excerpt(.0))]
    Claim(String),
    /// A condition with no operator.
    #[error("a condition without an operator")]
    NoOperator,
    /// A condition with several.
    #[error("a condition with {0} operators")]
    SeveralOperators(usize),
    /// An operator that is not enabled.
    #[error("operator {0} is not enabled, only equals is")]
    NotEnabled(Operator),
    /// A number with a fraction or of more than 64 bits: no claim is compared with one.
    #[error("number {0} is not an integer of 64 bits")]
    Number(String),
    /// An order of something else than integers.
    #[error("{0} compares integers: expected one, or its decimal digits in a string")]
    NotInteger(Operator),
    /// `exists` with anything but true: a claim that is missing makes its condition false.
    #[error("exists takes true only")]
    ExistsNotTrue,
    /// Nested too deep.
    #[error("groups are nested deeper than {GROUPS_DEEP_MAX}")]
    TooDeep,
    /// Too many conditions.
    #[error("more than {CONDITIONS_MAX} conditions")]
    TooMany,
}

failed_check!(Problem {
    Self::Json(_) => "release-policy-json",
    Self::Kind { .. } => "release-policy-kind",
    Self::UnknownMember(_) | Self::MemberTwice(_) | Self::Missing(_) => "release-policy-member",
    Self::Version(_) => "release-policy-version",
    Self::Empty | Self::BothGroups => "release-policy-group",
    Self::Authority(_) => "release-policy-authority",
    Self::Claim(_) => "release-policy-claim",
    Self::NoOperator | Self::SeveralOperators(_) | Self::NotEnabled(_) => "release-policy-operator",
    Self::Number(_) | Self::NotInteger(_) | Self::ExistsNotTrue => "release-policy-value",
    Self::TooDeep | Self::TooMany => "release-policy-size",
});

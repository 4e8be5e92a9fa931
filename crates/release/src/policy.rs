//! Release policies: what a token must say for a key to be released.

mod authority;
mod claim;
mod envelope;
mod error;
mod evaluate;
mod explain;
mod lint;
mod parse;
mod place;
mod print;

use std::fmt;

use serde::Serialize;

pub use authority::{Authority, AuthorityError};
pub use claim::ClaimPath;
pub use envelope::{EnvelopeError, PolicyEnvelope, PolicyIsImmutable};
pub use error::{PolicyError, PolicyErrors, Problem};
pub use explain::{AuthorityExplained, Explanation, FailedCondition, Found};
pub use lint::{Lint, LintSlug};

/// Largest text of a policy, in bytes. Azure's samples have under 2000.
pub const POLICY_BYTES_MAX: usize = 16 * 1024;
/// Most claim conditions of one policy.
pub const CONDITIONS_MAX: usize = 256;
/// Deepest nesting of `allOf` and `anyOf` within an authority, its own group being the first level.
pub const GROUPS_DEEP_MAX: usize = 8;

/// A release policy that was read and checked: when a key may be released, by which authority's word.
///
/// It names authorities; naming one means trusting whoever administers its attestation policies, since
/// those may issue claims under almost any name.
///
/// # Source
/// Microsoft Learn, "Azure Key Vault secure key release policy grammar".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasePolicy {
    version: Option<Version>,
    any_of: Vec<AuthorityRule>,
}

impl ReleasePolicy {
    /// The authorities with their conditions; one of them must be met.
    #[must_use]
    pub fn rules(&self) -> &[AuthorityRule] {
        &self.any_of
    }

    /// Whether some rule takes the word of that authority.
    #[must_use]
    pub fn names(&self, authority: &Authority) -> bool {
        self.any_of.iter().any(|rule| rule.authority == *authority)
    }
}

/// Versions of the grammar; they differ in nothing that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// `1.0.0`, which the grammar has.
    V1,
    /// `0.2`, which some of Azure's scripts write.
    V02,
}

impl Version {
    const ALL: [Self; 2] = [Self::V1, Self::V02];

    const fn name(self) -> &'static str {
        match self {
            Self::V1 => "1.0.0",
            Self::V02 => "0.2",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.name() == name)
    }
}

/// What one authority's token must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityRule {
    authority: Authority,
    conditions: Group,
}

impl AuthorityRule {
    /// Whose token.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }
}

/// Several conditions, of which all or one must hold; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    quantifier: Quantifier,
    members: Vec<Condition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    AllOf,
    AnyOf,
}

impl Quantifier {
    const fn name(self) -> &'static str {
        match self {
            Self::AllOf => "allOf",
            Self::AnyOf => "anyOf",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    Claim(ClaimCondition),
    Group(Group),
}

/// That one claim stands in some relation to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ClaimCondition {
    claim: ClaimPath,
    operator: Operator,
    value: Scalar,
}

/// How a claim is compared with the policy's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Operator {
    /// The claim is that value.
    Equals,
    /// The claim is there, and is another value.
    NotEquals,
    /// An integer below.
    Less,
    /// An integer not above.
    LessOrEquals,
    /// An integer above.
    Greater,
    /// An integer not below.
    GreaterOrEquals,
    /// The claim is there.
    Exists,
}

impl Operator {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Equals,
        Self::NotEquals,
        Self::Less,
        Self::LessOrEquals,
        Self::Greater,
        Self::GreaterOrEquals,
        Self::Exists,
    ];

    /// Its name in policies.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equals => "equals",
            Self::NotEquals => "notEquals",
            Self::Less => "less",
            Self::LessOrEquals => "lessOrEquals",
            Self::Greater => "greater",
            Self::GreaterOrEquals => "greaterOrEquals",
            Self::Exists => "exists",
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which operators a policy may use when it is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Operators {
    /// `equals` alone, which is what Azure Key Vault documents as allowed.
    #[default]
    EqualsOnly,
    /// All of the grammar. Policies that are stored are read with these: they were judged when they
    /// were imported.
    All,
}

impl Operators {
    const fn allow(self, operator: Operator) -> bool {
        matches!((self, operator), (Self::All, _) | (_, Operator::Equals))
    }
}

/// The value that a claim is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Scalar {
    Text(String),
    /// What 64 bits hold, with or without a sign.
    Integer(i128),
    Boolean(bool),
}

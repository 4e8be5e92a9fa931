//! Whether a token's claims meet a policy.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::claim::Walked;
use super::{
    AuthorityRule, ClaimCondition, Condition, Group, Operator, Quantifier, ReleasePolicy, Scalar,
};
use crate::AttestedToken;

/// The claim of tokens whose evidence rests on a root that is not the vendor's own.
pub(super) const FOREIGN_ROOT: &str = "avouch-trust-root";

impl ReleasePolicy {
    /// Whether the key may be released to who is attested by this token: some rule is of the token's
    /// authority, and its conditions hold.
    ///
    /// Evidence under a root that is not the vendor's is made at will by whoever has that root's key. So
    /// a token that names such a root (`avouch-trust-root`) meets only a rule of which a condition on
    /// that claim holds.
    #[must_use]
    pub fn is_met_by(&self, token: &AttestedToken) -> bool {
        self.any_of
            .iter()
            .filter(|rule| rule.authority == *token.authority())
            .any(|rule| rule.conditions.holds(token.claims()) && rule.takes_root(token.claims()))
    }
}

impl AuthorityRule {
    /// Whether the evidence rests on the vendor's root, or on another that the rule speaks of.
    pub(super) fn takes_root(&self, claims: &Map<String, Value>) -> bool {
        foreign_root(claims).is_none() || self.conditions.holds_by(FOREIGN_ROOT, claims)
    }
}

/// The root that the evidence rests on, if it is not the vendor's own.
pub(super) fn foreign_root(claims: &Map<String, Value>) -> Option<&Value> {
    claims.get(FOREIGN_ROOT).filter(|root| !root.is_null())
}

impl Group {
    /// Whether the group holds, and a condition on that claim has a part in it.
    fn holds_by(&self, claim: &str, claims: &Map<String, Value>) -> bool {
        let has_part = |member: &Condition| match member {
            Condition::Claim(condition) => {
                condition.claim.as_str() == claim && condition.holds(claims)
            }
            Condition::Group(group) => group.holds_by(claim, claims),
        };
        self.holds(claims) && self.members.iter().any(has_part)
    }

    pub(super) fn holds(&self, claims: &Map<String, Value>) -> bool {
        let mut members = self.members.iter();
        match self.quantifier {
            Quantifier::AllOf => members.all(|member| member.holds(claims)),
            Quantifier::AnyOf => members.any(|member| member.holds(claims)),
        }
    }
}

impl Condition {
    pub(super) fn holds(&self, claims: &Map<String, Value>) -> bool {
        match self {
            Self::Claim(condition) => condition.holds(claims),
            Self::Group(group) => group.holds(claims),
        }
    }
}

impl ClaimCondition {
    /// A claim that is missing, or no scalar, makes every condition on it false but `exists`, which
    /// takes arrays and objects.
    pub(super) fn holds(&self, claims: &Map<String, Value>) -> bool {
        match self.claim.walk(claims) {
            Walked::Missing(_) => false,
            Walked::Value(found) => self.operator.holds(found, &self.value),
        }
    }
}

impl Operator {
    fn holds(self, found: &Value, wanted: &Scalar) -> bool {
        match self {
            Self::Exists => !found.is_null(),
            Self::Equals => is_scalar(found) && equals(found, wanted),
            Self::NotEquals => is_scalar(found) && !equals(found, wanted),
            Self::Less => order(found, wanted).is_some_and(Ordering::is_lt),
            Self::LessOrEquals => order(found, wanted).is_some_and(Ordering::is_le),
            Self::Greater => order(found, wanted).is_some_and(Ordering::is_gt),
            Self::GreaterOrEquals => order(found, wanted).is_some_and(Ordering::is_ge),
        }
    }
}

/// Texts, booleans and integers; a number with a fraction is none of them.
fn is_scalar(found: &Value) -> bool {
    match found {
        Value::String(_) | Value::Bool(_) => true,
        Value::Number(number) => number.as_i128().is_some(),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Claims are compared by their type or by the text that stands for it: policies write `"false"` and
/// `"0"` for claims that are a boolean and an integer. A claim that is a text equals only a text.
fn equals(found: &Value, wanted: &Scalar) -> bool {
    match (found, wanted) {
        (Value::String(found), Scalar::Text(wanted)) => found == wanted,
        (Value::Bool(found), Scalar::Boolean(wanted)) => found == wanted,
        (Value::Bool(found), Scalar::Text(wanted)) => {
            wanted == if *found { "true" } else { "false" }
        }
        (Value::Number(found), Scalar::Integer(wanted)) => found.as_i128() == Some(*wanted),
        (Value::Number(found), Scalar::Text(wanted)) => {
            found.as_i128().is_some_and(|found| found.to_string() == *wanted)
        }
        _ => false,
    }
}

fn order(found: &Value, wanted: &Scalar) -> Option<Ordering> {
    match (found, wanted) {
        (Value::Number(found), Scalar::Integer(wanted)) => Some(found.as_i128()?.cmp(wanted)),
        _ => None,
    }
}

//! Why a token does not meet a policy: for the owner of the key, who may see policy and claims.

use std::fmt;

use avouch_wire::{beginning, excerpt};
use serde::Serialize;
use serde_json::{Map, Value};

use super::claim::Walked;
use super::evaluate::{FOREIGN_ROOT, foreign_root};
use super::place::Place;
use super::{Authority, ClaimCondition, Condition, Group, Operator, ReleasePolicy, Scalar};
use crate::AttestedToken;

/// Bytes of a text that are shown: a measurement of 48 bytes has 96 digits.
const SHOWN_BYTES_MAX: usize = 256;

/// How a token stands to a policy, rule by rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Whether the token meets the policy.
    pub is_met: bool,
    /// The authority of the token.
    pub issuer: Authority,
    /// Every rule of the policy.
    pub rules: Vec<AuthorityExplained>,
}

/// How a token stands to one rule of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuthorityExplained {
    /// Where the rule stands.
    pub place: String,
    /// Its authority.
    pub authority: Authority,
    /// Whether the token is of that authority.
    pub is_issuer: bool,
    /// The conditions that failed: of each group that must hold, and does not. Of another authority's
    /// rule none are judged.
    pub failed: Vec<FailedCondition>,
    /// The root that the evidence rests on, if it is not the vendor's own and no condition that holds
    /// speaks of it; of a long text the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unnamed_root: Option<String>,
}

/// A condition that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedCondition {
    /// Where it stands.
    pub place: String,
    /// The claim.
    pub claim: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what, as JSON; of long texts the beginning.
    pub expected: String,
    /// What the token has.
    pub found: Found,
}

/// What a token has in the place of a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// Nothing; this much of the claim's path leads nowhere.
    Missing(String),
    /// A scalar, of long texts the beginning; `an object` or `an array` for one.
    Value(String),
}

impl ReleasePolicy {
    /// Why the token meets the policy or does not.
    #[must_use]
    pub fn explain(&self, token: &AttestedToken) -> Explanation {
        let any_of = Place::Root.member("anyOf");
        let rules: Vec<AuthorityExplained> = self
            .any_of
            .iter()
            .enumerate()
            .map(|(index, rule)| {
                let place = any_of.item(index).to_string();
                let is_issuer = rule.authority == *token.authority();
                let (mut failed, mut unnamed_root) = (Vec::new(), None);
                if is_issuer {
                    let claims = token.claims();
                    explain_group(&rule.conditions, claims, &any_of.item(index), &mut failed);
                    unnamed_root =
                        foreign_root(claims).filter(|_| !rule.takes_root(claims)).map(value_shown);
                }
                let authority = rule.authority.clone();
                AuthorityExplained { place, authority, is_issuer, failed, unnamed_root }
            })
            .collect();
        let is_met = rules.iter().any(AuthorityExplained::is_met);
        Explanation { is_met, issuer: token.authority().clone(), rules }
    }
}

impl AuthorityExplained {
    /// Whether the token meets the rule.
    #[must_use]
    pub const fn is_met(&self) -> bool {
        self.is_issuer && self.failed.is_empty() && self.unnamed_root.is_none()
    }
}

/// Notes the conditions by which a group fails; none if it holds.
fn explain_group(
    group: &Group,
    claims: &Map<String, Value>,
    place: &Place<'_>,
    failed: &mut Vec<FailedCondition>,
) {
    if group.holds(claims) {
        return;
    }
    let place = place.member(group.quantifier.name());
    for (index, member) in group.members.iter().enumerate() {
        let place = place.item(index);
        match member {
            Condition::Group(inner) => explain_group(inner, claims, &place, failed),
            Condition::Claim(condition) if condition.holds(claims) => {}
            Condition::Claim(condition) => failed.push(condition.explain(claims, &place)),
        }
    }
}

impl ClaimCondition {
    fn explain(&self, claims: &Map<String, Value>, place: &Place<'_>) -> FailedCondition {
        FailedCondition {
            place: place.to_string(),
            claim: self.claim.to_string(),
            operator: self.operator,
            expected: match &self.value {
                Scalar::Text(text) => shown(text),
                other => other.to_json(),
            },
            found: match self.claim.walk(claims) {
                Walked::Missing(path) => Found::Missing(path.to_owned()),
                Walked::Value(value) => Found::Value(value_shown(value)),
            },
        }
    }
}

fn value_shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::String(text) => shown(text),
        other => other.to_string(),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.is_met { "meets" } else { "does not meet" };
        write!(f, "a token of {} {verb} the release policy", self.issuer)?;
        for rule in &self.rules {
            if !rule.is_issuer {
                write!(f, "\n{}: is for tokens of {}", rule.place, rule.authority)?;
            }
            for failed in &rule.failed {
                write!(f, "\n{failed}")?;
            }
            if let Some(root) = &rule.unnamed_root {
                let place = &rule.place;
                write!(
                    f,
                    "\n{place}: the evidence rests on a root that is not the vendor's, and no \
                     condition that holds names {FOREIGN_ROOT}: {root}"
                )?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for FailedCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, claim, operator, expected, found } = self;
        let claim = excerpt(claim);
        match found {
            Found::Missing(path) if *path == self.claim => {
                write!(f, "{place}: claim {claim} is missing")?;
            }
            Found::Missing(path) => {
                write!(f, "{place}: claim {claim} is missing: there is no {}", excerpt(path))?;
            }
            Found::Value(value) => write!(f, "{place}: claim {claim} is {value}")?,
        }
        match operator {
            Operator::Exists => Ok(()),
            _ => write!(f, ", expected {operator} {}", expected),
        }
    }
}

/// A text in quotation marks, escaped; of a long one the beginning.
fn shown(text: &str) -> String {
    let beginning = beginning(text, SHOWN_BYTES_MAX);
    let cut = if beginning.len() < text.len() { "…" } else { "" };
    format!("{beginning:?}{cut}")
}

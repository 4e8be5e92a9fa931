//! What a policy and its evaluation may cost. No limit of MAA is documented; these are ours.

use serde::{Deserialize, Serialize};

/// Upper bounds on everything that a tenant's policy or an attester's evidence sizes.
///
/// The defaults are far above any published policy. Exceeding one is an error that names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of policy text.
    pub policy_bytes: usize,
    /// Rules over all sections.
    pub rules: usize,
    /// Depth of nested function calls in a policy.
    pub expression_nesting: usize,
    /// Claims in the incoming set, and in the outgoing set, duplicates counted.
    pub claims: usize,
    /// Bytes of text in all string values that functions make, JSON text included; and, counted
    /// apart, in all claims that are issued.
    pub claim_text_bytes: usize,
    /// Combinations of claims (bindings) that one rule may hold at a time.
    pub bindings: usize,
    /// Elementary steps of one evaluation: claims tested, comparisons, values made.
    pub steps: u64,
    /// Elementary steps of all JMESPath searches of one evaluation.
    pub jmespath_steps: u64,
    /// Bytes of one JMESPath query.
    pub jmespath_query_bytes: usize,
    /// Nesting depth of one JMESPath query; at most [`crate::jmespath::NESTING_MAX`] counts.
    pub jmespath_nesting: usize,
    /// Nesting depth of a JSON document; at most [`crate::json::NESTING_MAX`] counts.
    pub json_nesting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            policy_bytes: 1 << 20,
            rules: 10_000,
            expression_nesting: 64,
            claims: 100_000,
            claim_text_bytes: 64 << 20,
            bindings: 1_000_000,
            steps: 20_000_000,
            jmespath_steps: 20_000_000,
            jmespath_query_bytes: 64 << 10,
            jmespath_nesting: crate::jmespath::NESTING_MAX,
            json_nesting: crate::json::NESTING_MAX,
        }
    }
}

/// Which of the [`Limits`] was exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// [`Limits::policy_bytes`]
    PolicyBytes,
    /// [`Limits::rules`]
    Rules,
    /// [`Limits::expression_nesting`]
    ExpressionNesting,
    /// [`Limits::claims`]
    Claims,
    /// [`Limits::claim_text_bytes`]
    ClaimTextBytes,
    /// [`Limits::bindings`]
    Bindings,
    /// [`Limits::steps`]
    Steps,
    /// [`Limits::jmespath_steps`]
    JmespathSteps,
    /// [`Limits::jmespath_query_bytes`]
    JmespathQueryBytes,
    /// [`Limits::jmespath_nesting`]
    JmespathNesting,
    /// [`Limits::json_nesting`]
    JsonNesting,
}

impl Limit {
    /// The name of the limit, as in configuration and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PolicyBytes => "policy-bytes",
            Self::Rules => "rules",
            Self::ExpressionNesting => "expression-nesting",
            Self::Claims => "claims",
            Self::ClaimTextBytes => "claim-text-bytes",
            Self::Bindings => "bindings",
            Self::Steps => "steps",
            Self::JmespathSteps => "jmespath-steps",
            Self::JmespathQueryBytes => "jmespath-query-bytes",
            Self::JmespathNesting => "jmespath-nesting",
            Self::JsonNesting => "json-nesting",
        }
    }
}

/// A limit was exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("limit `{}` of {allowed} exceeded", .limit.name())]
pub struct LimitExceeded {
    /// Which limit.
    pub limit: Limit,
    /// What it allowed.
    pub allowed: u64,
}

impl LimitExceeded {
    pub(crate) fn new(limit: Limit, allowed: usize) -> Self {
        Self { limit, allowed: u64::try_from(allowed).unwrap_or(u64::MAX) }
    }
}

/// A count that only falls.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    left: u64,
    allowed: u64,
    limit: Limit,
}

impl Budget {
    pub(crate) const fn new(limit: Limit, allowed: u64) -> Self {
        Self { left: allowed, allowed, limit }
    }

    #[inline]
    pub(crate) fn charge(&mut self, steps: u64) -> Result<(), LimitExceeded> {
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(LimitExceeded { limit: self.limit, allowed: self.allowed }),
        }
    }

    /// Charges one step for each 16 bytes, and one for the rest.
    #[inline]
    pub(crate) fn charge_bytes(&mut self, bytes: usize) -> Result<(), LimitExceeded> {
        self.charge(u64::try_from(bytes >> 4).unwrap_or(u64::MAX).saturating_add(1))
    }

    pub(crate) fn used(&self) -> u64 {
        self.allowed.saturating_sub(self.left)
    }
}

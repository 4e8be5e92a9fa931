//! What a policy and its evaluation may cost. No limit of MAA is documented; these are ours.

use serde::{Deserialize, Serialize};

use crate::cost::Cost;

/// Upper bounds on everything that a tenant's policy or an attester's evidence sizes.
///
/// The defaults are those of a policy that somebody had the right to set, and far above any
/// published policy. Exceeding one is an error that names it.
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
    /// Steps of compiling, and of one evaluation; each stands for some ten nanoseconds.
    pub steps: u64,
    /// Bytes that compiling, and one evaluation, may ask of the allocator.
    pub memory_bytes: u64,
    /// Bytes of one JMESPath query.
    pub jmespath_query_bytes: usize,
    /// Nesting depth of one JMESPath query; at most [`crate::jmespath::NESTING_MAX`] counts.
    pub jmespath_nesting: usize,
    /// Nesting depth of a JSON document; at most [`crate::json::NESTING_MAX`] counts.
    pub json_nesting: usize,
}

/// What a draft may cost: some ten milliseconds and 16 MiB.
const DRAFT: Cost = Cost { steps: 1_000_000, memory_bytes: 16 << 20 };

/// How many times as much a policy may cost that somebody had the right to set.
const SET_OVER_DRAFT: u64 = 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            policy_bytes: 1 << 20,
            rules: 10_000,
            expression_nesting: 64,
            claims: 100_000,
            steps: DRAFT.steps.saturating_mul(SET_OVER_DRAFT),
            memory_bytes: DRAFT.memory_bytes.saturating_mul(SET_OVER_DRAFT),
            jmespath_query_bytes: 64 << 10,
            jmespath_nesting: crate::jmespath::NESTING_MAX,
            json_nesting: crate::json::NESTING_MAX,
        }
    }
}

impl Limits {
    /// For a draft that came with a request, which anybody may send: a twentieth of what a set
    /// policy may cost, for compiling and evaluating together if [`Limits::without`] takes away
    /// what compiling has used.
    #[must_use]
    pub fn draft() -> Self {
        let (steps, memory_bytes) = (DRAFT.steps, DRAFT.memory_bytes);
        Self { policy_bytes: 256 << 10, steps, memory_bytes, ..Self::default() }
    }

    /// The same limits after `cost` has been spent.
    #[must_use]
    pub fn without(self, cost: Cost) -> Self {
        let steps = self.steps.saturating_sub(cost.steps);
        let memory_bytes = self.memory_bytes.saturating_sub(cost.memory_bytes);
        Self { steps, memory_bytes, ..self }
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
    /// [`Limits::steps`]
    Steps,
    /// [`Limits::memory_bytes`]
    MemoryBytes,
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
            Self::Steps => "steps",
            Self::MemoryBytes => "memory-bytes",
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
    /// The limit that was exceeded.
    pub limit: Limit,
    /// Its value, in its own unit.
    pub allowed: u64,
}

impl LimitExceeded {
    pub(crate) fn new(limit: Limit, allowed: usize) -> Self {
        Self { limit, allowed: u64::try_from(allowed).unwrap_or(u64::MAX) }
    }
}

//! What a policy may legally say but its author hardly meant.

mod patterns;
mod queries;
mod rules;
mod sections;
mod values;
mod vocabulary;

pub use vocabulary::{KnownClaim, ValueForm, Vocabulary};

use std::fmt;

use serde::Serialize;

use crate::named::named;
use crate::policy::Policy;
use crate::print::printable;
use crate::span::{Position, Span};

named! {
    /// The stable names of the lints.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum LintSlug {
        /// A rule whose conditions can never hold.
        NeverTrue = "never-true",
        /// A condition that holds whatever the evidence says.
        AlwaysTrue = "always-true",
        /// A claim type that nothing produces.
        UnknownClaim = "unknown-claim",
        /// A selector that does not test `type`.
        SelectorWithoutType = "selector-without-type",
        /// A selector that does not test `issuer`, so that a client's claim can satisfy it.
        SelectorWithoutIssuer = "selector-without-issuer",
        /// A value that its claim cannot have.
        ImpossibleValue = "impossible-value",
        /// A hash with upper-case digits, which no claim has.
        UpperCaseHex = "upper-case-hex",
        /// A comment that contains a rule.
        CommentSwallowsRule = "comment-swallows-rule",
        /// A literal query that is wrong.
        InvalidQuery = "invalid-query",
        /// A literal query that means something else than it seems to.
        SuspiciousQuery = "suspicious-query",
        /// An unconditional permit behind conditional denials.
        PermitAfterDenies = "permit-after-denies",
        /// A claim that will be dropped from the token.
        ReservedName = "reserved-name",
        /// `issue` in `authorizationrules`, which only adds.
        IssueInAuthorization = "issue-in-authorization",
        /// A setting that has no effect.
        IneffectiveProperty = "ineffective-property",
        /// Two conditions about one claim type that were meant as one.
        SplitSelector = "split-selector",
        /// A number or boolean in quotes.
        QuotedScalar = "quoted-scalar",
        /// JSON text issued as a string.
        JsonTextIssued = "json-text-issued",
        /// No rule can permit.
        NothingPermits = "nothing-permits",
    }
}

/// One warning about a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lint {
    /// The kind of warning.
    pub slug: LintSlug,
    /// What it is about, in bytes.
    pub span: Span,
    /// Its line and column.
    #[serde(flatten)]
    pub position: Position,
    /// What is odd, in one sentence.
    pub message: String,
    /// What to do, in one sentence.
    pub help: String,
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}; {}", self.position, self.slug.name(), self.message, self.help)
    }
}

/// Collects warnings.
struct Linter<'p> {
    policy: &'p Policy,
    vocabulary: &'p Vocabulary,
    found: Vec<Lint>,
}

impl Linter<'_> {
    fn warn(
        &mut self,
        slug: LintSlug,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let position = self.policy.position(span.start);
        let (message, help) = (message.into(), help.into());
        self.found.push(Lint { slug, span, position, message, help });
    }
}

/// Warnings are listed up to this number.
const LINTS_MAX: usize = 500;

/// Everything odd about a policy, in the order of the text.
///
/// Claim names, values and settings are compared with those of the vocabulary.
#[must_use]
pub fn lint(policy: &Policy, vocabulary: &Vocabulary) -> Vec<Lint> {
    let mut linter = Linter { policy, vocabulary, found: Vec::new() };
    linter.comments();
    linter.sections();
    linter.claim_names();
    linter.each_rule();
    let mut found = linter.found;
    found.sort_by_key(|lint| (lint.span.start, lint.slug));
    found.dedup();
    found.truncate(LINTS_MAX);
    found
}

/// All warnings with excerpts of the text, for people. `name` is shown as the file.
#[must_use]
pub fn render(policy: &Policy, lints: &[Lint], name: &str) -> String {
    let mut out = String::new();
    for lint in lints {
        out.push_str(&format!("warning[{}]: {}\n", lint.slug.name(), lint.message));
        crate::diag::excerpt(&mut out, lint.span, policy.text(), policy.lines(), name);
        out.push_str(&format!("   = help: {}\n\n", printable(&lint.help)));
    }
    out
}

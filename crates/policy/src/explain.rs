//! Why a policy decided as it did: a trace of one evaluation, as data and as text.
//!
//! Recording is a second instance of the evaluator, made by the compiler for a listening tracer;
//! the one that serves requests contains none of it.

pub(crate) mod refusal;
mod text;

use serde::Serialize;

use crate::ast::{Rule, SectionKind, Verb};
use crate::compile::CompiledRule;
use crate::eval::{EvalError, Outcome, Tracer};
use crate::policy::Policy;
use crate::print::{print_condition, print_rule, print_test, shortened};
use crate::span::Position;
use crate::value::Claim;

/// What happened in one evaluation.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// `permit`, `deny` or `error`.
    pub result: &'static str,
    /// The name of the reason for a refusal or an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The reason in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The rules in the order in which they ran. Rules that were not reached are missing.
    pub rules: Vec<RuleTrace>,
    /// Whether claims were left out because there were too many to list.
    pub truncated: bool,
    /// The outcome, or why there is none.
    #[serde(skip)]
    pub outcome: Result<Outcome, EvalError>,
}

/// What one rule did.
#[derive(Debug, Clone, Serialize)]
pub struct RuleTrace {
    /// Its section.
    pub section: SectionKind,
    /// Its place in the section, from 1.
    pub rule: usize,
    /// Where it begins.
    #[serde(flatten)]
    pub position: Position,
    /// The rule on one line.
    pub text: String,
    /// How often its action ran.
    pub fired: usize,
    /// The conditions that were evaluated, in order.
    pub conditions: Vec<ConditionTrace>,
    /// The claims it made, in order.
    pub made: Vec<MadeTrace>,
    /// The failure that ended the evaluation here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What one condition found.
#[derive(Debug, Clone, Serialize)]
pub struct ConditionTrace {
    /// The condition on one line.
    pub text: String,
    /// Bindings before the condition and behind it; no binding left means that the rule did not
    /// fire.
    pub bindings_before: usize,
    /// See `bindings_before`.
    pub bindings_after: usize,
    /// Claims that were tested and satisfied the condition.
    pub matched: Vec<MatchTrace>,
    /// Claims of the right type that failed a test.
    pub failed: Vec<FailedTrace>,
    /// Claims whose type was tested and is another.
    pub of_other_type: usize,
}

/// A claim that satisfied a condition.
#[derive(Debug, Clone, Serialize)]
pub struct MatchTrace {
    /// The claim.
    pub claim: Claim,
    /// The claims bound by earlier conditions, if this condition refers to them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bound: Vec<Claim>,
}

/// A claim that failed a test.
#[derive(Debug, Clone, Serialize)]
pub struct FailedTrace {
    /// The claim.
    pub claim: Claim,
    /// The first test that was false.
    pub test: String,
    /// The claims bound by earlier conditions, if this condition refers to them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bound: Vec<Claim>,
}

/// A claim that a rule made.
#[derive(Debug, Clone, Serialize)]
pub struct MadeTrace {
    /// The verb that took effect; `issue` in `authorizationrules` is `add`.
    pub verb: Verb,
    /// The claim.
    pub claim: Claim,
}

/// Claims that are listed in a trace at most.
const LISTED_MAX: usize = 10_000;

/// Listens to an evaluation.
pub(crate) struct Recorder<'p> {
    policy: &'p Policy,
    rules: Vec<RuleTrace>,
    current: Option<&'p Rule>,
    listed: usize,
}

impl<'p> Recorder<'p> {
    pub(crate) fn new(policy: &'p Policy) -> Self {
        Self { policy, rules: Vec::new(), current: None, listed: 0 }
    }

    pub(crate) fn finish(mut self, outcome: Result<Outcome, EvalError>) -> Explanation {
        let (result, reason, message) = match &outcome {
            Ok(outcome) => match outcome.decision {
                crate::Decision::Permit => ("permit", None, None),
                crate::Decision::Deny(reason) => {
                    ("deny", Some(reason.name()), Some(reason.maa_message().to_owned()))
                }
            },
            Err(error) => ("error", Some(error.slug.name()), Some(error.message.clone())),
        };
        if let (Err(error), Some(rule)) = (&outcome, self.rules.last_mut()) {
            rule.error = Some(error.message.clone());
        }
        let truncated = self.listed > LISTED_MAX;
        Explanation { result, reason, message, rules: self.rules, truncated, outcome }
    }

    /// The trace of a condition of the current rule.
    fn condition(&mut self, index: usize) -> Option<&mut ConditionTrace> {
        let rule = self.current?;
        let trace = self.rules.last_mut()?;
        while trace.conditions.len() <= index {
            let text = rule.conditions.get(trace.conditions.len()).map(print_condition);
            trace.conditions.push(ConditionTrace {
                text: text.unwrap_or_default(),
                bindings_before: 0,
                bindings_after: 0,
                matched: Vec::new(),
                failed: Vec::new(),
                of_other_type: 0,
            });
        }
        trace.conditions.get_mut(index)
    }

    fn may_list(&mut self) -> bool {
        self.listed = self.listed.saturating_add(1);
        self.listed <= LISTED_MAX
    }
}

impl Tracer for Recorder<'_> {
    const ON: bool = true;

    fn rule_begins(&mut self, rule: &CompiledRule) {
        self.current = self.policy.rule(rule.section, rule.index);
        self.rules.push(RuleTrace {
            section: rule.section,
            rule: rule.index.saturating_add(1),
            position: self.policy.position(rule.span.start),
            text: self.current.map(|rule| shortened(&print_rule(rule))).unwrap_or_default(),
            fired: 0,
            conditions: Vec::new(),
            made: Vec::new(),
            error: None,
        });
    }

    fn claim_tested<'c>(
        &mut self,
        index: usize,
        row: impl Iterator<Item = &'c Claim>,
        claim: &Claim,
        failed: Option<usize>,
    ) {
        let Some(rule) = self.current else { return };
        let condition = rule.conditions.get(index);
        let test = failed.and_then(|failed| condition.and_then(|c| c.selector.get(failed)));
        if test.is_some_and(|test| test.property == crate::ast::Property::Type) {
            if let Some(trace) = self.condition(index) {
                trace.of_other_type = trace.of_other_type.saturating_add(1);
            }
            return;
        }
        if !self.may_list() {
            return;
        }
        let Some(trace) = self.condition(index) else { return };
        let claim = claim.clone();
        let bound: Vec<Claim> = row.cloned().collect();
        match test {
            None => trace.matched.push(MatchTrace { claim, bound }),
            Some(test) => trace.failed.push(FailedTrace { claim, test: print_test(test), bound }),
        }
    }

    fn condition_done(&mut self, index: usize, before: usize, after: usize) {
        if let Some(trace) = self.condition(index) {
            trace.bindings_before = before;
            trace.bindings_after = after;
        }
    }

    fn fired(&mut self) {
        if let Some(trace) = self.rules.last_mut() {
            trace.fired = trace.fired.saturating_add(1);
        }
    }

    fn made(&mut self, verb: Verb, claim: &Claim) {
        if self.may_list()
            && let Some(trace) = self.rules.last_mut()
        {
            trace.made.push(MadeTrace { verb, claim: claim.clone() });
        }
    }
}

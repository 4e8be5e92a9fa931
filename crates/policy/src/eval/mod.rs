//! Running a compiled policy, exactly by the reference, sections 6 to 9.

mod error;
mod fire;
mod functions;
mod matching;
mod outcome;
mod set;

pub(crate) use error::Failure;
pub use error::{EvalError, EvalSlug};
pub use outcome::{Decision, DenyReason, Outcome};

use crate::ast::Verb;
use crate::compile::{CompiledRule, LiteralQuery, Program};
use crate::jmespath::jmespath_budget;
use crate::limits::{Budget, Limit, Limits};
use crate::policy::Policy;
use crate::properties::Properties;
use crate::value::{Claim, Text};
use set::IncomingSet;
use std::collections::HashMap;

/// Watches an evaluation. With [`Silent`] the compiler removes every call.
pub(crate) trait Tracer {
    /// A rule begins; the incoming set holds `distinct` claims that it can find.
    fn rule_begins(&mut self, _rule: &CompiledRule) {}
    /// A claim was tested. `row` holds the claims bound before; `failed` is the first test that
    /// was false.
    fn claim_tested(
        &mut self,
        _condition: usize,
        _row: &[&Claim],
        _claim: &Claim,
        _failed: Option<usize>,
    ) {
    }
    /// A condition was evaluated for at least one binding.
    fn condition_done(&mut self, _condition: usize, _before: usize, _after: usize) {}
    /// The rule's action ran once.
    fn fired(&mut self) {}
    /// The action made a claim.
    fn made(&mut self, _verb: Verb, _claim: &Claim) {}
    /// The rule is done.
    fn rule_ends(&mut self) {}
    /// Whether anything listens.
    const ON: bool;
}

/// Hears nothing.
pub(crate) struct Silent;

impl Tracer for Silent {
    const ON: bool = false;
}

/// One evaluation.
struct Run<'a, T> {
    limits: &'a Limits,
    set: IncomingSet<'a>,
    outgoing: Vec<Claim>,
    configuration: Properties,
    properties: Properties,
    permitted: bool,
    denied: bool,
    steps: Budget,
    jmespath_steps: Budget,
    made_text: Budget,
    issued_text: Budget,
    /// Computed queries, compiled once each.
    queries: HashMap<Text, LiteralQuery>,
    tracer: &'a mut T,
}

pub(crate) fn configuration(policy: &Policy, limits: &Limits) -> Result<Properties, EvalError> {
    let mut silent = Silent;
    let mut run = Run::new(policy.program(), limits, 0, &mut silent);
    run.rules(policy, &policy.program().configuration)?;
    Ok(run.configuration)
}

pub(crate) fn evaluate<T: Tracer>(
    policy: &Policy,
    claims: &[Claim],
    limits: &Limits,
    tracer: &mut T,
) -> Result<Outcome, EvalError> {
    let program = policy.program();
    let mut run = Run::new(program, limits, claims.len(), tracer);
    run.take_in(claims).map_err(outside_rules)?;
    run.rules(policy, &program.configuration)?;
    run.rules(policy, &program.authorization)?;
    let decision = match (run.denied, run.permitted) {
        (true, _) => Decision::Deny(DenyReason::DenyIssued),
        (false, false) => Decision::Deny(DenyReason::NoPermit),
        (false, true) => Decision::Permit,
    };
    if decision == Decision::Permit {
        run.rules(policy, &program.issuance)?;
    }
    Ok(Outcome {
        decision,
        outgoing: run.outgoing,
        added: run.set.behind(claims.len()).cloned().collect(),
        configuration: run.configuration,
        properties: run.properties,
        steps: run.steps.used(),
        jmespath_steps: run.jmespath_steps.used(),
    })
}

/// A failure before the first rule: too many claims came in.
fn outside_rules(failure: Failure) -> EvalError {
    EvalError {
        slug: failure.slug,
        message: failure.message,
        section: crate::ast::SectionKind::Authorization,
        rule: 0,
        position: crate::Position { line: 1, column: 1 },
    }
}

impl<'a, T: Tracer> Run<'a, T> {
    fn new(program: &'a Program, limits: &'a Limits, claims: usize, tracer: &'a mut T) -> Self {
        let text = u64::try_from(limits.claim_text_bytes).unwrap_or(u64::MAX);
        Self {
            limits,
            set: IncomingSet::new(program, limits.claims, claims),
            outgoing: Vec::new(),
            configuration: Properties::default(),
            properties: Properties::default(),
            permitted: false,
            denied: false,
            steps: Budget::new(Limit::Steps, limits.steps),
            jmespath_steps: jmespath_budget(limits),
            made_text: Budget::new(Limit::ClaimTextBytes, text),
            issued_text: Budget::new(Limit::ClaimTextBytes, text),
            queries: HashMap::new(),
            tracer,
        }
    }

    fn take_in(&mut self, claims: &[Claim]) -> Result<(), Failure> {
        for claim in claims {
            self.set.push(claim.clone(), None, &mut self.steps)?;
        }
        Ok(())
    }

    fn rules(&mut self, policy: &Policy, rules: &'a [CompiledRule]) -> Result<(), EvalError> {
        for rule in rules {
            self.tracer.rule_begins(rule);
            let result = self.rule(rule);
            self.tracer.rule_ends();
            if let Err(failure) = result {
                return Err(EvalError {
                    slug: failure.slug,
                    message: failure.message,
                    section: rule.section,
                    rule: rule.index,
                    position: policy.position(rule.span.start),
                });
            }
        }
        Ok(())
    }

    fn rule(&mut self, rule: &'a CompiledRule) -> Result<(), Failure> {
        self.steps.charge(1)?;
        let bindings = self.bindings(rule)?;
        if bindings.rows == 0 { Ok(()) } else { self.fire(rule, &bindings) }
    }
}

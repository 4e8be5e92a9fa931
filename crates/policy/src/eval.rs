//! Running a compiled policy (`docs/policy.md#reference`).

mod error;
mod fire;
mod functions;
mod matching;
mod outcome;
mod set;

pub(crate) use error::Failure;
pub use error::{EvalError, EvalSlug};
pub use outcome::{Decision, DenyReason, Outcome};

use std::collections::{BTreeMap, HashMap};

use set::IncomingSet;

use crate::ast::Verb;
use crate::compile::{CompiledRule, Program};
use crate::cost::{self, Cost, Meter};
use crate::limits::{LimitExceeded, Limits};
use crate::policy::{Places, Policy};
use crate::properties::Properties;
use crate::resolved::LiteralQuery;
use crate::value::{Claim, Text};

/// Watches an evaluation. With [`Silent`] the compiler removes every call.
pub(crate) trait Tracer {
    /// A rule begins; the incoming set holds `distinct` claims that it can find.
    fn rule_begins(&mut self, _rule: &CompiledRule) {}
    /// A claim was tested. `row` holds the claims bound before; `failed` is the first test that
    /// was false.
    fn claim_tested<'c>(
        &mut self,
        _condition: usize,
        _row: impl Iterator<Item = &'c Claim>,
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
    program: &'a Program,
    set: IncomingSet<'a>,
    outgoing: Vec<Claim>,
    configuration: Properties,
    properties: Properties,
    permitted: bool,
    denied: bool,
    meter: Meter,
    /// Computed queries, compiled once each.
    queries: HashMap<Text, LiteralQuery>,
    /// Documents that have been paid for, by identity; held, so that none takes another's place.
    documents: BTreeMap<usize, Text>,
    tracer: &'a mut T,
}

/// Configuration rules have no conditions and so see no claims: what they set is as constant as
/// the policy.
pub(crate) fn configuration(
    program: &Program,
    places: &Places<'_>,
    limits: &Limits,
) -> Result<Properties, EvalError> {
    if program.configuration.is_empty() {
        return Ok(Properties::default());
    }
    let mut silent = Silent;
    let mut run = Run::new(program, limits, 0, Meter::for_configuration(limits), &mut silent);
    run.rules(places, &program.configuration)?;
    Ok(run.configuration)
}

pub(crate) fn evaluate<T: Tracer>(
    policy: &Policy,
    claims: &[Claim],
    limits: &Limits,
    tracer: &mut T,
) -> Result<Outcome, EvalError> {
    let program = policy.program();
    let places = policy.places();
    let mut meter = Meter::new(limits);
    begin(program, claims, &mut meter).map_err(|e| outside_rules(e.into()))?;
    let mut run = Run::new(program, limits, claims.len(), meter, tracer);
    run.take_in(claims).map_err(outside_rules)?;
    let configured = run.configure(&places)?;
    run.rules(&places, &program.authorization)?;
    let decision = match (run.denied, run.permitted) {
        (true, _) => Decision::Deny(DenyReason::DenyIssued),
        (false, false) => Decision::Deny(DenyReason::NoPermit),
        (false, true) => Decision::Permit,
    };
    if decision == Decision::Permit {
        run.rules(&places, &program.issuance)?;
    }
    Ok(Outcome {
        decision,
        outgoing: run.outgoing,
        added: run.set.behind(claims.len()).cloned().collect(),
        configuration: run.configuration,
        properties: run.properties,
        cost: run.meter.used().saturating_add(configured),
    })
}

/// Pays for an empty incoming set and the claims that it will hold.
fn begin(program: &Program, claims: &[Claim], meter: &mut Meter) -> Result<(), LimitExceeded> {
    meter.charge_each(cost::SYMBOL, program.symbols.len())?;
    meter.charge_each(cost::CLAIM, claims.len())
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
    fn new(
        program: &'a Program,
        limits: &'a Limits,
        claims: usize,
        meter: Meter,
        tracer: &'a mut T,
    ) -> Self {
        Self {
            limits,
            program,
            set: IncomingSet::new(program, limits.claims, claims),
            outgoing: Vec::new(),
            configuration: Properties::default(),
            properties: Properties::default(),
            permitted: false,
            denied: false,
            meter,
            queries: HashMap::new(),
            documents: BTreeMap::new(),
            tracer,
        }
    }

    /// Runs the configuration rules on a meter of their own, as [`configuration`] has done, so
    /// that both say the same.
    fn configure(&mut self, places: &Places<'_>) -> Result<Cost, EvalError> {
        if self.program.configuration.is_empty() {
            return Ok(Cost::default());
        }
        let own = Meter::for_configuration(self.limits);
        let meter = std::mem::replace(&mut self.meter, own);
        let program = self.program;
        self.rules(places, &program.configuration)?;
        Ok(std::mem::replace(&mut self.meter, meter).used())
    }

    fn take_in(&mut self, claims: &[Claim]) -> Result<(), Failure> {
        for claim in claims {
            self.set.push(claim.clone(), None, &mut self.meter)?;
        }
        Ok(())
    }

    fn rules(&mut self, places: &Places<'_>, rules: &'a [CompiledRule]) -> Result<(), EvalError> {
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
                    position: places.position(rule.span.start),
                });
            }
        }
        Ok(())
    }

    fn rule(&mut self, rule: &'a CompiledRule) -> Result<(), Failure> {
        self.meter.charge(cost::RULE)?;
        let bindings = self.bindings(rule)?;
        if bindings.rows == 0 { Ok(()) } else { self.fire(rule, &bindings) }
    }
}

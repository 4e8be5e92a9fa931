//! The resolved rules to a form that evaluates fast: what can be known of a rule before it runs is
//! worked out, literal queries are compiled.

use std::sync::Arc;

use crate::ast::{Function, SectionKind};
use crate::cost::Meter;
use crate::jmespath::{Query, QueryError};
use crate::limits::{Limit, LimitExceeded, Limits};
use crate::resolved::{
    Action, ClaimType, Condition, Expression, LiteralQuery, Resolved, Rule, Symbol, Symbols, Test,
};
use crate::span::Span;
use crate::value::Value;

/// A policy ready to run.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) configuration: Vec<CompiledRule>,
    pub(crate) authorization: Vec<CompiledRule>,
    pub(crate) issuance: Vec<CompiledRule>,
    pub(crate) symbols: Symbols,
    /// Whether a condition may find a claim whose type the policy does not name.
    pub(crate) finds_unnamed: bool,
}

#[derive(Debug)]
pub(crate) struct CompiledRule {
    pub(crate) section: SectionKind,
    /// Place in its section, from 0.
    pub(crate) index: usize,
    pub(crate) span: Span,
    pub(crate) conditions: Vec<CompiledCondition>,
    pub(crate) action: Action,
    /// How many conditions bind a claim that is looked at later.
    pub(crate) slots: usize,
    /// The slots that the action mentions outside set-valued arguments, in order: one firing for
    /// each combination of claims in them (`docs/policy.md#how-often-a-rule-acts`).
    pub(crate) grouping: Vec<usize>,
    /// The same, by slot.
    pub(crate) grouped: Vec<bool>,
}

#[derive(Debug)]
pub(crate) struct CompiledCondition {
    pub(crate) negated: bool,
    /// Where the claim found is remembered, if anything refers to it.
    pub(crate) slot: Option<usize>,
    /// Whether every claim must be looked at, since looking may fail.
    pub(crate) exhaustive: bool,
    /// Whether the tests refer to claims bound before.
    pub(crate) dependent: bool,
    /// The only type that can satisfy the condition; other claims need not be looked at.
    pub(crate) only: Option<Symbol>,
    pub(crate) tests: Vec<Test>,
}

/// Compiles what the checker has resolved. The tokens have been paid for; queries have not.
///
/// # Errors
/// [`LimitExceeded`] if the queries cost too much.
pub(crate) fn compile(
    resolved: Resolved,
    limits: &Limits,
    meter: &mut Meter,
) -> Result<Program, LimitExceeded> {
    let (mut configuration, mut authorization, mut issuance) = (Vec::new(), Vec::new(), Vec::new());
    let mut finds_unnamed = false;
    let mut compiler = Compiler { limits, meter, exceeded: None };
    for rule in resolved.rules {
        let rule = compiler.rule(rule);
        finds_unnamed |= rule.conditions.iter().any(|condition| condition.only.is_none());
        match rule.section {
            SectionKind::Configuration => configuration.push(rule),
            SectionKind::Authorization => authorization.push(rule),
            SectionKind::Issuance => issuance.push(rule),
        }
    }
    let symbols = resolved.symbols;
    match compiler.exceeded {
        Some(exceeded) => Err(exceeded),
        None => Ok(Program { configuration, authorization, issuance, symbols, finds_unnamed }),
    }
}

struct Compiler<'a> {
    limits: &'a Limits,
    meter: &'a mut Meter,
    /// That a query costs more than is left.
    exceeded: Option<LimitExceeded>,
}

impl Compiler<'_> {
    fn rule(&mut self, rule: Rule) -> CompiledRule {
        let Rule { section, index, span, conditions, mut action, slots } = rule;
        let conditions = conditions.into_iter().map(|found| self.condition(found)).collect();
        if let Action::Make(make) = &mut action {
            if let ClaimType::Computed(claim_type) = &mut make.claim_type {
                self.queries(claim_type);
            }
            self.queries(&mut make.value);
        }
        let grouping = grouping(&action);
        let grouped = (0..slots).map(|slot| grouping.binary_search(&slot).is_ok()).collect();
        CompiledRule { section, index, span, conditions, action, slots, grouping, grouped }
    }

    fn condition(&mut self, condition: Condition) -> CompiledCondition {
        let Condition { negated, named, slot, mut tests } = condition;
        tests.iter_mut().for_each(|test| self.queries(&mut test.value));
        let fallible = tests.iter().any(|test| test.value.is_call());
        let dependent = tests.iter().any(|test| test.value.refers());
        // What stands before the test of the type must be unable to fail.
        let only =
            tests.iter().take_while(|test| !test.value.is_call()).find_map(|test| test.symbol);
        let exhaustive = fallible && named;
        CompiledCondition { negated, slot, exhaustive, dependent, only, tests }
    }

    /// Compiles the literal queries inside an expression.
    fn queries(&mut self, expression: &mut Expression) {
        let Expression::Call { function, arguments, query } = expression else { return };
        if let (Function::JmesPath, [_, Expression::Literal(Value::String(text))]) =
            (*function, arguments.as_slice())
        {
            *query = Some(self.query(text.as_str()));
        }
        arguments.iter_mut().for_each(|argument| self.queries(argument));
    }

    fn query(&mut self, text: &str) -> LiteralQuery {
        let query = Query::compile_within(text, self.limits, self.meter);
        if let Err(QueryError::Limit(exceeded)) = &query
            && matches!(exceeded.limit, Limit::Steps | Limit::MemoryBytes)
        {
            self.exceeded = Some(*exceeded);
        }
        query.map(Arc::new)
    }
}

/// The slots that an action mentions outside set-valued arguments, in order.
fn grouping(action: &Action) -> Vec<usize> {
    let mut slots = Vec::new();
    match action {
        Action::Permit | Action::Deny => {}
        Action::Copy { slot, .. } => slots.push(*slot),
        Action::Make(make) => {
            if let ClaimType::Computed(claim_type) = &make.claim_type {
                scalar_slots(claim_type, &mut slots);
            }
            scalar_slots(&make.value, &mut slots);
        }
    }
    slots.sort_unstable();
    slots.dedup();
    slots
}

fn scalar_slots(expression: &Expression, slots: &mut Vec<usize>) {
    match expression {
        Expression::Literal(_) => {}
        Expression::Reference { slot, .. } => slots.push(*slot),
        Expression::Call { function, arguments, .. } => {
            for (place, argument) in arguments.iter().enumerate() {
                if !function.takes_set(place) {
                    scalar_slots(argument, slots);
                }
            }
        }
    }
}

//! The tree to a form that evaluates fast: names become numbers, literal queries are compiled.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::ast::{
    ActionBody, Assignment, Ast, Expression, ExpressionKind, Function, Operator, Property, Rule,
    Section, SectionKind, Verb,
};
use crate::check::{assigned, literal_value};
use crate::cost::Meter;
use crate::jmespath::{Query, QueryError};
use crate::limits::{Limit, LimitExceeded, Limits};
use crate::span::Span;
use crate::value::{Value, ValueKind};

/// The number of a claim type that the policy names.
pub(crate) type Symbol = u32;

/// A policy ready to run.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) configuration: Vec<CompiledRule>,
    pub(crate) authorization: Vec<CompiledRule>,
    pub(crate) issuance: Vec<CompiledRule>,
    pub(crate) symbols: HashMap<Arc<str>, Symbol>,
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
    pub(crate) action: CompiledAction,
    /// How many conditions bind a claim that is looked at later.
    pub(crate) slots: usize,
    /// The slots that the action mentions outside set-valued arguments: one firing for each
    /// combination of claims in them (`docs/policy.md#how-often-a-rule-acts`).
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
    pub(crate) tests: Vec<CompiledTest>,
}

#[derive(Debug)]
pub(crate) struct CompiledTest {
    pub(crate) property: Property,
    pub(crate) operator: Operator,
    pub(crate) value: CompiledExpression,
    /// `type == literal`, by number.
    pub(crate) symbol: Option<Symbol>,
}

#[derive(Debug)]
pub(crate) enum CompiledExpression {
    Literal(Value),
    Reference { slot: usize, property: Property },
    Call { function: Function, arguments: Vec<CompiledExpression>, query: Option<LiteralQuery> },
}

/// A query that stands in the policy as a literal, compiled once.
pub(crate) type LiteralQuery = Result<Arc<Query>, QueryError>;

#[derive(Debug)]
pub(crate) enum CompiledAction {
    Permit,
    Deny,
    Copy { verb: Verb, slot: usize },
    Make(Box<CompiledMake>),
}

#[derive(Debug)]
pub(crate) struct CompiledMake {
    pub(crate) verb: Verb,
    pub(crate) claim_type: CompiledExpression,
    /// The type, if it is literal.
    pub(crate) literal_type: Option<(Arc<str>, Symbol)>,
    pub(crate) value: CompiledExpression,
    pub(crate) kind: Option<ValueKind>,
    /// Whether `value` stands before `type` in the text, and so is evaluated before it.
    pub(crate) value_first: bool,
}

/// Compiles a tree that the checker has accepted. The tokens have been paid for; queries have not.
///
/// # Errors
/// [`LimitExceeded`] if the queries cost too much.
pub(crate) fn compile(
    ast: &Ast,
    limits: &Limits,
    meter: &mut Meter,
) -> Result<Program, LimitExceeded> {
    let (symbols, finds_unnamed, exceeded) = (HashMap::new(), false, None);
    let mut compiler = Compiler { limits, meter, symbols, finds_unnamed, exceeded };
    let configuration = ast.configuration.as_ref().map(|s| compiler.section(s)).unwrap_or_default();
    let authorization = compiler.section(&ast.authorization);
    let issuance = ast.issuance.as_ref().map(|s| compiler.section(s)).unwrap_or_default();
    let Compiler { symbols, finds_unnamed, exceeded, .. } = compiler;
    match exceeded {
        Some(exceeded) => Err(exceeded),
        None => Ok(Program { configuration, authorization, issuance, symbols, finds_unnamed }),
    }
}

struct Compiler<'a> {
    limits: &'a Limits,
    meter: &'a mut Meter,
    symbols: HashMap<Arc<str>, Symbol>,
    finds_unnamed: bool,
    /// That a query costs more than is left.
    exceeded: Option<LimitExceeded>,
}

/// The names of a rule that something refers to, with their slots.
type Slots<'a> = HashMap<&'a str, usize>;

impl Compiler<'_> {
    fn symbol(&mut self, name: &Arc<str>) -> Symbol {
        let next = Symbol::try_from(self.symbols.len()).unwrap_or(Symbol::MAX);
        *self.symbols.entry(Arc::clone(name)).or_insert(next)
    }

    fn section(&mut self, section: &Section) -> Vec<CompiledRule> {
        let rules = section.rules.iter().enumerate();
        rules.map(|(index, rule)| self.rule(section.kind, index, rule)).collect()
    }

    fn rule(&mut self, section: SectionKind, index: usize, rule: &Rule) -> CompiledRule {
        let slots = used_names(rule);
        let conditions: Vec<_> =
            rule.conditions.iter().map(|condition| self.condition(condition, &slots)).collect();
        let mut grouping = Vec::new();
        match &rule.action.body {
            ActionBody::Empty => {}
            ActionBody::Copy(identifier) => grouping.extend(slots.get(&*identifier.name)),
            ActionBody::Make(assignments) => {
                for assignment in assignments {
                    scalar_slots(&assignment.value, &slots, &mut grouping);
                }
            }
        }
        grouping.sort_unstable();
        grouping.dedup();
        let mut grouped = vec![false; slots.len()];
        for slot in &grouping {
            if let Some(mark) = grouped.get_mut(*slot) {
                *mark = true;
            }
        }
        let action = self.action(rule, &slots);
        CompiledRule {
            section,
            index,
            span: rule.span,
            conditions,
            action,
            slots: slots.len(),
            grouping,
            grouped,
        }
    }

    fn condition(
        &mut self,
        condition: &crate::ast::Condition,
        slots: &Slots<'_>,
    ) -> CompiledCondition {
        let mut only = None;
        let mut fallible = false;
        let mut dependent = false;
        let mut tests = Vec::with_capacity(condition.selector.len());
        for test in &condition.selector {
            let symbol = match (&test.value.kind, test.property, test.operator) {
                (ExpressionKind::String(name), Property::Type, Operator::Equal) => {
                    Some(self.symbol(name))
                }
                _ => None,
            };
            // What stands before the test of the type must be unable to fail.
            if !fallible {
                only = only.or(symbol);
            }
            let (calls, refers) = shape(&test.value);
            fallible |= calls;
            dependent |= refers;
            let value = self.expression(&test.value, slots);
            let (property, operator) = (test.property, test.operator);
            tests.push(CompiledTest { property, operator, value, symbol });
        }
        self.finds_unnamed |= only.is_none();
        let slot = condition.identifier.as_ref().and_then(|i| slots.get(&*i.name)).copied();
        let exhaustive = fallible && condition.identifier.is_some();
        let negated = condition.negation.is_some();
        CompiledCondition { negated, slot, exhaustive, dependent, only, tests }
    }

    fn expression(&mut self, expression: &Expression, slots: &Slots<'_>) -> CompiledExpression {
        if let Some(value) = literal_value(&expression.kind) {
            return CompiledExpression::Literal(value);
        }
        match &expression.kind {
            ExpressionKind::Reference { identifier, property } => {
                let slot = slots.get(&*identifier.name).copied().unwrap_or(usize::MAX);
                CompiledExpression::Reference { slot, property: *property }
            }
            ExpressionKind::Call { name, arguments } => {
                // The checker has refused unknown functions.
                let function = Function::from_name(&name.name).unwrap_or(Function::NegateBool);
                let query = match (function, arguments.get(1).map(|query| &query.kind)) {
                    (Function::JmesPath, Some(ExpressionKind::String(text))) => {
                        Some(self.query(text))
                    }
                    _ => None,
                };
                let arguments = arguments.iter().map(|a| self.expression(a, slots)).collect();
                CompiledExpression::Call { function, arguments, query }
            }
            ExpressionKind::String(_) | ExpressionKind::Integer(_) | ExpressionKind::Boolean(_) => {
                CompiledExpression::Literal(Value::Boolean(false))
            }
        }
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

    fn action(&mut self, rule: &Rule, slots: &Slots<'_>) -> CompiledAction {
        let verb = rule.action.verb;
        match (&rule.action.body, verb) {
            (ActionBody::Copy(identifier), _) => {
                let slot = slots.get(&*identifier.name).copied().unwrap_or(usize::MAX);
                CompiledAction::Copy { verb, slot }
            }
            (ActionBody::Make(assignments), _) => self.make(verb, assignments, slots),
            (ActionBody::Empty, Verb::Permit) => CompiledAction::Permit,
            (ActionBody::Empty, _) => CompiledAction::Deny,
        }
    }

    fn make(
        &mut self,
        verb: Verb,
        assignments: &[Assignment],
        slots: &Slots<'_>,
    ) -> CompiledAction {
        let missing = || CompiledExpression::Literal(Value::from(""));
        let claim_type = assigned(assignments, Property::Type);
        let value = assigned(assignments, Property::Value);
        let literal_type = match claim_type.map(|expression| &expression.kind) {
            Some(ExpressionKind::String(name)) => Some((Arc::clone(name), self.symbol(name))),
            _ => None,
        };
        let kind = assigned(assignments, Property::ValueType)
            .and_then(|expression| expression.kind.as_literal_str())
            .and_then(ValueKind::from_name);
        let value_first = match (claim_type, value) {
            (Some(claim_type), Some(value)) => value.span.start < claim_type.span.start,
            _ => false,
        };
        CompiledAction::Make(Box::new(CompiledMake {
            verb,
            claim_type: claim_type.map_or_else(missing, |e| self.expression(e, slots)),
            literal_type,
            value: value.map_or_else(missing, |e| self.expression(e, slots)),
            kind,
            value_first,
        }))
    }
}

/// Gives a slot to each name of the rule that something refers to.
fn used_names(rule: &Rule) -> Slots<'_> {
    let mut used: Vec<&str> = Vec::new();
    // A rule may have tens of thousands of conditions.
    for condition in &rule.conditions {
        condition.selector.iter().for_each(|test| names_in(&test.value, &mut used));
    }
    match &rule.action.body {
        ActionBody::Empty => {}
        ActionBody::Copy(identifier) => used.push(&identifier.name),
        ActionBody::Make(assignments) => {
            assignments.iter().for_each(|assignment| names_in(&assignment.value, &mut used));
        }
    }
    let used: HashSet<&str> = used.into_iter().collect();
    let bound = rule.conditions.iter().filter_map(|condition| condition.identifier.as_ref());
    bound
        .filter(|i| used.contains(&*i.name))
        .enumerate()
        .map(|(slot, i)| (&*i.name, slot))
        .collect()
}

fn names_in<'a>(expression: &'a Expression, names: &mut Vec<&'a str>) {
    match &expression.kind {
        ExpressionKind::Reference { identifier, .. } => names.push(&identifier.name),
        ExpressionKind::Call { arguments, .. } => {
            arguments.iter().for_each(|argument| names_in(argument, names));
        }
        _ => {}
    }
}

/// Whether the expression calls a function (and so may fail), and whether it refers to a claim.
fn shape(expression: &Expression) -> (bool, bool) {
    let mut names = Vec::new();
    names_in(expression, &mut names);
    (matches!(expression.kind, ExpressionKind::Call { .. }), !names.is_empty())
}

/// Collects the slots that stand outside set-valued arguments.
fn scalar_slots(expression: &Expression, slots: &Slots<'_>, found: &mut Vec<usize>) {
    match &expression.kind {
        ExpressionKind::Reference { identifier, .. } => found.extend(slots.get(&*identifier.name)),
        ExpressionKind::Call { name, arguments } => {
            let function = Function::from_name(&name.name);
            for (place, argument) in arguments.iter().enumerate() {
                if !function.is_some_and(|function| function.takes_set(place)) {
                    scalar_slots(argument, slots, found);
                }
            }
        }
        _ => {}
    }
}

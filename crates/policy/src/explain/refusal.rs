//! A refusal in a few sentences: which condition of which rule failed, on which claim, with both values.
//!
//! Anybody may be refused, so what is noted is counted: of each condition a few claims, of the rules
//! a few, and how many more there were. Nothing is printed before the evaluation is over.

use crate::ast::{Property, Rule, SectionKind, Verb};
use crate::compile::CompiledRule;
use crate::eval::{DenyReason, Tracer};
use crate::policy::Policy;
use crate::print::{print_condition, print_test, shortened};
use crate::span::Position;
use crate::value::Claim;

/// Rules that are named at most.
const RULES_MAX: usize = 3;
/// Conditions of a rule that are named at most.
const CONDITIONS_MAX: usize = 8;
/// Claims of a condition that are named at most.
const CLAIMS_MAX: usize = 3;

/// The first few of many, and how many there are.
#[derive(Debug)]
struct Few<T> {
    first: Vec<T>,
    count: usize,
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self { first: Vec::new(), count: 0 }
    }
}

impl<T> Few<T> {
    /// Counts one more, and keeps it if it is among the first.
    fn add(&mut self, most: usize, make: impl FnOnce() -> T) {
        if self.count < most {
            self.first.push(make());
        }
        self.count = self.count.saturating_add(1);
    }

    fn more(&self) -> usize {
        self.count.saturating_sub(self.first.len())
    }

    fn listed(&self, text: impl FnMut(&T) -> String) -> String {
        let shown: Vec<String> = self.first.iter().map(text).collect();
        let shown = shown.join(", ");
        match self.more() {
            0 => shown,
            more => format!("{shown} and {more} more"),
        }
    }
}

/// What one condition found.
#[derive(Debug, Default)]
struct Seen {
    bindings_after: usize,
    matched: Few<Claim>,
    failed: Few<Failed>,
}

/// A claim that failed a test, and the claims that earlier conditions had bound.
#[derive(Debug)]
struct Failed {
    claim: Claim,
    test: usize,
    bound: Few<Claim>,
}

/// What one rule did.
struct Noted<'p> {
    rule: &'p Rule,
    section: SectionKind,
    /// Its place in the section, from 0.
    index: usize,
    position: Position,
    conditions: Vec<Seen>,
}

/// Notes what a refusal is explained by.
pub(crate) struct RefusalTracer<'p> {
    policy: &'p Policy,
    /// The rule that runs, if it can decide.
    current: Option<Noted<'p>>,
    has_fired: bool,
    denied: Few<Noted<'p>>,
    unpermitted: Few<Noted<'p>>,
}

impl<'p> RefusalTracer<'p> {
    pub(crate) fn new(policy: &'p Policy) -> Self {
        Self {
            policy,
            current: None,
            has_fired: false,
            denied: Few::default(),
            unpermitted: Few::default(),
        }
    }

    /// Why the policy refused, in the order of the rules: the rules that denied with the claims that
    /// they found, or those that could have permitted with the condition that each stopped at.
    pub(crate) fn finish(self, reason: DenyReason) -> String {
        let (rules, sentence): (_, fn(&Noted<'_>) -> String) = match reason {
            DenyReason::DenyIssued => (self.denied, denied),
            DenyReason::NoPermit => (self.unpermitted, not_permitted),
        };
        let mut shown: Vec<String> = rules.first.iter().map(sentence).collect();
        if shown.is_empty() {
            shown.push("no rule permits".to_owned());
        }
        match rules.more() {
            0 => {}
            more => shown.push(format!("and {more} more rules")),
        }
        shown.join("; ")
    }

    fn condition(&mut self, index: usize) -> Option<&mut Seen> {
        let conditions = &mut self.current.as_mut()?.conditions;
        while conditions.len() <= index {
            conditions.push(Seen::default());
        }
        conditions.get_mut(index)
    }
}

impl Tracer for RefusalTracer<'_> {
    const ON: bool = true;

    fn rule_begins(&mut self, rule: &CompiledRule) {
        self.has_fired = false;
        let (section, index) = (rule.section, rule.index);
        let decides = |rule: &&Rule| matches!(rule.action.verb, Verb::Permit | Verb::Deny);
        self.current = self.policy.rule(section, index).filter(decides).map(|found| Noted {
            rule: found,
            section,
            index,
            position: self.policy.position(rule.span.start),
            conditions: Vec::new(),
        });
    }

    fn claim_tested<'c>(
        &mut self,
        index: usize,
        row: impl Iterator<Item = &'c Claim>,
        claim: &Claim,
        failed: Option<usize>,
    ) {
        let Some(current) = &self.current else { return };
        let test = failed.and_then(|test| current.rule.conditions.get(index)?.selector.get(test));
        if test.is_some_and(|test| test.property == Property::Type) {
            return;
        }
        let Some(seen) = self.condition(index) else { return };
        match failed {
            None => seen.matched.add(CLAIMS_MAX, || claim.clone()),
            Some(test) => seen.failed.add(CLAIMS_MAX, || {
                let mut bound = Few::default();
                row.for_each(|claim| bound.add(CLAIMS_MAX, || claim.clone()));
                Failed { claim: claim.clone(), test, bound }
            }),
        }
    }

    fn condition_done(&mut self, index: usize, _before: usize, after: usize) {
        if let Some(seen) = self.condition(index) {
            seen.bindings_after = after;
        }
    }

    fn fired(&mut self) {
        self.has_fired = true;
    }

    fn rule_ends(&mut self) {
        let Some(noted) = self.current.take() else { return };
        match (noted.rule.action.verb, self.has_fired) {
            (Verb::Deny, true) => self.denied.add(RULES_MAX, || noted),
            (Verb::Permit, false) => self.unpermitted.add(RULES_MAX, || noted),
            _ => {}
        }
    }
}

impl Noted<'_> {
    fn place(&self) -> String {
        let number = self.index.saturating_add(1);
        format!("rule {number} of {} at {}", self.section.name(), self.position)
    }

    /// A condition as it is written.
    fn text(&self, condition: usize) -> String {
        let written = self.rule.conditions.get(condition);
        written.map(|written| shortened(&print_condition(written))).unwrap_or_default()
    }

    fn test(&self, condition: usize, test: usize) -> String {
        let written = self.rule.conditions.get(condition);
        let test = written.and_then(|condition| condition.selector.get(test));
        test.map(|test| shortened(&print_test(test))).unwrap_or_default()
    }
}

fn denied(rule: &Noted<'_>) -> String {
    let holding = |(index, seen): (usize, &Seen)| {
        let (text, found) = (rule.text(index), seen.matched.listed(Claim::to_string));
        if found.is_empty() { text } else { format!("{text} holds for {found}") }
    };
    let shown: Vec<String> =
        rule.conditions.iter().enumerate().take(CONDITIONS_MAX).map(holding).collect();
    let more = match rule.conditions.len().saturating_sub(CONDITIONS_MAX) {
        0 => String::new(),
        more => format!(" and {more} more conditions"),
    };
    if shown.is_empty() {
        return format!("{} denies without a condition", rule.place());
    }
    format!("{} denies: {}{more}", rule.place(), shown.join(" and "))
}

fn not_permitted(rule: &Noted<'_>) -> String {
    let place = rule.place();
    let stopped = |(_, seen): &(usize, &Seen)| seen.bindings_after == 0;
    let Some((index, seen)) = rule.conditions.iter().enumerate().find(stopped) else {
        return format!("{place} did not permit");
    };
    let text = rule.text(index);
    let found = seen.failed.listed(|one| {
        let bound = one.bound.listed(Claim::to_string);
        let beside = if bound.is_empty() { bound } else { format!(", beside {bound}") };
        format!("{} where {} is demanded{beside}", one.claim, rule.test(index, one.test))
    });
    if !found.is_empty() {
        return format!("{place} does not permit: {text} fails, found {found}");
    }
    if seen.matched.count == 0 {
        return format!("{place} does not permit: {text} fails, there is no such claim");
    }
    let found = seen.matched.listed(Claim::to_string);
    format!("{place} does not permit: {text} fails, found {found}")
}

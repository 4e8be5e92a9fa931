//! The names of a rule, and the slots of the claims that they stand for.

use std::collections::{HashMap, HashSet};

use crate::ast::{ActionBody, Expression, ExpressionKind, Identifier, Rule};
use crate::print::printable;
use crate::span::Span;

/// The names that a place in a rule may refer to.
pub(super) struct Scope<'a> {
    /// What the rule refers to anywhere. A name that nothing refers to binds no claim.
    mentioned: HashSet<&'a str>,
    /// The names so far, and where the claims are that they bind.
    names: HashMap<&'a str, Option<usize>>,
    /// How many of the names bind a claim.
    slots: usize,
    /// Some of the names, in order, to be shown.
    shown: Vec<&'a str>,
    /// The name of the condition that is being checked.
    own: Option<&'a Identifier>,
}

/// Names of a rule that a message lists at most.
const SHOWN_MAX: usize = 10;

/// A name that has been given before.
pub(super) struct Duplicate {
    pub(super) span: Span,
}

impl<'a> Scope<'a> {
    /// The scope of the first condition: nothing can be referred to.
    pub(super) fn of(rule: &'a Rule) -> Self {
        Self {
            mentioned: mentioned(rule),
            names: HashMap::new(),
            slots: 0,
            shown: Vec::new(),
            own: None,
        }
    }

    /// A condition begins.
    pub(super) const fn enter(&mut self, name: Option<&'a Identifier>) {
        self.own = name;
    }

    /// A condition is over: from now on its name stands for the claim it finds. Gives the slot of that
    /// claim, if anything refers to it.
    pub(super) fn leave(&mut self) -> Result<Option<usize>, Duplicate> {
        let Some(own) = self.own.take() else { return Ok(None) };
        let name = &*own.name;
        if self.names.contains_key(name) {
            return Err(Duplicate { span: own.span });
        }
        let slot = self.mentioned.contains(name).then_some(self.slots);
        self.slots = self.slots.saturating_add(usize::from(slot.is_some()));
        self.names.insert(name, slot);
        if self.shown.len() < SHOWN_MAX {
            self.shown.push(name);
        }
        Ok(slot)
    }

    /// Where the claim is that a name stands for.
    pub(super) fn slot(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied().flatten()
    }

    /// How many slots there are.
    pub(super) const fn slots(&self) -> usize {
        self.slots
    }

    /// What could have been meant by a name that is not known here.
    pub(super) fn instead_of(&self, unknown: &Identifier) -> String {
        if self.own.is_some_and(|own| own.name == unknown.name) {
            return "own".to_owned();
        }
        let names: Vec<String> =
            self.shown.iter().map(|name| format!("`{}`", printable(name))).collect();
        names.join(", ")
    }
}

fn mentioned(rule: &Rule) -> HashSet<&str> {
    let mut names = HashSet::new();
    for test in rule.conditions.iter().flat_map(|condition| &condition.selector) {
        names_in(&test.value, &mut names);
    }
    match &rule.action.body {
        ActionBody::Empty => {}
        ActionBody::Copy(identifier) => {
            names.insert(&*identifier.name);
        }
        ActionBody::Make(assignments) => {
            assignments.iter().for_each(|assignment| names_in(&assignment.value, &mut names));
        }
    }
    names
}

fn names_in<'a>(expression: &'a Expression, names: &mut HashSet<&'a str>) {
    match &expression.kind {
        ExpressionKind::Reference { identifier, .. } => {
            names.insert(&identifier.name);
        }
        ExpressionKind::Call { arguments, .. } => {
            arguments.iter().for_each(|argument| names_in(argument, names));
        }
        ExpressionKind::String(_) | ExpressionKind::Integer(_) | ExpressionKind::Boolean(_) => {}
    }
}

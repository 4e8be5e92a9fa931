//! What the checker makes of the tree: every name has become what it stands for.
//!
//! A reference holds its slot, a call its function, the name of a claim type its number. What compiles and
//! runs this looks nothing up that could be missing.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ast::{Function, Operator, Property, SectionKind, Verb};
use crate::jmespath::{Query, QueryError};
use crate::span::Span;
use crate::type_name::TypeName;
use crate::value::{Value, ValueKind};

/// The number of a claim type that the policy names, from 0.
pub(crate) type Symbol = usize;

/// The rules of a policy without mistakes, in the order in which they run.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) rules: Vec<Rule>,
    pub(crate) symbols: Symbols,
}

/// The claim types that a policy names.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    numbers: HashMap<Arc<str>, Symbol>,
    /// A bit for each length of a name, in bytes: most claims are none that the policy names, and most
    /// of these need not be hashed.
    lengths: u64,
}

impl Symbols {
    /// The number of a type; a new one if nothing has named the type before.
    pub(crate) fn number(&mut self, name: &Arc<str>) -> Symbol {
        let next = self.numbers.len();
        self.lengths |= length_bit(name);
        *self.numbers.entry(Arc::clone(name)).or_insert(next)
    }

    /// The number of a type, if the policy names it.
    pub(crate) fn get(&self, name: &str) -> Option<Symbol> {
        if self.lengths & length_bit(name) == 0 {
            return None;
        }
        self.numbers.get(name).copied()
    }

    /// How many there are; all numbers are below.
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }
}

/// The bit of a name's length; names of 63 bytes and more share one.
fn length_bit(name: &str) -> u64 {
    1 << name.len().min(63)
}

#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) section: SectionKind,
    /// Place in its section, from 0.
    pub(crate) index: usize,
    pub(crate) span: Span,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) action: Action,
    /// How many conditions bind a claim that is looked at later. Slots are numbered from 0 in the order
    /// of these conditions.
    pub(crate) slots: usize,
}

#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) negated: bool,
    /// Whether it has a name.
    pub(crate) named: bool,
    /// Where the claim found is remembered, if anything refers to it.
    pub(crate) slot: Option<usize>,
    pub(crate) tests: Vec<Test>,
}

#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) property: Property,
    pub(crate) operator: Operator,
    pub(crate) value: Expression,
    /// `type == literal`, by number.
    pub(crate) symbol: Option<Symbol>,
}

#[derive(Debug)]
pub(crate) enum Expression {
    Literal(Value),
    Reference {
        slot: usize,
        property: Property,
    },
    Call {
        function: Function,
        /// As many as the function takes.
        arguments: Vec<Self>,
        /// What the compiler makes of a literal query.
        query: Option<LiteralQuery>,
    },
}

/// A query that stands in the policy as a literal, compiled once.
pub(crate) type LiteralQuery = Result<Arc<Query>, QueryError>;

impl Expression {
    /// Whether a function is called, which may fail.
    pub(crate) const fn is_call(&self) -> bool {
        matches!(self, Self::Call { .. })
    }

    /// Whether the value depends on a claim that a condition has found.
    pub(crate) fn refers(&self) -> bool {
        match self {
            Self::Literal(_) => false,
            Self::Reference { .. } => true,
            Self::Call { arguments, .. } => arguments.iter().any(Self::refers),
        }
    }
}

#[derive(Debug)]
pub(crate) enum Action {
    Permit,
    Deny,
    Copy { verb: Verb, slot: usize },
    Make(Box<Make>),
}

#[derive(Debug)]
pub(crate) struct Make {
    pub(crate) verb: Verb,
    pub(crate) claim_type: ClaimType,
    pub(crate) value: Expression,
    pub(crate) kind: Option<ValueKind>,
    /// Whether `value` stands before `type` in the text, and so is evaluated before it.
    pub(crate) value_first: bool,
}

#[derive(Debug)]
pub(crate) enum ClaimType {
    Literal(TypeName, Symbol),
    Computed(Expression),
}

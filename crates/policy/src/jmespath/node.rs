//! The tree of a compiled query.

use std::sync::Arc;

use super::functions::Function;
use crate::json::Json;

/// One step of a query: takes the current value, gives another.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// `@`
    Current,
    /// A literal or a raw string.
    Literal(Json),
    /// `name`
    Field(Arc<str>),
    /// `[3]`, `[-1]`
    Index(i64),
    /// `[start:stop:step]`
    Slice { start: Option<i64>, stop: Option<i64>, step: i64 },
    /// `a.b`, `a | b`, `a[0]`: each step works on the value of the one before.
    Chain(Vec<Node>),
    /// A projection: `body` for each element that `source` gives, nulls dropped.
    Project { source: Box<Node>, elements: Elements, body: Box<Node> },
    /// `[a, b]`
    List(Vec<Node>),
    /// `{name: a}`
    Hash(Vec<(Arc<str>, Node)>),
    /// `a || b`
    Or(Vec<Node>),
    /// `a && b`
    And(Vec<Node>),
    /// `!a`
    Not(Box<Node>),
    /// `a == b`
    Compare(Comparison, Box<(Node, Node)>),
    /// `name(a, &b)`. Of a function that is not there, the name; calling it fails when it is reached.
    Call { function: Result<&'static Function, Arc<str>>, arguments: Vec<Argument> },
}

/// What a projection runs over.
#[derive(Debug, Clone)]
pub(crate) enum Elements {
    /// The elements of an array.
    Array,
    /// The values of an object.
    Values,
    /// The elements of an array, with arrays among them opened.
    Flattened,
    /// The elements of an array for which the condition is true.
    Filtered(Box<Node>),
}

/// An argument of a function.
#[derive(Debug, Clone)]
pub(crate) enum Argument {
    /// A value.
    Value(Node),
    /// `&expression`, run by the function itself.
    Expression(Node),
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Node {
    /// `first`, then `second` on its value.
    pub(super) fn then(first: Self, second: Self) -> Self {
        match (first, second) {
            (Self::Current, node) | (node, Self::Current) => node,
            // A chain behind `|` stays one step: to merge it each time would be quadratic.
            (Self::Chain(mut steps), node) => {
                steps.push(node);
                Self::Chain(steps)
            }
            (first, second) => Self::Chain(vec![first, second]),
        }
    }

    pub(super) fn or(first: Self, second: Self) -> Self {
        match first {
            Self::Or(mut all) => {
                all.push(second);
                Self::Or(all)
            }
            first => Self::Or(vec![first, second]),
        }
    }

    pub(super) fn and(first: Self, second: Self) -> Self {
        match first {
            Self::And(mut all) => {
                all.push(second);
                Self::And(all)
            }
            first => Self::And(vec![first, second]),
        }
    }

    pub(super) fn project(source: Self, elements: Elements, body: Self) -> Self {
        Self::Project { source: Box::new(source), elements, body: Box::new(body) }
    }

    /// Shows each node below this one, and the node itself, to `visitor`.
    pub(crate) fn visit(&self, visitor: &mut NodeVisitor<'_>) {
        visitor(self);
        match self {
            Self::Current
            | Self::Literal(_)
            | Self::Field(_)
            | Self::Index(_)
            | Self::Slice { .. } => {}
            Self::Chain(nodes) | Self::List(nodes) | Self::Or(nodes) | Self::And(nodes) => {
                nodes.iter().for_each(|node| node.visit(visitor));
            }
            Self::Project { source, elements, body } => {
                source.visit(visitor);
                if let Elements::Filtered(condition) = elements {
                    condition.visit(visitor);
                }
                body.visit(visitor);
            }
            Self::Hash(members) => members.iter().for_each(|(_, node)| node.visit(visitor)),
            Self::Not(node) => node.visit(visitor),
            Self::Compare(_, sides) => {
                sides.0.visit(visitor);
                sides.1.visit(visitor);
            }
            Self::Call { arguments, .. } => arguments.iter().for_each(|argument| match argument {
                Argument::Value(node) | Argument::Expression(node) => node.visit(visitor),
            }),
        }
    }
}

/// Called with each node of a query.
pub(crate) type NodeVisitor<'a> = dyn FnMut(&Node) + 'a;

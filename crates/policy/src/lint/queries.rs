//! Warnings about literal JMESPath queries.

use super::{LintSlug, Linter};
use crate::ast::{Expression, ExpressionKind, Function};
use crate::jmespath::{Comparison, Node, Query, function_names};
use crate::json::Json;
use crate::limits::Limits;
use crate::print::printable;
use crate::span::Span;
use crate::suggest::nearest;

impl Linter<'_> {
    /// Looks at the literal queries inside an expression.
    pub(super) fn queries(&mut self, expression: &Expression) {
        let ExpressionKind::Call { name, arguments } = &expression.kind else { return };
        arguments.iter().for_each(|argument| self.queries(argument));
        if Function::from_name(&name.name) != Some(Function::JmesPath) {
            return;
        }
        let Some(query) = arguments.get(1) else { return };
        let Some(text) = query.kind.as_literal_str() else { return };
        match Query::compile(text, &Limits::default()) {
            Err(error) => self.warn(
                LintSlug::InvalidQuery,
                query.span,
                format!("every request that reaches this query will fail: {error}"),
                "correct the query",
            ),
            Ok(compiled) => self.query(&compiled, query.span),
        }
    }

    fn query(&mut self, query: &Query, span: Span) {
        let mut found: Vec<(LintSlug, String, String)> = Vec::new();
        query.root().visit(&mut |node| match node {
            Node::Call { function: Err(name), .. } => found.push(unknown_function(name)),
            Node::Call { function: Ok(function), arguments } => {
                if let Some(words) = function.takes_instead_of(arguments.len()) {
                    let message = format!("`{}` takes {words}", function.name);
                    let help = "correct the query".to_owned();
                    found.push((LintSlug::InvalidQuery, message, help));
                }
            }
            Node::Compare(operator, sides) => comparison(*operator, &sides.0, &sides.1, &mut found),
            Node::Chain(nodes) => {
                for pair in nodes.windows(2) {
                    if let [list, Node::Compare(_, sides)] = pair
                        && is_list(list)
                        && matches!(
                            (&sides.0, &sides.1),
                            (Node::Current, Node::Literal(Json::Null))
                                | (Node::Literal(Json::Null), Node::Current)
                        )
                    {
                        found.push(list_and_null());
                    }
                }
            }
            Node::Field(name) if &**name == "events" => found.push((
                LintSlug::SuspiciousQuery,
                "the list of events is called `Events`".to_owned(),
                "write `Events`".to_owned(),
            )),
            _ => {}
        });
        for (slug, message, help) in found {
            self.warn(slug, span, message, help);
        }
    }
}

fn unknown_function(name: &str) -> (LintSlug, String, String) {
    let help = match nearest(name, function_names()) {
        Some(nearest) => format!("write `{nearest}`"),
        None => format!("the functions are {}", function_names().collect::<Vec<_>>().join(", ")),
    };
    let message = format!("there is no JMESPath function `{}`", printable(name));
    (LintSlug::InvalidQuery, message, help)
}

fn comparison(
    operator: Comparison,
    left: &Node,
    right: &Node,
    found: &mut Vec<(LintSlug, String, String)>,
) {
    for (one, other) in [(left, right), (right, left)] {
        match one {
            Node::Field(name) if matches!(&**name, "true" | "false" | "null") => found.push((
                LintSlug::SuspiciousQuery,
                format!("a bare `{name}` is the name of a member"),
                format!("write `{name}` in backticks"),
            )),
            Node::Literal(Json::Null) if is_list(other) => found.push(list_and_null()),
            Node::Literal(Json::String(text)) if super::patterns::quoted_scalar(text) => found
                .push((
                    LintSlug::SuspiciousQuery,
                    format!("'{text}' is a string and equals no number or boolean"),
                    format!("write `{text}` in backticks"),
                )),
            Node::Literal(literal) => {
                let order = !matches!(operator, Comparison::Equal | Comparison::NotEqual);
                if order && literal.kind() != "number" {
                    found.push((
                        LintSlug::SuspiciousQuery,
                        format!("a {} has no order, so the comparison gives null", literal.kind()),
                        "compare numbers, in backticks".to_owned(),
                    ));
                }
            }
            _ => {}
        }
    }
}

fn list_and_null() -> (LintSlug, String, String) {
    (
        LintSlug::SuspiciousQuery,
        "a projection is a list, and an empty list is not null".to_owned(),
        "compare length(@) with `0` in backticks".to_owned(),
    )
}

/// Whether a node gives a list (or null of something that is no list itself).
fn is_list(node: &Node) -> bool {
    match node {
        Node::Project { .. } | Node::List(_) => true,
        Node::Chain(nodes) => nodes.last().is_some_and(is_list),
        _ => false,
    }
}

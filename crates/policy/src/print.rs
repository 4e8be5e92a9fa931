//! Spelling: string literals, printable text, and the canonical form of a policy.

use std::fmt::Write as _;

use crate::ast::{
    Action, ActionBody, Ast, Condition, Expression, ExpressionKind, PropertyCondition, Rule,
};

/// A string literal for `text`. Line ends, which no literal can hold, are printed as they are.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len().saturating_add(2));
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// A character that a terminal shows and does not obey.
pub(crate) fn printable_char(c: char) -> char {
    match c {
        '\t' => '\t',
        '\0'..='\u{1f}' => char::from_u32(u32::from(c).saturating_add(0x2400)).unwrap_or('?'),
        _ if is_obeyed(c) => '\u{fffd}',
        _ => c,
    }
}

/// Whether a terminal obeys this character or hides it, control characters of ASCII but DEL apart.
#[must_use]
pub const fn is_obeyed(c: char) -> bool {
    matches!(
        c,
        '\u{7f}'..='\u{9f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    )
}

/// `text` without characters that a terminal would obey, at most some 200 of them.
pub(crate) fn printable(text: &str) -> String {
    shortened(
        &text.chars().take(SHOWN_MAX.saturating_add(1)).map(printable_char).collect::<String>(),
    )
}

const SHOWN_MAX: usize = 200;

/// The first characters of a long text.
pub(crate) fn shortened(text: &str) -> String {
    let mut chars = text.chars().map(printable_char);
    let mut shown: String = chars.by_ref().take(SHOWN_MAX).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

/// The first characters of a text as a literal: no more of it is looked at.
pub(crate) fn quoted_beginning(text: &str) -> String {
    let beginning: String = text.chars().take(SHOWN_MAX.saturating_add(1)).collect();
    shortened(&quoted(&beginning))
}

/// The canonical text of a policy: one spelling for each tree, without comments.
///
/// Parsing it gives the same tree again, but for the places.
#[must_use]
pub fn print(ast: &Ast) -> String {
    let mut out = format!("version={};\n", ast.version.name());
    for section in ast.sections() {
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "{} {{", section.kind.name());
        for rule in &section.rules {
            let _ = writeln!(out, "    {};", print_rule(rule));
        }
        out.push_str("};\n");
    }
    out
}

/// A rule on one line, without its semicolon.
pub(crate) fn print_rule(rule: &Rule) -> String {
    let conditions: Vec<_> = rule.conditions.iter().map(print_condition).collect();
    let space = if conditions.is_empty() { "" } else { " " };
    format!("{}{space}=> {}", conditions.join(" && "), print_action(&rule.action))
}

pub(crate) fn print_condition(condition: &Condition) -> String {
    let negation = if condition.negation.is_some() { "!" } else { "" };
    let name = condition.identifier.as_ref().map(|i| format!("{}:", i.name)).unwrap_or_default();
    let tests: Vec<_> = condition.selector.iter().map(print_test).collect();
    format!("{negation}{name}[{}]", tests.join(", "))
}

pub(crate) fn print_test(test: &PropertyCondition) -> String {
    let value = print_expression(&test.value);
    match test.operator.is_order() {
        true => format!("{} {} {value}", test.property.name(), test.operator.name()),
        false => format!("{}{}{value}", test.property.name(), test.operator.name()),
    }
}

fn print_action(action: &Action) -> String {
    let inner = match &action.body {
        ActionBody::Empty => String::new(),
        ActionBody::Copy(identifier) => format!("claim={}", identifier.name),
        ActionBody::Make(assignments) => {
            let assignments: Vec<_> = assignments
                .iter()
                .map(|a| format!("{}={}", a.property.name(), print_expression(&a.value)))
                .collect();
            assignments.join(", ")
        }
    };
    format!("{}({inner})", action.verb.name())
}

/// An expression on one line.
pub(crate) fn print_expression(expression: &Expression) -> String {
    match &expression.kind {
        ExpressionKind::String(text) => quoted(text),
        ExpressionKind::Integer(value) => value.to_string(),
        ExpressionKind::Boolean(value) => value.to_string(),
        ExpressionKind::Reference { identifier, property } => {
            format!("{}.{}", identifier.name, property.name())
        }
        ExpressionKind::Call { name, arguments } => {
            let arguments: Vec<_> = arguments.iter().map(print_expression).collect();
            format!("{}({})", name.name, arguments.join(", "))
        }
    }
}

//! Mutants of truth values: conditions that always or never hold, `&&` for `||`, opposites.

use std::ops::Range;

use syn::{BinOp, Expr, UnOp};

use super::edit::Owner;
use super::find::{Finder, on, range, shown};

/// Methods that answer a question.
const QUESTIONS: [&str; 21] = [
    "is_some",
    "is_none",
    "is_ok",
    "is_err",
    "is_empty",
    "contains",
    "contains_key",
    "starts_with",
    "ends_with",
    "any",
    "all",
    "eq",
    "is_some_and",
    "is_none_or",
    "is_ok_and",
    "eq_ignore_ascii_case",
    "is_ascii_digit",
    "is_dir",
    "is_file",
    "insert",
    "remove",
];
/// Methods whose closure decides.
const DECIDERS: [&str; 13] = [
    "filter",
    "any",
    "all",
    "find",
    "position",
    "rposition",
    "is_some_and",
    "is_none_or",
    "is_ok_and",
    "take_while",
    "skip_while",
    "retain",
    "partition",
];

pub(super) fn expression(finder: &mut Finder<'_>, expression: &Expr) {
    match expression {
        Expr::If(one) => condition(finder, &one.cond),
        Expr::While(one) if !has_let(&one.cond) => always(finder, &one.cond, &[false]),
        Expr::Match(one) => {
            one.arms.iter().filter_map(|arm| arm.guard.as_ref()).for_each(|(_, guard)| {
                condition(finder, guard);
            });
        }
        Expr::MethodCall(call) => method(finder, call),
        Expr::Binary(binary) if is_lazy(&binary.op) => lazy(finder, expression, binary),
        _ => {}
    }
    if is_question(expression) && !finder.is_settled(&range(expression)) {
        let opposite = match expression {
            Expr::Unary(not) => finder.source(&*not.expr).to_owned(),
            other => format!("!({})", finder.source(other)),
        };
        finder.replace_all(range(expression), opposite);
    }
}

/// `then` asks its receiver, others ask their closure.
fn method(finder: &mut Finder<'_>, call: &syn::ExprMethodCall) {
    let name = call.method.to_string();
    if name == "then" || name == "then_some" {
        always(finder, &call.receiver, &[true, false]);
    }
    if DECIDERS.contains(&name.as_str())
        && let Some(Expr::Closure(closure)) = call.args.first()
        && !matches!(*closure.body, Expr::Block(_))
    {
        always(finder, &closure.body, &[true, false]);
    }
}

/// A condition of `if` or of a match arm.
fn condition(finder: &mut Finder<'_>, condition: &Expr) {
    if !has_let(condition) {
        always(finder, condition, &[true, false]);
        return;
    }
    if finder.constant.is_some() {
        return;
    }
    let change = format!("`if {}` never holds", shown(finder.source(condition)));
    let number = finder.mutant(range(condition).start, change);
    let never = format!(" && !{}", on(number));
    finder.edit(range(condition), Owner::Mutant(number), String::new(), &never);
    for leaf in leaves(condition) {
        if !has_let(leaf) {
            always(finder, leaf, &[true]);
        }
    }
}

/// A truth value that is always so. One that is computed still is: its effects remain.
fn always(finder: &mut Finder<'_>, expression: &Expr, values: &[bool]) {
    let whole = range(expression);
    if finder.constant.is_some() || finder.is_settled(&whole) {
        return;
    }
    finder.settle(&whole);
    finder.settle(&inner(expression));
    for value in values {
        let change = format!("`{}` is always {value}", shown(finder.source(expression)));
        let number = finder.mutant(whole.start, change);
        let after = match value {
            true => format!(") || {})", on(number)),
            false => format!(") && !{})", on(number)),
        };
        finder.edit(whole.clone(), Owner::Mutant(number), "((".to_owned(), &after);
    }
}

/// The range within parentheses and negations, which needs no opposite of its own.
fn inner(expression: &Expr) -> Range<usize> {
    match expression {
        Expr::Paren(paren) => inner(&paren.expr),
        Expr::Unary(not) if matches!(not.op, UnOp::Not(_)) => inner(&not.expr),
        other => range(other),
    }
}

/// `&&` and `||`: the other one, and each side left out.
fn lazy(finder: &mut Finder<'_>, expression: &Expr, binary: &syn::ExprBinary) {
    if has_let(expression) {
        return;
    }
    let is_and = matches!(binary.op, BinOp::And(_));
    let other = if is_and { "||" } else { "&&" };
    let text = |part: &Expr| finder.source(part).to_owned();
    let side = |part: &Expr| match part {
        // `a && b || c` would be read another way.
        Expr::Binary(_) => format!("({})", text(part)),
        _ => text(part),
    };
    let mutated = format!("{} {other} {}", side(&binary.left), side(&binary.right));
    finder.replace_all(range(expression), mutated);
    for part in [&*binary.left, &*binary.right] {
        // A longer chain is taken apart below.
        if !matches!(part, Expr::Binary(inner) if inner.op == binary.op) {
            always(finder, part, &[is_and]);
        }
    }
}

fn is_lazy(operator: &BinOp) -> bool {
    matches!(operator, BinOp::And(_) | BinOp::Or(_))
}

/// Whether an expression binds names as `if let` does.
fn has_let(expression: &Expr) -> bool {
    match expression {
        Expr::Let(_) => true,
        Expr::Binary(binary) if is_lazy(&binary.op) => {
            has_let(&binary.left) || has_let(&binary.right)
        }
        _ => false,
    }
}

/// The parts of `a && b && c`.
fn leaves(expression: &Expr) -> Vec<&Expr> {
    match expression {
        Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => {
            let mut parts = leaves(&binary.left);
            parts.extend(leaves(&binary.right));
            parts
        }
        other => vec![other],
    }
}

/// Whether an expression surely is a truth value, by its form.
fn is_question(expression: &Expr) -> bool {
    match expression {
        Expr::Binary(binary) => is_comparison(&binary.op),
        Expr::Unary(unary) => matches!(unary.op, UnOp::Not(_)),
        Expr::MethodCall(call) => QUESTIONS.contains(&call.method.to_string().as_str()),
        Expr::Macro(call) => call.mac.path.is_ident("matches"),
        _ => false,
    }
}

pub(super) fn is_comparison(operator: &BinOp) -> bool {
    matches!(
        operator,
        BinOp::Eq(_) | BinOp::Ne(_) | BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_)
    )
}

//! Mutants of operators, literals and functions that have a counterpart.

use syn::{BinOp, Expr, Lit};

use super::find::{Finder, range};

/// Functions and the ones they are mistaken for.
const COUNTERPARTS: [(&str, &str); 12] = [
    ("min", "max"),
    ("first", "last"),
    ("saturating_add", "saturating_sub"),
    ("checked_add", "checked_sub"),
    ("wrapping_add", "wrapping_sub"),
    ("any", "all"),
    ("find", "rfind"),
    ("position", "rposition"),
    ("split_once", "rsplit_once"),
    ("to_le_bytes", "to_be_bytes"),
    ("from_le_bytes", "from_be_bytes"),
    ("split_first", "split_last"),
];

pub(super) fn expression(finder: &mut Finder<'_>, expression: &Expr) {
    match expression {
        Expr::Binary(binary) => {
            if let Some(other) = other_operator(&binary.op) {
                operator(finder, expression, &range(&binary.op), other);
            }
        }
        Expr::MethodCall(call) => {
            counterpart(finder, expression, &call.method);
        }
        Expr::Call(call) => {
            if let Expr::Path(path) = &*call.func
                && let Some(last) = path.path.segments.last()
            {
                counterpart(finder, expression, &last.ident);
            }
        }
        Expr::Lit(literal) => self::literal(finder, literal),
        _ => {}
    }
}

fn operator(
    finder: &mut Finder<'_>,
    expression: &Expr,
    operator: &std::ops::Range<usize>,
    other: &str,
) {
    let node = range(expression);
    let parts = [(operator.clone(), other.to_owned())];
    let mutated = super::edit::spliced(finder.text, &node, &parts);
    finder.replace_all(node, mutated);
}

/// The operator next to this one; opposites of comparisons are mutants of truth values.
fn other_operator(operator: &BinOp) -> Option<&'static str> {
    Some(match operator {
        BinOp::Lt(_) => "<=",
        BinOp::Le(_) => "<",
        BinOp::Gt(_) => ">=",
        BinOp::Ge(_) => ">",
        BinOp::Add(_) => "-",
        BinOp::Sub(_) => "+",
        BinOp::Mul(_) => "/",
        BinOp::Div(_) => "*",
        BinOp::Rem(_) => "/",
        BinOp::BitAnd(_) => "|",
        BinOp::BitOr(_) => "&",
        BinOp::BitXor(_) => "|",
        BinOp::Shl(_) => ">>",
        BinOp::Shr(_) => "<<",
        _ => return None,
    })
}

fn counterpart(finder: &mut Finder<'_>, expression: &Expr, name: &syn::Ident) {
    let text = name.to_string();
    let pair = COUNTERPARTS.iter().find(|(one, other)| *one == text || *other == text);
    if let Some((one, other)) = pair {
        let replacement = if *one == text { other } else { one };
        operator(finder, expression, &range(name), replacement);
    }
}

fn literal(finder: &mut Finder<'_>, literal: &syn::ExprLit) {
    let node = range(literal);
    if finder.is_settled(&node) {
        return;
    }
    match &literal.lit {
        Lit::Bool(value) => finder.replace_all(node, (!value.value).to_string()),
        Lit::Int(number) => {
            let Ok(value) = number.base10_digits().parse::<u128>() else { return };
            for other in [value.checked_add(1), value.checked_sub(1)].into_iter().flatten() {
                finder.replace_all(node.clone(), format!("{other}{}", number.suffix()));
            }
        }
        _ => {}
    }
}

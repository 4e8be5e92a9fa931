//! Mutants of tables: rows, fields, arguments and arms take the values of their neighbours.

use std::ops::Range;

use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Expr, FieldValue, Stmt, Token};

use super::edit::Owner;
use super::find::{Finder, on, range, shown};

/// Longer lists of plain numbers are keys and names as bytes: their ends are enough.
const NUMBERS_MAX: usize = 4;

pub(super) fn expression(finder: &mut Finder<'_>, expression: &Expr) {
    match expression {
        Expr::Array(array) => table(finder, range(array), &refs(&array.elems)),
        Expr::Macro(call) => {
            if let Some(elements) = vec_elements(&call.mac) {
                left_out(finder, range(call), &refs(&elements));
                table(finder, range(call), &refs(&elements));
            }
        }
        Expr::Struct(one) => fields(finder, one),
        Expr::Call(call) => exchange_neighbours(finder, range(call), &refs(&call.args)),
        Expr::MethodCall(call) => exchange_neighbours(finder, range(call), &refs(&call.args)),
        Expr::Match(one) => arms(finder, &one.arms),
        _ => {}
    }
}

fn refs(list: &Punctuated<Expr, Token![,]>) -> Vec<&Expr> {
    list.iter().collect()
}

/// The elements of `vec![a, b]`.
pub(super) fn vec_elements(mac: &syn::Macro) -> Option<Punctuated<Expr, Token![,]>> {
    if !mac.path.is_ident("vec") {
        return None;
    }
    Punctuated::parse_terminated.parse2(mac.tokens.clone()).ok()
}

fn neighbours<T>(list: &[T]) -> impl Iterator<Item = (&T, &T)> {
    list.iter().zip(list.iter().skip(1))
}

fn table(finder: &mut Finder<'_>, node: Range<usize>, elements: &[&Expr]) {
    let is_number = |element: &&Expr| matches!(element, Expr::Lit(literal) if matches!(literal.lit, syn::Lit::Int(_)));
    if elements.len() > NUMBERS_MAX && elements.iter().all(is_number) {
        let inner = elements.len().saturating_sub(2);
        elements.iter().skip(1).take(inner).for_each(|element| finder.settle(&range(element)));
        return;
    }
    for (one, other) in neighbours(elements) {
        other_function(finder, &node, one, other);
        match first_difference(finder, one, other) {
            Some((a, b)) => exchange(finder, node.clone(), a, b, "of rows"),
            None => overwrite(finder, node.clone(), range(one), range(other)),
        }
    }
    if let [.., before, last] = elements
        && first_difference(finder, before, last).is_none()
    {
        overwrite(finder, node, range(last), range(before));
    }
}

/// Each row of a list that may be shorter, left out.
fn left_out(finder: &mut Finder<'_>, node: Range<usize>, elements: &[&Expr]) {
    for (element, next) in neighbours(elements) {
        let change = format!("row `{}` is left out", shown(finder.source(*element)));
        let until_next = range(*element).start..range(*next).start;
        finder.replace(node.clone(), &[(until_next, String::new())], change);
    }
    if let [.., before, last] = elements {
        let change = format!("row `{}` is left out", shown(finder.source(*last)));
        let rest = range(*before).end..range(*last).end;
        finder.replace(node, &[(rest, String::new())], change);
    }
}

/// Rows made by neighbouring functions: the first is made by the second's.
fn other_function(finder: &mut Finder<'_>, node: &Range<usize>, one: &Expr, other: &Expr) {
    if let (Expr::Call(one), Expr::Call(other)) = (one, other)
        && finder.source(&*one.func) != finder.source(&*other.func)
    {
        let mutated = finder.source(&*other.func).to_owned();
        let change = format!("row `{}` is made by `{mutated}`", shown(finder.source(one)));
        finder.replace(node.clone(), &[(range(&*one.func), mutated)], change);
    }
}

/// The first parts in which two rows differ, if they are made of parts.
fn first_difference(
    finder: &Finder<'_>,
    one: &Expr,
    other: &Expr,
) -> Option<(Range<usize>, Range<usize>)> {
    let (one, other) = (parts(one), parts(other));
    if one.len() < 2 || other.len() < 2 {
        return None;
    }
    let text = |range: &Range<usize>| finder.text.get(range.clone()).unwrap_or_default();
    one.into_iter().zip(other).find(|(a, b)| text(a) != text(b))
}

/// The values that a row is made of.
fn parts(row: &Expr) -> Vec<Range<usize>> {
    match row {
        Expr::Tuple(tuple) => tuple.elems.iter().map(range).collect(),
        Expr::Struct(one) if one.fields.iter().all(|field| field.colon_token.is_some()) => {
            one.fields.iter().map(|field| range(&field.expr)).collect()
        }
        Expr::Call(call) => arguments(&call.args),
        Expr::MethodCall(call) => arguments(&call.args),
        _ => Vec::new(),
    }
}

/// Arguments; a single one that is itself a row counts as that row.
fn arguments(list: &Punctuated<Expr, Token![,]>) -> Vec<Range<usize>> {
    match refs(list).as_slice() {
        [only] => parts(only),
        many => many.iter().map(range).collect(),
    }
}

/// Two parts of an expression change places.
fn exchange(
    finder: &mut Finder<'_>,
    node: Range<usize>,
    one: Range<usize>,
    other: Range<usize>,
    what: &str,
) {
    let text = |range: &Range<usize>| finder.text.get(range.clone()).unwrap_or_default().to_owned();
    let (first, second) = (text(&one), text(&other));
    if first == second {
        return;
    }
    let change = format!("`{}` and `{}` {what} change places", shown(&first), shown(&second));
    finder.replace(node, &[(one, second), (other, first)], change);
}

/// One part of an expression is another one.
fn overwrite(finder: &mut Finder<'_>, node: Range<usize>, one: Range<usize>, other: Range<usize>) {
    let text = |range: &Range<usize>| finder.text.get(range.clone()).unwrap_or_default().to_owned();
    let (first, second) = (text(&one), text(&other));
    if first != second {
        let change = format!("element `{}` is `{}`", shown(&first), shown(&second));
        finder.replace(node, &[(one, second)], change);
    }
}

fn exchange_neighbours(finder: &mut Finder<'_>, node: Range<usize>, list: &[&Expr]) {
    for (one, other) in neighbours(list) {
        let is_closure = |part: &Expr| matches!(part, Expr::Closure(_));
        let is_literal = |part: &Expr| matches!(part, Expr::Lit(_));
        // A name and what it names are of other types.
        let is_odd = is_literal(one) != is_literal(other);
        if !is_odd && !is_closure(one) && !is_closure(other) {
            exchange(finder, node.clone(), range(one), range(other), "as arguments");
        }
    }
}

fn fields(finder: &mut Finder<'_>, one: &syn::ExprStruct) {
    let list: Vec<&FieldValue> = one.fields.iter().collect();
    for (field, next) in neighbours(&list) {
        let value = |field: &FieldValue| finder.source(&field.expr).to_owned();
        let named =
            |field: &FieldValue, value: &str| format!("{}: {value}", finder.source(&field.member));
        let (first, second) = (value(field), value(next));
        if first == second {
            continue;
        }
        let change = format!(
            "fields `{}` and `{}` change places",
            shown(finder.source(*field)),
            shown(finder.source(*next))
        );
        let parts = [(range(*field), named(field, &second)), (range(*next), named(next, &first))];
        finder.replace(range(one), &parts, change);
    }
}

/// Arms that bind the same names do each other's work, or fall through to the last one.
fn arms(finder: &mut Finder<'_>, arms: &[syn::Arm]) {
    if finder.constant.is_some() {
        return;
    }
    for (arm, next) in neighbours(arms) {
        let (first, second) = (finder.source(&*arm.body), finder.source(&*next.body));
        if first == second || bindings(&arm.pat) != bindings(&next.pat) {
            continue;
        }
        let (first, second) = (first.to_owned(), second.to_owned());
        let change = format!(
            "arms `{}` and `{}` change places",
            shown(finder.source(&arm.pat)),
            shown(finder.source(&next.pat))
        );
        let number = finder.mutant(range(&arm.pat).start, change);
        for (body, other) in [(&arm.body, second), (&next.body, first)] {
            let before = format!("{{ if {} {{ {other} }} else {{ ", on(number));
            finder.edit(range(&**body), Owner::Mutant(number), before, " } }");
        }
    }
    let Some((last, others)) = arms.split_last() else { return };
    let takes_all = match &last.pat {
        syn::Pat::Wild(_) => true,
        // `None` has the form of a name.
        syn::Pat::Ident(name) if name.subpat.is_none() => {
            name.ident.to_string().starts_with(char::is_lowercase)
        }
        _ => false,
    };
    if last.guard.is_some() || !takes_all {
        return;
    }
    for arm in others {
        let differs = finder.source(&*arm.body) != finder.source(&*last.body);
        if arm.guard.is_none() && differs {
            let change = format!("arm `{}` is left out", shown(finder.source(&arm.pat)));
            let end = range(&arm.pat).end;
            let number = finder.mutant(range(&arm.pat).start, change);
            finder.edit(end..end, Owner::Mutant(number), format!(" if !{}", on(number)), "");
        }
    }
}

/// The names that a pattern binds.
fn bindings(pattern: &syn::Pat) -> Vec<String> {
    struct Names(Vec<String>);
    impl<'ast> syn::visit::Visit<'ast> for Names {
        fn visit_pat_ident(&mut self, name: &'ast syn::PatIdent) {
            self.0.push(name.ident.to_string());
        }
    }
    let mut names = Names(Vec::new());
    syn::visit::Visit::visit_pat(&mut names, pattern);
    // A name that starts like a type is a constant or a variant.
    names.0.retain(|name| name.starts_with(|c: char| c.is_lowercase() || c == '_'));
    names.0.sort();
    names.0
}

/// Neighbouring statements that are rows: their names change places.
pub(super) fn statements(finder: &mut Finder<'_>, statements: &[Stmt]) {
    if finder.constant.is_some() {
        return;
    }
    for (one, other) in neighbours(statements) {
        let (Some(one), Some(other)) = (row_call(one), row_call(other)) else { continue };
        let same = one.method == other.method
            && finder.source(&*one.receiver) == finder.source(&*other.receiver);
        let (one, other) = (arguments(&one.args), arguments(&other.args));
        let (Some(one), Some(other), true) = (one.first(), other.first(), same) else { continue };
        let text =
            |range: &Range<usize>| finder.text.get(range.clone()).unwrap_or_default().to_owned();
        let (first, second) = (text(one), text(other));
        if first == second {
            continue;
        }
        let change = format!("`{}` and `{}` of rows change places", shown(&first), shown(&second));
        let number = finder.mutant(one.start, change);
        for (place, mutated) in [(one, &second), (other, &first)] {
            let before = format!("(if {} {{ {mutated} }} else {{ ", on(number));
            finder.edit(place.clone(), Owner::Mutant(number), before, " })");
        }
    }
}

fn row_call(statement: &Stmt) -> Option<&syn::ExprMethodCall> {
    match statement {
        Stmt::Expr(Expr::MethodCall(call), Some(_)) => Some(call),
        _ => None,
    }
}

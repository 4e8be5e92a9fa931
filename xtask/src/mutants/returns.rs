//! Mutants of whole functions and statements: answers made up at the entry, calls left out.

use syn::{Block, Expr, ReturnType, Signature, Stmt, Type};

use super::edit::Owner;
use super::find::{Finder, on, range, shown};

/// A function that answers at once, by its type.
pub(super) fn entry(finder: &mut Finder<'_>, signature: &Signature, block: &Block) {
    if block.stmts.is_empty() {
        return;
    }
    let start = block.brace_token.span.open().byte_range().end;
    for answer in answers(&signature.output) {
        if is_only(finder, block, answer) {
            continue;
        }
        let change = format!("returns {} at once", if answer.is_empty() { "()" } else { answer });
        let number = finder.mutant(start, change);
        let before = format!(" if {} {{ return {answer}; }} ", on(number));
        finder.edit(start..start, Owner::Mutant(number), before, "");
    }
}

/// Whether the block is this answer already.
fn is_only(finder: &Finder<'_>, block: &Block, answer: &str) -> bool {
    matches!(block.stmts.as_slice(), [Stmt::Expr(only, None)] if finder.source(only) == answer)
}

fn answers(output: &ReturnType) -> &'static [&'static str] {
    let ReturnType::Type(_, of_type) = output else { return &[""] };
    match &**of_type {
        Type::Reference(reference) => match &*reference.elem {
            Type::Path(path) if path.path.is_ident("str") => &["\"\"", "\"other\""],
            _ => &[],
        },
        Type::Path(path) => path.path.segments.last().map_or(&[], of_segment),
        _ => &[],
    }
}

fn of_segment(last: &syn::PathSegment) -> &'static [&'static str] {
    match last.ident.to_string().as_str() {
        "bool" => &["true", "false"],
        "Option" => &["None"],
        "Vec" => &["Vec::new()"],
        "String" => &["String::new()"],
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64" => {
            &["0", "1"]
        }
        "Result" if gives_nothing(last) => &["Ok(())"],
        _ => &[],
    }
}

/// Whether a `Result` holds nothing if all is well.
fn gives_nothing(result: &syn::PathSegment) -> bool {
    let syn::PathArguments::AngleBracketed(arguments) = &result.arguments else { return false };
    matches!(
        arguments.args.first(),
        Some(syn::GenericArgument::Type(Type::Tuple(tuple))) if tuple.elems.is_empty()
    )
}

/// The last check of a function that gives nothing, left out.
pub(super) fn tail(finder: &mut Finder<'_>, signature: &Signature, block: &Block) {
    if answers(&signature.output) != ["Ok(())"] || block.stmts.len() < 2 {
        return;
    }
    if let Some(Stmt::Expr(last @ (Expr::Call(_) | Expr::MethodCall(_)), None)) = block.stmts.last()
    {
        let is_ok = matches!(last, Expr::Call(call)
            if matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Ok")));
        if !is_ok {
            let change = format!("`{}` at the end is dropped", shown(finder.source(last)));
            finder.replace(range(last), &[(range(last), "Ok(())".to_owned())], change);
        }
    }
}

/// Whether a statement is one that can be left out.
pub(super) fn can_be_dropped(expression: &Expr) -> bool {
    match expression {
        Expr::Call(_) | Expr::MethodCall(_) | Expr::Assign(_) | Expr::Try(_) | Expr::Await(_) => {
            true
        }
        Expr::Binary(binary) => matches!(
            binary.op,
            syn::BinOp::AddAssign(_)
                | syn::BinOp::SubAssign(_)
                | syn::BinOp::BitAndAssign(_)
                | syn::BinOp::BitOrAssign(_)
                | syn::BinOp::BitXorAssign(_)
                | syn::BinOp::ShlAssign(_)
                | syn::BinOp::ShrAssign(_)
                | syn::BinOp::MulAssign(_)
        ),
        _ => false,
    }
}

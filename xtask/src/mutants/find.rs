//! Finds the mutants of one source file: walks its syntax and says what to edit.
//!
//! A mutant is chosen while the program runs: `if on(7) { mutated } else { original }`. The mutated
//! branch holds the text as written, so mutants within mutants cost no more than their nesting.

use std::collections::HashSet;
use std::ops::Range;

use syn::visit::{self, Visit};
use syn::{Block, Expr, Item, Signature, Stmt};

use super::constants::Constant;
use super::edit::{Edit, Owner, spliced};
use super::{conditions, operators, returns, rows};

/// A small fault that tests should notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mutant {
    /// Its number, known once all files were read.
    pub(crate) number: u32,
    /// Path of its file from the workspace.
    pub(crate) file: String,
    /// Function or constant, with its type: `Tcb::shortfalls`.
    pub(crate) function: String,
    /// What changes, from the text alone: stays the same when lines move.
    pub(crate) change: String,
    pub(crate) line: usize,
}

impl Mutant {
    /// Names the mutant in results and explanations.
    pub(crate) fn key(&self) -> String {
        format!("{} | {} | {}", self.file, self.function, self.change)
    }
}

/// The mutants of a file with the edits that switch them, numbered from `first`.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) mutants: Vec<Mutant>,
    pub(crate) edits: Vec<Edit>,
    /// Names of the constants read at each site.
    pub(crate) sites: Vec<String>,
    /// Functions that lose the word `const`.
    pub(crate) strips: Vec<(String, Range<usize>)>,
    /// Constants that have mutants.
    pub(crate) constants: HashSet<String>,
}

/// Numbers that go on from file to file.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Next {
    pub(crate) mutant: u32,
    pub(crate) site: u32,
    pub(crate) strip: u32,
}

/// Finds the mutants of a file.
///
/// # Errors
/// The file is not Rust.
pub(crate) fn find(file: &str, text: &str, next: Next) -> Result<Found, String> {
    let syntax = syn::parse_file(text).map_err(|error| format!("{file}: {error}"))?;
    let mut finder = Finder {
        file,
        text,
        next,
        path: Vec::new(),
        found: Found::default(),
        settled: HashSet::new(),
        constant: None,
    };
    finder.visit_file(&syntax);
    tell_apart(&mut finder.found.mutants);
    Ok(finder.found)
}

/// Equal changes in one function are counted.
fn tell_apart(mutants: &mut [Mutant]) {
    let mut seen = std::collections::HashMap::new();
    for mutant in mutants {
        let count: &mut u32 = seen.entry(mutant.key()).or_default();
        *count = count.saturating_add(1);
        if *count > 1 {
            mutant.change = format!("{} ({count})", mutant.change);
        }
    }
}

pub(super) struct Finder<'t> {
    file: &'t str,
    pub(super) text: &'t str,
    next: Next,
    path: Vec<String>,
    pub(super) found: Found,
    /// Ranges of truth values that are already switched as a whole.
    settled: HashSet<(usize, usize)>,
    /// The initialiser that is being read, if any: nothing in it can be switched in place.
    pub(super) constant: Option<Constant>,
}

/// The bytes of a piece of syntax.
pub(super) fn range(node: &impl syn::spanned::Spanned) -> Range<usize> {
    node.span().byte_range()
}

/// Source text on one line, shortened.
pub(super) fn shown(text: &str) -> String {
    const LENGTH_MAX: usize = 90;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LENGTH_MAX {
        return line;
    }
    let head: String = line.chars().take(LENGTH_MAX.saturating_sub(32)).collect();
    let tail: Vec<char> = line.chars().rev().take(30).collect();
    format!("{head}…{}", tail.into_iter().rev().collect::<String>())
}

impl Finder<'_> {
    pub(super) fn source(&self, node: &impl syn::spanned::Spanned) -> &str {
        self.text.get(range(node)).unwrap_or_default()
    }

    /// A new mutant at a place.
    pub(super) fn mutant(&mut self, at: usize, change: String) -> u32 {
        let number = self.next.mutant;
        self.next.mutant = number.saturating_add(1);
        let line = self.text.get(..at).unwrap_or_default().lines().count().max(1);
        let function = self.path.join("::");
        let file = self.file.to_owned();
        self.found.mutants.push(Mutant { number, file, function, change, line });
        number
    }

    pub(super) fn edit(&mut self, range: Range<usize>, owner: Owner, before: String, after: &str) {
        let after = after.to_owned();
        self.found.edits.push(Edit { range, before, after, replaces: false, owner });
    }

    /// Another text in place of an expression, or of parts of it.
    pub(super) fn replace(
        &mut self,
        node: Range<usize>,
        parts: &[(Range<usize>, String)],
        change: String,
    ) {
        let mutated = spliced(self.text, &node, parts);
        if let Some(constant) = &mut self.constant {
            let initialiser = spliced(self.text, &constant.initialiser, &[(node.clone(), mutated)]);
            constant.variants.push((node.start, change, initialiser));
            return;
        }
        let number = self.mutant(node.start, change);
        let before = format!("(if {} {{ {mutated} }} else {{ ", on(number));
        self.edit(node, Owner::Mutant(number), before, " })");
    }

    /// Another text in place of a whole expression; the change is told by both texts.
    pub(super) fn replace_all(&mut self, node: Range<usize>, mutated: String) {
        let original = self.text.get(node.clone()).unwrap_or_default();
        let change = format!("`{}` becomes `{}`", shown(original), shown(&mutated));
        self.replace(node.clone(), &[(node, mutated)], change);
    }

    /// Marks a truth value as switched by its surroundings.
    pub(super) fn settle(&mut self, range: &Range<usize>) {
        self.settled.insert((range.start, range.end));
    }

    pub(super) fn is_settled(&self, range: &Range<usize>) -> bool {
        self.settled.contains(&(range.start, range.end))
    }

    fn within(&mut self, name: String, visit: impl FnOnce(&mut Self)) {
        self.path.push(name);
        visit(self);
        self.path.pop();
    }

    fn function(&mut self, signature: &Signature, block: &Block) {
        self.within(signature.ident.to_string(), |finder| {
            if let Some(word) = &signature.constness {
                finder.strip(range(word), signature.ident.to_string(), range(block));
            }
            returns::entry(finder, signature, block);
            returns::tail(finder, signature, block);
            finder.visit_block(block);
        });
    }

    /// Nothing can be switched while the compiler computes: the word `const` goes.
    fn strip(&mut self, word: Range<usize>, name: String, body: Range<usize>) {
        let number = self.next.strip;
        self.next.strip = number.saturating_add(1);
        self.found.strips.push((name, body));
        let (before, after) = (String::new(), String::new());
        let owner = Owner::Strip(number);
        self.found.edits.push(Edit { range: word, before, after, replaces: true, owner });
    }

    /// A place that may read a constant with mutants.
    fn site(&mut self, path: &syn::ExprPath) {
        let Some(last) = path.path.segments.last() else { return };
        let name = last.ident.to_string();
        let plain = path.qself.is_none() && last.arguments.is_none();
        if !plain || !is_constant_name(&name) {
            return;
        }
        let prefix = self.text.get(range(path).start..range(&last.ident).start).unwrap_or_default();
        let before = format!("(*{prefix}{}())", reader(&name));
        self.site_edit(range(path), before, name);
    }

    fn site_edit(&mut self, range: Range<usize>, before: String, name: String) {
        let number = self.next.site;
        self.next.site = number.saturating_add(1);
        self.found.sites.push(name);
        let owner = Owner::Site(number);
        let after = String::new();
        self.found.edits.push(Edit { range, before, after, replaces: true, owner });
    }

    /// A constant's value: its mutants become other constants, chosen where it is read.
    pub(super) fn constant(
        &mut self,
        name: &syn::Ident,
        item: Range<usize>,
        constant: Constant,
        initialiser: &Expr,
    ) {
        if self.constant.is_some() {
            return;
        }
        self.within(name.to_string(), |finder| {
            finder.constant = Some(constant);
            finder.visit_expr(initialiser);
            if let Some(constant) = finder.constant.take() {
                constant.finish(finder, name, item.end);
            }
        });
    }
}

/// The condition that switches a mutant.
pub(super) fn on(number: u32) -> String {
    format!("crate::mutant_switch::on({number})")
}

/// The function that reads a constant or one of its mutants.
pub(super) fn reader(constant: &str) -> String {
    format!("mutable_{constant}")
}

fn is_constant_name(name: &str) -> bool {
    let letters = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    name.len() > 1 && name.chars().all(letters)
}

/// Whether an item is there for the crate's own unit tests.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        path.is_ident("test")
            || path.is_ident("cfg")
                && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
    })
}

fn type_name(name: &syn::Type, text: &str) -> String {
    let name = text.get(range(name)).unwrap_or_default();
    name.split('<').next().unwrap_or_default().trim_start_matches("&").to_owned()
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[syn::Attribute] = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            _ => &[],
        };
        // Types, uses of foreign syntax and tests have nothing to switch.
        if !is_test(attributes)
            && !matches!(
                item,
                Item::Enum(_) | Item::Struct(_) | Item::Macro(_) | Item::Type(_) | Item::Union(_)
            )
        {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let trait_name = item.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
        if trait_name.is_some_and(|last| last.ident == "Debug") {
            return;
        }
        let own = type_name(&item.self_ty, self.text);
        let name = match trait_name {
            Some(name) => format!("{} for {own}", self.source(name)),
            None => own,
        };
        self.within(name, |finder| visit::visit_item_impl(finder, item));
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.within(item.ident.to_string(), |finder| visit::visit_item_trait(finder, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        let constant = Constant::new(self.text, &item.vis, &item.ty, &item.expr, false);
        self.constant(&item.ident, range(item), constant, &item.expr);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        let constant = Constant::new(self.text, &item.vis, &item.ty, &item.expr, false);
        self.constant(&item.ident, range(item), constant, &item.expr);
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        // An implementation of a trait takes no functions of ours.
        if self.path.last().is_some_and(|name| !name.contains(" for ")) {
            let constant = Constant::new(self.text, &item.vis, &item.ty, &item.expr, true);
            self.constant(&item.ident, range(item), constant, &item.expr);
        }
    }

    fn visit_trait_item_const(&mut self, _: &'ast syn::TraitItemConst) {}

    fn visit_use_name(&mut self, name: &'ast syn::UseName) {
        let constant = name.ident.to_string();
        if is_constant_name(&constant) {
            let both = format!("{{{constant}, {}}}", reader(&constant));
            self.site_edit(range(&name.ident), both, constant);
        }
    }

    fn visit_block(&mut self, block: &'ast Block) {
        rows::statements(self, &block.stmts);
        visit::visit_block(self, block);
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if let Stmt::Expr(expression, Some(semicolon)) = statement
            && returns::can_be_dropped(expression)
            && self.constant.is_none()
        {
            let whole = range(expression).start..range(semicolon).end;
            let change = format!("`{};` is dropped", shown(self.source(expression)));
            let number = self.mutant(whole.start, change);
            let before = format!("if !{} {{ ", on(number));
            self.edit(whole, Owner::Mutant(number), before, " }");
        }
        if let Stmt::Expr(expression, Some(_)) = statement {
            // Nobody reads its value.
            self.settle(&range(expression));
        }
        visit::visit_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        conditions::expression(self, expression);
        operators::expression(self, expression);
        rows::expression(self, expression);
        visit::visit_expr(self, expression);
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        if self.constant.is_none() {
            self.site(path);
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if let Some((_, guard)) = &arm.guard {
            self.visit_expr(guard);
        }
        self.visit_expr(&arm.body);
    }

    fn visit_expr_macro(&mut self, expression: &'ast syn::ExprMacro) {
        if let Some(elements) = rows::vec_elements(&expression.mac) {
            // Read anew from tokens, they still know their place in the file.
            elements.iter().for_each(|element| Finder::visit_expr(self, element));
        }
    }

    fn visit_expr_repeat(&mut self, expression: &'ast syn::ExprRepeat) {
        self.visit_expr(&expression.expr);
    }

    // Computed by the compiler, or no expression: nothing can be switched there.
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_generics(&mut self, _: &'ast syn::Generics) {}
    fn visit_path_arguments(&mut self, _: &'ast syn::PathArguments) {}
    fn visit_angle_bracketed_generic_arguments(
        &mut self,
        _: &'ast syn::AngleBracketedGenericArguments,
    ) {
    }
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}

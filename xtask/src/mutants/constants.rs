//! Mutants of constants: other constants, and a function that chooses among them.

use std::ops::Range;

use syn::visit::{self, Visit};

use super::edit::{Owner, spliced};
use super::find::{Finder, on, range, reader};

/// A constant whose initialiser is being read.
pub(super) struct Constant {
    pub(super) initialiser: Range<usize>,
    /// Position, change and whole initialiser of each mutant.
    pub(super) variants: Vec<(usize, String, String)>,
    visibility: String,
    type_text: String,
    is_associated: bool,
}

impl Constant {
    pub(super) fn new(
        text: &str,
        visibility: &syn::Visibility,
        of_type: &syn::Type,
        initialiser: &syn::Expr,
        is_associated: bool,
    ) -> Self {
        let visibility = match visibility {
            syn::Visibility::Inherited => "",
            shown => text.get(range(shown)).unwrap_or_default(),
        };
        Self {
            initialiser: range(initialiser),
            variants: Vec::new(),
            visibility: visibility.to_owned(),
            type_text: with_static_lifetimes(text, of_type),
            is_associated,
        }
    }

    /// Puts the function that reads the constant or one of its mutants behind it.
    pub(super) fn finish(self, finder: &mut Finder<'_>, name: &syn::Ident, end: usize) {
        if self.variants.is_empty() {
            return;
        }
        let frame = |finder: &mut Finder<'_>, text: String| {
            finder.edit(end..end, Owner::Frame, text, "");
        };
        finder.found.constants.insert(name.to_string());
        let Self { visibility, type_text, .. } = &self;
        let reader = reader(&name.to_string());
        let head =
            format!(" #[doc(hidden)] {visibility} fn {reader}() -> &'static {type_text} {{ ");
        frame(finder, head);
        for (position, change, initialiser) in &self.variants {
            let number = finder.mutant(*position, change.clone());
            // A constant of its own, so that the value has its type and lives forever.
            let choice = format!("if {} {{ return const {{ &({initialiser}) }}; }} ", on(number));
            finder.edit(end..end, Owner::Mutant(number), choice, "");
        }
        let own = if self.is_associated { format!("Self::{name}") } else { name.to_string() };
        frame(finder, format!("&{own} }}"));
    }
}

/// A constant's type as the type of a result: references without a lifetime live forever.
fn with_static_lifetimes(text: &str, of_type: &syn::Type) -> String {
    struct References(Vec<usize>);
    impl<'ast> Visit<'ast> for References {
        fn visit_type_reference(&mut self, reference: &'ast syn::TypeReference) {
            if reference.lifetime.is_none() {
                self.0.push(range(&reference.and_token).end);
            }
            visit::visit_type_reference(self, reference);
        }
    }
    let mut references = References(Vec::new());
    references.visit_type(of_type);
    let parts: Vec<_> =
        references.0.into_iter().map(|at| (at..at, "'static ".to_owned())).collect();
    spliced(text, &range(of_type), &parts)
}

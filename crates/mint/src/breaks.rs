//! The named ways to break evidence.

use crate::Options;

/// One named way in which evidence can be wrong.
///
/// Everything else stays consistent: what is signed after the point of the break is signed again,
/// so that only a verifier that makes this one check refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Break {
    /// Name on the command line, in kebab case.
    pub name: &'static str,
    /// What is wrong, in one line.
    pub what: &'static str,
    /// The step that must refuse it.
    pub stage: Stage,
    /// The `check()` of the refusal.
    pub expected_check: &'static str,
}

/// The step that refuses broken evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Verification of the evidence against its endorsements.
    Verification,
    /// Enrolment of a TPM's key, before there is evidence by it.
    Enrolment,
    /// The evidence verifies; the data beside it is not what it binds.
    Binding,
    /// The evidence verifies and binds; acceptance refuses it, with default settings or, where it
    /// is debuggable, with `refuse_debuggable`.
    Acceptance,
}

impl Stage {
    /// The name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Enrolment => "enrolment",
            Self::Binding => "binding",
            Self::Acceptance => "acceptance",
        }
    }
}

/// How a break is made, of evidence that is planned as a `P`.
pub(crate) struct Recipe<P> {
    /// Chooses options that give the break its ground, such as a v5 quote.
    pub(crate) prepare: fn(&mut Options),
    /// Changes the plan in one point, unless the ground is the break already.
    pub(crate) apply: Option<fn(&mut P)>,
}

// A derived one would ask the same of the plan.
impl<P> Clone for Recipe<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Recipe<P> {}

/// A row of a table.
pub(crate) type Row<P> = (Break, Recipe<P>);

/// A row whose evidence is refused by verification.
pub(crate) const fn row<P>(
    name: &'static str,
    what: &'static str,
    expected_check: &'static str,
    apply: fn(&mut P),
) -> Row<P> {
    let named = Break { name, what, stage: Stage::Verification, expected_check };
    (named, Recipe { prepare: |_| {}, apply: Some(apply) })
}

/// A row whose options are the break.
pub(crate) const fn chosen<P>(
    name: &'static str,
    what: &'static str,
    expected_check: &'static str,
    prepare: fn(&mut Options),
) -> Row<P> {
    let named = Break { name, what, stage: Stage::Verification, expected_check };
    (named, Recipe { prepare, apply: None })
}

/// The same row, refused at another step.
pub(crate) const fn at_stage<P>((mut named, recipe): Row<P>, stage: Stage) -> Row<P> {
    named.stage = stage;
    (named, recipe)
}

/// The same row on other ground.
pub(crate) const fn prepared<P>((named, mut recipe): Row<P>, prepare: fn(&mut Options)) -> Row<P> {
    recipe.prepare = prepare;
    (named, recipe)
}

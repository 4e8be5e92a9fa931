//! The named ways to break evidence.

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
            Self::Binding => "binding",
            Self::Acceptance => "acceptance",
        }
    }
}

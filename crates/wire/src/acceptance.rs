//! What an operator's settings refuse of evidence that verified.

use std::error::Error;
use std::fmt::{self, Display, Formatter};

use crate::FailedCheck;

/// Everything about verified evidence that an operator's settings refuse: at least one thing.
///
/// Its check is that of the first; its text tells all, in the order in which they were checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptanceError<R> {
    first: R,
    others: Vec<R>,
}

impl<R> AcceptanceError<R> {
    /// Nothing if nothing is refused.
    ///
    /// # Errors
    /// All refusals, if there is one.
    pub fn unless_accepted(refusals: impl IntoIterator<Item = R>) -> Result<(), Self> {
        let mut refusals = refusals.into_iter();
        match refusals.next() {
            None => Ok(()),
            Some(first) => Err(Self { first, others: refusals.collect() }),
        }
    }

    /// All refusals, in the order in which they were checked; at least one.
    pub fn refusals(&self) -> impl Iterator<Item = &R> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl<R: Display> Display for AcceptanceError<R> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        self.others.iter().try_for_each(|refusal| write!(f, "; {refusal}"))
    }
}

impl<R: Error> Error for AcceptanceError<R> {}

impl<R: FailedCheck> FailedCheck for AcceptanceError<R> {
    fn check(&self) -> &'static str {
        self.first.check()
    }

    fn checks() -> Vec<&'static str> {
        R::checks()
    }
}

#[cfg(test)]
mod tests {
    use super::AcceptanceError;
    use crate::{FailedCheck, failed_check};

    #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
    #[error("{self:?}")]
    enum Refusal {
        Debuggable,
        Migratable,
    }

    failed_check!(Refusal {
        Self::Debuggable => "debuggable",
        Self::Migratable => "migratable",
    });

    #[test]
    fn all_refusals_are_told_and_the_first_names_the_check() {
        let error = |refusals: &[Refusal]| AcceptanceError::unless_accepted(refusals.to_vec());
        assert_eq!(error(&[]), Ok(()));
        let both = [Refusal::Migratable, Refusal::Debuggable];
        for (refusals, text) in [(&both[..1], "Migratable"), (&both, "Migratable; Debuggable")] {
            let error = error(refusals).expect_err("refused");
            assert_eq!(error.refusals().copied().collect::<Vec<_>>(), refusals);
            assert_eq!((error.check(), error.to_string().as_str()), ("migratable", text));
        }
        assert_eq!(AcceptanceError::<Refusal>::checks(), ["debuggable", "migratable"]);
    }
}

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
mod tests;

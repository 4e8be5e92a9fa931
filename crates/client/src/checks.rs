//! Checks, collected in order.

use avouch_token::{Check, Outcome};

/// The checks so far; a failed one does not end the collection.
#[derive(Debug, Default)]
pub(crate) struct Checks(pub(crate) Vec<Check>);

impl Checks {
    pub(crate) fn passed(&mut self, name: &'static str, detail: impl Into<String>) {
        self.push(name, Outcome::Passed, detail.into());
    }

    pub(crate) fn failed(&mut self, name: &'static str, detail: impl Into<String>) {
        self.push(name, Outcome::Failed, detail.into());
    }

    pub(crate) fn not_checked(&mut self, name: &'static str, detail: impl Into<String>) {
        self.push(name, Outcome::NotChecked, detail.into());
    }

    fn push(&mut self, name: &'static str, outcome: Outcome, detail: String) {
        self.0.push(Check { name, outcome, detail });
    }
}

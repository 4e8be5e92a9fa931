//! What was checked, in order.

use std::fmt;

use avouch_token::{Check, Outcome};
use serde::{Serialize, Serializer};

use crate::output::printable;

/// One step and how it went.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Step {
    /// Stable name of the check.
    pub(crate) name: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) detail: String,
}

/// The steps so far.
#[derive(Debug, Default)]
pub(crate) struct Steps(Vec<Step>);

impl Step {
    pub(crate) fn of_check(check: &Check) -> Self {
        Self { name: check.name, outcome: check.outcome, detail: check.detail.clone() }
    }
}

impl Steps {
    pub(crate) fn extend(&mut self, steps: impl Iterator<Item = Step>) {
        self.0.extend(steps);
    }

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
        self.0.push(Step { name, outcome, detail });
    }

    /// The first step that failed.
    pub(crate) fn failure(&self) -> Option<&Step> {
        self.0.iter().find(|step| step.outcome == Outcome::Failed)
    }
}

impl Serialize for Steps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|step| step.name.len()).max().unwrap_or_default();
        for step in &self.0 {
            let outcome = match step.outcome {
                Outcome::Passed => "ok",
                Outcome::Failed => "FAILED",
                Outcome::NotChecked => "not checked",
            };
            writeln!(f, "{outcome:11}  {:width$}  {}", step.name, printable(&step.detail))?;
        }
        Ok(())
    }
}

//! What was checked, step by step.

use avouch_wire::FailedCheck as _;
use serde::Serialize;

use super::error::VerifyError;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It held.
    Passed,
    /// It did not hold.
    Failed,
    /// It was not asked for, or there was nothing to check.
    NotChecked,
}

/// One check and how it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Stable name, the same as [`VerifyError::check`] gives if it failed.
    pub name: &'static str,
    /// Passed, failed, or not checked.
    pub outcome: Outcome,
    /// What was found, in a few words.
    pub detail: String,
}

/// Collects checks; a failed one does not end the collection.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) checks: Vec<Check>,
    pub(super) first_error: Option<VerifyError>,
}

impl Report {
    pub(super) fn passed(&mut self, name: &'static str, detail: impl Into<String>) {
        self.push(name, Outcome::Passed, detail.into());
    }

    pub(super) fn not_checked(&mut self, name: &'static str, detail: impl Into<String>) {
        self.push(name, Outcome::NotChecked, detail.into());
    }

    pub(super) fn failed(&mut self, error: VerifyError) {
        self.push(error.check(), Outcome::Failed, error.to_string());
        self.first_error.get_or_insert(error);
    }

    /// Records a check and gives its value on.
    pub(super) fn step<T>(
        &mut self,
        name: &'static str,
        result: Result<T, VerifyError>,
        detail: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        match result {
            Ok(value) => {
                self.passed(name, detail(&value));
                Some(value)
            }
            Err(error) => {
                self.failed(error);
                None
            }
        }
    }

    fn push(&mut self, name: &'static str, outcome: Outcome, detail: String) {
        self.checks.push(Check { name, outcome, detail });
    }
}

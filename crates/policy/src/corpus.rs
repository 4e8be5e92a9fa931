//! Tests of policies: cases as files, and how much of each policy they exercise.
//!
//! A case is three files: `NAME.policy.txt`, `NAME.claims.json` with the incoming claims, and
//! `NAME.expect.json` with what must come out. One policy has many cases as `NAME.CASE.claims.json`
//! and `NAME.CASE.expect.json`. The functions here take contents; only
//! [`read_directory`] looks at a disk, and only with the feature `std-fs`.

mod case;
mod coverage;
#[cfg(feature = "std-fs")]
mod directory;
mod run;

pub use case::{Case, CaseError, Expectation, ExpectedError, claims_from_json};
pub use coverage::{Coverage, PolicyCoverage, Uncovered};
#[cfg(feature = "std-fs")]
pub use directory::{DirectoryError, read_directory};
pub use run::{CaseReport, Report, run, run_case};

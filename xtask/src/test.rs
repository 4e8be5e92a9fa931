//! Everything that CI checks.

use std::path::PathBuf;
use std::process::Command;

use crate::run::{Outcome, cargo, say, step, step_reading, workspace};
use crate::{clients, machine, pkits};

/// Format, lints, all tests, conformance suites, the real clients.
pub(crate) fn all() -> Outcome {
    machine::install_missing()?;
    step("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    let lints = ["clippy", "--workspace", "--all-targets", "--locked"];
    let mut lints = cargo(&lints);
    step("lints", lints.args(attester()).args(["--", "-D", "warnings"]))?;
    // What everybody else builds has no TPM library in it.
    let without = ["clippy", "--package", "avouch-attester", "--all-targets", "--locked"];
    step("lints without a TPM library", cargo(&without).args(["--", "-D", "warnings"]))?;
    tests(cargo(&TESTS).args(attester()).env("AVOUCH_LINEAR", "1"))?;
    pkits::run()?;
    clients::run_with(clients::Build::Tested)
}

const TESTS: [&str; 3] = ["test", "--workspace", "--locked"];

/// The feature with which the attester talks to a TPM, where there is the library for it. One build serves
/// all tests.
fn attester() -> &'static [&'static str] {
    if machine::has_tpm_library() { &["--features", "avouch/tss"] } else { &[] }
}

/// The Rust tests, documentation examples included; instructions are not counted.
pub(crate) fn rust_tests() -> Outcome {
    tests(cargo(&TESTS).args(attester()))
}

fn tests(command: &mut Command) -> Outcome {
    if vectors().is_none() && std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_some() {
        return Err("the test vectors are absent and AVOUCH_VECTORS_REQUIRED is set".into());
    }
    say(&match vectors() {
        Some(folder) => format!("test vectors: {}", folder.display()),
        None => {
            "no test vectors: tests use minted evidence only; AVOUCH_VECTORS names the folder of \
                 recorded evidence, which is no part of this repository"
                .to_owned()
        }
    });
    let lines = step_reading("tests", command)?;
    say(&format!("== {}", totals(&lines)));
    Ok(())
}

/// The sums of all lines such as `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
fn totals(lines: &[String]) -> String {
    let results = || lines.iter().filter_map(|line| line.strip_prefix("test result: "));
    let sum = |word: &str| -> u64 {
        let number = |result: &str| {
            let part = result.split(['.', ';']).find(|part| part.trim().ends_with(word))?;
            part.trim().split(' ').next()?.parse::<u64>().ok()
        };
        results().filter_map(number).fold(0, u64::saturating_add)
    };
    let (passed, ignored) = (sum("passed"), sum("ignored"));
    format!("{passed} tests passed, {ignored} ignored, in {} programs", results().count())
}

/// The folder of test vectors: `AVOUCH_VECTORS`, or beside the project.
pub(crate) fn vectors() -> Option<PathBuf> {
    let beside = || workspace().join("../shared/vectors");
    let folder = std::env::var_os("AVOUCH_VECTORS").map_or_else(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::totals;

    #[test]
    fn totals_are_the_sums_over_all_programs() {
        let lines = [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test a ... ok",
            "test result: ok. 40 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 2.51s",
        ]
        .map(str::to_owned);
        assert_eq!(totals(&lines), "43 tests passed, 1 ignored, in 2 programs");
        assert_eq!(totals(&[]), "0 tests passed, 0 ignored, in 0 programs");
    }
}

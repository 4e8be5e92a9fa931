//! Everything that CI checks.

use std::path::PathBuf;
use std::process::Command;

use crate::run::{Outcome, cargo, say, step, workspace};
use crate::{clients, machine, pkits};

/// Format, lints, all tests, conformance suites, the real clients.
pub(crate) fn all() -> Outcome {
    machine::install_missing()?;
    step("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    step(
        "lints",
        &mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
    )?;
    tests(cargo(&TESTS).env("AVOUCH_LINEAR", "1"))?;
    pkits::run()?;
    clients::run()
}

const TESTS: [&str; 3] = ["test", "--workspace", "--locked"];

/// The Rust tests, documentation examples included; instructions are not counted.
pub(crate) fn rust_tests() -> Outcome {
    tests(&mut cargo(&TESTS))
}

fn tests(command: &mut Command) -> Outcome {
    if vectors().is_none() {
        if std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_some() {
            return Err("the test vectors are absent and AVOUCH_VECTORS_REQUIRED is set".into());
        }
        say("note: no test vectors at hand; tests use minted evidence only");
    }
    step("tests", command)
}

/// The folder of test vectors: `AVOUCH_VECTORS`, or beside the project.
pub(crate) fn vectors() -> Option<PathBuf> {
    let beside = || workspace().join("../shared/vectors");
    let folder = std::env::var_os("AVOUCH_VECTORS").map_or_else(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

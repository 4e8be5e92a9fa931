//! Everything that CI checks.

use std::path::PathBuf;

use crate::run::{Outcome, cargo, say, step, workspace};
use crate::{clients, machine};

/// Format, lints, all tests, the real clients.
pub(crate) fn all() -> Outcome {
    machine::install_missing()?;
    step("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    step(
        "lints",
        &mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
    )?;
    rust_tests()?;
    clients::run()
}

/// The Rust tests, documentation examples included.
pub(crate) fn rust_tests() -> Outcome {
    if vectors().is_none() {
        if std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_some() {
            return Err("the test vectors are absent and AVOUCH_VECTORS_REQUIRED is set".into());
        }
        say("note: no test vectors at hand; tests use minted evidence only");
    }
    step("tests", &mut cargo(&["test", "--workspace", "--locked"]))
}

/// The folder of test vectors: `AVOUCH_VECTORS`, or beside the project.
pub(crate) fn vectors() -> Option<PathBuf> {
    let beside = || workspace().join("../shared/vectors");
    let folder = std::env::var_os("AVOUCH_VECTORS").map_or_else(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

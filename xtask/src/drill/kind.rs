//! The drill of a new kind of evidence: a toy kind is put into a copy of the tree, which must build,
//! lint, demonstrate it and pass the tests that look at every kind.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::mutants::tree;
use crate::run::{Outcome, cargo, command, step, target, workspace};

/// The change, as `git` applies it.
const PATCH: &str = "xtask/toy-kind.patch";

pub(crate) fn kind() -> Outcome {
    let copy = target().join("toy-kind");
    tree::copy(&workspace(), &copy, &BTreeSet::new())?;
    let patch = workspace().join(PATCH);
    let within = |mut command: Command, copy: &Path| {
        // In a folder of its own: cargo would take what is built here for what is built there.
        command.current_dir(copy).env("CARGO_TARGET_DIR", target().join("toy-kind-target"));
        command
    };
    let git = within(command("git", &["apply", "--whitespace=nowarn"]), &copy);
    step("put the toy kind in", { git }.arg(&patch))?;
    for (title, words) in [
        ("lint", &["clippy", "--workspace", "--exclude", "xtask", "--", "-D", "warnings"][..]),
        ("demonstrate", &["run", "--package", "avouch", "--", "demo", "--once"]),
        ("the table of kinds", &["test", "--package", "avouch-wire", "--lib", "kind"]),
        ("the toy's own tests", &["test", "--package", "avouch-server", "--test", "it", "toy"]),
        ("mint and break", &["test", "--package", "avouch-mint", "--test", "options", "appraised"]),
        (
            "appraise every kind",
            &["test", "--package", "avouch-engine", "--lib", "--test", "minted"],
        ),
    ] {
        step(title, &mut within(cargo(words), &copy))?;
    }
    Ok(())
}

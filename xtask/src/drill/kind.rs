//! The drill of a new kind of evidence: a toy kind is put into a copy of the tree, which must build,
//! lint, demonstrate it and pass the tests that look at every kind.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::mutants::tree;
use crate::run::{Outcome, cargo, command, step, step_reading, target, workspace};

/// The change, as `git` applies it.
const PATCH: &str = "xtask/toy-kind.patch";
/// A folder that it makes.
const TOY: &str = "crates/toy";

pub(crate) fn kind() -> Outcome {
    let copy = target().join("toy-kind");
    tree::copy(&workspace(), &copy, &BTreeSet::new())?;
    let patch = workspace().join(PATCH);
    let within = |mut command: Command, copy: &Path| {
        // In a folder of its own: cargo would take what is built here for what is built there.
        command.current_dir(copy).env("CARGO_TARGET_DIR", target().join("toy-kind-target"));
        command
    };
    let mut git = within(command("git", &["apply", "--whitespace=nowarn"]), &copy);
    // The copy lies in this repository: git would take its files for files of that, and leave them.
    git.env("GIT_CEILING_DIRECTORIES", target());
    step("put the toy kind in", git.arg(&patch))?;
    if !copy.join(TOY).is_dir() {
        return Err(format!("{PATCH} was applied, and there is no {TOY}"));
    }
    let lint = &["clippy", "--workspace", "--exclude", "xtask", "--", "-D", "warnings"];
    step("lint", &mut within(cargo(lint), &copy))?;
    let demo = &["run", "--package", "avouch", "--", "demo", "--once"];
    step("demonstrate", &mut within(cargo(demo), &copy))?;
    for (title, words) in [
        ("the table of kinds", &["test", "--package", "avouch-wire", "--lib", "kind"][..]),
        ("the toy's own tests", &["test", "--package", "avouch-server", "--test", "it", "toy"]),
        ("mint and break", &["test", "--package", "avouch-mint", "--test", "options", "appraised"]),
        ("appraise every kind", &["test", "--package", "avouch-engine", "--test", "minted"]),
    ] {
        let lines = step_reading(title, &mut within(cargo(words), &copy))?;
        if !lines.iter().any(|line| line.starts_with("test ") && line.ends_with(" ... ok")) {
            return Err(format!("{title}: no test ran"));
        }
    }
    Ok(())
}

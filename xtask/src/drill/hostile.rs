//! The hostile-load drill: builds the service and the drill, and runs the one against the other.

use crate::run::{Outcome, cargo, command, step, target};

/// As it is shipped, with names for profilers.
const PROFILE: &str = "bench";
/// Where cargo puts what it builds in that profile.
const FOLDER: &str = "release";

pub(crate) fn hostile() -> Outcome {
    let packages = ["--package", "avouch", "--package", "avouch-drill"];
    let mut build = cargo(&["build", "--bins", "--profile", PROFILE]);
    step("build", build.args(packages))?;
    let folder = target().join(FOLDER);
    let json = target().join("drill.json");
    let mut drill = command(folder.join("avouch-drill"), &[]);
    step("drill", drill.arg(folder.join("avouch")).arg(json))
}

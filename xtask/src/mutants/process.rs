//! Runs a program of tests with bounds on time and memory.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::build::Program;

/// Address space of one program, in KiB: a mutant that allocates without end fails.
const MEMORY_KIB: u32 = 8 * 1024 * 1024;
const LOOK_AGAIN: Duration = Duration::from_millis(3);

/// How a program of tests ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    Passed,
    /// The name of the first test that failed; none if the program died.
    Failed(Option<String>),
    TimedOut,
}

/// Runs tests of a program by their exact names.
///
/// # Errors
/// The program cannot be started or its output not be kept.
pub(crate) fn run(
    program: &Program,
    tests: &[&str],
    variable: (&str, &str),
    limit: Duration,
    output: &Path,
) -> Result<Ended, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", program.path.display());
    let file = File::create(output).map_err(failed)?;
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {MEMORY_KIB}; exec \"$@\""), "sh"]);
    command.arg(&program.path).arg("--exact").args(tests).args(["--test-threads", "2"]);
    command.current_dir(&program.folder).env(variable.0, variable.1);
    // Nothing that a test would write beside its sources.
    command.env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1").env("INSTA_UPDATE", "no");
    command.env("CARGO_MANIFEST_DIR", &program.folder).env("RUST_BACKTRACE", "0");
    if let Some(vectors) = crate::test::vectors().and_then(|path| path.canonicalize().ok()) {
        command.env("AVOUCH_VECTORS", vectors);
    }
    command.stdin(Stdio::null()).stdout(file).stderr(Stdio::null()).process_group(0);
    let mut child = command.spawn().map_err(failed)?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(match status.success() {
                true => Ended::Passed,
                false => Ended::Failed(first_failure(output)),
            });
        }
        if started.elapsed() > limit {
            stop_group(child.id());
            let _ = child.wait();
            return Ok(Ended::TimedOut);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Stops a process group that was started here, whatever it has started itself.
fn stop_group(leader: u32) {
    let group = format!("-{leader}");
    let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
}

fn first_failure(output: &Path) -> Option<String> {
    let text = String::from_utf8_lossy(&std::fs::read(output).ok()?).into_owned();
    let failed = text.lines().find_map(|line| line.strip_suffix(" ... FAILED"))?;
    failed.strip_prefix("test ").map(ToOwned::to_owned)
}

/// The names of a program's tests.
///
/// # Errors
/// It cannot be started, or does not list.
pub(crate) fn list(program: &Program) -> Result<Vec<String>, String> {
    let mut command = Command::new(&program.path);
    command.args(["--list", "--format", "terse"]).current_dir(&program.folder);
    let text = crate::run::output(&mut command)?;
    let names = text.lines().filter_map(|line| line.strip_suffix(": test"));
    Ok(names.map(ToOwned::to_owned).collect())
}

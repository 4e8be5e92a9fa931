//! Runs commands, says what it runs and how long it took.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Result of a task: nothing, or a sentence for people.
pub(crate) type Outcome = Result<(), String>;

/// Prints a line to standard error.
pub(crate) fn say(text: &str) {
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The folder of the workspace.
pub(crate) fn workspace() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

/// Where build products go.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

/// A `cargo` command in the workspace.
pub(crate) fn cargo(words: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    command(program, words)
}

/// A command in the workspace.
pub(crate) fn command(program: impl AsRef<OsStr>, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(words).current_dir(workspace());
    command
}

/// Runs a command to its end; its output passes through.
pub(crate) fn step(title: &str, command: &mut Command) -> Outcome {
    say(&format!("\n== {title}"));
    let started = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("{title}: cannot start {:?}: {error}", command.get_program()))?;
    let seconds = started.elapsed().as_secs();
    if status.success() {
        say(&format!("== {title}: done in {seconds} s"));
        return Ok(());
    }
    Err(format!("{title}: {status} after {seconds} s"))
}

/// As [`step`], and gives the lines of standard output, which pass through too.
pub(crate) fn step_reading(title: &str, command: &mut Command) -> Result<Vec<String>, String> {
    say(&format!("\n== {title}"));
    let started = Instant::now();
    let failed = |error: std::io::Error| format!("{title}: {error}");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut lines = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.map_err(failed)?;
            // Nobody is left to tell if standard output is closed.
            let _ = writeln!(std::io::stdout(), "{line}");
            lines.push(line);
        }
    }
    let status = child.wait().map_err(failed)?;
    let seconds = started.elapsed().as_secs();
    if status.success() {
        say(&format!("== {title}: done in {seconds} s"));
        return Ok(lines);
    }
    Err(format!("{title}: {status} after {seconds} s"))
}

/// Runs a command and gives its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let name = format!("{:?}", command.get_program());
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start {name}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{name}: {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{name}: {error}"))
}

/// Whether a program can be started.
pub(crate) fn has_program(name: &str, version_flag: &str) -> bool {
    Command::new(name)
        .arg(version_flag)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

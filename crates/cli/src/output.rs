//! Answers on standard output (text, or one JSON document), everything else on standard error.

use std::io::Write as _;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::failure::Failure;

/// How a command answers.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct OutputOptions {
    /// Form of the answer on standard output.
    #[arg(long = "output", global = true, value_name = "FORM", default_value = "text")]
    pub(crate) form: OutputForm,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputForm {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}

impl OutputOptions {
    /// Writes `text()`, or `value` as JSON, to standard output.
    pub(crate) fn answer<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let answer = match self.form {
            OutputForm::Text => text(),
            OutputForm::Json => serde_json::to_string_pretty(value).map_err(Failure::other)?,
        };
        line(&answer)
    }
}

/// Writes to standard output, with a line end.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    write(text.trim_end_matches('\n'), "\n")
}

/// Writes to standard output what was given and nothing else.
pub(crate) fn exactly(text: &str) -> Result<(), Failure> {
    write(text, "")
}

fn write(text: &str, end: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = out
        .write_all(text.as_bytes())
        .and_then(|()| out.write_all(end.as_bytes()))
        .and_then(|()| out.flush());
    match written {
        // The reader went away (`| head`): nothing more to say.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|source| Failure::Write { path: "standard output".into(), source }),
    }
}

/// Writes a note to standard error.
pub(crate) fn note(text: &str) {
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Writes an error to standard error.
pub(crate) fn error(failure: &Failure) {
    note(&format!("error: {failure}"));
}

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

/// Writes an error to standard error, and where JSON was asked for as the one document on standard
/// output.
pub(crate) fn error(failure: &Failure, form: OutputForm) {
    note(&format!("error: {failure}"));
    if form == OutputForm::Json {
        error_document(failure.check(), &failure.to_string());
    }
}

/// Writes what is wrong with the words of a call. Whether JSON was asked for can only be guessed
/// from the words.
pub(crate) fn usage_error(error: &clap::Error) {
    // Help and version come this way too, for standard output.
    let _ = error.print();
    if error.use_stderr() && asks_for_json(std::env::args_os()) {
        error_document("usage", error.render().to_string().trim());
    }
}

fn error_document(check: &str, message: &str) {
    let error = serde_json::json!({"error": {"check": check, "message": message}});
    // Nobody is left to tell if standard output is closed.
    let _ = line(&format!("{error:#}"));
}

fn asks_for_json(words: impl Iterator<Item = std::ffi::OsString>) -> bool {
    let mut before = std::ffi::OsString::new();
    for word in words {
        if word == "--output=json" || (word == "json" && before == "--output") {
            return true;
        }
        before = word;
    }
    false
}

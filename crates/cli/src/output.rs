//! Answers on standard output (text, or one JSON document), everything else on standard error.

use std::io::Write as _;

use avouch_policy::print::is_obeyed;
use avouch_wire::FailedCheck as _;
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
            OutputForm::Json => json(value).map_err(Failure::other)?,
        };
        line(&answer)
    }
}

/// One document over several lines. Characters that a terminal would obey are written as escapes,
/// which JSON reads as the same.
fn json<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(value)?;
    let escaped = |c: char| match c {
        // None of them is beyond 16 bits, and none stands outside of a string.
        c if is_obeyed(c) => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    Ok(match text.contains(is_obeyed) {
        true => text.chars().map(escaped).collect(),
        false => text,
    })
}

/// `text` without characters that a terminal would obey.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\0'..='\u{1f}' => char::from_u32(u32::from(c).saturating_add(0x2400)).unwrap_or('?'),
            _ if is_obeyed(c) => '\u{fffd}',
            _ => c,
        })
        .collect()
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
    let _ = json(&error).map(|text| line(&text));
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::{Value, json};

    #[test]
    fn what_a_terminal_would_obey_is_escaped_in_json_and_reads_back_the_same() {
        let foreign = json!({
            "a\u{202e}b": "\u{9b}31m \u{7f} \u{200b}\u{2066}\u{feff} \u{1b}[0m",
            "plain": "Gr\u{fc}\u{df}e, \u{1f600}",
        });
        let text = super::json(&foreign).unwrap();
        assert!(text.contains("\\u202e") && text.contains("\\u009b31m"), "{text}");
        assert!(text.contains("Gr\u{fc}\u{df}e, \u{1f600}"), "{text}");
        assert!(text.chars().all(|c| c == '\n' || !(super::is_obeyed(c) || c.is_control())));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), foreign);
    }
}

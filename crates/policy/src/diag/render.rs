//! Excerpts with carets.

use std::fmt::Write as _;

use super::Diagnostic;
use crate::print::{printable, printable_char};
use crate::span::{LineIndex, Span};

/// Columns of the text that are shown of a long line.
const WIDTH: usize = 100;

/// Columns that are shown in front of the offending token at least.
const BEFORE: usize = 60;

pub(super) fn diagnostic(
    out: &mut String,
    diagnostic: &Diagnostic,
    text: &str,
    lines: &LineIndex,
    name: &str,
) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(out, "error[{}]: {}", diagnostic.slug, diagnostic.message);
    excerpt(out, diagnostic.span, text, lines, name);
    if !diagnostic.expected.is_empty() {
        let expected: Vec<_> = diagnostic.expected.iter().map(|text| format!("`{text}`")).collect();
        let _ = writeln!(out, "   = expected: {}", expected.join(", "));
    }
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(out, "   = help: {help}");
    }
    out.push('\n');
}

/// The line in which `span` begins, with carets below it.
pub(crate) fn excerpt(out: &mut String, span: Span, text: &str, lines: &LineIndex, name: &str) {
    let at = lines.position(text, span.start);
    let number = at.line.to_string();
    let gutter = " ".repeat(number.len());
    let (line, before) = line_around(text, span.start);
    let skip = before.saturating_sub(BEFORE);
    let skip = if line.chars().count() > WIDTH { skip } else { 0 };
    let shown: String = line.chars().skip(skip).take(WIDTH).map(printable_char).collect();
    let ahead: String = line
        .chars()
        .skip(skip)
        .take(before.saturating_sub(skip))
        .map(|c| if c == '\t' { '\t' } else { ' ' })
        .collect();
    let token = span.of(text).lines().next().unwrap_or_default().chars().count();
    let room = WIDTH.saturating_sub(before.saturating_sub(skip));
    let carets = "^".repeat(token.min(room).max(1));
    let dots = if skip > 0 { "…" } else { "" };
    let shift = if skip > 0 { " " } else { "" };
    let _ = writeln!(out, "{gutter}--> {}:{at}", printable(name));
    let _ = writeln!(out, "{gutter} |");
    let _ = writeln!(out, "{number} | {dots}{}", shown.trim_end());
    let _ = writeln!(out, "{gutter} | {shift}{ahead}{carets}");
}

/// The line that holds `offset`, and how many characters of it stand before.
fn line_around(text: &str, offset: usize) -> (&str, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind(['\n', '\r']).map_or(0, |place| place.saturating_add(1));
    let rest = text.get(start..).unwrap_or_default();
    let line = rest.split(['\n', '\r']).next().unwrap_or_default();
    let ahead = text.get(start..offset).unwrap_or_default();
    (line, ahead.chars().count())
}

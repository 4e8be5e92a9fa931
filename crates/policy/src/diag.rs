//! What is wrong with a policy, where, and what to do about it.

mod help;
mod render;
mod slug;

pub(crate) use render::excerpt;
pub use slug::Slug;

use serde::Serialize;

use crate::limits::LimitExceeded;
use crate::print::printable;
use crate::span::{LineIndex, Position, Span};

/// More mistakes than this are not listed, by any stage.
pub(crate) const DIAGNOSTICS_MAX: usize = 50;

/// Bytes of an offending token that are kept.
const NEAR_BYTES_MAX: usize = 4096;

/// One mistake in a policy text.
///
/// `Display` gives one line; [`PolicyErrors`] renders excerpts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The kind of mistake.
    pub slug: Slug,
    /// The offending token's place in bytes.
    pub span: Span,
    /// Its line and column.
    #[serde(flatten)]
    pub position: Position,
    /// The offending token as written; `<EOF>` at the end of the text.
    pub near: String,
    /// What could have stood there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<String>,
    /// The mistake in one sentence.
    pub message: String,
    /// What to do, if that can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The grammar rule that failed, in MAA's notation.
    #[serde(skip)]
    pub(crate) failing_rule: &'static str,
    /// The token before.
    #[serde(skip)]
    pub(crate) previous: Option<Span>,
    #[serde(skip)]
    pub(crate) note: Option<String>,
}

impl Diagnostic {
    pub(crate) fn new(slug: Slug, span: Span) -> Self {
        Self {
            slug,
            span,
            position: Position::default(),
            near: String::new(),
            expected: Vec::new(),
            message: String::new(),
            help: None,
            failing_rule: "policy",
            previous: None,
            note: None,
        }
    }

    pub(crate) fn limit(exceeded: LimitExceeded, span: Span) -> Self {
        Self::new(Slug::LimitExceeded, span).noting(exceeded.to_string())
    }

    pub(crate) fn expecting(mut self, expected: &[&'static str]) -> Self {
        self.expected = expected.iter().map(|text| (*text).to_owned()).collect();
        self
    }

    pub(crate) fn while_parsing(mut self, rule: &'static str) -> Self {
        self.failing_rule = rule;
        self
    }

    pub(crate) fn behind(mut self, previous: Option<Span>) -> Self {
        self.previous = previous;
        self
    }

    /// Says what is special about this mistake; each slug has its own use for it.
    pub(crate) fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    fn complete(mut self, text: &str, lines: &LineIndex) -> Self {
        self.position = lines.position(text, self.span.start);
        let written = self.span.of(text);
        let written = match written.get(..written.floor_char_boundary(NEAR_BYTES_MAX)) {
            Some(start) => start,
            None => written,
        };
        self.near = if self.span.start >= text.len() { "<EOF>".into() } else { written.into() };
        let context = help::Context::new(&self, text);
        let (message, help) = (context.message(), context.help());
        self.message = message;
        self.help = help;
        self
    }

    /// The message in the form that MAA's native engine gives it.
    #[must_use]
    pub fn maa_message(&self) -> String {
        let near = printable(&self.near);
        let expecting = match self.expected.as_slice() {
            [] => format!("'{}'", self.slug),
            [one] => format!("'mismatched input '{near}' expecting '{one}''"),
            many => {
                let many: Vec<_> = many.iter().map(|text| format!("'{text}'")).collect();
                format!("'mismatched input '{near}' expecting {{{}}}'", many.join(", "))
            }
        };
        format!(
            "Offending symbol: '{near}' Line: '{}', Column: '{}' Failure message: {expecting} \
             Failing rule: '{}'",
            self.position.line, self.position.column, self.failing_rule
        )
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}: {}", self.position, self.slug, self.message)
    }
}

/// Everything that is wrong with a policy text; at least one mistake, in the order of the text.
#[derive(Debug, Clone, Serialize)]
pub struct PolicyErrors {
    diagnostics: Vec<Diagnostic>,
    #[serde(skip)]
    text: String,
}

impl PolicyErrors {
    pub(crate) fn new(text: &str, lines: &LineIndex, mut found: Vec<Diagnostic>) -> Self {
        // Stable: of several at one place the earlier stage comes first.
        found.sort_by_key(|diagnostic| diagnostic.span.start);
        found.dedup_by(|later, earlier| later.span == earlier.span && later.slug == earlier.slug);
        found.truncate(DIAGNOSTICS_MAX);
        let diagnostics = found.into_iter().map(|d| d.complete(text, lines)).collect();
        Self { diagnostics, text: text.to_owned() }
    }

    /// The mistakes, in the order of the text.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// The first mistake, the one that a client is told.
    #[must_use]
    pub fn first(&self) -> Option<&Diagnostic> {
        self.diagnostics.first()
    }

    /// All mistakes with excerpts of the text, for people. `name` is shown as the file.
    #[must_use]
    pub fn render(&self, name: &str) -> String {
        let lines = LineIndex::new(&self.text);
        let mut out = String::new();
        for diagnostic in &self.diagnostics {
            render::diagnostic(&mut out, diagnostic, &self.text, &lines, name);
        }
        out
    }
}

impl std::fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.diagnostics.as_slice() {
            [] => f.write_str("the policy is refused"),
            [only] => only.fmt(f),
            [first, rest @ ..] => write!(f, "{first} (and {} more)", rest.len()),
        }
    }
}

impl std::error::Error for PolicyErrors {}

//! The policy as callers hold it.

use std::sync::Arc;

use crate::ast::{Ast, Rule, SectionKind, Version};
use crate::compile::Program;
use crate::cost::{self, Cost, Meter};
use crate::diag::{Diagnostic, PolicyErrors, Slug};
use crate::eval::{self, Decision, EvalError, Outcome};
use crate::explain::refusal::RefusalTracer;
use crate::explain::{Explanation, Recorder};
use crate::limits::{Limit, LimitExceeded, Limits};
use crate::parser::{Parsed, parse};
use crate::properties::Properties;
use crate::span::{LineIndex, Position, Span};
use crate::value::Claim;
use crate::{check, compile, lexer};

/// A policy that has been parsed, checked and compiled.
///
/// Only [`Policy::compile`] and [`Policy::compile_bytes`] make one. It is immutable and can be
/// shared between threads; evaluating needs no locks.
#[derive(Debug, Clone)]
pub struct Policy {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    text: String,
    lines: LineIndex,
    ast: Ast,
    comments: Vec<Span>,
    program: Program,
    /// What the configuration rules set.
    configuration: Result<Properties, EvalError>,
    /// What compiling was charged.
    cost: Cost,
}

/// Finds lines and columns in a policy text.
pub(crate) struct Places<'a> {
    text: &'a str,
    lines: &'a LineIndex,
}

impl Places<'_> {
    pub(crate) fn position(&self, offset: usize) -> Position {
        self.lines.position(self.text, offset)
    }
}

impl Policy {
    /// Compiles a policy text. A leading byte order mark is skipped.
    ///
    /// # Errors
    /// [`PolicyErrors`] with every mistake that was found, in the order of the text. MAA's code
    /// for all of them is `PolicyParsingError`.
    ///
    /// # Source
    /// `docs/policy.md#reference`; Microsoft Learn, "Claim rule grammar".
    pub fn compile(text: &str, limits: &Limits) -> Result<Self, PolicyErrors> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        check_size(text.len(), limits)?;
        let mut meter = Meter::new(limits);
        meter.charge_text(cost::SOURCE, text.len()).map_err(too_costly)?;
        let lines = LineIndex::new(text);
        let lexed = lexer::lex(text, &mut meter).map_err(too_costly)?;
        let Parsed { version, sections, diagnostics } = parse(text, &lexed, limits);
        let mut found = lexed.diagnostics;
        found.extend(diagnostics);
        let assumed = version.map_or(Version::V1_2, |(version, _)| version);
        let checked = check::check(assumed, &sections);
        let ast = Parsed { version, sections, diagnostics: Vec::new() }.into_ast();
        match (ast, checked) {
            (Some(ast), Ok(resolved)) if found.is_empty() => {
                let program = compile::compile(resolved, limits, &mut meter).map_err(too_costly)?;
                let places = Places { text, lines: &lines };
                let configuration = eval::configuration(&program, &places, limits);
                let inner = Inner {
                    text: text.to_owned(),
                    lines,
                    ast,
                    comments: lexed.comments,
                    program,
                    configuration,
                    cost: meter.used(),
                };
                Ok(Self { inner: Arc::new(inner) })
            }
            (_, checked) => {
                found.extend(checked.err().into_iter().flatten());
                Err(PolicyErrors::new(text, &lines, found))
            }
        }
    }

    /// Compiles a policy text that need not be UTF-8.
    ///
    /// # Errors
    /// As [`Policy::compile`]; bytes that are not UTF-8 are the error `invalid-character`.
    pub fn compile_bytes(bytes: &[u8], limits: &Limits) -> Result<Self, PolicyErrors> {
        let error = match std::str::from_utf8(bytes) {
            Ok(text) => return Self::compile(text, limits),
            Err(error) => error,
        };
        check_size(bytes.len(), limits)?;
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let mut shown = String::from_utf8_lossy(good).into_owned();
        if let Some(rest) = shown.strip_prefix('\u{feff}') {
            shown = rest.to_owned();
        }
        let start = shown.len();
        shown.push('\u{fffd}');
        let span = Span::new(start, shown.len());
        let diagnostic = Diagnostic::new(Slug::InvalidCharacter, span)
            .noting("the text is not UTF-8 from here on");
        Err(PolicyErrors::new(&shown, &LineIndex::new(&shown), vec![diagnostic]))
    }

    /// The text, without a byte order mark.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// The language version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.inner.ast.version
    }

    /// The tree.
    #[must_use]
    pub fn ast(&self) -> &Ast {
        &self.inner.ast
    }

    /// The comments, in the order of the text.
    #[must_use]
    pub fn comments(&self) -> &[Span] {
        &self.inner.comments
    }

    /// The line and column of a byte offset in [`Policy::text`].
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        self.places().position(offset)
    }

    pub(crate) fn places(&self) -> Places<'_> {
        Places { text: &self.inner.text, lines: &self.inner.lines }
    }

    /// What compiling was charged, of the limits that it was given.
    #[must_use]
    pub fn cost(&self) -> Cost {
        self.inner.cost
    }

    pub(crate) fn lines(&self) -> &LineIndex {
        &self.inner.lines
    }

    pub(crate) fn program(&self) -> &Program {
        &self.inner.program
    }

    /// What `configurationrules` set, to be in force while evidence is verified.
    ///
    /// They have no conditions, so they see no evidence: they ran once, when the policy was
    /// compiled, on a sixteenth of the limits of an evaluation.
    ///
    /// # Errors
    /// [`EvalError`] if a computed setting is unknown, of the wrong kind or out of range, or if
    /// computing it fails.
    pub fn configuration(&self) -> Result<&Properties, EvalError> {
        self.inner.configuration.as_ref().map_err(Clone::clone)
    }

    /// Runs the whole policy over the incoming claims: decision, claims for the token, properties.
    ///
    /// # Errors
    /// [`EvalError`]: a function failed, a limit was exceeded, a read-only value was issued, ….
    /// The request must then be refused, whatever the rules said until there. MAA's code is
    /// `PolicyEvaluationError`, as for a refusal.
    ///
    /// # Source
    /// `docs/policy.md#reference`; Microsoft Learn, "Claim rule functions".
    pub fn evaluate(&self, claims: &[Claim], limits: &Limits) -> Result<Outcome, EvalError> {
        eval::evaluate(self, claims, limits, &mut eval::Silent)
    }

    /// As [`Policy::evaluate`], and records what happened; also when evaluating fails.
    #[must_use]
    pub fn evaluate_explained(&self, claims: &[Claim], limits: &Limits) -> Explanation {
        let mut recorder = Recorder::new(self);
        let result = eval::evaluate(self, claims, limits, &mut recorder);
        recorder.finish(result)
    }

    /// Evaluates, and says why the policy refused: the rules that denied with the claims that they
    /// found, or those that could have permitted with the condition that each stopped at. `None` if it
    /// permits or fails.
    ///
    /// Costs what [`Policy::evaluate`] does and a fixed number of copies of the policy's text, whatever
    /// the claims are. The text quotes claims; each value is cut after some 200 characters.
    #[must_use]
    pub fn explain_refusal(&self, claims: &[Claim], limits: &Limits) -> Option<String> {
        let mut tracer = RefusalTracer::new(self);
        let outcome = eval::evaluate(self, claims, limits, &mut tracer).ok()?;
        match outcome.decision {
            Decision::Permit => None,
            Decision::Deny(reason) => Some(tracer.finish(reason)),
        }
    }

    /// A rule by its place in its section, from 0.
    pub(crate) fn rule(&self, section: SectionKind, index: usize) -> Option<&Rule> {
        let mut sections = self.ast().sections();
        sections.find(|found| found.kind == section)?.rules.get(index)
    }
}

fn check_size(bytes: usize, limits: &Limits) -> Result<(), PolicyErrors> {
    if bytes <= limits.policy_bytes {
        return Ok(());
    }
    Err(too_costly(LimitExceeded::new(Limit::PolicyBytes, limits.policy_bytes)))
}

/// The text as a whole exceeds a limit.
fn too_costly(exceeded: LimitExceeded) -> PolicyErrors {
    let refused = vec![Diagnostic::limit(exceeded, Span::new(0, 0))];
    PolicyErrors::new("", &LineIndex::new(""), refused)
}

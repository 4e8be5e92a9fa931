//! Tokens to a tree. After an error the parser goes on with the next rule or section, so that one
//! run reports several mistakes.

mod expression;
mod rule;
mod section;

use crate::ast::{Ast, Section, SectionKind, Version};
use crate::diag::{DIAGNOSTICS_MAX, Diagnostic, Slug};
use crate::lexer::{Lexed, Token, TokenKind};
use crate::limits::{Limit, LimitExceeded, Limits};
use crate::span::Span;

/// What was found, whole or in part, and what is wrong with it.
pub(crate) struct Parsed {
    pub(crate) version: Option<(Version, Span)>,
    pub(crate) sections: Vec<Section>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// The tree, if nothing is missing.
    pub(crate) fn into_ast(self) -> Option<Ast> {
        let (version, version_span) = self.version?;
        let (mut configuration, mut authorization, mut issuance) = (None, None, None);
        for section in self.sections {
            match section.kind {
                SectionKind::Configuration => configuration = Some(section),
                SectionKind::Authorization => authorization = Some(section),
                SectionKind::Issuance => issuance = Some(section),
            }
        }
        Some(Ast { version, version_span, configuration, authorization: authorization?, issuance })
    }
}

pub(crate) fn parse(text: &str, lexed: &Lexed, limits: &Limits) -> Parsed {
    let parsed = Parsed { version: None, sections: Vec::new(), diagnostics: Vec::new() };
    let mut parser =
        Parser { text, tokens: &lexed.tokens, next: 0, limits, nesting: 0, rules: 0, parsed };
    // A refusal has been recorded; there is nothing more to do about it.
    let _: Step<()> = parser.policy();
    parser.parsed
}

/// Marks that a diagnostic has been recorded (or that the lexer had made one).
#[derive(Debug, Clone, Copy)]
struct Refused;

type Step<T> = Result<T, Refused>;

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    next: usize,
    limits: &'a Limits,
    nesting: usize,
    rules: usize,
    parsed: Parsed,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Token {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> Token {
        let end = Span::new(self.text.len(), self.text.len());
        self.tokens
            .get(self.next.saturating_add(ahead))
            .copied()
            .unwrap_or(Token { kind: TokenKind::End, span: end })
    }

    fn at(&self, kind: TokenKind) -> bool {
        self.peek().kind == kind
    }

    fn take(&mut self) -> Token {
        let token = self.peek();
        if token.kind != TokenKind::End {
            self.next = self.next.saturating_add(1);
        }
        token
    }

    fn eat(&mut self, kind: TokenKind) -> Option<Token> {
        self.at(kind).then(|| self.take())
    }

    fn expect(&mut self, kind: TokenKind, failing_rule: &'static str) -> Step<Token> {
        self.eat(kind).ok_or(()).or_else(|()| self.unexpected(&[kind.name()], failing_rule))
    }

    fn text_of(&self, token: Token) -> &'a str {
        token.span.of(self.text)
    }

    /// The word at hand, or "" if there is none.
    fn word(&self) -> &'a str {
        let token = self.peek();
        if token.kind == TokenKind::Word { self.text_of(token) } else { "" }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        if self.parsed.diagnostics.len() < DIAGNOSTICS_MAX {
            self.parsed.diagnostics.push(diagnostic);
        }
    }

    /// Records that the token at hand fits nowhere, unless the lexer has refused it already.
    fn unexpected<T>(&mut self, expected: &[&'static str], rule: &'static str) -> Step<T> {
        let token = self.peek();
        if self.parsed.diagnostics.len() >= DIAGNOSTICS_MAX {
            return Err(Refused);
        }
        let slug = match token.kind {
            TokenKind::Invalid => return Err(Refused),
            TokenKind::End => Slug::UnexpectedEnd,
            _ => Slug::UnexpectedToken,
        };
        let previous = self.next.checked_sub(1).and_then(|place| self.tokens.get(place));
        let diagnostic = Diagnostic::new(slug, token.span)
            .expecting(expected)
            .while_parsing(rule)
            .behind(previous.map(|token| token.span));
        self.report(diagnostic);
        Err(Refused)
    }

    fn exceeded<T>(&mut self, limit: Limit, allowed: usize, span: Span) -> Step<T> {
        self.report(Diagnostic::limit(LimitExceeded::new(limit, allowed), span));
        self.next = self.tokens.len();
        Err(Refused)
    }
}

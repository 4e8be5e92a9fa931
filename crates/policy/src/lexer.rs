//! Policy text to tokens with spans. Comments are kept beside, for the formatter and the lints.

use crate::cost::{self, Meter};
use crate::diag::{DIAGNOSTICS_MAX, Diagnostic, Slug};
use crate::limits::LimitExceeded;
use crate::span::Span;

/// One word or symbol of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TokenKind {
    /// Keyword, verb, property, function or identifier.
    Word,
    Integer,
    /// Digits, a point, digits.
    Version,
    /// With its quotes; escapes have been checked.
    String,
    Arrow,
    EqualEqual,
    NotEqual,
    LessEqual,
    GreaterEqual,
    Less,
    Greater,
    Equal,
    AndAnd,
    Bang,
    Colon,
    Semicolon,
    Comma,
    Dot,
    OpenParen,
    CloseParen,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    /// What is no token; a diagnostic has been made for it.
    Invalid,
    /// The end of the text.
    End,
}

/// All that the lexer finds.
#[derive(Debug, Clone)]
pub(crate) struct Lexed {
    /// Ends with one [`TokenKind::End`].
    pub(crate) tokens: Vec<Token>,
    /// Each from `//` up to, not including, the end of the line.
    pub(crate) comments: Vec<Span>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

const SYMBOLS: [(&str, TokenKind); 20] = [
    ("=>", TokenKind::Arrow),
    ("==", TokenKind::EqualEqual),
    ("!=", TokenKind::NotEqual),
    ("<=", TokenKind::LessEqual),
    (">=", TokenKind::GreaterEqual),
    ("&&", TokenKind::AndAnd),
    ("<", TokenKind::Less),
    (">", TokenKind::Greater),
    ("=", TokenKind::Equal),
    ("!", TokenKind::Bang),
    (":", TokenKind::Colon),
    (";", TokenKind::Semicolon),
    (",", TokenKind::Comma),
    (".", TokenKind::Dot),
    ("(", TokenKind::OpenParen),
    (")", TokenKind::CloseParen),
    ("{", TokenKind::OpenBrace),
    ("}", TokenKind::CloseBrace),
    ("[", TokenKind::OpenBracket),
    ("]", TokenKind::CloseBracket),
];

impl TokenKind {
    /// The token in a list of what was expected.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Word => "identifier",
            Self::Integer => "integer",
            Self::Version => "version number",
            Self::String => "string",
            Self::Invalid => "invalid",
            Self::End => "end of text",
            symbol => SYMBOLS.iter().find(|(_, kind)| *kind == symbol).map_or("", |(s, _)| *s),
        }
    }
}

/// Splits `text`, which has no byte order mark, into tokens, each paid for with all that later
/// stages make of it.
pub(crate) fn lex(text: &str, meter: &mut Meter) -> Result<Lexed, LimitExceeded> {
    let lexed = Lexed { tokens: Vec::new(), comments: Vec::new(), diagnostics: Vec::new() };
    let mut lexer = Lexer { text, offset: 0, lexed };
    while lexer.step() {
        meter.charge(cost::TOKEN)?;
    }
    let end = Span::new(text.len(), text.len());
    lexer.lexed.tokens.push(Token { kind: TokenKind::End, span: end });
    Ok(lexer.lexed)
}

struct Lexer<'a> {
    text: &'a str,
    offset: usize,
    lexed: Lexed,
}

fn word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Bytes of the longest start of `text` that consists of bytes that `keep` accepts.
fn run_length(text: &str, keep: fn(u8) -> bool) -> usize {
    text.bytes().position(|byte| !keep(byte)).unwrap_or(text.len())
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    fn push(&mut self, kind: TokenKind, bytes: usize) {
        let span = Span::new(self.offset, self.offset.saturating_add(bytes));
        self.lexed.tokens.push(Token { kind, span });
        self.offset = span.end;
    }

    fn refuse(&mut self, slug: Slug, span: Span) {
        if self.lexed.diagnostics.len() < DIAGNOSTICS_MAX {
            self.lexed.diagnostics.push(Diagnostic::new(slug, span));
        }
    }

    /// Takes one token, comment or run of white space; false at the end.
    fn step(&mut self) -> bool {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return false };
        match first {
            ' ' | '\t' | '\r' | '\n' => {
                let space = run_length(rest, |b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
                self.offset = self.offset.saturating_add(space);
            }
            '/' if rest.starts_with("//") => self.comment(rest),
            'a'..='z' | 'A'..='Z' | '_' => self.push(TokenKind::Word, run_length(rest, word_byte)),
            '0'..='9' => self.number(rest, 0),
            '-' => self.negative(rest),
            '"' => self.string(rest),
            _ => self.symbol(rest, first),
        }
        true
    }

    fn comment(&mut self, rest: &str) {
        let length = run_length(rest, |b| b != b'\n' && b != b'\r');
        let span = Span::new(self.offset, self.offset.saturating_add(length));
        self.lexed.comments.push(span);
        self.offset = span.end;
    }

    /// A digit run behind `sign` bytes of sign.
    fn number(&mut self, rest: &str, sign: usize) {
        let digits = rest.get(sign..).unwrap_or_default();
        let whole = run_length(digits, |b| b.is_ascii_digit());
        let behind = digits.get(whole..).unwrap_or_default();
        let fraction = behind
            .strip_prefix('.')
            .map_or(0, |fraction| run_length(fraction, |b| b.is_ascii_digit()));
        let (kind, length) = if sign == 0 && fraction > 0 {
            (TokenKind::Version, whole.saturating_add(fraction).saturating_add(1))
        } else {
            (TokenKind::Integer, sign.saturating_add(whole))
        };
        let next = rest.get(length..).unwrap_or_default();
        if next.bytes().next().is_some_and(word_byte) {
            let word = length.saturating_add(run_length(next, word_byte));
            let span = Span::new(self.offset, self.offset.saturating_add(word));
            self.refuse(Slug::InvalidCharacter, span);
            self.push(TokenKind::Invalid, word);
        } else {
            self.push(kind, length);
        }
    }

    fn negative(&mut self, rest: &str) {
        if rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) {
            self.number(rest, 1);
        } else {
            self.symbol(rest, '-');
        }
    }

    fn symbol(&mut self, rest: &str, first: char) {
        match SYMBOLS.iter().find(|(symbol, _)| rest.starts_with(symbol)) {
            Some((symbol, kind)) => self.push(*kind, symbol.len()),
            None => {
                let length = first.len_utf8();
                let span = Span::new(self.offset, self.offset.saturating_add(length));
                // `||` is one mistake.
                if !self.repeats(span) {
                    self.refuse(Slug::InvalidCharacter, span);
                }
                self.push(TokenKind::Invalid, length);
            }
        }
    }

    /// Whether the character at `span` follows itself, so that it has been refused already.
    fn repeats(&self, span: Span) -> bool {
        self.lexed.tokens.last().is_some_and(|last| {
            last.kind == TokenKind::Invalid
                && last.span.end == span.start
                && last.span.of(self.text) == span.of(self.text)
        })
    }

    fn string(&mut self, rest: &str) {
        let mut wrong_escapes = Vec::new();
        let mut chars = rest.char_indices().skip(1).peekable();
        while let Some((place, c)) = chars.next() {
            match c {
                '"' => {
                    for span in wrong_escapes {
                        self.refuse(Slug::InvalidEscape, span);
                    }
                    return self.push(TokenKind::String, place.saturating_add(1));
                }
                '\n' | '\r' => break,
                '\\' => match chars.peek() {
                    Some((_, '"' | '\\')) => {
                        chars.next();
                    }
                    Some((_, '\n' | '\r')) | None => {}
                    Some((behind, other)) => {
                        let start = self.offset.saturating_add(place);
                        let end = behind.saturating_add(other.len_utf8());
                        if wrong_escapes.len() < DIAGNOSTICS_MAX {
                            wrong_escapes.push(Span::new(start, self.offset.saturating_add(end)));
                        }
                    }
                },
                _ => {}
            }
        }
        let length = run_length(rest, |b| b != b'\n' && b != b'\r');
        let span = Span::new(self.offset, self.offset.saturating_add(length));
        self.refuse(Slug::UnterminatedString, span);
        self.push(TokenKind::Invalid, length);
    }
}

/// The characters that a string token stands for. `quoted` is the token with its quotes.
pub(crate) fn unescape(quoted: &str) -> String {
    let inner = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"')).unwrap_or(quoted);
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next()),
            _ => text.push(c),
        }
    }
    text
}

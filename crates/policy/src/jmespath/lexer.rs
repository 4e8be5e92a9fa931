//! Query text to tokens.

use std::sync::Arc;

use super::QueryError;
use crate::cost::{self, Meter};
use crate::json::{Json, JsonError};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(Arc<str>),
    QuotedName(Arc<str>),
    Literal(Json),
    Number(i64),
    Dot,
    Star,
    Flatten,
    Filter,
    And,
    Or,
    Pipe,
    Not,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    OpenBracket,
    CloseBracket,
    OpenBrace,
    CloseBrace,
    OpenParen,
    CloseParen,
    Comma,
    Colon,
    Current,
    Ampersand,
    End,
}

/// Tokens with the byte offset of each, paid for with what the parser makes of them.
pub(super) fn tokens(text: &str, meter: &mut Meter) -> Result<Vec<(Token, usize)>, QueryError> {
    meter.charge_text(cost::QUERY_TEXT, text.len())?;
    let mut lexer = Lexer { text, offset: 0, meter };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space();
        let start = lexer.offset;
        lexer.meter.charge(cost::QUERY_TOKEN)?;
        let token = lexer.token()?;
        let end = token == Token::End;
        tokens.push((token, start));
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a, 'm> {
    text: &'a str,
    offset: usize,
    meter: &'m mut Meter,
}

pub(super) fn error(offset: usize, problem: impl Into<String>) -> QueryError {
    QueryError::Syntax { offset, problem: problem.into() }
}

impl<'a> Lexer<'a, '_> {
    fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.advance(rest.len().saturating_sub(trimmed.len()));
    }

    fn advance(&mut self, bytes: usize) {
        self.offset = self.offset.saturating_add(bytes);
    }

    fn token(&mut self) -> Result<Token, QueryError> {
        const SYMBOLS: [(&str, Token); 24] = [
            ("[?", Token::Filter),
            ("[]", Token::Flatten),
            ("&&", Token::And),
            ("||", Token::Or),
            ("==", Token::Equal),
            ("!=", Token::NotEqual),
            ("<=", Token::LessOrEqual),
            (">=", Token::GreaterOrEqual),
            (".", Token::Dot),
            ("*", Token::Star),
            ("|", Token::Pipe),
            ("!", Token::Not),
            ("<", Token::Less),
            (">", Token::Greater),
            ("[", Token::OpenBracket),
            ("]", Token::CloseBracket),
            ("{", Token::OpenBrace),
            ("}", Token::CloseBrace),
            ("(", Token::OpenParen),
            (")", Token::CloseParen),
            (",", Token::Comma),
            (":", Token::Colon),
            ("@", Token::Current),
            ("&", Token::Ampersand),
        ];
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        match first {
            'a'..='z' | 'A'..='Z' | '_' => return Ok(self.name()),
            '0'..='9' | '-' => return self.number(),
            '"' => return self.quoted_name(),
            '\'' => return self.raw_string(),
            '`' => return self.literal(),
            _ => {}
        }
        for (symbol, token) in SYMBOLS {
            if rest.starts_with(symbol) {
                self.advance(symbol.len());
                return Ok(token);
            }
        }
        let shown = crate::print::printable(first.encode_utf8(&mut [0; 4]));
        let help = if first == '=' { "; `==` compares" } else { "" };
        Err(error(self.offset, format!("no token begins with `{shown}`{help}")))
    }

    fn name(&mut self) -> Token {
        let rest = self.rest();
        let length = rest
            .bytes()
            .position(|b| !b.is_ascii_alphanumeric() && b != b'_')
            .unwrap_or(rest.len());
        self.advance(length);
        Token::Name(rest.get(..length).unwrap_or_default().into())
    }

    fn number(&mut self) -> Result<Token, QueryError> {
        let start = self.offset;
        let rest = self.rest();
        let digits = rest.strip_prefix('-').unwrap_or(rest);
        let sign = rest.len().saturating_sub(digits.len());
        let count = digits.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(digits.len());
        let length = sign.saturating_add(count);
        self.advance(length);
        rest.get(..length)
            .and_then(|text| text.parse().ok())
            .map(Token::Number)
            .ok_or_else(|| error(start, "not an index of 64 bits"))
    }

    /// The text up to `delimiter` that no backslash precedes, and steps over it.
    fn delimited(&mut self, delimiter: char) -> Result<&'a str, QueryError> {
        let start = self.offset;
        self.advance(1);
        let rest = self.rest();
        let mut chars = rest.char_indices();
        while let Some((place, c)) = chars.next() {
            if c == delimiter {
                self.advance(place.saturating_add(1));
                return Ok(rest.get(..place).unwrap_or_default());
            }
            if c == '\\' {
                chars.next();
            }
        }
        Err(error(start, format!("`{delimiter}` is not closed")))
    }

    fn quoted_name(&mut self) -> Result<Token, QueryError> {
        let start = self.offset;
        self.delimited('"')?;
        let quoted = self.text.get(start..self.offset).unwrap_or_default();
        match Json::parse_within(quoted, self.meter) {
            Err(JsonError::Limit(exceeded)) => Err(exceeded.into()),
            Ok(Json::String(name)) => Ok(Token::QuotedName(name)),
            _ => Err(error(start, "a quoted name is not a JSON string")),
        }
    }

    fn raw_string(&mut self) -> Result<Token, QueryError> {
        let text = self.delimited('\'')?;
        Ok(Token::Literal(Json::string(&text.replace("\\'", "'"))))
    }

    fn literal(&mut self) -> Result<Token, QueryError> {
        let start = self.offset;
        let text = self.delimited('`')?.replace("\\`", "`");
        match Json::parse_within(&text, self.meter) {
            Err(JsonError::Limit(exceeded)) => Err(exceeded.into()),
            Ok(json) => Ok(Token::Literal(json)),
            Err(problem) => Err(error(
                start,
                format!("the literal is not JSON ({problem}); text in a literal needs quotes"),
            )),
        }
    }
}

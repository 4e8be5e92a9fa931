//! JSON text to [`Json`]: strict, exact, and bounded in depth.

use std::sync::Arc;

use super::{Json, NESTING_MAX, Number};
use crate::cost::{self, Meter};
use crate::limits::LimitExceeded;

/// Why a text is not a JSON document that we accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON.
    #[error("not JSON at byte {offset}: {problem}")]
    Syntax {
        /// Byte offset of the first byte that cannot continue a JSON text.
        offset: usize,
        /// What is wrong there.
        problem: &'static str,
    },
    /// Arrays and objects nest deeper than [`NESTING_MAX`].
    #[error("JSON nests deeper than {NESTING_MAX} levels at byte {offset}")]
    TooDeep {
        /// Byte offset of the bracket that goes too deep.
        offset: usize,
    },
    /// The document costs more than the caller allows; never of [`Json::parse`].
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
}

pub(super) fn parse(text: &str, meter: &mut Meter) -> Result<Json, JsonError> {
    meter.charge_text(cost::READ, text.len())?;
    let mut parser = Parser { text, offset: 0, depth: 0, meter };
    parser.skip_space();
    let value = parser.value()?;
    parser.skip_space();
    if parser.offset < text.len() {
        return Err(parser.error("something follows the document"));
    }
    Ok(value)
}

/// Bytes of a string with escapes that are paid for at once.
const ESCAPED_BYTES_PAID: usize = 64;

/// Digits, sign and exponent of a number; doubles need 17 digits, 64-bit integers 19.
const NUMBER_BYTES_MAX: usize = 1000;

struct Parser<'a, 'm> {
    text: &'a str,
    offset: usize,
    depth: usize,
    meter: &'m mut Meter,
}

impl<'a> Parser<'a, '_> {
    fn error(&self, problem: &'static str) -> JsonError {
        JsonError::Syntax { offset: self.offset, problem }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    fn bump(&mut self) {
        self.offset = self.offset.saturating_add(1);
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.bump();
        }
        found
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.bump();
        }
    }

    fn value(&mut self) -> Result<Json, JsonError> {
        self.meter.charge(cost::ELEMENT)?;
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Json::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Boolean(true)),
            Some(b'f') => self.word("false", Json::Boolean(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(_) => Err(self.error("no value begins so")),
            None => Err(self.error("a value is missing")),
        }
    }

    fn word(&mut self, word: &'static str, value: Json) -> Result<Json, JsonError> {
        if !self.rest().starts_with(word) {
            return Err(self.error("neither `true`, `false` nor `null`"));
        }
        self.offset = self.offset.saturating_add(word.len());
        Ok(value)
    }

    fn nested(
        &mut self,
        inner: fn(&mut Self) -> Result<Json, JsonError>,
    ) -> Result<Json, JsonError> {
        if self.depth >= NESTING_MAX {
            return Err(JsonError::TooDeep { offset: self.offset });
        }
        self.depth = self.depth.saturating_add(1);
        self.bump();
        let value = inner(self);
        self.depth = self.depth.saturating_sub(1);
        value
    }

    fn array(&mut self) -> Result<Json, JsonError> {
        self.meter.charge(cost::ARRAY)?;
        let mut items = Vec::new();
        self.skip_space();
        if self.eat(b']') {
            return Ok(Json::array(items));
        }
        loop {
            self.skip_space();
            items.push(self.value()?);
            self.skip_space();
            if self.eat(b']') {
                return Ok(Json::array(items));
            }
            if !self.eat(b',') {
                return Err(self.error("`,` or `]` is missing in an array"));
            }
        }
    }

    fn object(&mut self) -> Result<Json, JsonError> {
        let mut members = Vec::new();
        self.skip_space();
        if self.eat(b'}') {
            self.meter.charge(cost::OBJECT)?;
            return Ok(Json::object(members));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.error("a member's name in quotes is missing"));
            }
            let name = self.string()?;
            self.skip_space();
            if !self.eat(b':') {
                return Err(self.error("`:` is missing behind a member's name"));
            }
            self.skip_space();
            members.push((name, self.value()?));
            self.skip_space();
            if self.eat(b'}') {
                Json::charge_members(members.iter().map(|(name, _)| &**name), self.meter)?;
                return Ok(Json::object(members));
            }
            if !self.eat(b',') {
                return Err(self.error("`,` or `}` is missing in an object"));
            }
        }
    }

    fn number(&mut self) -> Result<Json, JsonError> {
        let start = self.offset;
        self.eat(b'-');
        if self.eat(b'0') {
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.error("a number has a leading zero"));
            }
        } else {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            if !self.eat(b'-') {
                self.eat(b'+');
            }
            self.digits()?;
        }
        let text = self.text.get(start..self.offset).unwrap_or_default();
        if text.len() > NUMBER_BYTES_MAX {
            return Err(JsonError::Syntax { offset: start, problem: "a number is too long" });
        }
        if let Ok(integer) = text.parse::<i64>() {
            return Ok(Json::Integer(integer));
        }
        self.meter.charge(cost::DECIMAL)?;
        self.meter.charge_text(cost::DIGITS, text.len())?;
        Ok(Json::number(Number::from_json_text(text)))
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.error("a digit is missing"));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.bump();
        }
        Ok(())
    }

    fn string(&mut self) -> Result<Arc<str>, JsonError> {
        self.bump();
        let rest = self.rest();
        let plain = rest.bytes().position(|b| b == b'"' || b == b'\\' || b < 0x20);
        let length = plain.unwrap_or(rest.len());
        let text = rest.get(..length).unwrap_or_default();
        self.offset = self.offset.saturating_add(length);
        self.meter.charge(cost::STRING)?;
        self.meter.charge_long(cost::COPIED, length)?;
        if self.eat(b'"') {
            return Ok(text.into());
        }
        let mut decoded = text.to_owned();
        let mut paid = self.offset;
        loop {
            if self.offset >= paid {
                self.meter.charge(cost::REWRITTEN)?;
                paid = self.offset.saturating_add(ESCAPED_BYTES_PAID);
            }
            let mut chars = self.rest().chars();
            match chars.next() {
                None => return Err(self.error("a string is not closed")),
                Some('"') => {
                    self.bump();
                    return Ok(decoded.into());
                }
                Some('\\') => {
                    self.bump();
                    decoded.push(self.escape()?);
                }
                Some(c) if c < ' ' => {
                    return Err(self.error("a control character stands in a string"));
                }
                Some(c) => {
                    decoded.push(c);
                    self.offset = self.offset.saturating_add(c.len_utf8());
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.bump();
                return self.unicode_escape();
            }
            _ => return Err(self.error("no such escape")),
        };
        self.bump();
        Ok(c)
    }

    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let first = self.four_digits()?;
        if let Some(c) = char::from_u32(first) {
            return Ok(c);
        }
        let paired = first < 0xdc00 && self.eat(b'\\') && self.eat(b'u');
        let second = if paired { self.four_digits()? } else { 0 };
        if !(0xdc00..0xe000).contains(&second) {
            return Err(self.error("a surrogate stands alone"));
        }
        let high = first.saturating_sub(0xd800) << 10;
        let low = second.saturating_sub(0xdc00);
        char::from_u32(high.saturating_add(low).saturating_add(0x1_0000))
            .ok_or_else(|| self.error("a surrogate stands alone"))
    }

    fn four_digits(&mut self) -> Result<u32, JsonError> {
        let digits = self.rest().get(..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = digits.and_then(|d| u32::from_str_radix(d, 16).ok());
        let Some(value) = value else { return Err(self.error("four hex digits are missing")) };
        self.offset = self.offset.saturating_add(4);
        Ok(value)
    }
}

//! Compact JSON text: no white space, member order kept, non-ASCII unescaped.

use std::fmt;

use super::Json;

impl fmt::Display for Json {
    /// Deep recursion is bounded by [`super::NESTING_MAX`], which parsing and queries keep.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Decimal(number) => write!(f, "{number}"),
            Self::String(text) => write_string(f, text),
            Self::Array(array) => {
                f.write_str("[")?;
                for (index, item) in array.items.iter().enumerate() {
                    comma(f, index)?;
                    item.fmt(f)?;
                }
                f.write_str("]")
            }
            Self::Object(object) => {
                f.write_str("{")?;
                for (index, (name, value)) in object.members.iter().enumerate() {
                    comma(f, index)?;
                    write_string(f, name)?;
                    f.write_str(":")?;
                    value.fmt(f)?;
                }
                f.write_str("}")
            }
        }
    }
}

fn comma(f: &mut fmt::Formatter<'_>, index: usize) -> fmt::Result {
    if index > 0 { f.write_str(",") } else { Ok(()) }
}

/// The escape of a character that must not stand for itself, without the backslash of `\u`.
fn escape(c: char) -> Option<&'static str> {
    Some(match c {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        _ => return None,
    })
}

fn write_string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    let mut rest = text;
    while let Some(place) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
        let (plain, behind) = rest.split_at_checked(place).unwrap_or((rest, ""));
        f.write_str(plain)?;
        let mut chars = behind.chars();
        if let Some(c) = chars.next() {
            match escape(c) {
                Some(escaped) => f.write_str(escaped)?,
                None => write!(f, "\\u{:04x}", u32::from(c))?,
            }
        }
        rest = chars.as_str();
    }
    f.write_str(rest)?;
    f.write_str("\"")
}

/// Bytes of the text of a string, quotes included.
pub(super) fn string_bytes(text: &str) -> usize {
    let plain = text.len().saturating_add(2);
    // Without a way out of the loop, many bytes are looked at in one step.
    let escapes = text
        .bytes()
        .fold(false, |found, byte| found | (byte < 0x20) | matches!(byte, b'"' | b'\\'));
    if !escapes {
        return plain;
    }
    text.bytes().fold(plain, |sum, byte| {
        sum.saturating_add(match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 1,
            0..=0x1f => 5,
            _ => 0,
        })
    })
}

//! The canonical form: no spaces, object members sorted by the bytes of their names.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// `value` as compact JSON with the members of every object sorted by name.
///
/// The order is that of the UTF-8 bytes and does not depend on how `serde_json` keeps its maps, so
/// a crate elsewhere that turns on `preserve_order` changes nothing here.
///
/// # Source
/// Tokens that MAA issued from 2021 on (`docs/maa/token.md#form`).
#[must_use]
pub fn to_canonical(value: &Value) -> String {
    let mut out = String::new();
    write_canonical(value, &mut out);
    out
}

/// An object of these members in the form of [`to_canonical`].
#[must_use]
pub fn object_to_canonical(members: &Map<String, Value>) -> String {
    let mut out = String::new();
    write_members(members, &mut out);
    out
}

/// Appends `value` in the form of [`to_canonical`] to `out`.
pub fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => write_integer(integer, out),
            None => {
                // Writing to a `String` does not fail.
                let _ = write!(out, "{number}");
            }
        },
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => write_members(members, out),
    }
}

fn write_members(members: &Map<String, Value>, out: &mut String) {
    let mut sorted: Vec<(&str, &Value)> =
        members.iter().map(|(name, member)| (name.as_str(), member)).collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    out.push('{');
    for (index, (name, member)) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(name, out);
        out.push(':');
        write_canonical(member, out);
    }
    out.push('}');
}

/// Appends a decimal integer.
pub fn write_integer(integer: i64, out: &mut String) {
    let _ = write!(out, "{integer}");
}

/// Appends a JSON string: quotes, backslash and control characters escaped, all else as it is.
pub fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = first_escape(rest.as_bytes()) {
        // The escaped characters are ASCII, so both splits are at character boundaries.
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        let mut characters = tail.chars();
        if let Some(character) = characters.next() {
            write_escape(character, out);
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// Where the first byte stands that is written in another way.
fn first_escape(bytes: &[u8]) -> Option<usize> {
    // Texts are long and have few: whole blocks are passed over, without a branch for each byte.
    let (blocks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
    let block = match blocks.iter().position(has_escape) {
        Some(block) => block,
        None if is_plain_end(bytes, rest) => return None,
        None => blocks.len(),
    };
    let plain = block.saturating_mul(BLOCK_BYTES);
    let at = bytes.get(plain..)?.iter().position(|byte| needs_escape(*byte))?;
    plain.checked_add(at)
}

const BLOCK_BYTES: usize = 16;
const HALF_BYTES: usize = BLOCK_BYTES / 2;

/// Whether the `rest` behind the last whole block needs no escape: looked at as a block too, with
/// bytes before it that need none.
fn is_plain_end(bytes: &[u8], rest: &[u8]) -> bool {
    if let Some(end) = bytes.last_chunk::<BLOCK_BYTES>() {
        return rest.is_empty() || !has_escape(end);
    }
    match (bytes.first_chunk::<HALF_BYTES>(), bytes.last_chunk::<HALF_BYTES>()) {
        (Some(begin), Some(end)) => !has_escape(begin) && !has_escape(end),
        _ => !rest.iter().any(|byte| needs_escape(*byte)),
    }
}

fn has_escape<const N: usize>(block: &[u8; N]) -> bool {
    block.iter().fold(false, |any, byte| any | needs_escape(*byte))
}

const fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn write_escape(character: char, out: &mut String) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        other => {
            let _ = write!(out, "\\u{:04x}", u32::from(other));
        }
    }
}

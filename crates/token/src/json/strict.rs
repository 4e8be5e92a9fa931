//! Reading: size first, then syntax, then no member named twice at any level.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use thiserror::Error;

/// Why a text is not JSON that a signature may be judged by.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JsonError {
    /// Longer than the reader accepts.
    #[error("JSON of {length} bytes is over the limit of {limit}")]
    TooLong {
        /// Length in bytes.
        length: usize,
        /// The longest accepted, in bytes.
        limit: usize,
    },
    /// No JSON, nested deeper than 128 levels, or a member named twice.
    #[error("line {line} column {column}: {reason}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1; 0 before the first.
        column: usize,
        /// What was wrong.
        reason: String,
    },
    /// JSON, but no object.
    #[error("expected an object, found {found}")]
    NotObject {
        /// The kind of value found.
        found: &'static str,
    },
}

/// Reads one JSON value of at most `limit_bytes`; an object that names a member twice is refused.
///
/// Two readers of one signed text may disagree about which of the two members counts, so none does.
///
/// # Errors
/// [`JsonError`] with the place.
pub fn parse_value(bytes: &[u8], limit_bytes: usize) -> Result<Value, JsonError> {
    if bytes.len() > limit_bytes {
        return Err(JsonError::TooLong { length: bytes.len(), limit: limit_bytes });
    }
    // A scan of its own: a map built by `serde_json` has already dropped the first of two members.
    let mut scan = serde_json::Deserializer::from_slice(bytes);
    UniqueNames.deserialize(&mut scan).map_err(syntax)?;
    scan.end().map_err(syntax)?;
    serde_json::from_slice(bytes).map_err(syntax)
}

/// As [`parse_value`], and the value must be an object.
///
/// # Errors
/// [`JsonError`] with the place.
pub fn parse_object(bytes: &[u8], limit_bytes: usize) -> Result<Map<String, Value>, JsonError> {
    match parse_value(bytes, limit_bytes)? {
        Value::Object(members) => Ok(members),
        Value::Null => Err(JsonError::NotObject { found: "null" }),
        Value::Bool(_) => Err(JsonError::NotObject { found: "a boolean" }),
        Value::Number(_) => Err(JsonError::NotObject { found: "a number" }),
        Value::String(_) => Err(JsonError::NotObject { found: "a string" }),
        Value::Array(_) => Err(JsonError::NotObject { found: "an array" }),
    }
}

fn syntax(error: serde_json::Error) -> JsonError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or(&text).to_owned();
    JsonError::Syntax { line, column, reason }
}

/// Walks a value and keeps nothing but the names of the objects that are open.
#[derive(Clone, Copy)]
struct UniqueNames;

impl<'de> DeserializeSeed<'de> for UniqueNames {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueNames {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.contains(&name) {
                return Err(A::Error::custom(format_args!("member {name:?} is named twice")));
            }
            names.insert(name);
            members.next_value_seed(self)?;
        }
        Ok(())
    }
}

//! Reading: size first, then syntax, then no member named twice at any level.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use avouch_wire::excerpt;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use thiserror::Error;

/// Values of a document, at all levels. Each takes a hundred times the byte or two that it may be
/// written in; the largest documents that clients send have some hundred.
const VALUES_MAX: usize = 10_000;

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
    /// More values than any document of ours has.
    #[error("more than {limit} values")]
    TooMany {
        /// The largest number accepted.
        limit: usize,
    },
    /// JSON, but no object.
    #[error("expected an object, found {found}")]
    NotObject {
        /// The kind of value found.
        found: &'static str,
    },
}

/// Reads one JSON value of at most `limit_bytes`; an object that names a member twice is refused,
/// and so are more than 10,000 values.
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
    let left = Cell::new(Some(VALUES_MAX));
    UniqueNames(&left).deserialize(&mut scan).map_err(|error| match left.get() {
        None => JsonError::TooMany { limit: VALUES_MAX },
        Some(_) => syntax(error),
    })?;
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

/// Walks a value and keeps nothing but the names of the objects that are open, and how many more
/// values there may be: nothing once there were too many.
#[derive(Clone, Copy)]
struct UniqueNames<'a>(&'a Cell<Option<usize>>);

impl<'de> DeserializeSeed<'de> for UniqueNames<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self(left) = self;
        left.set(left.get().and_then(|left| left.checked_sub(1)));
        if left.get().is_none() {
            return Err(D::Error::custom("too many values"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueNames<'_> {
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
                return Err(A::Error::custom(format_args!(
                    "member {} is named twice",
                    excerpt(&name)
                )));
            }
            names.insert(name);
            members.next_value_seed(self)?;
        }
        Ok(())
    }
}

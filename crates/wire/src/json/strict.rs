//! Reading: size first, then syntax, and no member named twice at any level.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::excerpt;

/// Values of a document, at all levels. Each takes a hundred times the byte or two that it may be
/// written in; the largest documents that clients send have some hundred.
const VALUES_MAX: usize = 10_000;
/// Lists and objects within each other in what becomes a part of other documents: deeper there by some,
/// and to be read again by readers that end at 128, as this one does and most others.
const EMBEDDED_LEVELS_MAX: usize = 100;

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
    /// No JSON, nested too deep, or a member named twice.
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
/// and so are more than 10,000 values, and more than 127 levels.
///
/// Two readers of one signed text may disagree about which of the two members counts, so none does.
///
/// # Errors
/// [`JsonError`] with the place.
pub fn parse_value(bytes: &[u8], limit_bytes: usize) -> Result<Value, JsonError> {
    parse(bytes, limit_bytes, None)
}

fn parse(bytes: &[u8], limit_bytes: usize, levels_max: Option<usize>) -> Result<Value, JsonError> {
    if bytes.len() > limit_bytes {
        return Err(JsonError::TooLong { length: bytes.len(), limit: limit_bytes });
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let left = Cell::new(Some(VALUES_MAX));
    // The library has a limit of its own.
    let seed = Unambiguous { left: &left, levels: levels_max.unwrap_or(usize::MAX) };
    let value = seed.deserialize(&mut reader).map_err(|error| match left.get() {
        None => JsonError::TooMany { limit: VALUES_MAX },
        Some(_) => syntax(error),
    })?;
    reader.end().map_err(syntax)?;
    Ok(value)
}

/// As [`parse_value`], and the value must be an object.
///
/// # Errors
/// [`JsonError`] with the place.
pub fn parse_object(bytes: &[u8], limit_bytes: usize) -> Result<Map<String, Value>, JsonError> {
    object(parse(bytes, limit_bytes, None)?)
}

/// As [`parse_object`], for an object that becomes a part of other documents, such as claims of
/// tokens: of at most 100 levels.
///
/// # Errors
/// [`JsonError`] with the place.
pub fn parse_embedded_object(
    bytes: &[u8],
    limit_bytes: usize,
) -> Result<Map<String, Value>, JsonError> {
    object(parse(bytes, limit_bytes, Some(EMBEDDED_LEVELS_MAX))?)
}

fn object(value: Value) -> Result<Map<String, Value>, JsonError> {
    match value {
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

/// Reads a value.
#[derive(Clone, Copy)]
struct Unambiguous<'a> {
    /// How many more there may be; none once there were too many.
    left: &'a Cell<Option<usize>>,
    /// How many more levels it may have.
    levels: usize,
}

impl Unambiguous<'_> {
    /// Reads what is in a list or an object.
    fn within<E: serde::de::Error>(self) -> Result<Self, E> {
        let levels = self.levels.checked_sub(1);
        let too_deep =
            || E::custom(format_args!("nested deeper than {EMBEDDED_LEVELS_MAX} levels"));
        Ok(Self { levels: levels.ok_or_else(too_deep)?, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Unambiguous<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Self { left, .. } = self;
        left.set(left.get().and_then(|left| left.checked_sub(1)));
        if left.get().is_none() {
            return Err(D::Error::custom("too many values"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unambiguous<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let (inner, mut values) = (self.within()?, Vec::new());
        while let Some(value) = items.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let (inner, mut object) = (self.within()?, Map::new());
        while let Some(name) = members.next_key::<String>()? {
            match object.entry(name) {
                Entry::Vacant(member) => member.insert(members.next_value_seed(inner)?),
                Entry::Occupied(member) => {
                    let name = excerpt(member.key());
                    return Err(A::Error::custom(format_args!("member {name} is named twice")));
                }
            };
        }
        Ok(Value::Object(object))
    }
}

//! Data that a client hands in beside its evidence, and the proof that the evidence binds it.

use avouch_token::json::{JsonError, parse_object};
use serde_json::{Map, Value};
use thiserror::Error;

/// How held data is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    /// A JSON object, which becomes a claim of its own.
    Json,
    /// Any bytes, which become base64url.
    Binary,
}

/// Data that a client says its evidence binds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldData {
    /// The bytes exactly as sent; what is hashed.
    pub bytes: Vec<u8>,
    /// How they are to be read.
    pub data_type: DataType,
}

/// Held data whose SHA-256 was found where the evidence binds it, read as its type says.
///
/// Only [`BoundData::bind`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundData(Content);

#[derive(Debug, Clone, PartialEq)]
enum Content {
    Json(Map<String, Value>),
    Binary(Vec<u8>),
}

/// Why held data does not become a claim.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HeldDataError<E> {
    /// The evidence does not bind it.
    #[error(transparent)]
    NotBound(E),
    /// It is said to be JSON and is not a JSON object.
    #[error("is bound by the evidence but is not a JSON object: {0}")]
    Json(JsonError),
    /// A number that would change on its way into the token.
    #[error("number {0} cannot be carried exactly")]
    InexactNumber(String),
}

/// The largest JSON document that becomes a claim.
const JSON_LIMIT_BYTES: usize = 256 * 1024;

impl BoundData {
    /// Hands the bytes as sent to `check`, and reads them only if `check` finds their hash where
    /// verified evidence binds it.
    ///
    /// JSON must be one object; white space around it and NUL bytes after it are hashed and
    /// then ignored, as in recorded exchanges; a member named twice is refused, since what is
    /// hashed and what is claimed must be one reading.
    ///
    /// # Errors
    /// [`HeldDataError::NotBound`] with the error of `check`, else what is wrong with the JSON.
    pub fn bind<E>(
        data: &HeldData,
        check: impl FnOnce(&[u8]) -> Result<(), E>,
    ) -> Result<Self, HeldDataError<E>> {
        check(&data.bytes).map_err(HeldDataError::NotBound)?;
        match data.data_type {
            DataType::Binary => Ok(Self(Content::Binary(data.bytes.clone()))),
            DataType::Json => {
                let text = strip_nul(&data.bytes);
                let object = parse_object(text, JSON_LIMIT_BYTES).map_err(HeldDataError::Json)?;
                match object.values().find_map(inexact_number) {
                    Some(number) => Err(HeldDataError::InexactNumber(number)),
                    None => Ok(Self(Content::Json(object))),
                }
            }
        }
    }

    /// The object, if the data is JSON.
    #[must_use]
    pub const fn json(&self) -> Option<&Map<String, Value>> {
        match &self.0 {
            Content::Json(object) => Some(object),
            Content::Binary(_) => None,
        }
    }

    /// The bytes, if the data is binary.
    #[must_use]
    pub fn binary(&self) -> Option<&[u8]> {
        match &self.0 {
            Content::Binary(bytes) => Some(bytes),
            Content::Json(_) => None,
        }
    }
}

fn strip_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    bytes.get(..end).unwrap_or_default()
}

/// An integer too large for 64 bits was read as a float and lost digits; say so rather than claim
/// another number than was hashed.
fn inexact_number(value: &Value) -> Option<String> {
    const EXACT_INTEGER_MAX: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().unwrap_or(f64::INFINITY);
            (float.abs() >= EXACT_INTEGER_MAX).then(|| number.to_string())
        }
        Value::Array(items) => items.iter().find_map(inexact_number),
        Value::Object(members) => members.values().find_map(inexact_number),
        _ => None,
    }
}

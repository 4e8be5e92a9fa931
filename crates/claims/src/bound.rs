//! Data that a client hands in beside its evidence, and the proof that the evidence binds it.

use avouch_wire::json::{JsonError, first_inexact_number, parse_embedded_object};
use avouch_wire::without_final_nuls;
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
    /// More bytes than a claim is made of.
    #[error("has {length} bytes, and at most {limit} become a claim")]
    TooLong {
        /// Length in bytes.
        length: usize,
        /// The longest accepted, in bytes.
        limit: usize,
    },
}

/// Characters of a refused number that an error shows.
const NUMBER_SHOWN_MAX: usize = 40;

/// The longest data that become a claim: tokens of SGX enclaves have binary data three times, and what makes
/// them holds each several times.
const LIMIT_BYTES: usize = 256 * 1024;

impl BoundData {
    /// Hands the bytes as sent to `check`, and reads them only if `check` finds their hash where
    /// verified evidence binds it.
    ///
    /// Numbers must be the same in the token as in the bytes, at any depth: others are refused
    /// rather than claim another number than was hashed.
    ///
    /// At most 256 KiB are read. JSON must be one object; white space around it and NUL bytes after it are hashed and
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
            DataType::Binary if data.bytes.len() > LIMIT_BYTES => {
                Err(HeldDataError::TooLong { length: data.bytes.len(), limit: LIMIT_BYTES })
            }
            DataType::Binary => Ok(Self(Content::Binary(data.bytes.clone()))),
            DataType::Json => {
                let text = without_final_nuls(&data.bytes);
                let object =
                    parse_embedded_object(text, LIMIT_BYTES).map_err(HeldDataError::Json)?;
                match first_inexact_number(text) {
                    Some(number) => {
                        let shown = number.chars().take(NUMBER_SHOWN_MAX).collect();
                        Err(HeldDataError::InexactNumber(shown))
                    }
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

#[cfg(test)]
mod tests {
    use super::{BoundData, DataType, HeldData, HeldDataError};

    fn bound(text: &str) -> Result<BoundData, HeldDataError<std::fmt::Error>> {
        let data = HeldData { bytes: text.as_bytes().to_vec(), data_type: DataType::Json };
        BoundData::bind(&data, |_| Ok(()))
    }

    #[test]
    fn numbers_that_would_change_on_their_way_into_the_token_are_refused_at_any_depth() {
        for number in
            ["123e-10000000", "1.000000000000000005", "18446744073709551616", "-9007199254740993.5"]
        {
            for text in [
                format!("{{\"n\":{number}}}"),
                format!("{{\"n\":[0,[{number}]]}}"),
                format!("{{\"a\":\"1\",\"n\":{{\"m\":{{\"o\":{number}}}}}}}"),
            ] {
                let refused = HeldDataError::InexactNumber(number.to_owned());
                assert_eq!(bound(&text).err(), Some(refused), "{text}");
            }
        }
    }

    #[test]
    fn numbers_that_stay_the_same_are_carried_however_they_are_written() {
        for number in ["1E22", "0.1", "1.50", "-0.0", "18446744073709551615", "1e-7", "12.5e1"] {
            let text = format!(
                "{{\"n\":[{{\"m\":{number}}}], \"text\":\"1.000000000000000005 \\\" 1e999\"}}"
            );
            assert!(bound(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn an_error_shows_a_long_number_in_part() {
        let error = bound(&format!("{{\"n\":{}}}", "7".repeat(1_000))).unwrap_err();
        assert!(error.to_string().len() < 100, "{error}");
    }
}

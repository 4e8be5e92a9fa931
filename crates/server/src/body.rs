//! Request bodies: bounded, strict JSON, member names in any case.

use std::collections::HashMap;

use avouch_token::json::{Integer, parse_object};
use avouch_wire::excerpt;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::ApiError;

/// A JSON object whose members are looked up without regard to case, as MAA does.
#[derive(Debug)]
pub struct JsonBody {
    members: Map<String, Value>,
    /// Members that are integers of more than 64 bits; among the members they have lost digits.
    integers: HashMap<String, Integer>,
}

impl JsonBody {
    /// Reads a body that must be one JSON object.
    ///
    /// # Errors
    /// 400 for an empty body, anything but an object, an object that names a member twice, or
    /// two members whose names differ in case only.
    pub fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        if bytes.trim_ascii().is_empty() {
            return Err(ApiError::invalid_parameter(
                "request-body: the request has no body; a JSON object is expected",
            ));
        }
        let members = parse_object(bytes, bytes.len())
            .map_err(|error| ApiError::invalid_parameter(format!("request-body: {error}")))?;
        let integers = long_integers(bytes, &members);
        Ok(Self { integers, ..Self::unambiguous(members)? })
    }

    /// An object in which no two members differ in case only.
    fn unambiguous(members: Map<String, Value>) -> Result<Self, ApiError> {
        let mut names: Vec<String> = members.keys().map(|name| name.to_ascii_lowercase()).collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            if let [first, second] = pair
                && first == second
            {
                let name = excerpt(first);
                let text = format!("request-body: member {name} is given more than once");
                return Err(ApiError::invalid_parameter(text));
            }
        }
        Ok(Self { members, integers: HashMap::new() })
    }

    /// All members, with their names as given.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.members.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// A member that must be a list where it is given.
    ///
    /// # Errors
    /// 400 naming the member if it is something else.
    pub fn list(&self, name: &str) -> Result<Option<&[Value]>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(ApiError::invalid_parameter(format!("{name}: a list is expected"))),
        }
    }

    /// A value that must be an object; `name` is what errors call it.
    ///
    /// # Errors
    /// 400 if it is something else or names a member twice.
    pub fn of(name: &str, value: &Value) -> Result<Self, ApiError> {
        match value {
            Value::Object(members) => Self::unambiguous(members.clone()),
            _ => Err(ApiError::invalid_parameter(format!("{name}: an object is expected"))),
        }
    }

    /// The member of this name in any case; `null` counts as absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members
            .get(name)
            .or_else(|| {
                self.members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v)
            })
            .filter(|value| !value.is_null())
    }

    /// The member of this name in any case, if it is an integer of more than 64 bits.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<&Integer> {
        self.integers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, integer)| integer)
    }

    /// A member that must be a string where it is given.
    ///
    /// # Errors
    /// 400 naming the member if it is something else.
    pub fn string(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(ApiError::invalid_parameter(format!("{name}: a string is expected"))),
        }
    }

    /// A member that must be an object where it is given.
    ///
    /// # Errors
    /// 400 naming the member if it is something else, or has a member of its own twice.
    pub fn object(&self, name: &str) -> Result<Option<Self>, ApiError> {
        self.get(name).map(|value| Self::of(name, value)).transpose()
    }
}

/// The integers among the members that a value holds as floating point. Members were read before:
/// what does not read again has none.
fn long_integers(bytes: &[u8], members: &Map<String, Value>) -> HashMap<String, Integer> {
    if !members.values().any(Value::is_f64) {
        return HashMap::new();
    }
    let raw: HashMap<String, &RawValue> = serde_json::from_slice(bytes).unwrap_or_default();
    let is_long = |name: &str| members.get(name).is_some_and(Value::is_f64);
    raw.into_iter()
        .filter(|(name, _)| is_long(name))
        .filter_map(|(name, raw)| Some((name, Integer::parse(raw.get())?)))
        .collect()
}

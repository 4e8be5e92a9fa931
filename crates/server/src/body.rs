//! Request bodies: bounded, strict JSON, member names in any case.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;

use avouch_wire::excerpt;
use avouch_wire::json::{Integer, parse_object};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use thiserror::Error;

/// A body or parameter that is not what it must be: the sentence begins with its name. Each plane has
/// a code of its own for it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// A JSON object whose members are looked up without regard to case, as MAA does.
#[derive(Debug)]
pub struct JsonBody<'a> {
    members: Cow<'a, Map<String, Value>>,
    /// Members that are integers of more than 64 bits; among the members they have lost digits.
    integers: HashMap<String, Integer>,
}

impl JsonBody<'static> {
    /// Reads a body that must be one JSON object.
    ///
    /// # Errors
    /// An empty body, anything but an object, an object that names a member twice, or two members
    /// whose names differ in case only.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.trim_ascii().is_empty() {
            return Err(Malformed(
                "request-body: the request has no body; a JSON object is expected".to_owned(),
            ));
        }
        let members = parse_object(bytes, bytes.len())
            .map_err(|error| Malformed(format!("request-body: {error}")))?;
        let integers = long_integers(bytes, &members);
        Ok(Self { integers, ..Self::unambiguous(Cow::Owned(members))? })
    }
}

impl<'a> JsonBody<'a> {
    /// An object in which no two members differ in case only.
    fn unambiguous(members: Cow<'a, Map<String, Value>>) -> Result<Self, Malformed> {
        let mut names: Vec<&str> = members.keys().map(String::as_str).collect();
        names.sort_unstable_by(|first, second| without_case(first, second));
        for pair in names.windows(2) {
            if let [first, second] = pair
                && first.eq_ignore_ascii_case(second)
            {
                let name = first.to_ascii_lowercase();
                let name = excerpt(&name);
                let text = format!("request-body: member {name} is given more than once");
                return Err(Malformed(text));
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
    /// It is something else.
    pub fn list(&self, name: &str) -> Result<Option<&[Value]>, Malformed> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(Malformed(format!("{name}: a list is expected"))),
        }
    }

    /// A value that must be an object; `name` is what errors call it.
    ///
    /// # Errors
    /// It is something else or names a member twice.
    pub fn of(name: &str, value: &'a Value) -> Result<Self, Malformed> {
        match value {
            Value::Object(members) => Self::unambiguous(Cow::Borrowed(members)),
            _ => Err(Malformed(format!("{name}: an object is expected"))),
        }
    }

    /// The member of this name in any case; `null` counts as absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        // No other differs in case only, and bodies have few members.
        let found = self.members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value).filter(|value| !value.is_null())
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
    /// It is something else.
    pub fn string(&self, name: &str) -> Result<Option<&str>, Malformed> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Malformed(format!("{name}: a string is expected"))),
        }
    }

    /// A member that must be an object where it is given.
    ///
    /// # Errors
    /// It is something else, or has a member of its own twice.
    pub fn object(&self, name: &str) -> Result<Option<JsonBody<'_>>, Malformed> {
        self.get(name).map(|value| JsonBody::of(name, value)).transpose()
    }
}

fn without_case(first: &str, second: &str) -> Ordering {
    let [first, second] = [first, second].map(|text| text.bytes().map(|b| b.to_ascii_lowercase()));
    first.cmp(second)
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

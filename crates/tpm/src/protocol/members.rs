//! Members of the protocol's JSON objects, by name.

use avouch_wire::base64url;
use serde_json::{Map, Value};

use super::ProtocolError;

/// An object with the name it has in its message.
#[derive(Clone, Copy)]
pub(super) struct Members<'a> {
    of: &'static str,
    members: &'a Map<String, Value>,
}

impl<'a> Members<'a> {
    pub(super) const fn new(of: &'static str, members: &'a Map<String, Value>) -> Self {
        Self { of, members }
    }

    /// An array's element or another value that must be an object.
    pub(super) fn of_value(of: &'static str, value: &'a Value) -> Result<Self, ProtocolError> {
        value.as_object().map(|members| Self { of, members }).ok_or_else(|| ProtocolError::Member {
            path: of.to_owned(),
            problem: "expected an object".to_owned(),
        })
    }

    fn problem(&self, name: &str, problem: impl Into<String>) -> ProtocolError {
        let separator = if self.of.is_empty() { "" } else { "." };
        ProtocolError::Member {
            path: format!("{}{separator}{name}", self.of),
            problem: problem.into(),
        }
    }

    /// A member that is there and not null.
    fn present(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn required<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<T, ProtocolError> {
        self.present(name)
            .and_then(read)
            .ok_or_else(|| self.problem(name, format!("expected {expected}")))
    }

    fn optional<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ProtocolError> {
        self.present(name).map(|_| self.required(name, expected, read)).transpose()
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, ProtocolError> {
        self.required(name, "a text", Value::as_str)
    }

    pub(super) fn optional_text(&self, name: &str) -> Result<Option<&'a str>, ProtocolError> {
        self.optional(name, "a text", Value::as_str)
    }

    pub(super) fn bytes(&self, name: &str) -> Result<Vec<u8>, ProtocolError> {
        let text = self.required(name, "base64", Value::as_str)?;
        base64url::decode_either(text).map_err(|error| self.problem(name, error.to_string()))
    }

    pub(super) fn optional_bytes(&self, name: &str) -> Result<Option<Vec<u8>>, ProtocolError> {
        self.present(name).map(|_| self.bytes(name)).transpose()
    }

    pub(super) fn number<T: TryFrom<u64>>(&self, name: &str) -> Result<T, ProtocolError> {
        let read = |value: &Value| T::try_from(value.as_u64()?).ok();
        self.required(name, "a number in range", read)
    }

    pub(super) fn object(&self, name: &'static str) -> Result<Self, ProtocolError> {
        let members = self.required(name, "an object", Value::as_object)?;
        Ok(Self { of: name, members })
    }

    pub(super) fn optional_object(
        &self,
        name: &'static str,
    ) -> Result<Option<Self>, ProtocolError> {
        let members = self.optional(name, "an object", Value::as_object)?;
        Ok(members.map(|members| Self { of: name, members }))
    }

    pub(super) fn array(&self, name: &str) -> Result<&'a [Value], ProtocolError> {
        self.required(name, "an array", Value::as_array).map(Vec::as_slice)
    }

    /// An array, empty if it is absent.
    pub(super) fn optional_array(&self, name: &str) -> Result<&'a [Value], ProtocolError> {
        Ok(self.optional(name, "an array", Value::as_array)?.map_or(&[], Vec::as_slice))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.present(name).is_some()
    }

    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.present(name)
    }

    /// An error about a member.
    pub(super) fn refuse<T>(&self, name: &str, problem: &str) -> Result<T, ProtocolError> {
        Err(self.problem(name, problem))
    }
}

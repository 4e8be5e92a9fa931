//! One claim of the service: a name, a value, and who sees it.

use avouch_wire::json::{CanonicalJson, write_integer, write_string};
use serde_json::Value;

/// A claim that the service makes from verified evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceClaim {
    /// MAA's name for it.
    pub name: &'static str,
    /// Text, integer, boolean, or JSON.
    pub value: ClaimValue,
    /// Policies, tokens, or both.
    pub seen_by: SeenBy,
    /// Whether a policy may read it and add it, but issue nothing that it was made of.
    pub is_read_only: bool,
}

impl ServiceClaim {
    const fn new(name: &'static str, value: ClaimValue, seen_by: SeenBy) -> Self {
        Self { name, value, seen_by, is_read_only: false }
    }

    /// The same, read-only.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.is_read_only = true;
        self
    }

    /// The claims of one piece of evidence as one claim of another that it is a part of: an object
    /// of those that a token carries.
    #[must_use]
    pub fn nested(name: &'static str, claims: &[Self]) -> Self {
        let carried = claims.iter().filter(|claim| claim.seen_by != SeenBy::Policy);
        let members = carried.map(|claim| (claim.name, &claim.value));
        both(name, CanonicalJson::object(members, ClaimValue::write))
    }
}

/// Who sees a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeenBy {
    /// The policy, as an incoming claim; not in the token.
    Policy,
    /// The relying party, in the token; not for policies.
    Token,
    /// Both.
    Both,
}

/// The value of a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum ClaimValue {
    /// Text.
    String(String),
    /// A 64-bit integer.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
    /// JSON; policies see it as a string that holds its compact text.
    Json(CanonicalJson),
}

impl ClaimValue {
    /// The value as it stands in a token.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::String(text) => text.as_str().into(),
            Self::Integer(integer) => (*integer).into(),
            Self::Boolean(boolean) => (*boolean).into(),
            Self::Json(json) => json.to_value(),
        }
    }

    /// The claim that stands so in a token.
    #[must_use]
    pub fn of_json(value: Value) -> Self {
        match value {
            Value::String(text) => Self::String(text),
            Value::Bool(boolean) => Self::Boolean(boolean),
            Value::Number(number) => match number.as_i64() {
                Some(integer) => Self::Integer(integer),
                None => Value::Number(number).into(),
            },
            other => other.into(),
        }
    }

    /// Appends it as it stands in a token, in canonical JSON.
    pub fn write(&self, out: &mut String) {
        match self {
            Self::String(text) => write_string(text, out),
            Self::Integer(integer) => write_integer(*integer, out),
            Self::Boolean(boolean) => out.push_str(if *boolean { "true" } else { "false" }),
            Self::Json(json) => out.push_str(json.as_str()),
        }
    }
}

impl From<String> for ClaimValue {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<&str> for ClaimValue {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<bool> for ClaimValue {
    fn from(boolean: bool) -> Self {
        Self::Boolean(boolean)
    }
}

impl From<u16> for ClaimValue {
    fn from(integer: u16) -> Self {
        Self::Integer(integer.into())
    }
}

impl From<u8> for ClaimValue {
    fn from(integer: u8) -> Self {
        Self::Integer(integer.into())
    }
}

impl From<u32> for ClaimValue {
    fn from(integer: u32) -> Self {
        Self::Integer(integer.into())
    }
}

impl From<Value> for ClaimValue {
    fn from(value: Value) -> Self {
        Self::Json((&value).into())
    }
}

impl From<CanonicalJson> for ClaimValue {
    fn from(json: CanonicalJson) -> Self {
        Self::Json(json)
    }
}

/// A claim that policies read and tokens carry.
pub(crate) fn both(name: &'static str, value: impl Into<ClaimValue>) -> ServiceClaim {
    ServiceClaim::new(name, value.into(), SeenBy::Both)
}

/// A claim that policies read under an older name.
pub(crate) fn policy_only(name: &'static str, value: impl Into<ClaimValue>) -> ServiceClaim {
    ServiceClaim::new(name, value.into(), SeenBy::Policy)
}

/// A claim that tokens carry under an older name.
pub(crate) fn token_only(name: &'static str, value: impl Into<ClaimValue>) -> ServiceClaim {
    ServiceClaim::new(name, value.into(), SeenBy::Token)
}

//! Claims and their values: the only data that a policy sees.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::cost::{Cost, Meter};
use crate::json::{Json, JsonError};
use crate::type_name::TypeName;

/// The value of a claim. Kinds never convert: `1`, `true`, `"1"` and `"true"` are four values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A boolean.
    Boolean(bool),
    /// A signed integer of 64 bits.
    Integer(i64),
    /// A string, or JSON text.
    String(Text),
}

/// The kind of a [`Value`]; the language calls it `valueType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ValueKind {
    /// `"Boolean"`
    Boolean,
    /// `"Integer"`
    Integer,
    /// `"String"`
    String,
}

impl ValueKind {
    /// The name as policies write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "Boolean",
            Self::Integer => "Integer",
            Self::String => "String",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Boolean, Self::Integer, Self::String].into_iter().find(|kind| kind.name() == name)
    }
}

impl Value {
    /// The kind of the value.
    #[must_use]
    pub const fn kind(&self) -> ValueKind {
        match self {
            Self::Boolean(_) => ValueKind::Boolean,
            Self::Integer(_) => ValueKind::Integer,
            Self::String(_) => ValueKind::String,
        }
    }

    /// The value as JSON: a string stays a string, even if it holds JSON text.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Boolean(value) => (*value).into(),
            Self::Integer(value) => (*value).into(),
            Self::String(text) => text.as_str().into(),
        }
    }

    /// Bytes of text that the value carries.
    pub(crate) fn text_bytes(&self) -> usize {
        match self {
            Self::String(text) => text.len(),
            Self::Boolean(_) | Self::Integer(_) => 0,
        }
    }
}

/// A value as the member of a hash set.
#[derive(PartialEq, Eq, Hash)]
pub(crate) enum Key<'a> {
    Boolean(bool),
    Integer(i64),
    Text(&'a str),
}

impl<'a> Key<'a> {
    pub(crate) fn of(value: &'a Value) -> Self {
        match value {
            Value::Boolean(value) => Self::Boolean(*value),
            Value::Integer(value) => Self::Integer(*value),
            Value::String(text) => Self::Text(text.as_str()),
        }
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value.into())
    }
}

impl From<Arc<str>> for Value {
    fn from(value: Arc<str>) -> Self {
        Self::String(Text::written(value))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<Json> for Value {
    /// A String value that holds the document's compact text.
    fn from(value: Json) -> Self {
        Self::String(value.into())
    }
}

impl fmt::Display for Value {
    /// The value as a policy would write it as a literal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::String(text) => f.write_str(&crate::print::quoted(text.as_str())),
        }
    }
}

/// An immutable string that may have begun as a JSON document.
///
/// Cloning copies a reference. The text of a document is printed only when it is looked at, and a
/// text is parsed as JSON once, however many rules query it.
#[derive(Clone)]
pub struct Text(Arc<Inner>);

enum Inner {
    /// A string, and what it is as JSON once that was asked: in a box, since few are.
    Written(Arc<str>, OnceLock<Box<Parsed>>),
    /// A document, its text once that was looked at, and how long that is.
    Document { json: Json, text: OnceLock<Box<str>>, bytes: usize },
}

/// What a text is as JSON, and what it cost to find out.
struct Parsed {
    json: Result<Json, JsonError>,
    cost: Cost,
}

impl Text {
    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &*self.0 {
            Inner::Written(text, _) => text,
            Inner::Document { json, text, .. } => text.get_or_init(|| json.to_string().into()),
        }
    }

    /// The string as a JSON document.
    ///
    /// # Errors
    /// [`JsonError`] if the string is no JSON text.
    pub fn json(&self) -> Result<&Json, &JsonError> {
        let (text, parsed) = match &*self.0 {
            Inner::Document { json, .. } => return Ok(json),
            Inner::Written(text, parsed) => (text, parsed),
        };
        let parse = || {
            let mut meter = Meter::unlimited();
            let json = Json::parse_within(text, &mut meter);
            Box::new(Parsed { json, cost: meter.used() })
        };
        parsed.get_or_init(parse).json.as_ref()
    }

    /// As [`Text::json`], paid for. What is known already costs what it cost when it was parsed:
    /// what happens to be remembered must not decide.
    pub(crate) fn json_within(&self, meter: &mut Meter) -> Result<Json, JsonError> {
        let (text, parsed) = match &*self.0 {
            Inner::Document { json, .. } => return Ok(json.clone()),
            Inner::Written(text, parsed) => (text, parsed),
        };
        if let Some(known) = parsed.get() {
            meter.charge_cost(known.cost)?;
            return known.json.clone();
        }
        let before = meter.used();
        let json = Json::parse_within(text, meter);
        if let Err(exceeded @ JsonError::Limit(_)) = json {
            return Err(exceeded);
        }
        let cost = meter.used().saturating_sub(before);
        parsed.get_or_init(|| Box::new(Parsed { json, cost })).json.clone()
    }

    /// What tells this text from every other that is alive.
    pub(crate) fn identity(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// Bytes of the string, known without printing it.
    #[must_use]
    pub fn len(&self) -> usize {
        match &*self.0 {
            Inner::Written(text, _) => text.len(),
            Inner::Document { bytes, .. } => *bytes,
        }
    }

    /// Whether the string is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn written(text: Arc<str>) -> Self {
        Self(Arc::new(Inner::Written(text, OnceLock::new())))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::written(text.into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::written(text.into())
    }
}

impl From<Json> for Text {
    fn from(json: Json) -> Self {
        let bytes = json.text_bytes();
        Self(Arc::new(Inner::Document { json, text: OnceLock::new(), bytes }))
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.len() == other.len() && self.as_str() == other.as_str())
    }
}

impl Eq for Text {}

impl std::hash::Hash for Text {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// Who vouches for a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Issuer {
    /// The service, from verified evidence.
    AttestationService,
    /// A rule of the policy.
    AttestationPolicy,
    /// The client.
    #[default]
    CustomClaim,
}

impl Issuer {
    /// All issuers.
    pub const ALL: [Self; 3] =
        [Self::AttestationService, Self::AttestationPolicy, Self::CustomClaim];

    /// The name as policies write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AttestationService => "AttestationService",
            Self::AttestationPolicy => "AttestationPolicy",
            Self::CustomClaim => "CustomClaim",
        }
    }
}

/// One statement about the attested system.
///
/// Serialises as `{"type", "value", "valueType", "issuer"}`, with `"readOnly": true` if it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The name; not empty.
    pub claim_type: TypeName,
    /// The value.
    pub value: Value,
    /// Who vouches for it.
    pub issuer: Issuer,
    /// Whether `issue` and `issueproperty` must refuse the value. Conditions do not see this.
    pub read_only: bool,
}

impl Serialize for Claim {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = if self.read_only { 5 } else { 4 };
        let mut claim = serializer.serialize_struct("Claim", members)?;
        claim.serialize_field("type", &*self.claim_type)?;
        claim.serialize_field("value", &self.value)?;
        claim.serialize_field("valueType", self.value.kind().name())?;
        claim.serialize_field("issuer", self.issuer.name())?;
        if self.read_only {
            claim.serialize_field("readOnly", &true)?;
        }
        claim.end()
    }
}

impl Claim {
    /// A claim that rules may issue.
    #[must_use]
    pub fn new(claim_type: impl Into<TypeName>, value: impl Into<Value>, issuer: Issuer) -> Self {
        Self { claim_type: claim_type.into(), value: value.into(), issuer, read_only: false }
    }

    /// A claim of the attestation service.
    #[must_use]
    pub fn service(claim_type: impl Into<TypeName>, value: impl Into<Value>) -> Self {
        Self::new(claim_type, value, Issuer::AttestationService)
    }

    /// The same claim with a value that rules must not issue, as `pcrs` has.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.read_only { ", read-only" } else { "" };
        let kind = self.value.kind().name();
        let value = match &self.value {
            Value::String(text) => crate::print::quoted_beginning(text.as_str()),
            value => value.to_string(),
        };
        let name = crate::print::printable(&self.claim_type);
        write!(f, "{name} = {value} ({kind}, {}{mark})", self.issuer.name())
    }
}

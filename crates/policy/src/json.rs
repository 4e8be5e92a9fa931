//! JSON documents as values that are cheap to share.
//!
//! Own type rather than `serde_json::Value`, for four reasons: numbers stay exact, members keep
//! their order, a subtree is shared and not copied when a query selects it, and each container
//! knows its depth and the size of its text, so that limits can be checked before anything is
//! printed.

mod number;
mod parse;
mod print;

pub use number::{Decimal, Number};
pub use parse::JsonError;

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use crate::cost::{self, Meter};
use crate::limits::LimitExceeded;

/// The deepest nesting of arrays and objects that a document may have.
pub const NESTING_MAX: usize = 128;

/// Objects with more members than this are looked up through a sorted index.
pub(crate) const LINEAR_MEMBERS_MAX: usize = 12;

/// A JSON value. Cloning copies a reference.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean(bool),
    /// An integer of 64 bits.
    Integer(i64),
    /// Any other number.
    Decimal(Arc<Number>),
    /// A string.
    String(Arc<str>),
    /// An array.
    Array(Arc<Array>),
    /// An object.
    Object(Arc<Object>),
}

/// The elements of an array.
#[derive(Debug)]
pub struct Array {
    items: Vec<Json>,
    text_bytes: usize,
    depth: usize,
}

/// The members of an object, in document order, each name once.
#[derive(Debug)]
pub struct Object {
    members: Vec<(Arc<str>, Json)>,
    /// Indices into `members`, sorted by name; empty for small objects.
    by_name: Vec<usize>,
    text_bytes: usize,
    depth: usize,
}

impl Json {
    /// Parses JSON text (RFC 8259).
    ///
    /// With duplicate members the last counts. Lone surrogates in strings are refused.
    ///
    /// # Errors
    /// [`JsonError`] with the byte offset where the text stops being JSON, or where it nests
    /// deeper than [`NESTING_MAX`].
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        parse::parse(text, &mut Meter::unlimited())
    }

    /// As [`Json::parse`], each value paid for before it is made.
    pub(crate) fn parse_within(text: &str, meter: &mut Meter) -> Result<Self, JsonError> {
        parse::parse(text, meter)
    }

    /// A string value.
    #[must_use]
    pub fn string(text: &str) -> Self {
        Self::String(text.into())
    }

    /// An array of `items`.
    #[must_use]
    pub fn array(items: Vec<Self>) -> Self {
        let inner = items.iter().fold(0_usize, |sum, item| sum.saturating_add(item.text_bytes()));
        let commas = items.len().saturating_sub(1);
        let depth = items.iter().map(Self::depth).max().unwrap_or(0).saturating_add(1);
        let text_bytes = inner.saturating_add(commas).saturating_add(2);
        Self::Array(Arc::new(Array { items, text_bytes, depth }))
    }

    /// An object of `members`; of several with one name the last counts.
    #[must_use]
    pub fn object(members: Vec<(Arc<str>, Self)>) -> Self {
        let (members, by_name) = without_duplicates(members);
        let depth = members.iter().map(|(_, m)| m.depth()).max().unwrap_or(0).saturating_add(1);
        let commas = members.len().saturating_sub(1);
        let text_bytes = members.iter().fold(commas.saturating_add(2), |sum, (name, value)| {
            let name = print::string_bytes(name).saturating_add(1);
            sum.saturating_add(name).saturating_add(value.text_bytes())
        });
        Self::Object(Arc::new(Object { members, by_name, text_bytes, depth }))
    }

    /// A number.
    #[must_use]
    pub fn number(number: Number) -> Self {
        match number {
            Number::Integer(value) => Self::Integer(value),
            Number::Decimal(_) => Self::Decimal(Arc::new(number)),
        }
    }

    /// The number, if the value is one.
    #[must_use]
    pub fn as_number(&self) -> Option<Number> {
        match self {
            Self::Integer(value) => Some(Number::Integer(*value)),
            Self::Decimal(number) => Some(number.as_ref().clone()),
            _ => None,
        }
    }

    /// How two numbers compare; none if either is no number.
    pub(crate) fn number_order(&self, other: &Self) -> Option<Ordering> {
        Some(match (self, other) {
            (Self::Integer(left), Self::Integer(right)) => left.cmp(right),
            (Self::Decimal(left), Self::Decimal(right)) => left.cmp(right),
            (Self::Integer(left), Self::Decimal(right)) => Number::Integer(*left).cmp(right),
            (Self::Decimal(left), Self::Integer(right)) => {
                left.as_ref().cmp(&Number::Integer(*right))
            }
            _ => return None,
        })
    }

    /// Pays for the members of an object that is to be made: names are hashed, sorted, measured.
    pub(crate) fn charge_members<'a>(
        names: impl ExactSizeIterator<Item = &'a str>,
        meter: &mut Meter,
    ) -> Result<(), LimitExceeded> {
        meter.charge(cost::OBJECT)?;
        let large = names.len() > LINEAR_MEMBERS_MAX;
        meter.charge_each(if large { cost::MEMBER_INDEXED } else { cost::MEMBER }, names.len())?;
        for name in names {
            meter.charge_long(cost::LONG_NAME, name.len())?;
        }
        Ok(())
    }

    /// The elements, if the value is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(array) => Some(&array.items),
            _ => None,
        }
    }

    /// The text, if the value is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The members in document order, if the value is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&[(Arc<str>, Self)]> {
        match self {
            Self::Object(object) => Some(&object.members),
            _ => None,
        }
    }

    /// The member `name`, if the value is an object that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(object) => object.get(name),
            _ => None,
        }
    }

    /// How deep arrays and objects nest; 0 for a scalar.
    #[must_use]
    pub fn depth(&self) -> usize {
        match self {
            Self::Array(array) => array.depth,
            Self::Object(object) => object.depth,
            _ => 0,
        }
    }

    /// Bytes of the compact text, without printing it.
    ///
    /// The work is that of reading the strings of this level; containers remember their size.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        match self {
            Self::Null => 4,
            Self::Boolean(value) => {
                if *value {
                    4
                } else {
                    5
                }
            }
            Self::Integer(value) => Number::Integer(*value).text_bytes(),
            Self::Decimal(number) => number.text_bytes(),
            Self::String(text) => print::string_bytes(text),
            Self::Array(array) => array.text_bytes,
            Self::Object(object) => object.text_bytes,
        }
    }

    /// What JMESPath calls the type: `null`, `boolean`, `number`, `string`, `array`, `object`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Integer(_) | Self::Decimal(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

impl Object {
    fn get(&self, name: &str) -> Option<&Json> {
        if self.by_name.is_empty() {
            return self.members.iter().find(|(n, _)| &**n == name).map(|(_, value)| value);
        }
        let name_of = |index: &usize| self.members.get(*index).map_or("", |(n, _)| n);
        let place = self.by_name.binary_search_by(|index| name_of(index).cmp(name)).ok()?;
        self.members.get(*self.by_name.get(place)?).map(|(_, value)| value)
    }
}

type Members = Vec<(Arc<str>, Json)>;

/// Keeps the last value of each name, in the place of the first, and indexes large objects.
fn without_duplicates(members: Members) -> (Members, Vec<usize>) {
    let mut kept: Members = Vec::with_capacity(members.len());
    if members.len() <= LINEAR_MEMBERS_MAX {
        for (name, value) in members {
            match kept.iter_mut().find(|(n, _)| *n == name) {
                Some(slot) => slot.1 = value,
                None => kept.push((name, value)),
            }
        }
        return (kept, Vec::new());
    }
    let mut places: HashMap<Arc<str>, usize> = HashMap::with_capacity(members.len());
    for (name, value) in members {
        let place = *places.entry(Arc::clone(&name)).or_insert(kept.len());
        match kept.get_mut(place) {
            Some(slot) => slot.1 = value,
            None => kept.push((name, value)),
        }
    }
    let mut by_name: Vec<usize> = (0..kept.len()).collect();
    let name_of = |index: usize| kept.get(index).map_or("", |(n, _)| n);
    by_name.sort_unstable_by(|a, b| name_of(*a).cmp(name_of(*b)));
    (kept, by_name)
}

impl PartialEq for Array {
    fn eq(&self, other: &Self) -> bool {
        self.depth == other.depth && self.items == other.items
    }
}

impl PartialEq for Object {
    /// Member order does not matter.
    fn eq(&self, other: &Self) -> bool {
        self.depth == other.depth
            && self.members.len() == other.members.len()
            && self.members.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl From<&serde_json::Value> for Json {
    /// Values that nest deeper than [`NESTING_MAX`] are refused later, where limits are checked.
    fn from(value: &serde_json::Value) -> Self {
        use serde_json::Value as V;
        match value {
            V::Null => Self::Null,
            V::Bool(value) => Self::Boolean(*value),
            V::Number(number) => match number.as_i64() {
                Some(integer) => Self::Integer(integer),
                None => Self::number(Number::from_json_text(&number.to_string())),
            },
            V::String(text) => Self::string(text),
            V::Array(items) => Self::array(items.iter().map(Self::from).collect()),
            V::Object(members) => Self::object(
                members.iter().map(|(name, value)| (name.as_str().into(), value.into())).collect(),
            ),
        }
    }
}

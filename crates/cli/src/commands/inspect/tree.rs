//! What is shown of a file: names and values in the order of the structure, not of the alphabet.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

use crate::output::printable;

/// A value with its members in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    Null,
    Boolean(bool),
    Number(Number),
    Text(String),
    List(Vec<Tree>),
    Fields(Fields),
}

/// Named values in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fields(pub(crate) Vec<(String, Tree)>);

impl Fields {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn push(&mut self, name: &str, value: impl Into<Tree>) {
        self.0.push((name.to_owned(), value.into()));
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Tree>) -> Self {
        self.push(name, value);
        self
    }

    /// With the members of `other` at the end.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Tree> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl Tree {
    /// What `value` serialises to; a value that does not is shown as null.
    pub(crate) fn of(value: &impl Serialize) -> Self {
        let text = serde_json::to_string(value).unwrap_or_default();
        Self::parse(text.as_bytes()).unwrap_or(Self::Null)
    }

    /// A JSON document.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    pub(crate) fn fields(&self) -> Option<&Fields> {
        match self {
            Self::Fields(fields) => Some(fields),
            _ => None,
        }
    }

    pub(crate) fn into_fields(self) -> Fields {
        match self {
            Self::Fields(fields) => fields,
            other => Fields(vec![("value".to_owned(), other)]),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.fields()?.get(name)
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it fits behind its name on a line.
    const fn is_leaf(&self) -> bool {
        matches!(self, Self::Null | Self::Boolean(_) | Self::Number(_) | Self::Text(_))
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Tree {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Tree {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<usize> for Tree {
    fn from(value: usize) -> Self {
        Self::Number(value.into())
    }
}

impl From<u64> for Tree {
    fn from(value: u64) -> Self {
        Self::Number(value.into())
    }
}

impl From<u16> for Tree {
    fn from(value: u16) -> Self {
        Self::Number(value.into())
    }
}

impl From<Fields> for Tree {
    fn from(fields: Fields) -> Self {
        Self::Fields(fields)
    }
}

impl<T: Into<Tree>> From<Vec<T>> for Tree {
    fn from(list: Vec<T>) -> Self {
        Self::List(list.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Tree>> From<Option<T>> for Tree {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Number(value) => value.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut sequence = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    sequence.serialize_element(item)?;
                }
                sequence.end()
            }
            Self::Fields(fields) => fields.serialize(serializer),
        }
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Number::from_f64(value).map_or(Tree::Null, Tree::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Tree, A::Error> {
        let mut fields = Fields::new();
        while let Some(member) = members.next_entry()? {
            fields.0.push(member);
        }
        Ok(Tree::Fields(fields))
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// Fields as text: names in one column, values in the next, structures indented below their name.
pub(crate) fn render(fields: &Fields) -> String {
    let mut out = String::new();
    write_fields(&mut out, fields, 0);
    out
}

const INDENT: &str = "  ";

/// Names longer than this do not widen the column.
const NAME_WIDTH_MAX: usize = 32;

fn write_fields(out: &mut String, fields: &Fields, depth: usize) {
    let width = |(name, value): &(String, Tree)| {
        (value.is_leaf() || short_list(value).is_some()).then(|| printable(name).chars().count())
    };
    let width = fields.0.iter().filter_map(width).max().unwrap_or_default().min(NAME_WIDTH_MAX);
    for (name, value) in &fields.0 {
        let indent = INDENT.repeat(depth);
        let name = printable(name);
        match (leaf(value), short_list(value), value) {
            (Some(text), ..) if text.contains('\n') => {
                out.push_str(&format!("{indent}{name}\n"));
                for line in text.lines() {
                    out.push_str(&format!("{indent}{INDENT}{}\n", printable(line)));
                }
            }
            (Some(text), ..) | (None, Some(text), _) => {
                let line = format!("{indent}{name:width$}  {}", printable(&text));
                out.push_str(line.trim_end());
                out.push('\n');
            }
            (None, None, Tree::List(items)) => write_list(out, &name, items, depth),
            (None, None, Tree::Fields(members)) => {
                out.push_str(&format!("{indent}{name}\n"));
                write_fields(out, members, depth.saturating_add(1));
            }
            (None, None, _) => {}
        }
    }
}

fn write_list(out: &mut String, name: &str, items: &[Tree], depth: usize) {
    let indent = INDENT.repeat(depth);
    for (index, item) in items.iter().enumerate() {
        match item {
            Tree::Fields(members) => {
                out.push_str(&format!("{indent}{name}[{index}]\n"));
                write_fields(out, members, depth.saturating_add(1));
            }
            Tree::List(inner) => write_list(out, &format!("{name}[{index}]"), inner, depth),
            other => {
                let text = leaf(other).unwrap_or_default();
                out.push_str(&format!("{indent}{name}[{index}]  {}\n", printable(&text)));
            }
        }
    }
}

fn leaf(value: &Tree) -> Option<String> {
    match value {
        Tree::Null => Some("-".to_owned()),
        Tree::Boolean(value) => Some(value.to_string()),
        Tree::Number(value) => Some(value.to_string()),
        Tree::Text(text) => Some(text.clone()),
        Tree::List(_) | Tree::Fields(_) => None,
    }
}

/// A list of short single values, on one line.
fn short_list(value: &Tree) -> Option<String> {
    let Tree::List(items) = value else { return None };
    if items.is_empty() {
        return Some("none".to_owned());
    }
    let texts: Option<Vec<String>> = items.iter().map(leaf).collect();
    texts.map(|texts| texts.join(", ")).filter(|line| line.chars().count() <= 100)
}

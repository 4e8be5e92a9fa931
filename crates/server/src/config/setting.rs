//! Settings before they have a type: TOML values, with environment variables laid over them.
//!
//! The deserializer here differs from the TOML library's in two ways: every error knows the path
//! of its key, and a word from the environment becomes what the key needs (number, list, switch).

use std::collections::BTreeMap;

use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::ConfigError;

/// A value without a type yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Setting {
    Table(BTreeMap<String, Setting>),
    List(Vec<Setting>),
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// Text from the environment, which has no types.
    Word(String),
}

impl From<toml::Value> for Setting {
    fn from(value: toml::Value) -> Self {
        match value {
            toml::Value::String(text) => Self::Text(text),
            toml::Value::Integer(number) => Self::Integer(number),
            toml::Value::Float(number) => Self::Float(number),
            toml::Value::Boolean(flag) => Self::Boolean(flag),
            // TOML's own moments are read as the text they are.
            toml::Value::Datetime(moment) => Self::Text(moment.to_string()),
            toml::Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            toml::Value::Table(table) => {
                Self::Table(table.into_iter().map(|(key, value)| (key, value.into())).collect())
            }
        }
    }
}

impl Setting {
    /// Puts `value` at the end of a path of keys, over what is there.
    pub(super) fn put(&mut self, path: &[String], value: Self) {
        let Some((first, rest)) = path.split_first() else {
            *self = value;
            return;
        };
        if !matches!(self, Self::Table(_)) {
            *self = Self::Table(BTreeMap::new());
        }
        if let Self::Table(table) = self {
            table
                .entry(first.clone())
                .or_insert_with(|| Self::Table(BTreeMap::new()))
                .put(rest, value);
        }
    }
}

impl Setting {
    /// Dotted paths of the values that differ, in order.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        differ("", Some(self), Some(other), &mut found);
        found
    }
}

fn differ(path: &str, one: Option<&Setting>, other: Option<&Setting>, found: &mut Vec<String>) {
    match (entries(one), entries(other)) {
        _ if one == other => {}
        (Some(ones), Some(others)) => {
            let mut keys: Vec<&String> = ones.keys().chain(others.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                differ(&below, ones.get(key), others.get(key), found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

/// The entries of a table, none where there is nothing; `None` for a value that is no table.
fn entries(value: Option<&Setting>) -> Option<&BTreeMap<String, Setting>> {
    static NONE: BTreeMap<String, Setting> = BTreeMap::new();
    match value {
        None => Some(&NONE),
        Some(Setting::Table(entries)) => Some(entries),
        Some(_) => None,
    }
}

impl IntoDeserializer<'_, ConfigError> for Setting {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Setting {
    type Error = ConfigError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match self {
            Self::Table(table) => {
                visitor.visit_map(Entries { left: table.into_iter(), next: None })
            }
            Self::List(items) => visitor.visit_seq(Items { left: items.into_iter().enumerate() }),
            Self::Text(text) | Self::Word(text) => visitor.visit_string(text),
            Self::Integer(number) => visitor.visit_i64(number),
            Self::Float(number) => visitor.visit_f64(number),
            Self::Boolean(flag) => visitor.visit_bool(flag),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match &self {
            Self::Word(word) if word == "true" => visitor.visit_bool(true),
            Self::Word(word) if word == "false" => visitor.visit_bool(false),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match &self {
            Self::Word(word) => match word.parse() {
                Ok(number) => visitor.visit_i64(number),
                Err(_) => self.deserialize_any(visitor),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        match self {
            Self::Text(text) | Self::Word(text) => {
                let name: StringDeserializer<ConfigError> = text.into_deserializer();
                visitor.visit_enum(name)
            }
            _ => Err(ConfigError::custom("one of several words is expected")),
        }
    }

    /// A list from the environment is one in TOML's brackets, or words between commas; a table stands
    /// for some lists.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match self {
            Self::Word(word) if word.trim_start().starts_with(['[', '{']) => {
                structured(&word)?.deserialize_any(visitor)
            }
            Self::Word(word) => {
                let words = word.split(',').map(str::trim).filter(|one| !one.is_empty());
                let items: Vec<_> = words.map(|one| Self::Word(one.to_owned())).collect();
                Self::List(items).deserialize_any(visitor)
            }
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match self {
            Self::Word(word) if word.trim_start().starts_with('{') => {
                structured(&word)?.deserialize_any(visitor)
            }
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        self.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        tuple tuple_struct identifier ignored_any
    }
}

/// A list or table written in TOML in an environment variable.
fn structured(text: &str) -> Result<Setting, ConfigError> {
    let mut table: toml::Table = toml::from_str(&format!("value = {text}"))
        .map_err(|error| ConfigError::custom(error.message()))?;
    table.remove("value").map(Setting::from).ok_or_else(|| ConfigError::custom("no value"))
}

/// The entries of a table; an error below one gets its key.
struct Entries {
    left: std::collections::btree_map::IntoIter<String, Setting>,
    next: Option<(String, Setting)>,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = ConfigError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ConfigError> {
        let Some((key, value)) = self.left.next() else { return Ok(None) };
        let name: StringDeserializer<ConfigError> = key.clone().into_deserializer();
        self.next = Some((key, value));
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, ConfigError> {
        let (key, value) = self.next.take().ok_or_else(|| ConfigError::custom("no value"))?;
        seed.deserialize(value).map_err(|error| error.within(&key))
    }
}

/// The items of a list; an error in one gets its index.
struct Items {
    left: std::iter::Enumerate<std::vec::IntoIter<Setting>>,
}

impl<'de> SeqAccess<'de> for Items {
    type Error = ConfigError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ConfigError> {
        let Some((index, item)) = self.left.next() else { return Ok(None) };
        seed.deserialize(item).map(Some).map_err(|error| error.within(&format!("[{index}]")))
    }
}

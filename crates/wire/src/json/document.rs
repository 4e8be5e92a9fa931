//! JSON that is only read as a whole, kept as it is written.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::canonical::{object_to_canonical, to_canonical, write_string};

/// A JSON value as its canonical text. Cloning copies a reference.
#[derive(Clone, PartialEq, Eq)]
pub struct CanonicalJson(Arc<str>);

impl CanonicalJson {
    /// An object of these members, whose values write themselves as canonical JSON. Of several members
    /// of one name the last counts.
    pub fn object<'a, V>(
        members: impl IntoIterator<Item = (&'a str, V)>,
        write: impl Fn(V, &mut String),
    ) -> Self {
        let mut members: Vec<(&str, V)> = members.into_iter().collect();
        // What is equal stays in its order, so the last of a name comes first from behind.
        members.sort_by_key(|(name, _)| *name);
        members.reverse();
        members.dedup_by_key(|(name, _)| *name);
        let mut text = String::with_capacity(OBJECT_BYTES);
        for (index, (name, value)) in members.into_iter().rev().enumerate() {
            text.push(if index == 0 { '{' } else { ',' });
            write_string(name, &mut text);
            text.push(':');
            write(value, &mut text);
        }
        text.push_str(if text.is_empty() { "{}" } else { "}" });
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, for who keeps it too.
    #[must_use]
    pub fn to_shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// The value, read anew.
    #[must_use]
    pub fn to_value(&self) -> Value {
        // INVARIANT: it was written as JSON.
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

/// Room for a usual object; a larger one grows it.
const OBJECT_BYTES: usize = 1024;

impl From<&Value> for CanonicalJson {
    fn from(value: &Value) -> Self {
        Self(to_canonical(value).into())
    }
}

impl From<&Map<String, Value>> for CanonicalJson {
    fn from(members: &Map<String, Value>) -> Self {
        Self(object_to_canonical(members).into())
    }
}

impl fmt::Debug for CanonicalJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

//! What is wrong with a configuration, and where.

use std::path::PathBuf;

use thiserror::Error;

use super::nearest::nearest;

/// Why a configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {path}: {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A file is no TOML.
    #[error("{path} is not TOML: {message}")]
    Syntax {
        /// The file.
        path: String,
        /// Line, column and what was expected there.
        message: String,
    },
    /// A key that does not exist.
    #[error("unknown key {}{key:?}{}", section(.path), hint(.nearest.as_deref(), .known))]
    UnknownKey {
        /// The section it stands in; empty at the top.
        path: String,
        /// The key.
        key: String,
        /// The known key that it is most like, if any is like it.
        nearest: Option<String>,
        /// All known keys of the section.
        known: Vec<String>,
    },
    /// A value that its key cannot have.
    #[error("{}: {message}", if .key.is_empty() { "configuration" } else { .key.as_str() })]
    Value {
        /// The key with its sections, such as `server.listen`.
        key: String,
        /// What is wrong with the value.
        message: String,
    },
    /// The service would be insecure, or could not do its work; everything that is missing.
    #[error("the service is not ready to be reached by others:{}", listed(.missing))]
    Insecure {
        /// One sentence each, with the key that would help.
        missing: Vec<String>,
    },
}

fn section(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("in [{path}]: ") }
}

fn hint(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean {nearest:?}?"),
        None => format!("; known keys are: {}", known.join(", ")),
    }
}

fn listed(missing: &[String]) -> String {
    missing.iter().map(|one| format!("\n  - {one}")).collect()
}

impl ConfigError {
    /// A value that `key` cannot have.
    pub(crate) fn value(key: impl Into<String>, message: impl ToString) -> Self {
        Self::Value { key: key.into(), message: message.to_string() }
    }

    /// The same error, found below `key`.
    pub(super) fn within(self, outer: &str) -> Self {
        let join = |inner: String| match inner.as_str() {
            "" => outer.to_owned(),
            inner if inner.starts_with('[') => format!("{outer}{inner}"),
            inner => format!("{outer}.{inner}"),
        };
        match self {
            Self::UnknownKey { path, key, nearest, known } => {
                Self::UnknownKey { path: join(path), key, nearest, known }
            }
            Self::Value { key, message } => Self::Value { key: join(key), message },
            other => other,
        }
    }
}

/// Keys under their older names, and what becomes of the value: no neighbour may turn its meaning.
const RENAMED: [(&str, &str, &str); 5] = [
    ("accept_migratable", "refuse_migratable", "the opposite value"),
    ("accept_service_td", "refuse_service_td", "the opposite value"),
    ("accept_host_requested", "refuse_host_requested", "the opposite value"),
    ("accept_masked_chip_id", "refuse_masked_chip_id", "the opposite value"),
    ("require_alias_check", "refuse_unchecked_aliasing", "the same value"),
];

impl serde::de::Error for ConfigError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::value("", message)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let renamed = RENAMED.iter().find(|(old, new, _)| *old == field && expected.contains(new));
        if let Some((_, new, value)) = renamed {
            return Self::value(field, format!("this key is now {new:?}, with {value}"));
        }
        Self::UnknownKey {
            path: String::new(),
            key: field.to_owned(),
            nearest: nearest(field, expected).map(str::to_owned),
            known: expected.iter().map(|&known| known.to_owned()).collect(),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::value(field, "is missing")
    }
}

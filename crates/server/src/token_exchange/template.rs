//! Subjects made of claims.

use std::fmt::Write as _;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use thiserror::Error;

/// Longest subject, in bytes (OpenID Connect Core, section 2).
const SUBJECT_BYTES_MAX: usize = 255;
/// Most parts of a template.
const PARTS_MAX: usize = 32;

/// Text with names of claims in braces, such as `sgx/{x-ms-sgx-mrsigner}/{x-ms-sgx-product-id}`; a claim
/// within a claim by a slash: `{x-ms-isolation-tee/x-ms-sevsnpvm-hostdata}`.
///
/// A claim must be there and be text, an integer or a boolean. Of text, everything but letters, digits and
/// `-._~` is percent-encoded, and between two claims stands a character that is not: so no value can pretend to
/// be the text beside it, nor two values to be two others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectTemplate {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Claim(Vec<String>),
}

impl Part {
    /// Whether it has a character that stands in no value, nor in the encoding of one.
    fn separates(&self) -> bool {
        let in_values = |byte: u8| is_plain(byte) || byte == b'%';
        matches!(self, Self::Text(text) if !text.bytes().all(in_values))
    }
}

/// What a value has as it is.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Why a text is no template, or claims give no subject.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// A brace without its other one.
    #[error("a brace is open, or closes nothing")]
    Brace,
    /// Nothing in it is of a claim, so that everybody would have one subject.
    #[error("no claim is named, so everybody would be the same subject")]
    NoClaim,
    /// A name that is none.
    #[error("{{{0}}} names no claim")]
    Name(String),
    /// Two claims with nothing between them that no value can have.
    #[error(
        "between two claims is no character that values never have, such as / or :, so that two workloads \
         could be one subject"
    )]
    Separator,
    /// Text that no subject may have.
    #[error("the text is not printable ascii")]
    Characters,
    /// Too many parts.
    #[error("more than {PARTS_MAX} parts")]
    Parts,
    /// A claim is not there.
    #[error("claim {0} is missing")]
    Missing(String),
    /// A claim is of another type.
    #[error("claim {0} is neither text, integer nor boolean")]
    Type(String),
    /// A claim is empty text.
    #[error("claim {0} is empty")]
    Empty(String),
    /// The subject is too long.
    #[error("it has {0} bytes, over the limit of {SUBJECT_BYTES_MAX}")]
    TooLong(usize),
}

impl SubjectTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TemplateError::Characters);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, after) = behind.split_once('}').ok_or(TemplateError::Brace)?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Claim(path(name)?));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        if parts.iter().any(|part| matches!(part, Part::Text(text) if text.contains(['{', '}']))) {
            return Err(TemplateError::Brace);
        }
        if parts.len() > PARTS_MAX {
            return Err(TemplateError::Parts);
        }
        if !parts.iter().any(|part| matches!(part, Part::Claim(_))) {
            return Err(TemplateError::NoClaim);
        }
        let mut between = parts.split(|part| matches!(part, Part::Claim(_)));
        // What is before the first claim and behind the last separates none.
        let (_, _) = (between.next(), between.next_back());
        match between.all(|texts| texts.iter().any(Part::separates)) {
            true => Ok(Self { parts }),
            false => Err(TemplateError::Separator),
        }
    }

    /// The subject that these claims give.
    ///
    /// # Errors
    /// [`TemplateError`] naming the claim that is missing or no good.
    pub fn of(&self, claims: &Map<String, Value>) -> Result<String, TemplateError> {
        let mut subject = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => subject.push_str(text),
                Part::Claim(path) => append(value(claims, path)?, path, &mut subject)?,
            }
            if subject.len() > SUBJECT_BYTES_MAX {
                return Err(TemplateError::TooLong(subject.len()));
            }
        }
        Ok(subject)
    }
}

impl<'de> Deserialize<'de> for SubjectTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

fn path(name: &str) -> Result<Vec<String>, TemplateError> {
    let path: Vec<String> = name.split('/').map(str::to_owned).collect();
    if path.iter().any(|part| part.is_empty() || part.contains('{')) {
        return Err(TemplateError::Name(name.to_owned()));
    }
    Ok(path)
}

fn value<'a>(claims: &'a Map<String, Value>, path: &[String]) -> Result<&'a Value, TemplateError> {
    let missing = || TemplateError::Missing(path.join("/"));
    let (first, inner) = path.split_first().ok_or_else(missing)?;
    let outer = claims.get(first).ok_or_else(missing)?;
    inner.iter().try_fold(outer, |value, name| value.get(name)).ok_or_else(missing)
}

fn append(value: &Value, path: &[String], subject: &mut String) -> Result<(), TemplateError> {
    match value {
        Value::Bool(value) => subject.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) if number.is_i64() || number.is_u64() => {
            subject.push_str(&number.to_string());
        }
        Value::String(text) if text.is_empty() => return Err(TemplateError::Empty(path.join("/"))),
        Value::String(text) => {
            for byte in text.bytes() {
                if is_plain(byte) {
                    subject.push(char::from(byte));
                } else {
                    // Writing to a text does not fail.
                    let _ = write!(subject, "%{byte:02X}");
                }
            }
        }
        _ => return Err(TemplateError::Type(path.join("/"))),
    }
    Ok(())
}

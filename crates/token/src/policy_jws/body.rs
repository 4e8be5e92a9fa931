//! From a request body to the JWS in it.

use avouch_wire::json::{JsonError, parse_value};
use serde_json::Value;
use thiserror::Error;

/// Largest body read, in bytes.
pub(crate) const BODY_LIMIT_BYTES: usize = 1024 * 1024;

/// Why a body holds no JWS.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BodyError {
    /// Longer than accepted.
    #[error("body of {length} bytes is over the limit of {limit}")]
    TooLong {
        /// Length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// No UTF-8.
    #[error("body is not utf-8")]
    NotUtf8,
    /// Nothing but white space.
    #[error("body is empty")]
    Empty,
    /// It begins like JSON and is none.
    #[error("body: {0}")]
    Json(#[from] JsonError),
    /// It begins with a quote and is no JSON string, or with a brace and is no object of one string.
    #[error("body is json, yet not {expected}")]
    Unexpected {
        /// What was expected.
        expected: &'static str,
    },
}

/// Which certificate request an object body belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CertificateOperation {
    /// `POST /certificates:add`.
    Add,
    /// `POST /certificates:remove`.
    Remove,
}

impl CertificateOperation {
    /// The member of an object body that holds the JWS.
    const fn member(self) -> &'static str {
        match self {
            Self::Add => "policyCertificateToAdd",
            Self::Remove => "policyCertificateToRemove",
        }
    }
}

/// The JWS in a policy body: bare, or a JSON string; white space around it is dropped.
pub(crate) fn policy_body(body: &[u8]) -> Result<String, BodyError> {
    let text = outer_text(body)?;
    if text.starts_with('"') { json_string(text) } else { Ok(text.to_owned()) }
}

/// The JWS in a certificate body: as [`policy_body`], or an object with one member.
pub(crate) fn certificate_body(
    body: &[u8],
    operation: CertificateOperation,
) -> Result<String, BodyError> {
    let text = outer_text(body)?;
    if !text.starts_with('{') {
        return policy_body(body);
    }
    let members = match parse_value(text.as_bytes(), BODY_LIMIT_BYTES)? {
        Value::Object(members) => members,
        _ => return Err(BodyError::Unexpected { expected: "an object" }),
    };
    let mut named = members
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(operation.member()))
        .map(|(_, value)| value);
    match (named.next().and_then(Value::as_str), named.next()) {
        (Some(jws), None) => Ok(trim(jws).to_owned()),
        _ => Err(BodyError::Unexpected { expected: operation.member() }),
    }
}

fn json_string(text: &str) -> Result<String, BodyError> {
    match parse_value(text.as_bytes(), BODY_LIMIT_BYTES)? {
        Value::String(jws) => Ok(trim(&jws).to_owned()),
        _ => Err(BodyError::Unexpected { expected: "a string" }),
    }
}

fn outer_text(body: &[u8]) -> Result<&str, BodyError> {
    if body.len() > BODY_LIMIT_BYTES {
        return Err(BodyError::TooLong { length: body.len(), limit: BODY_LIMIT_BYTES });
    }
    let text = trim(str::from_utf8(body).map_err(|_| BodyError::NotUtf8)?);
    if text.is_empty() { Err(BodyError::Empty) } else { Ok(text) }
}

fn trim(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_ascii_whitespace())
}

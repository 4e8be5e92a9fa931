//! JWS in compact form (RFC 7515, section 7.1): three base64url parts between two periods.

use std::fmt;

use avouch_wire::base64url::{self, DecodeError};
use avouch_wire::json::{JsonError, parse_object};
use serde_json::{Map, Value};
use thiserror::Error;

/// A part of a compact JWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The first.
    Header,
    /// The second.
    Payload,
    /// The third.
    Signature,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
        })
    }
}

/// Why a text is not a compact JWS.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JwsError {
    /// Longer than accepted.
    #[error("token of {length} bytes is over the limit of {limit}")]
    TooLong {
        /// Length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Another number of parts than three.
    #[error("expected three parts separated by periods, found {found}")]
    Parts {
        /// Parts found.
        found: usize,
    },
    /// A part is not base64url.
    #[error("{part}: {source}")]
    Base64 {
        /// Which.
        part: Part,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// A part is padded where RFC 7515 allows no padding.
    #[error("{part} is padded")]
    Padded {
        /// Which.
        part: Part,
    },
    /// The header is no JSON object, or names a member twice.
    #[error("header: {0}")]
    Header(#[from] JsonError),
    /// The header has `crit`: it demands an extension, and none is understood here.
    #[error("header demands an extension: crit is {0}")]
    Critical(String),
    /// The header has no string `alg`.
    #[error("header has no algorithm")]
    NoAlgorithm,
}

/// How to take `=` at the end of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Padding {
    /// As RFC 7515 says: not at all. One token then has one text.
    Refused,
    /// Complete padding is taken, as MAA's clients may send it.
    Accepted,
}

/// A compact JWS, taken apart and decoded. Nothing in it is verified.
#[derive(Debug)]
pub(crate) struct UntrustedJws<'a> {
    /// First and second part with the period between them: what a signature is over.
    pub(crate) signing_input: &'a str,
    pub(crate) header: Map<String, Value>,
    pub(crate) algorithm: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl<'a> UntrustedJws<'a> {
    pub(crate) fn parse(
        text: &'a str,
        limit_bytes: usize,
        padding: Padding,
    ) -> Result<Self, JwsError> {
        if text.len() > limit_bytes {
            return Err(JwsError::TooLong { length: text.len(), limit: limit_bytes });
        }
        let mut parts = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(JwsError::Parts { found: text.split('.').count() });
        };
        let signing_input =
            text.rsplit_once('.').map(|(signing_input, _)| signing_input).unwrap_or_default();
        let header = decode(Part::Header, header, padding)?;
        let header = parse_object(&header, limit_bytes)?;
        if let Some(critical) = header.get("crit") {
            return Err(JwsError::Critical(critical.to_string()));
        }
        let algorithm = header.get("alg").and_then(Value::as_str);
        let algorithm = algorithm.ok_or(JwsError::NoAlgorithm)?.to_owned();
        Ok(Self {
            signing_input,
            header,
            algorithm,
            payload: decode(Part::Payload, payload, padding)?,
            signature: decode(Part::Signature, signature, padding)?,
        })
    }
}

fn decode(part: Part, text: &str, padding: Padding) -> Result<Vec<u8>, JwsError> {
    if padding == Padding::Refused && text.ends_with('=') {
        return Err(JwsError::Padded { part });
    }
    base64url::decode(text).map_err(|source| JwsError::Base64 { part, source })
}

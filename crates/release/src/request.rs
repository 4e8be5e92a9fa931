//! What a client asks for: `{"target","nonce","enc"}`.

use avouch_wire::failed_check;
use avouch_wire::json::{JsonError, parse_object};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::{TARGET_BYTES_MAX, UnknownWrapAlgorithm, WrapAlgorithm};

/// Longest nonce, in bytes.
const NONCE_BYTES_MAX: usize = 1024;
/// Largest body of a request, in bytes.
pub const REQUEST_BYTES_MAX: usize = TARGET_BYTES_MAX + 8 * 1024;

/// The body of a request for release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseRequest {
    target: String,
    nonce: Option<String>,
    algorithm: WrapAlgorithm,
}

/// Why a body is no request for release.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestError {
    /// Not a JSON object, too long, or a member named twice.
    #[error("request: {0}")]
    Json(#[from] JsonError),
    /// A member that is no string.
    #[error("{0} is not a string")]
    NotText(&'static str),
    /// No token.
    #[error("target is missing")]
    NoTarget,
    /// A text that is too long.
    #[error("{name} of {length} bytes is over the limit of {limit}")]
    TooLong {
        /// Its name.
        name: &'static str,
        /// Length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// `enc` is not known.
    #[error(transparent)]
    Algorithm(#[from] UnknownWrapAlgorithm),
}

failed_check!(RequestError {
    Self::Algorithm(_) => "release-request-enc",
    _ => "release-request",
});

impl ReleaseRequest {
    /// Reads a body of at most [`REQUEST_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let members = parse_object(body, REQUEST_BYTES_MAX)?;
        let target = text(&members, "target", TARGET_BYTES_MAX)?.ok_or(RequestError::NoTarget)?;
        let algorithm = match text(&members, "enc", usize::MAX)? {
            None => WrapAlgorithm::default(),
            Some(name) => WrapAlgorithm::from_name(name)?,
        };
        let nonce = text(&members, "nonce", NONCE_BYTES_MAX)?.map(str::to_owned);
        Ok(Self { target: target.to_owned(), nonce, algorithm })
    }

    /// The attestation token.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// What the answer must repeat, so that its receiver knows it for the answer to this request.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// How to wrap; where the request names nothing, what is meant by that.
    #[must_use]
    pub const fn algorithm(&self) -> WrapAlgorithm {
        self.algorithm
    }
}

fn text<'a>(
    members: &'a Map<String, Value>,
    name: &'static str,
    bytes_max: usize,
) -> Result<Option<&'a str>, RequestError> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() > bytes_max => {
            Err(RequestError::TooLong { name, length: text.len(), limit: bytes_max })
        }
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(RequestError::NotText(name)),
    }
}

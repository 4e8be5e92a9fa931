//! What the client says of its operating system.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{DocumentError, decode};

/// Longest text that says something of the system.
const TEXT_BYTES_MAX: usize = 256;

/// What the client says of its operating system: nothing proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperatingSystem {
    /// Such as `Linux` or `Windows`.
    pub os_type: String,
    /// Such as `Ubuntu`.
    pub distro: String,
    /// Such as `NotApplicable`.
    pub build: String,
    /// Of the distribution.
    pub version_major: u32,
    /// Of the distribution.
    pub version_minor: u32,
}

/// Base64 of a short text.
pub(super) fn text(member: &'static str, encoded: &str) -> Result<String, DocumentError> {
    let expected = "base64 of a text of at most 256 bytes";
    let bytes = decode(member, encoded)?;
    let text = String::from_utf8(bytes).ok().filter(|text| text.len() <= TEXT_BYTES_MAX);
    text.ok_or(DocumentError::Member { member, expected })
}

/// A version as clients write it.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Version<'a> {
    Number(u32),
    #[serde(borrow)]
    Text(Cow<'a, str>),
}

impl Version<'_> {
    /// The number, or that of its digits.
    pub(super) fn number(&self, member: &'static str) -> Result<u32, DocumentError> {
        let number = match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
            Self::Text(_) => None,
        };
        number.ok_or(DocumentError::Member { member, expected: "a number below 2^32" })
    }
}

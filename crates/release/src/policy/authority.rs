//! Issuers of tokens, as policies and tokens name them.

use std::fmt;

use avouch_wire::excerpt;
use serde::{Serialize, Serializer};
use thiserror::Error;

/// Longest URL of an authority, in bytes.
const AUTHORITY_BYTES_MAX: usize = 1024;
const SCHEME: &str = "https://";

/// The URL of an attestation authority in the one form that is compared: `https`, host in lower case,
/// one slash at the end taken off. Its keys are found by the OpenID metadata below it.
///
/// Policies and tokens write both `https://host` and `https://host/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Authority(String);

/// Why a text is not the URL of an authority.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthorityError {
    /// Longer than accepted.
    #[error("authority of {length} bytes is over the limit of {limit}")]
    TooLong {
        /// Length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Another scheme: keys that come over it could be anybody's.
    #[error("authority {} is not an https URL", excerpt(.0))]
    NotHttps(String),
    /// No host, or characters that none has.
    #[error("authority {} has no host of letters, digits, dots and hyphens", excerpt(.0))]
    Host(String),
    /// A path with a query, a fragment, empty segments or dots for segments.
    #[error("authority {} has a path that is not of plain segments", excerpt(.0))]
    Path(String),
}

impl Authority {
    /// Reads the URL of an authority.
    ///
    /// # Errors
    /// [`AuthorityError`] for anything but `https://host[:port][/path][/]`.
    pub fn parse(text: &str) -> Result<Self, AuthorityError> {
        if text.len() > AUTHORITY_BYTES_MAX {
            return Err(AuthorityError::TooLong { length: text.len(), limit: AUTHORITY_BYTES_MAX });
        }
        let (scheme, rest) = text.split_at_checked(SCHEME.len()).unwrap_or(("", text));
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(AuthorityError::NotHttps(text.to_owned()));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, path) = rest.split_once('/').map_or((rest, None), |(h, p)| (h, Some(p)));
        if !is_host(host) {
            return Err(AuthorityError::Host(text.to_owned()));
        }
        if !path.is_none_or(|path| path.split('/').all(is_segment)) {
            return Err(AuthorityError::Path(text.to_owned()));
        }
        let path = path.map(|path| format!("/{path}")).unwrap_or_default();
        Ok(Self(format!("{SCHEME}{}{path}", host.to_ascii_lowercase())))
    }

    /// The URL, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an issuer, as a token names it, is this authority.
    #[must_use]
    pub fn is_issuer(&self, issuer: &str) -> bool {
        Self::parse(issuer).is_ok_and(|other| other == *self)
    }
}

/// A name or an address, and perhaps a port.
fn is_host(text: &str) -> bool {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok() && port.bytes().all(is_digit);
    let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let is_name = match inner {
        Some(address) => address.parse::<core::net::Ipv6Addr>().is_ok(),
        None => !name.is_empty() && name.bytes().all(is_of_name),
    };
    is_name && port.is_none_or(is_port)
}

const fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

/// The characters of a segment of a path (RFC 3986, section 3.3).
fn is_segment(text: &str) -> bool {
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@".contains(&byte);
    !matches!(text, "" | "." | "..") && text.bytes().all(is_allowed)
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Authority {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

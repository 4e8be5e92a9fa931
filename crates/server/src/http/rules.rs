//! What the head of every request must keep to, in both protocols.

use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Version};

use super::Limits;
use crate::ApiError;

/// The longest host with its port: a name of DNS has 253 characters.
const AUTHORITY_BYTES_MAX: usize = 260;
/// What HTTP/2 counts for a field besides name and value (RFC 9113, section 6.5.2).
const FIELD_BYTES: usize = 32;
/// What a field takes in memory besides name and value, in bytes.
const FIELD_MEMORY_BYTES: usize = 160;

/// Checks a head: one host, one length, no coded body, no more fields than are held.
///
/// # Errors
/// 400 for the host or the length, 415 for a coding, 431 for too many or too long fields.
pub(super) fn check(head: &Parts, limits: Limits) -> Result<(), ApiError> {
    check_size(head, limits)?;
    check_host(head)?;
    check_length(&head.headers)?;
    check_coding(&head.headers)
}

/// What a head takes of memory.
pub(super) fn memory_bytes(head: &Parts) -> usize {
    sum(&head.headers, FIELD_MEMORY_BYTES).saturating_add(target_bytes(head))
}

fn sum(headers: &HeaderMap, each: usize) -> usize {
    let field = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        name.as_str().len().saturating_add(value.len()).saturating_add(each)
    };
    headers.iter().map(field).fold(0, usize::saturating_add)
}

fn target_bytes(head: &Parts) -> usize {
    let path = head.uri.path_and_query().map_or(0, |path| path.as_str().len());
    let authority = head.uri.authority().map_or(0, |authority| authority.as_str().len());
    path.saturating_add(authority).saturating_add(head.method.as_str().len())
}

/// HTTP/1.1 is bounded where its head is read; HTTP/2 takes twice the limit, so that the answer is
/// one of ours.
fn check_size(head: &Parts, limits: Limits) -> Result<(), ApiError> {
    if target_bytes(head) > limits.target_bytes_max() {
        return Err(ApiError::target_too_long(limits.target_bytes_max()));
    }
    let bytes = sum(&head.headers, FIELD_BYTES).saturating_add(target_bytes(head));
    if head.version == Version::HTTP_2 && bytes > limits.head_bytes_max {
        return Err(ApiError::head_too_large(limits.head_bytes_max));
    }
    Ok(())
}

/// The host decides whose policy judges: it is named once, or twice in the same words.
fn check_host(head: &Parts) -> Result<(), ApiError> {
    let mut fields = head.headers.get_all(HOST).iter();
    let (field, second) = (fields.next(), fields.next());
    if second.is_some() {
        return Err(refused("host: the request has more than one Host field"));
    }
    let field = field.map(|value| value.to_str().unwrap_or_default());
    let target = head.uri.authority().map(|authority| authority.as_str());
    let host = match (target, field) {
        (Some(target), Some(field)) if !target.eq_ignore_ascii_case(field) => {
            return Err(refused("host: the Host field and the target of the request differ"));
        }
        (Some(host), _) | (None, Some(host)) => host,
        (None, None) => return Err(refused("host: the request names no host")),
    };
    if is_authority(host) { Ok(()) } else { Err(refused("host: that is no host name or address")) }
}

/// A name of DNS or an IP address, perhaps with a port. No user, no escapes.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, rest)) if address.parse::<std::net::Ipv6Addr>().is_ok() => ("v6", rest),
            _ => return false,
        },
        None => text.find(':').map_or((text, ""), |at| text.split_at(at)),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let port = match port.strip_prefix(':') {
        Some(digits) => {
            digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok()
        }
        None => port.is_empty(),
    };
    let labelled = !host.starts_with('.') && !host.contains("..");
    text.len() <= AUTHORITY_BYTES_MAX
        && !host.is_empty()
        && labelled
        && host.bytes().all(is_name)
        && port
}

fn check_length(headers: &HeaderMap) -> Result<(), ApiError> {
    if headers.get_all(CONTENT_LENGTH).iter().nth(1).is_some() {
        return Err(refused("content-length: the request has more than one"));
    }
    Ok(())
}

/// Bodies are taken as they are: one that was packed would be read as something else, and unpacking
/// has no limit of its own.
fn check_coding(headers: &HeaderMap) -> Result<(), ApiError> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(one), None) if one.as_bytes().eq_ignore_ascii_case(b"identity") => Ok(()),
        _ => Err(ApiError::unsupported_media_type(
            "content-encoding: bodies are taken without any coding",
        )),
    }
}

fn refused(message: &str) -> ApiError {
    ApiError::invalid_parameter(message)
}

#[cfg(test)]
mod tests {
    use super::is_authority;

    #[test]
    fn a_host_is_a_name_or_an_address_with_perhaps_a_port() {
        for text in [
            "a",
            "a.example",
            "A.example.",
            "a_b.example:8443",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:443",
        ] {
            assert!(is_authority(text), "{text}");
        }
        let long = "a".repeat(261);
        for text in [
            "", ":443", "a:", "a:b", "a:65536", "a:+1", "a b", "a@b", "a/b", "a,b", "a%62", "[::1",
            "[x]", "[::1]x", "[::1]:", "a..b", ".a", "a:1:2", "ä", "::1", &long,
        ] {
            assert!(!is_authority(text), "{text}");
        }
    }
}

//! The head of an HTTP/1.1 request, judged before the HTTP library sees it.
//!
//! The library takes more than we want to, and drops the fields by which a request would be known
//! to be ambiguous: a second `Content-Length`, one beside `Transfer-Encoding`. Where two readers
//! could see two requests in the same bytes, there is none.

use axum::http::Uri;
use httparse::{Header, Status};

use crate::ApiError;
use crate::http::Limits;

/// Fields of a head.
const FIELDS_MAX: usize = 100;

/// How long the body after a head is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
}

/// Looks for the end of a head, byte by byte, in what arrives.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Bytes looked at.
    seen: usize,
    /// Length of the first line with its end; 0 before it ended.
    first_line: usize,
    after_cr: bool,
    in_line: bool,
}

impl Scan {
    pub(super) const fn is_new(&self) -> bool {
        self.seen == 0
    }

    /// The length of the head that `bytes` begins with, once it is whole.
    ///
    /// # Errors
    /// 400 for a line that does not end with CR LF, 414 and 431 over the limits.
    pub(super) fn look(&mut self, bytes: &[u8], limits: Limits) -> Result<Option<usize>, ApiError> {
        let new = bytes.get(self.seen..).unwrap_or_default();
        for byte in new {
            self.seen = self.seen.saturating_add(1);
            if self.step(*byte)? {
                return Ok(Some(self.seen));
            }
            self.check(limits)?;
        }
        Ok(None)
    }

    /// Whether the byte ends the head.
    fn step(&mut self, byte: u8) -> Result<bool, ApiError> {
        match (byte, self.after_cr) {
            (b'\r', false) => self.after_cr = true,
            (b'\n', true) => {
                self.after_cr = false;
                if self.first_line == 0 {
                    self.first_line = self.seen;
                }
                if !self.in_line {
                    return Ok(true);
                }
                self.in_line = false;
            }
            (b'\r' | b'\n' | 0, _) | (_, true) => {
                return Err(malformed("a line of the head does not end with CR LF"));
            }
            _ => self.in_line = true,
        }
        Ok(false)
    }

    fn check(&self, limits: Limits) -> Result<(), ApiError> {
        // The method and the version stand in the line besides the target.
        const LINE_BESIDES: usize = 64;
        let line = if self.first_line == 0 { self.seen } else { self.first_line };
        if line > limits.target_bytes_max().saturating_add(LINE_BESIDES) {
            return Err(ApiError::target_too_long(limits.target_bytes_max()));
        }
        if self.seen >= limits.head_bytes_max {
            return Err(ApiError::head_too_large(limits.head_bytes_max));
        }
        Ok(())
    }
}

/// Reads a whole head for what comes after it.
///
/// # Errors
/// 400 where the library would refuse it, or would read another length than somebody else might;
/// 431 for too many fields.
pub(super) fn framing(head: &[u8], limits: Limits) -> Result<Framing, ApiError> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(head) {
        Ok(Status::Complete(length)) if length == head.len() => {}
        Ok(_) => return Err(malformed("the head ends too early")),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(ApiError::head_too_large(limits.head_bytes_max));
        }
        Err(error) => return Err(malformed(&error.to_string())),
    }
    check_target(request.method.unwrap_or_default(), request.path.unwrap_or_default())?;
    framing_of(request.headers, request.version == Some(1))
}

/// A path, or a URL with one. `*` and `CONNECT` mean nothing here.
fn check_target(method: &str, target: &str) -> Result<(), ApiError> {
    let has_path = target.starts_with('/')
        || target.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"))
        || target.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    let is_uri = || is_plain(target) || target.parse::<Uri>().is_ok();
    if has_path && method != "CONNECT" && is_uri() {
        return Ok(());
    }
    Err(malformed("the target is no path or URL"))
}

/// Whether a target is a path, perhaps with a query, of such characters alone that no reader of URLs stops at.
fn is_plain(target: &str) -> bool {
    const PLAIN_BYTES_MAX: usize = 1024;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~:?=&".contains(&byte);
    target.len() <= PLAIN_BYTES_MAX && target.starts_with('/') && target.bytes().all(plain)
}

fn framing_of(fields: &[Header<'_>], is_http_11: bool) -> Result<Framing, ApiError> {
    let all = |name: &'static str| {
        fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|f| f.value)
    };
    let (mut lengths, mut codings) = (all("content-length"), all("transfer-encoding"));
    match (lengths.next(), lengths.next(), codings.next(), codings.next()) {
        (None, None, None, None) => Ok(Framing::Length(0)),
        (Some(length), None, None, None) => decimal(length).map(Framing::Length),
        (None, None, Some(coding), None) => {
            if !is_http_11 || !coding.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                return Err(malformed("transfer-encoding: only chunked is known, once"));
            }
            Ok(Framing::Chunked)
        }
        _ => Err(malformed("the length of the body is said in more than one way")),
    }
}

fn decimal(text: &[u8]) -> Result<u64, ApiError> {
    let text = std::str::from_utf8(text).unwrap_or_default();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.ok_or_else(|| malformed("content-length: that is no number of bytes"))
}

fn malformed(reason: &str) -> ApiError {
    ApiError::invalid_parameter(format!("request-head: {reason}"))
}

#[cfg(test)]
mod tests {
    use axum::http::Uri;

    use super::{check_target, is_plain};

    #[test]
    fn what_is_passed_without_being_read_as_a_url_is_one() {
        let plain: String = (0..=0x7f_u8)
            .map(char::from)
            .filter(|character| is_plain(&format!("/{character}")))
            .collect();
        assert_eq!(plain.len(), 26 + 26 + 10 + 9, "{plain}");
        for character in plain.chars() {
            for target in [format!("/a{character}b"), format!("/a?b{character}c")] {
                assert!(target.parse::<Uri>().is_ok(), "{target}");
            }
        }
        assert!("//a//b??".parse::<Uri>().is_ok() && is_plain("//a//b??"));
        for other in ["", "a", "*", "/a#b", "/ä", "/a b", "/a\"", "/a%20", "http://a/b"] {
            assert!(!is_plain(other), "{other}");
        }
        assert!(is_plain(&format!("/{}", "a".repeat(1023))));
        assert!(!is_plain(&format!("/{}", "a".repeat(1024))));
    }

    #[test]
    fn a_target_is_a_path_or_a_url_with_one() {
        let long = format!("/{}", "a".repeat(2000));
        for target in ["/", "/a?b=c", "/a%20b", "/a#b", "HTTP://a.example/b", &long] {
            assert!(check_target("GET", target).is_ok(), "{target}");
        }
        for target in ["*", "", "a", "ftp://a/", "/a b", "/\u{7f}", "http://"] {
            assert!(check_target("GET", target).is_err(), "{target}");
        }
        assert!(check_target("CONNECT", "/a").is_err());
    }
}

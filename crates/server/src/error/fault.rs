//! Status, code and sentence of an error, and the codes that both planes have.

use avouch_store::StoreError;
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::respond;

/// What goes wrong alike in both planes. Codes that only one of them has are in the constructors of
/// [`super::ApiError`] and [`super::ResourceError`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// Methods for a 405.
    allow: Option<String>,
    /// Whole seconds for a 429 or 503.
    retry_after_seconds: Option<u32>,
}

impl Fault {
    /// A message may quote what an outsider sent; whatever its maker left of that, not more than
    /// its beginning goes into answer and log.
    pub(super) fn new(status: StatusCode, code: &'static str, mut message: String) -> Self {
        if let Some(at) = cut(&message) {
            message.truncate(at);
            message.push('…');
        }
        Self { status, code, message, allow: None, retry_after_seconds: None }
    }

    /// The same with another sentence.
    pub(super) fn saying(self, message: String) -> Self {
        let Self { message, .. } = Self::new(self.status, self.code, message);
        Self { message, ..self }
    }

    /// 400 `InvalidParameter`: a body that does not arrive as one can be read.
    #[must_use]
    pub fn unreadable_body(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidParameter", message)
    }

    /// 401 `Unauthorized`: no token, a bad one, or one without the right.
    #[must_use]
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", message.into())
    }

    /// 404 `NotFound`.
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", message.into())
    }

    /// 405 `MethodNotAllowed` with the methods that are.
    #[must_use]
    pub fn method_not_allowed(allow: String) -> Self {
        let message = format!("The method is not allowed on this route; allowed: {allow}.");
        let fault = Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message);
        Self { allow: Some(allow), ..fault }
    }

    /// 408 `RequestTimeout`: the body did not arrive in time.
    #[must_use]
    pub fn request_timeout() -> Self {
        let message = "The request did not arrive in time.".to_owned();
        Self::new(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", message)
    }

    /// 409 `Conflict`.
    #[must_use]
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "Conflict", message.into())
    }

    /// 412 `PreconditionFailed`: what the sender looked at is no longer so.
    #[must_use]
    pub fn precondition_failed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", message.into())
    }

    /// 413 `RequestEntityTooLarge` with the limit.
    #[must_use]
    pub fn too_large(limit_bytes: usize) -> Self {
        let message = format!("The request body is over the limit of {limit_bytes} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
    }

    /// 429 `TooManyRequests`.
    #[must_use]
    pub fn too_many_requests(retry_after_seconds: u32) -> Self {
        let message = "The service is busy; try again later.".to_owned();
        let fault = Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message);
        Self { retry_after_seconds: Some(retry_after_seconds), ..fault }
    }

    /// 500 `InternalError`. What happened goes to the log, never to the client.
    #[must_use]
    pub fn internal() -> Self {
        let message = "The service could not complete the request.".to_owned();
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    }

    /// 503 `ServiceUnavailable`: what the answer needs is out of reach just now.
    #[must_use]
    pub fn unavailable(message: impl Into<String>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let fault = Self::new(status, "ServiceUnavailable", message.into());
        Self { retry_after_seconds: Some(1), ..fault }
    }

    /// The same, to be tried again after so many seconds.
    #[must_use]
    pub fn after(self, seconds: u32) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    /// A store that does not answer or answers nonsense: 503 or 500. The log has what happened.
    pub(super) fn of_store(error: &StoreError) -> Self {
        let shown = error as &dyn std::error::Error;
        if matches!(error, StoreError::Unavailable { .. }) {
            tracing::error!(error = shown, "the store is unavailable");
            return Self::unavailable("The service cannot reach its database; try again.");
        }
        tracing::error!(error = shown, "the store failed");
        Self::internal()
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The code that a client sees.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Code and sentence, as both planes write them.
    pub(super) fn shown(&self) -> Value {
        json!({"code": self.code, "message": self.message})
    }

    /// The answer with this body; `why` is for the log.
    pub(super) fn answer(self, body: &Value, why: Option<String>) -> Response<Body> {
        let mut response = respond::json(self.status, body.to_string());
        let headers = response.headers_mut();
        headers.insert("x-ms-error-code", HeaderValue::from_static(self.code));
        if let Some(allow) = self.allow.and_then(|allow| HeaderValue::try_from(allow).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().insert(Said { code: self.code, message: self.message, why });
        response
    }
}

/// Bytes of a message, as they are written in JSON. It stands in the answer twice.
const MESSAGE_BYTES_MAX: usize = 3500;

/// Where a message is cut that would be too long.
fn cut(message: &str) -> Option<usize> {
    let mut bytes = 0_usize;
    message.char_indices().find_map(|(at, char)| {
        let written = match char {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            char if char.is_control() => 6,
            char => char.len_utf8(),
        };
        bytes = bytes.saturating_add(written);
        (bytes > MESSAGE_BYTES_MAX).then_some(at)
    })
}

/// What an answer says of an error, beside its status: an extension of the answer, for the log.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    code: &'static str,
    message: String,
    why: Option<String>,
}

impl Said {
    /// The same of an error in another form than the planes'.
    pub(crate) fn new(code: &'static str, message: &str) -> Self {
        Self { code, message: message.to_owned(), why: None }
    }

    /// What a policy refused for, in one line.
    pub(crate) fn why(&self, bytes_max: usize) -> Option<String> {
        self.why.as_deref().map(|why| one_line(why, bytes_max))
    }

    pub(crate) const fn code(&self) -> &'static str {
        self.code
    }

    /// The name of the check, with which sentences begin that have one.
    pub(crate) fn check(&self) -> Option<&str> {
        let (check, _) = self.message.split_once(": ")?;
        let is_name = check.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_name.then_some(check)
    }

    /// The beginning of the sentence, in one line.
    pub(crate) fn beginning(&self, bytes_max: usize) -> String {
        one_line(&self.message, bytes_max)
    }
}

fn one_line(text: &str, bytes_max: usize) -> String {
    let text = avouch_wire::beginning(text, bytes_max);
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

//! The only place where an error becomes a status code and MAA's error body.

use avouch_engine::{AppraisalError, PolicyRefused, Refused};
use avouch_store::StoreError;
use avouch_token::policy_jws::{PolicyJwsError, SignerError};
use avouch_wire::FailedCheck as _;
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;

use crate::body::Malformed;
use crate::respond;

/// An error as a client sees it: status, MAA's code, and a sentence that names the check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// Methods for a 405.
    allow: Option<&'static str>,
    /// Whole seconds for a 429 or 503.
    retry_after_seconds: Option<u32>,
    /// What MAA's front end refuses has no inner error (`docs/maa/service.md#errors`).
    has_inner_error: bool,
    /// What a policy refused for: for the log.
    why: Option<String>,
}

impl ApiError {
    /// A message may quote what an outsider sent; whatever its maker left of that, not more than
    /// its beginning goes into answer and log.
    fn new(status: StatusCode, code: &'static str, mut message: String) -> Self {
        if let Some(at) = cut(&message) {
            message.truncate(at);
            message.push('…');
        }
        let has_inner_error = true;
        let (allow, retry_after_seconds, why) = (None, None, None);
        Self { status, code, message, allow, retry_after_seconds, has_inner_error, why }
    }

    /// The same error with what a policy refused for: always for the log, for the client where its
    /// provider tells.
    #[must_use]
    pub(crate) fn explained(self, why: Option<String>, is_told: bool) -> Self {
        let message = match &why {
            Some(why) if is_told => format!("{} Why: {why}", self.message),
            _ => self.message,
        };
        let new = Self::new(self.status, self.code, message);
        Self { message: new.message, why, ..self }
    }

    /// 400 `InvalidParameter`: evidence or a parameter that is not what it must be.
    #[must_use]
    pub fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidParameter", message.into())
    }

    /// 400 `InvalidOperation`: not allowed for this provider, or a malformed JWS.
    #[must_use]
    pub fn invalid_operation(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidOperation", message.into())
    }

    /// 400 `PolicyParsingError`.
    #[must_use]
    pub fn policy_parsing(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "PolicyParsingError", message.into())
    }

    /// 400 `PolicyEvaluationError`: denied, not permitted, or the evaluation failed.
    #[must_use]
    pub fn policy_evaluation(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "PolicyEvaluationError", message.into())
    }

    /// 400 `Bad request` (so spelled): what the service does not serve.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        let error = Self::new(StatusCode::BAD_REQUEST, "Bad request", message.into());
        Self { has_inner_error: false, ..error }
    }

    /// 400 `UnsupportedApiVersion`.
    #[must_use]
    pub fn unsupported_api_version(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "UnsupportedApiVersion", message)
    }

    /// 400 `MissingApiVersionParameter`, of the control plane.
    #[must_use]
    pub fn missing_api_version(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "MissingApiVersionParameter", message)
    }

    /// 400 `InvalidApiVersionParameter`, of the control plane.
    #[must_use]
    pub fn invalid_api_version(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidApiVersionParameter", message)
    }

    /// 400 `InvalidResourceName`, of the control plane.
    #[must_use]
    pub fn invalid_resource_name(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidResourceName", message.into())
    }

    /// 400 `InvalidRequestContent`, of the control plane.
    #[must_use]
    pub fn invalid_request_content(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequestContent", message.into())
    }

    /// 404 `ResourceNotFound`, of the control plane.
    #[must_use]
    pub fn resource_not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFound", message.into())
    }

    /// 409 `InvalidResourceLocation`, of the control plane.
    #[must_use]
    pub fn invalid_resource_location(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "InvalidResourceLocation", message.into())
    }

    /// The same error in the body of Azure Resource Manager, which has no inner one.
    #[must_use]
    pub fn of_control_plane(self) -> Self {
        Self { has_inner_error: false, ..self }
    }

    /// 401 `Unauthorized`: no token, a bad one, or one without the right.
    #[must_use]
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", message.into())
    }

    /// 403 `PublicNetworkAccessDisabled`.
    #[must_use]
    pub fn public_network_access_disabled() -> Self {
        let message = "The attestation provider is reached from private networks only.".to_owned();
        Self::new(StatusCode::FORBIDDEN, "PublicNetworkAccessDisabled", message)
    }

    /// 404 `NotFound`.
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", message.into())
    }

    /// 405 `MethodNotAllowed` with the methods that are.
    #[must_use]
    pub fn method_not_allowed(allow: &'static str) -> Self {
        let message = format!("The method is not allowed on this route; allowed: {allow}.");
        let error = Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message);
        Self { allow: Some(allow), ..error }
    }

    /// 408 `RequestTimeout`: the body did not arrive in time.
    #[must_use]
    pub fn request_timeout() -> Self {
        let message = "The request did not arrive in time.".to_owned();
        Self::new(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", message)
    }

    /// 413 `RequestEntityTooLarge` with the limit.
    #[must_use]
    pub fn too_large(limit_bytes: usize) -> Self {
        let message = format!("The request body is over the limit of {limit_bytes} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
    }

    /// 414 `UriTooLong` with the limit.
    #[must_use]
    pub fn target_too_long(limit_bytes: usize) -> Self {
        let message =
            format!("The target of the request is over the limit of {limit_bytes} bytes.");
        Self::new(StatusCode::URI_TOO_LONG, "UriTooLong", message)
    }

    /// 415 `UnsupportedMediaType`.
    #[must_use]
    pub fn unsupported_media_type(message: impl Into<String>) -> Self {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self::new(status, "UnsupportedMediaType", message.into())
    }

    /// 431 `RequestHeaderFieldsTooLarge` with the limit.
    #[must_use]
    pub fn head_too_large(limit_bytes: usize) -> Self {
        let message = format!(
            "The head of the request has more than {limit_bytes} bytes or too many fields."
        );
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        Self::new(status, "RequestHeaderFieldsTooLarge", message)
    }

    /// 429 `TooManyRequests`.
    #[must_use]
    pub fn too_many_requests(retry_after_seconds: u32) -> Self {
        let message = "The service is busy; try again later.".to_owned();
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message);
        Self { retry_after_seconds: Some(retry_after_seconds), ..error }
    }

    /// 503 `ServiceUnavailable`: what the answer needs is out of reach just now.
    #[must_use]
    pub fn unavailable(message: impl Into<String>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let error = Self::new(status, "ServiceUnavailable", message.into());
        Self { retry_after_seconds: Some(1), ..error }
    }

    /// 409 `Conflict`.
    #[must_use]
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "Conflict", message.into())
    }

    /// 500 `InternalError`. What happened goes to the log, never to the client.
    #[must_use]
    pub fn internal() -> Self {
        let message = "The service could not complete the request.".to_owned();
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// MAA's error code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The answer: MAA's body, with `innererror` repeating code and message.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        let (code, message) = (self.code, self.message);
        let said = Said { code, message: message.clone(), why: self.why };
        let body = if self.has_inner_error {
            let inner = json!({"code": code, "message": message});
            json!({"error": {"code": code, "message": message, "innererror": inner}})
        } else {
            json!({"error": {"code": code, "message": message}})
        };
        let mut response = respond::json(self.status, body.to_string());
        response.extensions_mut().insert(said);
        let headers = response.headers_mut();
        headers.insert("x-ms-error-code", HeaderValue::from_static(code));
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
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

impl From<AppraisalError> for ApiError {
    /// Evidence that does not verify is `InvalidParameter`; the sentence begins with the check.
    fn from(error: AppraisalError) -> Self {
        let message = format!("{}: {error}", error.check());
        match error {
            AppraisalError::Configuration(_) => {
                Self::policy_evaluation(evaluation_message(&message))
            }
            AppraisalError::NotBuilt(_) => Self::bad_request(message),
            AppraisalError::Evidence(_) | AppraisalError::Mistaken { .. } => {
                Self::invalid_parameter(message)
            }
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotAccepted { check, message } => {
                Self::invalid_parameter(format!("{check}: {message}"))
            }
            Refused::Policy { message, .. } => {
                let text = format!("Policy Engine Exception: {message}");
                Self::policy_evaluation(evaluation_message(&text))
            }
            Refused::PolicyFailed { check, message } => {
                let text = format!("Policy Engine Exception: {check}: {message}");
                Self::policy_evaluation(evaluation_message(&text))
            }
        }
    }
}

/// Holds the phrase that clients look for.
fn evaluation_message(text: &str) -> String {
    format!("Policy Evaluation Error has occurred Msg:[{text}]")
}

impl From<PolicyRefused> for ApiError {
    fn from(refused: PolicyRefused) -> Self {
        match refused {
            PolicyRefused::Parsing { message } => Self::policy_parsing(message),
            PolicyRefused::Jws(error) => error.into(),
        }
    }
}

impl From<PolicyJwsError> for ApiError {
    /// A JWS or its certificate that does not hold.
    fn from(error: PolicyJwsError) -> Self {
        Self::invalid_operation(format!("{}: {error}", error.check()))
    }
}

impl From<SignerError> for ApiError {
    /// A signer that the provider does not trust.
    fn from(error: SignerError) -> Self {
        Self::invalid_parameter(format!("{}: {error}", error.check()))
    }
}

impl From<Malformed> for ApiError {
    fn from(Malformed(message): Malformed) -> Self {
        Self::invalid_parameter(message)
    }
}

impl From<StoreError> for ApiError {
    /// What happened below goes to the log; the client gets what it can act on.
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::NotFound { .. } => Self::not_found(message),
            StoreError::AlreadyExists { .. }
            | StoreError::Conflict { .. }
            | StoreError::KeyState { .. } => Self::conflict(message),
            StoreError::InvalidName { .. }
            | StoreError::Invalid { .. }
            | StoreError::Limit { .. } => Self::invalid_parameter(message),
            StoreError::LastCertificate { .. }
            | StoreError::NotIsolated { .. }
            | StoreError::RequestSeen { .. } => Self::invalid_operation(message),
            StoreError::Unavailable { .. } => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the store is unavailable"
                );
                Self::unavailable("The service cannot reach its database; try again.")
            }
            _ => {
                tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
                Self::internal()
            }
        }
    }
}

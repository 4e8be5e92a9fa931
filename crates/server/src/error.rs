//! The only place where an error becomes a status code and an error body: MAA's in [`ApiError`], that
//! of Azure Resource Manager in [`ResourceError`].
//!
//! What goes wrong alike in both planes is a [`Fault`]. Neither plane's error becomes the other's, so
//! that `?` cannot answer one plane with codes of the other.

mod fault;
mod resource;
mod vault;

use avouch_engine::{AppraisalError, PolicyRefused, Refused};
use avouch_store::StoreError;
use avouch_token::policy_jws::{PolicyJwsError, SignerError};
use avouch_wire::FailedCheck as _;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::json;

use crate::body::Malformed;
pub use fault::Fault;
pub(crate) use fault::Said;
pub use resource::ResourceError;
pub use vault::KeyVaultError;

/// An error as a client of the data plane sees it: status, MAA's code, and a sentence that names the
/// check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    fault: Fault,
    /// What the front end refuses before the enclave has no inner error
    /// (`docs/maa/service.md#errors`).
    has_inner_error: bool,
    /// What a policy refused for: for the log.
    why: Option<String>,
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        Self { fault, has_inner_error: true, why: None }
    }
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: String) -> Self {
        Fault::new(status, code, message).into()
    }

    /// The same error with what a policy refused for: always for the log, for the client where its
    /// provider tells.
    #[must_use]
    pub(crate) fn explained(self, why: Option<String>, is_told: bool) -> Self {
        let fault = match &why {
            Some(why) if is_told => {
                let message = format!("{} Why: {why}", self.fault.message());
                self.fault.saying(message)
            }
            _ => self.fault,
        };
        Self { fault, why, ..self }
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

    /// 403 `PublicNetworkAccessDisabled`.
    #[must_use]
    pub fn public_network_access_disabled() -> Self {
        let message = "The attestation provider is reached from private networks only.".to_owned();
        Self::new(StatusCode::FORBIDDEN, "PublicNetworkAccessDisabled", message)
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

    /// Status, code and sentence.
    #[must_use]
    pub const fn fault(&self) -> &Fault {
        &self.fault
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.fault.status()
    }

    /// MAA's error code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.fault.code()
    }

    /// The sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        self.fault.message()
    }

    /// The answer: MAA's body, with `innererror` repeating code and message.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        let mut error = self.fault.shown();
        if self.has_inner_error
            && let Some(members) = error.as_object_mut()
        {
            members.insert("innererror".to_owned(), self.fault.shown());
        }
        self.fault.answer(&json!({ "error": error }), self.why)
    }
}

/// An error of a plane, in its own shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaneError {
    /// Of the data plane, or of the service as a whole.
    Data(ApiError),
    /// Of the control plane.
    Control(ResourceError),
    /// Of the vault.
    Vault(KeyVaultError),
}

impl From<KeyVaultError> for PlaneError {
    fn from(error: KeyVaultError) -> Self {
        Self::Vault(error)
    }
}

impl From<ApiError> for PlaneError {
    fn from(error: ApiError) -> Self {
        Self::Data(error)
    }
}

impl From<ResourceError> for PlaneError {
    fn from(error: ResourceError) -> Self {
        Self::Control(error)
    }
}

impl PlaneError {
    /// Status, code and sentence.
    #[must_use]
    pub const fn fault(&self) -> &Fault {
        match self {
            Self::Data(error) => error.fault(),
            Self::Control(error) => error.fault(),
            Self::Vault(error) => error.fault(),
        }
    }

    /// The answer.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        match self {
            Self::Data(error) => error.into_response(),
            Self::Control(error) => error.into_response(),
            Self::Vault(error) => error.into_response(),
        }
    }
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
            Refused::NotAccepted { check, message, .. } => {
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
            StoreError::NotFound { .. } => Fault::not_found(message).into(),
            StoreError::AlreadyExists { .. }
            | StoreError::Conflict { .. }
            | StoreError::KeyState { .. } => Fault::conflict(message).into(),
            StoreError::InvalidName { .. }
            | StoreError::Invalid { .. }
            | StoreError::Limit { .. } => Self::invalid_parameter(message),
            StoreError::LastCertificate { .. }
            | StoreError::NotIsolated { .. }
            | StoreError::RequestSeen { .. } => Self::invalid_operation(message),
            _ => Fault::of_store(&error).into(),
        }
    }
}

//! Errors of the control plane.

use avouch_store::StoreError;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::json;

use super::Fault;
use crate::body::Malformed;

/// An error as a client of the control plane sees it, in the body of Azure Resource Manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceError(Fault);

impl From<Fault> for ResourceError {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl ResourceError {
    fn new(status: StatusCode, code: &'static str, message: String) -> Self {
        Self(Fault::new(status, code, message))
    }

    /// 400 `MissingApiVersionParameter`.
    #[must_use]
    pub fn missing_api_version(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "MissingApiVersionParameter", message)
    }

    /// 400 `InvalidApiVersionParameter`.
    #[must_use]
    pub fn invalid_api_version(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidApiVersionParameter", message)
    }

    /// 400 `InvalidResourceName`.
    #[must_use]
    pub fn invalid_resource_name(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidResourceName", message.into())
    }

    /// 400 `InvalidRequestContent`.
    #[must_use]
    pub fn invalid_request_content(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequestContent", message.into())
    }

    /// 404 `ResourceNotFound`.
    #[must_use]
    pub fn resource_not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFound", message.into())
    }

    /// 409 `InvalidResourceLocation`.
    #[must_use]
    pub fn invalid_resource_location(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "InvalidResourceLocation", message.into())
    }

    /// Status, code and sentence.
    #[must_use]
    pub const fn fault(&self) -> &Fault {
        &self.0
    }

    /// The answer.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        let body = json!({ "error": self.0.shown() });
        self.0.answer(&body, None)
    }
}

impl From<Malformed> for ResourceError {
    fn from(Malformed(message): Malformed) -> Self {
        Self::invalid_request_content(message)
    }
}

impl From<StoreError> for ResourceError {
    /// As for the data plane: what happened below goes to the log.
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::InvalidName { .. } => Self::invalid_resource_name(message),
            StoreError::Invalid { .. } | StoreError::Limit { .. } => {
                Self::invalid_request_content(message)
            }
            StoreError::NotFound { .. } => Self::resource_not_found(message),
            StoreError::AlreadyExists { .. }
            | StoreError::Conflict { .. }
            | StoreError::KeyState { .. }
            | StoreError::LastCertificate { .. }
            | StoreError::NotIsolated { .. }
            | StoreError::RequestSeen { .. } => Fault::conflict(message).into(),
            _ => Fault::of_store(&error).into(),
        }
    }
}

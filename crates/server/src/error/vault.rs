//! Errors of the vault, in the words of Azure Key Vault.

use avouch_store::StoreError;
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;

use super::Fault;
use crate::body::Malformed;

/// An error as a client of the vault sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyVaultError {
    fault: Fault,
    /// A narrower code, in `innererror`.
    inner: Option<&'static str>,
    /// `WWW-Authenticate` of an answer 401.
    challenge: Option<Box<HeaderValue>>,
    /// What the owner may know and the caller need not: for the log.
    why: Option<Box<str>>,
}

impl From<Fault> for KeyVaultError {
    fn from(fault: Fault) -> Self {
        Self { fault, inner: None, challenge: None, why: None }
    }
}

impl From<Malformed> for KeyVaultError {
    fn from(Malformed(message): Malformed) -> Self {
        Self::bad_parameter(message)
    }
}

impl KeyVaultError {
    fn new(status: StatusCode, code: &'static str, message: String) -> Self {
        Fault::new(status, code, message).into()
    }

    /// 400 `BadParameter`.
    #[must_use]
    pub fn bad_parameter(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadParameter", message.into())
    }

    /// 403 `Forbidden`: no right, or a policy, an attribute or a token that forbids it.
    #[must_use]
    pub fn forbidden(inner: &'static str, message: impl Into<String>) -> Self {
        let error = Self::new(StatusCode::FORBIDDEN, "Forbidden", message.into());
        Self { inner: Some(inner), ..error }
    }

    /// 404 `KeyNotFound`.
    #[must_use]
    pub fn key_not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "KeyNotFound", message.into())
    }

    /// 409 `Conflict` for a name that is deleted and not purged.
    #[must_use]
    pub fn is_deleted(message: impl Into<String>) -> Self {
        let error = Self::new(StatusCode::CONFLICT, "Conflict", message.into());
        Self { inner: Some("ObjectIsDeletedButRecoverable"), ..error }
    }

    /// 501 `NotImplemented`: what Key Vault does and this vault does not.
    #[must_use]
    pub fn not_implemented(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message.into())
    }

    /// The same error where 401 tells clients where to get a token.
    #[must_use]
    pub(crate) fn challenged(self, challenge: &HeaderValue) -> Self {
        let is_unauthorized = self.fault.status() == StatusCode::UNAUTHORIZED;
        Self { challenge: is_unauthorized.then(|| Box::new(challenge.clone())), ..self }
    }

    /// The same with what only the owner may know: always for the log.
    #[must_use]
    pub(crate) fn because(self, why: String) -> Self {
        Self { why: Some(why.into()), ..self }
    }

    /// Status, code and sentence.
    #[must_use]
    pub const fn fault(&self) -> &Fault {
        &self.fault
    }

    /// The answer: Key Vault's body.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        let mut error = self.fault.shown();
        if let (Some(inner), Some(members)) = (self.inner, error.as_object_mut()) {
            members.insert("innererror".to_owned(), json!({ "code": inner }));
        }
        let mut response =
            self.fault.answer(&json!({ "error": error }), self.why.map(String::from));
        if let Some(challenge) = self.challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, *challenge);
        }
        response
    }
}

impl From<StoreError> for KeyVaultError {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::NotFound { .. } => Self::key_not_found(message),
            StoreError::KeyState { .. } => Self::is_deleted(message),
            StoreError::AlreadyExists { .. } | StoreError::Conflict { .. } => {
                Fault::conflict(message).into()
            }
            StoreError::InvalidName { .. }
            | StoreError::Invalid { .. }
            | StoreError::Limit { .. } => Self::bad_parameter(message),
            _ => Fault::of_store(&error).into(),
        }
    }
}

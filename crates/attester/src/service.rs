//! The service as the attester sees it: messages out, answers in.

use avouch_wire::failed_check;
use thiserror::Error;

/// Carries messages to `POST /attest/Tpm` of one provider and brings the answers.
pub trait Service {
    /// Sends the `data` of one message; gives the `data` of the answer.
    ///
    /// # Errors
    /// [`ServiceError`].
    fn exchange(&mut self, data: &str) -> Result<String, ServiceError>;
}

/// Why there is no answer to go on with.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServiceError {
    /// The service understood, and the answer is no.
    #[error("the service refused ({code}): {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The service's code.
        code: String,
        /// Its sentence; for evidence it begins with the name of the check that failed.
        message: String,
    },
    /// No answer, or none of an attestation service.
    #[error("{0}")]
    Unanswered(String),
}

failed_check!(ServiceError {
    Self::Refused { .. } => "service-refused",
    Self::Unanswered(_) => "service-unanswered",
});

impl ServiceError {
    /// Whether the service named this check, or one whose name begins with it and a hyphen.
    #[must_use]
    pub fn is_of(&self, check: &str) -> bool {
        let Self::Refused { message, .. } = self else { return false };
        let named = message.split_once(": ").map_or(message.as_str(), |(named, _)| named);
        named.strip_prefix(check).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

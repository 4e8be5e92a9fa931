//! The port through which documents of a service come.

use thiserror::Error;

/// Gets what anybody may read from a service.
///
/// Whoever implements it answers for the connection: HTTPS with the CAs that the caller trusts, no
/// redirects (they would lead to another service than the one that was chosen), and a bound on time and on
/// the bytes of an answer.
pub trait Fetch {
    /// The body that a service answers `GET url` with, if it answers 200.
    ///
    /// # Errors
    /// [`FetchError`] if there is no such answer.
    fn get(&self, url: &str) -> Result<Vec<u8>, FetchError>;
}

/// Why a document did not come.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{url}: {reason}")]
pub struct FetchError {
    /// What was asked for.
    pub url: String,
    /// What went wrong.
    pub reason: String,
}

impl<F: Fn(&str) -> Result<Vec<u8>, FetchError>> Fetch for F {
    fn get(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        self(url)
    }
}

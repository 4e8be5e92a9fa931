//! Where endorsements are fetched from: the vendors' services, caches and mirrors of them.
//!
//! A request is made of a configured address and the name of a thing, and of nothing else: no client of
//! ours can send us elsewhere. What comes back is untrusted until [`crate::prove`] has seen it.

mod answer;
mod client;
mod config;
mod error;
mod kds;
mod pcs;
mod thim;

use std::sync::Arc;
use std::time::Duration;

use avouch_wire::UnixTime;
use futures_util::future::BoxFuture;

use crate::{EndorsementName, Published};

pub use answer::{Answer, read_answer};
pub use client::HttpSource;
pub use config::{Budget, SourceConfig, SourceConfigError, SourceKind};
pub use error::{SourceError, SourceFailure};

/// One place to fetch from.
pub trait Source: Send + Sync + 'static {
    /// What people call it.
    fn name(&self) -> &Arc<str>;

    /// How often it may be asked.
    fn budget(&self) -> Budget;

    /// Whether it is to be asked for this.
    fn serves(&self, name: &EndorsementName) -> bool;

    /// Asks for it. With `kept`, what is at hand from this source, the answer may be that there is nothing
    /// newer. `at` is the moment to say that it was fetched at.
    ///
    /// # Errors
    /// [`SourceError`].
    fn fetch<'a>(
        &'a self,
        name: EndorsementName,
        kept: Option<&'a Published>,
        at: UnixTime,
    ) -> BoxFuture<'a, Result<Answer, SourceError>>;
}

/// What is sent to a service to ask for something.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Question {
    /// Beside the configured address of the root CA's CRL, or of the service itself.
    at: Address,
    /// Path and query.
    path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Address {
    Service,
    /// The root CA's CRL, whole.
    RootCaCrl,
}

impl Question {
    const fn service(path: String) -> Self {
        Self { at: Address::Service, path }
    }
}

/// The longest that a source's word on how long its answer stays fresh, or on how long to leave it
/// alone, is heeded: nobody signed it.
const HEEDED_MAX: Duration = Duration::from_secs(24 * 3600);

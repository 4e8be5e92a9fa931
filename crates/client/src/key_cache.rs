//! The keys of one service, kept for a while and fetched anew when it rotates them.

use avouch_token::{Check, Jwks};
use avouch_wire::UnixTime;
use thiserror::Error;

use crate::discovery::{METADATA_PATH, keys_url};
use crate::{Discovered, Fetch, FetchError};

/// How long keys are kept and how often they are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyCacheBounds {
    /// After so many seconds the keys are fetched anew.
    pub refresh_seconds: u32,
    /// For so many seconds keys serve if the service cannot be reached: as long as a key that the service
    /// withdrew is believed at most. If that is less than `refresh_seconds`, it is what counts for both.
    /// Once something else than the service answered in its name, keys of before serve no longer than
    /// `refresh_seconds`, until it answers as itself again.
    pub keep_seconds: u32,
    /// Between two attempts lie at least so many seconds, whatever tokens ask for: whoever sends tokens with
    /// made-up key ids causes no more requests.
    pub retry_seconds: u32,
}

impl Default for KeyCacheBounds {
    /// Five minutes, one day, and 30 seconds.
    fn default() -> Self {
        Self { refresh_seconds: 300, keep_seconds: 86_400, retry_seconds: 30 }
    }
}

/// Why there are no keys.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyCacheError {
    /// The service did not answer, and what was kept is too old or nothing.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// What it published is not what the service of this name publishes.
    #[error("{}: {}", .0.name, .0.detail)]
    Refused(Check),
    /// The last attempt failed a moment ago; the next is not due.
    #[error("the keys could not be had at {tried_at}; the next attempt is due at {next_at}")]
    Waiting {
        /// When it was tried.
        tried_at: UnixTime,
        /// When it may be tried again.
        next_at: UnixTime,
    },
}

/// The keys of one service under its one name. Never mix those of several: each could speak for the others.
///
/// Bounded in time by [`KeyCacheBounds`], and in size: one key set of at most 1 MiB and 256 keys.
#[derive(Debug)]
pub struct KeyCache {
    issuer: String,
    bounds: KeyCacheBounds,
    kept: Option<Kept>,
    tried_at: Option<UnixTime>,
    /// Why the last answer was refused; none once one was taken.
    refused: Option<Check>,
}

#[derive(Debug)]
struct Kept {
    keys: Jwks,
    fetched_at: UnixTime,
}

impl KeyCache {
    /// A cache for the service that calls itself `issuer`, its URL without a slash at the end.
    #[must_use]
    pub fn new(issuer: impl Into<String>, bounds: KeyCacheBounds) -> Self {
        Self { issuer: issuer.into(), bounds, kept: None, tried_at: None, refused: None }
    }

    /// The service that the keys are of.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The keys for a token that names `kid`, at the moment `at`: those kept, or fetched anew if they are due
    /// or lack the key, unless the last attempt was a moment ago.
    ///
    /// A key that is not among what comes back is for [`avouch_token::verify_token`] to refuse.
    ///
    /// # Errors
    /// [`KeyCacheError`] if there are none that may still be believed.
    pub fn keys_for(
        &mut self,
        kid: Option<&str>,
        fetch: &dyn Fetch,
        at: UnixTime,
    ) -> Result<&Jwks, KeyCacheError> {
        // Keys that may serve no longer are due, however seldom they are to be fetched.
        let fresh_seconds = self.bounds.refresh_seconds.min(self.bounds.keep_seconds);
        let due = !self.is_within(fresh_seconds, at) || !self.knows(kid);
        let fetched = if due { self.try_fetch(fetch, at) } else { Ok(()) };
        let still_good = match &fetched {
            // What was just fetched is of this moment.
            Ok(()) => due || self.is_within(fresh_seconds, at),
            // It answered, and not as itself: what it said before is not what it says now, and is not again
            // where it then does not answer or is not asked.
            Err(_) if self.refused.is_some() => self.is_within(fresh_seconds, at),
            Err(_) => self.is_within(self.bounds.keep_seconds, at),
        };
        match (&self.kept, fetched) {
            (Some(kept), _) if still_good => Ok(&kept.keys),
            (_, Err(error)) => Err(error),
            (_, Ok(())) => Err(self.waiting(at)),
        }
    }

    /// Whether what is kept was fetched at most so many seconds before `at`, and not after it.
    fn is_within(&self, seconds: u32, at: UnixTime) -> bool {
        self.kept.as_ref().is_some_and(|kept| {
            let end = kept.fetched_at.saturating_add_seconds(i64::from(seconds));
            kept.fetched_at <= at && at < end
        })
    }

    fn knows(&self, kid: Option<&str>) -> bool {
        let Some(kid) = kid else { return true };
        self.kept.as_ref().is_some_and(|kept| {
            let unusable = kept.keys.unusable().iter().any(|key| key.kid.as_deref() == Some(kid));
            unusable || kept.keys.keys().iter().any(|key| key.kid() == Some(kid))
        })
    }

    fn next_at(&self, tried_at: UnixTime) -> UnixTime {
        tried_at.saturating_add_seconds(i64::from(self.bounds.retry_seconds))
    }

    fn waiting(&self, at: UnixTime) -> KeyCacheError {
        let tried_at = self.tried_at.unwrap_or(at);
        KeyCacheError::Waiting { tried_at, next_at: self.next_at(tried_at) }
    }

    fn try_fetch(&mut self, fetch: &dyn Fetch, at: UnixTime) -> Result<(), KeyCacheError> {
        // A clock that was set back does not stop the next attempt for long.
        if self.tried_at.is_some_and(|tried| tried <= at && at < self.next_at(tried)) {
            let refused = self.refused.clone().map(KeyCacheError::Refused);
            return Err(refused.unwrap_or_else(|| self.waiting(at)));
        }
        self.tried_at = Some(at);
        let metadata = fetch.get(&format!("{}{METADATA_PATH}", self.issuer))?;
        let keys = fetch.get(&keys_url(&self.issuer))?;
        match Discovered::judge(&metadata, &keys, &self.issuer).into_keys() {
            Ok(keys) => {
                self.kept = Some(Kept { keys, fetched_at: at });
                self.refused = None;
                Ok(())
            }
            Err(check) => {
                self.refused = Some(check.clone());
                Err(KeyCacheError::Refused(check))
            }
        }
    }
}

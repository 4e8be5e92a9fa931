//! An issuer's keys: fetched when needed, kept, and fetched again within a rate.
//!
//! Who has a key that is known never waits: keys that are due to be fetched again serve meanwhile,
//! within a bound of their age. A fetch is a task of its own that nobody's
//! disconnecting can cancel, and all who need its outcome wait for the same one.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use avouch_token::Jwks;
use tokio::sync::watch;

use super::fetch::{Fetcher, OidcError, Spelling};
use crate::error::Fault;

/// How old keys may become before they are fetched again.
const FRESH: Duration = Duration::from_secs(3600);
/// How old keys may become while the issuer does not answer. Until then they serve at once. A key that its issuer withdrew would
/// otherwise be believed for as long as an attacker keeps the issuer unreachable. Where it answers, and with something
/// else than its keys, they become no older than fresh ones.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// Fetches that tokens with unknown keys can cause at once, and how long until one more.
pub(super) const FETCHES_AT_ONCE: u32 = 4;
pub(super) const FETCH_PAUSE: Duration = Duration::from_secs(30);

/// The keys of an issuer.
#[derive(Debug)]
pub(crate) struct IssuerKeys {
    fetcher: Arc<Fetcher>,
    pub(super) known: Arc<ArcSwapOption<Known>>,
    fetching: Mutex<Fetching>,
}

#[derive(Debug)]
pub(super) struct Known {
    pub(super) keys: Arc<Jwks>,
    pub(super) fetched_at: Instant,
    /// What the issuer answered since was something else.
    pub(super) is_disowned: bool,
}

impl Known {
    /// Whether they may serve at all.
    fn serves(&self, now: Instant) -> bool {
        self.is_younger(if self.is_disowned { FRESH } else { STALE }, now)
    }

    fn is_younger(&self, age: Duration, now: Instant) -> bool {
        now.saturating_duration_since(self.fetched_at) < age
    }
}

/// The fetch under way, and the right to begin another.
#[derive(Debug)]
struct Fetching {
    budget: Budget,
    /// Closed when the fetch is over.
    under_way: Option<watch::Receiver<()>>,
}

impl IssuerKeys {
    /// The keys of an issuer that is fetched from when somebody asks.
    ///
    /// # Errors
    /// [`OidcError`] if its CA file cannot be used.
    pub(crate) fn of(
        issuer: &str,
        ca_file: Option<&Path>,
        spelling: Spelling,
    ) -> Result<Self, OidcError> {
        Ok(Self::new(Fetcher::new(issuer, ca_file, spelling)?, Instant::now()))
    }

    /// No keys yet.
    pub(super) fn new(fetcher: Fetcher, now: Instant) -> Self {
        let budget = Budget { fetches_left: FETCHES_AT_ONCE, growing_since: now };
        Self {
            fetcher: Arc::new(fetcher),
            known: Arc::default(),
            fetching: Mutex::new(Fetching { budget, under_way: None }),
        }
    }

    /// The keys: those known, or newer ones than `outdated` if they can be had. Waits only where
    /// there are none, or none that will do.
    ///
    /// # Errors
    /// 503 if there are none that are not too old.
    pub(crate) async fn get(
        &self,
        outdated: Option<&Arc<Jwks>>,
        now: Instant,
    ) -> Result<Arc<Jwks>, Fault> {
        if let Some(known) = &*self.known.load() {
            let is_outdated = outdated.is_some_and(|outdated| Arc::ptr_eq(outdated, &known.keys));
            if known.serves(now) && !is_outdated {
                if !known.is_younger(FRESH, now) {
                    // Goes on by itself.
                    let _under_way = self.fetch(now);
                }
                return Ok(Arc::clone(&known.keys));
            }
        }
        if let Some(mut over) = self.fetch(now) {
            // Nothing is ever sent: the fetch closes the channel when it is over.
            let _ = over.changed().await;
        }
        match &*self.known.load() {
            Some(known) if known.serves(now) => Ok(Arc::clone(&known.keys)),
            _ => Err(Fault::unavailable("The issuer of the token does not answer.")),
        }
    }

    /// Joins the fetch under way or begins one, if the rate allows it.
    fn fetch(&self, now: Instant) -> Option<watch::Receiver<()>> {
        let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(under_way) = &fetching.under_way
            && under_way.has_changed().is_ok()
        {
            return Some(under_way.clone());
        }
        if !fetching.budget.take(now) {
            return None;
        }
        let (end, over) = watch::channel(());
        fetching.under_way = Some(over.clone());
        let (fetcher, known) = (Arc::clone(&self.fetcher), Arc::clone(&self.known));
        tokio::spawn(async move {
            match fetcher.fetch().await {
                Ok(keys) => {
                    let keys = Arc::new(keys);
                    let fetched = Known { keys, fetched_at: now, is_disowned: false };
                    known.store(Some(Arc::new(fetched)));
                }
                Err(error) => {
                    let issuer = fetcher.issuer();
                    tracing::warn!(issuer, %error, "cannot fetch an issuer's keys");
                    // One fetch at a time: nobody else stores anything.
                    if let Some(known_before) = &*known.load()
                        && error.is_answer()
                    {
                        let keys = Arc::clone(&known_before.keys);
                        let fetched_at = known_before.fetched_at;
                        known.store(Some(Arc::new(Known { keys, fetched_at, is_disowned: true })));
                    }
                }
            }
            drop(end);
        });
        Some(over)
    }
}

/// How many fetches may begin: nobody can make us ask the issuer all the time.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) fetches_left: u32,
    /// Since when the next right to fetch has been growing.
    pub(super) growing_since: Instant,
}

impl Budget {
    /// Takes one right to fetch, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        while self.fetches_left < FETCHES_AT_ONCE
            && now.saturating_duration_since(self.growing_since) >= FETCH_PAUSE
        {
            self.fetches_left = self.fetches_left.saturating_add(1);
            self.growing_since = self.growing_since.checked_add(FETCH_PAUSE).unwrap_or(now);
        }
        if self.fetches_left == FETCHES_AT_ONCE {
            self.growing_since = now;
        }
        let may = self.fetches_left > 0;
        self.fetches_left = self.fetches_left.saturating_sub(1);
        may
    }
}

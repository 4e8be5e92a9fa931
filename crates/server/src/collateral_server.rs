//! What a site's verifiers fetch here instead of from the vendors, and what is fetched because they ask.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use avouch_endorsements::{EndorsementName, MirrorScope, Published};
use avouch_wire::UnixTime;
use futures_util::future::BoxFuture;

use crate::config::CollateralServerConfig;
use crate::{AtHand, Fault};

/// Where the endorsements come from that are served.
pub trait Collateral: Send + Sync + 'static {
    /// What is at hand for a name and in force.
    fn at_hand(&self, name: &EndorsementName, at: UnixTime) -> Option<Arc<Published>>;

    /// Sees to it that something is at hand, within a bounded time.
    fn fetch(&self, name: EndorsementName) -> BoxFuture<'_, Result<(), NotFetched>>;
}

/// Why something could not be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotFetched {
    /// Every source that may be asked for it says that there is none.
    Absent,
    /// It is still being fetched, or its sources do not answer, or may not be asked now.
    Later,
}

impl Collateral for AtHand {
    fn at_hand(&self, name: &EndorsementName, at: UnixTime) -> Option<Arc<Published>> {
        self.snapshot().to_serve(name, at).cloned()
    }

    fn fetch(&self, name: EndorsementName) -> BoxFuture<'_, Result<(), NotFetched>> {
        Box::pin(async move {
            let fetched = self.fetch(&[name]).await.ok_or(NotFetched::Absent)?;
            match fetched.failed.as_slice() {
                [] if fetched.under_way.is_empty() => Ok(()),
                [error] if error.is_absence() => Err(NotFetched::Absent),
                _ => Err(NotFetched::Later),
            }
        })
    }
}

/// Serves endorsements to a site.
///
/// What one request can cause beside its own answer is one fetch, and that only of what is not at
/// hand, is in the scope, and is not too much for this minute.
pub struct CollateralServer {
    source: Arc<dyn Collateral>,
    scope: MirrorScope,
    per_minute_max: usize,
    asked: Mutex<OfMinute>,
}

/// What was asked of the source in a minute, each thing once.
#[derive(Default)]
struct OfMinute {
    minute: i64,
    names: BTreeSet<EndorsementName>,
}

/// Seconds after which to ask again for what is on its way.
const SOON: u32 = 5;

impl fmt::Debug for CollateralServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollateralServer").field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl CollateralServer {
    /// Serves from a source what the configuration allows.
    #[must_use]
    pub fn new(source: Arc<dyn Collateral>, config: &CollateralServerConfig) -> Self {
        Self {
            source,
            scope: MirrorScope::new(config.fetch.clone()),
            per_minute_max: config.fetches_per_minute_max.into(),
            asked: Mutex::default(),
        }
    }

    pub(crate) const fn source(&self) -> &Arc<dyn Collateral> {
        &self.source
    }

    /// Has something fetched because somebody asks.
    ///
    /// # Errors
    /// 404 if it is not fetched for anybody, or nobody has it; 503 if it is not to be had now.
    pub(crate) async fn fetch(&self, name: EndorsementName, at: UnixTime) -> Result<(), Fault> {
        if !self.scope.allows(&name) || self.per_minute_max == 0 {
            return Err(Fault::not_found(format!(
                "{name} is not at hand, and is not fetched because somebody asks for it \
                 (endorsements.server.fetch)."
            )));
        }
        if let Err(seconds) = self.take_turn(name, at) {
            let message = format!("{name} is not at hand, and too much was asked for this minute.");
            return Err(Fault::unavailable(message).after(seconds));
        }
        self.source.fetch(name).await.map_err(|why| match why {
            NotFetched::Absent => Fault::not_found(format!("No source has {name}.")),
            NotFetched::Later => {
                Fault::unavailable(format!("{name} is not at hand yet.")).after(SOON)
            }
        })
    }

    /// Counts a fetch, or says after how many seconds there may be one.
    fn take_turn(&self, name: EndorsementName, at: UnixTime) -> Result<(), u32> {
        let (minute, second) = (at.seconds().div_euclid(60), at.seconds().rem_euclid(60));
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.minute != minute {
            *asked = OfMinute { minute, names: BTreeSet::new() };
        }
        if asked.names.contains(&name) {
            return Ok(());
        }
        if asked.names.len() >= self.per_minute_max {
            return Err(60_u32.saturating_sub(second.try_into().unwrap_or(0)));
        }
        asked.names.insert(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests;

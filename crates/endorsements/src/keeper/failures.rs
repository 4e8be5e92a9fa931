//! Names that could not be had of late, and when to try again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::{FetchError, KeeperSettings};
use crate::EndorsementName;

/// At most `failures_max` of them; when there are more, the one that is soonest to be tried again goes.
#[derive(Debug, Default)]
pub(super) struct Failures {
    by_name: HashMap<EndorsementName, Failed>,
}

#[derive(Debug)]
pub(super) struct Failed {
    pub(super) error: Arc<FetchError>,
    pub(super) attempts: u32,
    /// Of [`super::Clock::elapsed`].
    pub(super) retry_at: Duration,
}

impl Failures {
    pub(super) fn get(&self, name: &EndorsementName) -> Option<&Failed> {
        self.by_name.get(name)
    }

    /// The failure that still stands at a moment.
    pub(super) fn standing(
        &self,
        name: &EndorsementName,
        now: Duration,
    ) -> Option<&Arc<FetchError>> {
        self.by_name.get(name).filter(|failed| now < failed.retry_at).map(|failed| &failed.error)
    }

    pub(super) fn remove(&mut self, name: &EndorsementName) {
        self.by_name.remove(name);
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&EndorsementName, &Failed)> {
        self.by_name.iter()
    }

    /// Remembers a failure. `chance` is between 0 and 1: many who failed together come back apart.
    pub(super) fn add(
        &mut self,
        error: Arc<FetchError>,
        settings: &KeeperSettings,
        chance: f64,
        now: Duration,
    ) {
        let before = self.by_name.get(&error.name).map_or(0, |failed| failed.attempts);
        let attempts = before.saturating_add(1);
        let pause = error.rest().unwrap_or_else(|| back_off(&error, settings, attempts));
        let retry_at = now.saturating_add(spread(pause, chance));
        let name = error.name;
        self.by_name.insert(name, Failed { error, attempts, retry_at });
        if self.by_name.len() > settings.failures_max {
            let soonest = self.by_name.iter().min_by_key(|(_, failed)| failed.retry_at);
            if let Some(soonest) = soonest.map(|(name, _)| *name) {
                self.by_name.remove(&soonest);
            }
        }
    }
}

/// Twice as long after each failure; of what no source has, the longest at once.
fn back_off(error: &FetchError, settings: &KeeperSettings, attempts: u32) -> Duration {
    if error.is_absence() {
        return settings.retry_max;
    }
    let doublings = attempts.saturating_sub(1).min(16);
    settings.retry_first.saturating_mul(1_u32 << doublings).min(settings.retry_max)
}

/// Up to a quarter longer.
pub(super) fn spread(pause: Duration, chance: f64) -> Duration {
    pause.saturating_add(pause.mul_f64(chance.clamp(0.0, 1.0) / 4.0))
}

//! Rights that are used up and grow again: how often somebody may cause what is kept.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use moka::sync::Cache;

/// How many rights there are at most, and how long until one has grown again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) at_once: u32,
    pub(crate) pause: Duration,
}

impl Rate {
    /// So many in a minute, at once or one after the other.
    pub(crate) fn per_minute(count: u32) -> Self {
        let minute = Duration::from_secs(60);
        Self { at_once: count, pause: minute.checked_div(count).unwrap_or(minute) }
    }
}

/// The rights of each of many; of more than are counted, the one longest silent starts anew.
#[derive(Debug)]
pub(crate) struct Allowances(Cache<String, Arc<Mutex<Allowance>>>);

#[derive(Debug)]
struct Allowance {
    left: u32,
    /// Since when the next right has been growing.
    growing_since: Instant,
    /// What was left out since a right was used last.
    left_out: u64,
}

impl Allowances {
    pub(crate) fn new(counted_max: u64) -> Self {
        Self(Cache::new(counted_max))
    }

    /// Takes one of somebody's rights: how often there was none before it, or none if there is none now.
    pub(crate) fn take(&self, name: &str, rate: Rate, now: Instant) -> Option<u64> {
        let allowance = self.0.get_with_by_ref(name, || {
            let fresh = Allowance { left: rate.at_once, growing_since: now, left_out: 0 };
            Arc::new(Mutex::new(fresh))
        });
        allowance.lock().unwrap_or_else(PoisonError::into_inner).take(rate, now)
    }
}

impl Allowance {
    fn take(&mut self, rate: Rate, now: Instant) -> Option<u64> {
        while self.left < rate.at_once
            && now.saturating_duration_since(self.growing_since) >= rate.pause
        {
            self.left = self.left.saturating_add(1);
            self.growing_since = self.growing_since.checked_add(rate.pause).unwrap_or(now);
        }
        if self.left >= rate.at_once {
            self.growing_since = now;
        }
        if self.left == 0 {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        }
        self.left = self.left.saturating_sub(1);
        Some(std::mem::take(&mut self.left_out))
    }
}

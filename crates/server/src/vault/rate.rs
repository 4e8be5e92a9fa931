//! How often each caller may ask for what costs much.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use avouch_store::Actor;
use moka::sync::Cache;

/// Callers that are counted; of more, the one longest silent starts anew.
const CALLERS_MAX: u64 = 10_000;
const MINUTE: Duration = Duration::from_secs(60);

/// The rights of callers to ask, which grow back evenly.
#[derive(Debug)]
pub(crate) struct Rates {
    per_minute: u32,
    callers: Cache<String, Arc<Mutex<Allowance>>>,
}

#[derive(Debug)]
struct Allowance {
    left: u32,
    /// Since when the next right has been growing.
    growing_since: Instant,
}

impl Rates {
    /// So many in a minute, each.
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute: per_minute.max(1), callers: Cache::new(CALLERS_MAX) }
    }

    /// Takes one of a caller's rights, or says after how many seconds there is one.
    pub(crate) fn take(&self, actor: &Actor, now: Instant) -> Result<(), u32> {
        let key = format!("{:?} {}", actor.kind(), actor.id());
        let allowance = self.callers.get_with(key, || {
            Arc::new(Mutex::new(Allowance { left: self.per_minute, growing_since: now }))
        });
        let mut allowance = allowance.lock().unwrap_or_else(PoisonError::into_inner);
        allowance.take(self.per_minute, now)
    }
}

impl Allowance {
    fn take(&mut self, per_minute: u32, now: Instant) -> Result<(), u32> {
        let each = MINUTE.checked_div(per_minute).unwrap_or(MINUTE);
        let grown = now.saturating_duration_since(self.growing_since).as_nanos();
        let grown = grown.checked_div(each.as_nanos().max(1)).unwrap_or(0);
        let grown = u32::try_from(grown).unwrap_or(u32::MAX);
        let all = self.left.saturating_add(grown).min(per_minute);
        if all == per_minute {
            self.growing_since = now;
        } else {
            let grown = each.saturating_mul(grown);
            self.growing_since = self.growing_since.checked_add(grown).unwrap_or(now);
        }
        self.left = all;
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(u32::try_from(each.as_secs().max(1)).unwrap_or(u32::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use avouch_store::{Actor, ActorKind};

    use super::Rates;

    #[test]
    fn each_caller_has_its_releases_of_a_minute_and_they_grow_back_evenly() {
        let rates = Rates::new(4);
        let [noisy, other] = ["noisy", "other"].map(|id| Actor::new(ActorKind::User, id).unwrap());
        let start = Instant::now();
        for _ in 0..4 {
            assert_eq!(rates.take(&noisy, start), Ok(()));
        }
        assert_eq!(rates.take(&noisy, start), Err(15));
        assert_eq!(rates.take(&other, start), Ok(()));
        // The same name of another kind of caller is somebody else.
        let key = Actor::new(ActorKind::Key, "noisy").unwrap();
        assert_eq!(rates.take(&key, start), Ok(()));
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(rates.take(&noisy, at(14)), Err(15));
        assert_eq!(rates.take(&noisy, at(15)), Ok(()));
        assert_eq!(rates.take(&noisy, at(29)), Err(15));
        assert_eq!(rates.take(&noisy, at(30)), Ok(()));
        for _ in 0..4 {
            assert_eq!(rates.take(&noisy, at(3600)), Ok(()));
        }
        assert_eq!(rates.take(&noisy, at(3600)), Err(15));
    }
}

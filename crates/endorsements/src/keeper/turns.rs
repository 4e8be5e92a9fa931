//! When a source may be asked: its budget, and how long it is left alone.

use std::time::Duration;

use crate::{Budget, SourceFailure};

/// So many connections fail in a row before a source is left alone.
const BROKEN_MAX: u32 = 3;

/// All times are of [`super::Clock::elapsed`].
#[derive(Debug)]
pub(super) struct Turns {
    budget: Budget,
    /// When the budget will be whole again.
    whole_at: Duration,
    rests_until: Duration,
    /// The same for the few things that everything rests on: a storm of others must not keep them away.
    few_rest_until: Duration,
    broken: u32,
}

/// The longest that a source is left alone for the few things that everything rests on.
const FEW_REST_MAX: Duration = Duration::from_secs(60);

impl Turns {
    pub(super) const fn new(budget: Budget) -> Self {
        let (whole_at, rests_until) = (Duration::ZERO, Duration::ZERO);
        Self { budget, whole_at, rests_until, few_rest_until: Duration::ZERO, broken: 0 }
    }

    /// How long it is still left alone; zero if it is not.
    pub(super) const fn rest(&self, now: Duration) -> Duration {
        self.rests_until.saturating_sub(now)
    }

    /// Refused while it is left alone, for one of the few things or for others.
    pub(super) const fn check_rest(
        &self,
        is_few: bool,
        now: Duration,
    ) -> Result<(), SourceFailure> {
        let rest = if is_few { self.few_rest_until.saturating_sub(now) } else { self.rest(now) };
        if rest.is_zero() { Ok(()) } else { Err(SourceFailure::Resting(rest)) }
    }

    /// Whether the next turn would come at once.
    pub(super) fn is_free(&self, now: Duration) -> bool {
        self.check_rest(false, now).is_ok() && self.next(now).1.is_zero()
    }

    /// When the budget is whole again after one more turn, and how long it is until that turn.
    fn next(&self, now: Duration) -> (Duration, Duration) {
        let whole_at = self.whole_at.max(now).saturating_add(self.budget.pause);
        let burst = self.budget.pause.saturating_mul(self.budget.burst.get());
        (whole_at, whole_at.saturating_sub(now).saturating_sub(burst))
    }

    /// Takes the next turn; gives how long it is until then.
    pub(super) fn take(&mut self, now: Duration) -> Result<Duration, SourceFailure> {
        self.check_rest(false, now)?;
        let (whole_at, wait) = self.next(now);
        if wait > self.budget.wait_max {
            return Err(SourceFailure::Budget(self.budget.wait_max));
        }
        self.whole_at = whole_at;
        Ok(wait)
    }

    /// Leaves it alone as it asked for, or for `pause` where it only says that it is busy or where nobody
    /// has been there for several times.
    pub(super) fn after_failure(
        &mut self,
        failure: &SourceFailure,
        now: Duration,
        pause: Duration,
    ) {
        let rest = match failure {
            SourceFailure::Busy { retry_after, .. } => Some(retry_after.unwrap_or(pause)),
            SourceFailure::Connection(_) | SourceFailure::TimedOut(_) => {
                self.broken = self.broken.saturating_add(1);
                (self.broken >= BROKEN_MAX).then_some(pause)
            }
            // Somebody is there.
            _ => {
                self.broken = 0;
                None
            }
        };
        if let Some(rest) = rest {
            let few_rest = if rest < FEW_REST_MAX { rest } else { FEW_REST_MAX };
            self.rests_until = self.rests_until.max(now.saturating_add(rest));
            self.few_rest_until = self.few_rest_until.max(now.saturating_add(few_rest));
        }
    }

    pub(super) const fn after_success(&mut self) {
        self.broken = 0;
    }
}

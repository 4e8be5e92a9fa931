//! When to attest again. No clock and no randomness: both are arguments.

use std::time::Duration;

/// Seconds before the first retry.
const FIRST_RETRY_SECONDS: u64 = 5;
/// Doublings of that: more than enough to reach any interval.
const DOUBLINGS_MAX: u32 = 16;

/// How an attestation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With a token.
    Attested,
    /// The answer was no, which does not change by asking at once again.
    Refused,
    /// The service or the TPM could not be asked.
    Failed,
}

/// Attests every so many seconds, spread out, and after failures sooner but ever more slowly.
///
/// Many machines that start together would otherwise come together every time.
#[derive(Debug, Clone)]
pub struct Schedule {
    every_seconds: u64,
    jitter_seconds: u64,
    failures: u32,
}

impl Schedule {
    /// Every `every_seconds` (at least one), each time up to `jitter_seconds` sooner, of
    /// which there are at most half the interval.
    #[must_use]
    pub fn new(every_seconds: u64, jitter_seconds: u64) -> Self {
        let every_seconds = every_seconds.max(1);
        Self { every_seconds, jitter_seconds: jitter_seconds.min(every_seconds / 2), failures: 0 }
    }

    /// How long to wait after an attestation; `random` is any number, uniform over all.
    ///
    /// After a failure it is half to the whole of 5 s, 10 s, 20 s and so on, never more than the interval.
    /// A refusal waits for the interval: who was refused once is not heard sooner.
    pub fn next(&mut self, outcome: Outcome, random: u64) -> Duration {
        if outcome == Outcome::Failed {
            let doublings = self.failures.min(DOUBLINGS_MAX);
            self.failures = self.failures.saturating_add(1);
            let longest = FIRST_RETRY_SECONDS
                .saturating_mul(1_u64.checked_shl(doublings).unwrap_or(u64::MAX))
                .min(self.every_seconds);
            return sooner(longest, longest / 2, random);
        }
        self.failures = 0;
        sooner(self.every_seconds, self.jitter_seconds, random)
    }
}

/// `seconds` without a part of `spread_seconds`, by milliseconds.
fn sooner(seconds: u64, spread_seconds: u64, random: u64) -> Duration {
    let spread = spread_seconds.saturating_mul(1000).saturating_add(1);
    let less = random.checked_rem(spread).unwrap_or(0);
    Duration::from_millis(seconds.saturating_mul(1000).saturating_sub(less))
}

#[cfg(test)]
mod tests;

//! When evidence is made anew.

use std::time::Duration;

use avouch_wire::UnixTime;

/// Evidence is never made anew sooner than that, in seconds.
const AGE_SECONDS_MIN: i64 = 60;
/// The first pause after a failure, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// Whether evidence is to be made anew: it is as old as it may become, or half of the time for which it holds
/// is over.
pub(super) fn is_due(
    made_at: UnixTime,
    holds_until: Option<UnixTime>,
    refresh_seconds: i64,
    now: UnixTime,
) -> bool {
    let holds = holds_until.map(|until| until.seconds().saturating_sub(made_at.seconds()));
    let half = holds.map_or(i64::MAX, |seconds| seconds / 2);
    let age_max = refresh_seconds.min(half).max(AGE_SECONDS_MIN);
    now >= made_at.saturating_add_seconds(age_max)
}

/// How long a TEE is left alone that failed so often in a row.
pub(super) fn pause(failed_in_a_row: u32) -> Duration {
    let doublings = failed_in_a_row.saturating_sub(1).min(16);
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests;

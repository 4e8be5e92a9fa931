//! When evidence is made anew.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use avouch_wire::UnixTime;

/// Evidence is never made anew sooner than that, in seconds.
const AGE_SECONDS_MIN: i64 = 60;
/// The first pause after a failure, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// Most bytes of evidence in one key set: of the keys that all providers share, and of the provider's own. In
/// base64 both take 300 KB, and readers take 1 MiB of a key set with up to 256 keys.
const SHARED_BYTES_MAX: usize = 160 * 1024;
const OWN_BYTES_MAX: usize = 64 * 1024;

/// A key for tokens that wants evidence: its name, and the number of the provider that it is for.
pub(super) type Wanting<'k> = (&'k str, Option<u64>);

/// Those of the keys for whose evidence key sets have room: in their order, while there is some. Evidence whose size
/// is not known yet counts as the largest that is.
pub(super) fn with_room<'k>(
    keys: impl IntoIterator<Item = Wanting<'k>>,
    bytes_of: impl Fn(&str) -> Option<usize>,
    largest: usize,
) -> HashSet<&'k str> {
    let mut left = HashMap::new();
    let mut found = HashSet::new();
    for (kid, provider) in keys {
        let all = if provider.is_none() { SHARED_BYTES_MAX } else { OWN_BYTES_MAX };
        let left = left.entry(provider).or_insert(Some(all));
        // None after the first that has none: what comes later is needed later.
        *left = left.and_then(|left| left.checked_sub(bytes_of(kid).unwrap_or(largest)));
        if left.is_some() {
            found.insert(kid);
        }
    }
    found
}

/// Whether evidence is to be made anew: it is as old as it may become, or half of the time for which it holds
/// is over, or the clock was ahead when it was made.
pub(super) fn is_due(
    made_at: UnixTime,
    holds_until: Option<UnixTime>,
    refresh_seconds: i64,
    now: UnixTime,
) -> bool {
    let holds = holds_until.map(|until| until.seconds().saturating_sub(made_at.seconds()));
    let half = holds.map_or(i64::MAX, |seconds| seconds / 2);
    let age_max = refresh_seconds.min(half).max(AGE_SECONDS_MIN);
    now < made_at || now >= made_at.saturating_add_seconds(age_max)
}

/// How long a TEE is left alone that failed so often in a row.
pub(super) fn pause(failed_in_a_row: u32) -> Duration {
    let doublings = failed_in_a_row.saturating_sub(1).min(16);
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests;

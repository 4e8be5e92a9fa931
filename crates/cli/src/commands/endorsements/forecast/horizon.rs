//! Until when a verdict holds. It can only change where something begins or ends, so it is asked for
//! at the ends of the windows that it rests on, and between two of these by halving.

use avouch_engine::{Appraisal, AppraisalError, Decision, Outcome, OutdatedComponent};
use avouch_wire::UnixTime;

/// The most windows that are followed, one after the other.
const WINDOWS_MAX: usize = 1_000;

/// What came of an appraisal at one moment.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) outcome: Outcome,
    /// Parts that are too old.
    pub(super) outdated: Vec<OutdatedComponent>,
    /// The last moment at which all that it rests on is in force, if that is known.
    pub(super) in_force_until: Option<UnixTime>,
}

impl Seen {
    pub(super) fn of(said: &Result<Appraisal, AppraisalError>) -> Self {
        let appraisal = said.as_ref().ok();
        let outdated = appraisal.map(|appraisal| match &appraisal.decision {
            Decision::Permit(_) => Vec::new(),
            Decision::Deny(refused) => refused.outdated().to_vec(),
        });
        let window = appraisal.and_then(|appraisal| appraisal.facts.grounds().window);
        Self {
            outcome: Outcome::of(said.as_ref()),
            outdated: outdated.unwrap_or_default(),
            in_force_until: window.map(|window| window.not_after),
        }
    }

    pub(super) const fn is_permitted(&self) -> bool {
        self.outcome.is_permitted()
    }
}

/// The first moment after `from`, up to `until`, at which `judge` does not permit, and what it says
/// then. `from` is permitted. Within one window what was refused stays refused.
pub(super) fn first_refusal(
    from: (UnixTime, Seen),
    until: UnixTime,
    judge: &mut dyn FnMut(UnixTime) -> Seen,
) -> Option<(UnixTime, Seen)> {
    let (mut begin, mut seen) = from;
    for _ in 0..WINDOWS_MAX {
        let end = seen.in_force_until.unwrap_or(until).clamp(begin, until);
        let last = judge(end);
        if !last.is_permitted() {
            return Some(halve(begin, (end, last), judge));
        }
        if end >= until {
            return None;
        }
        begin = end.saturating_add_seconds(1);
        seen = judge(begin);
        if !seen.is_permitted() {
            return Some((begin, seen));
        }
    }
    None
}

/// The first refused moment after `permitted`, given one that is.
fn halve(
    mut permitted: UnixTime,
    mut refused: (UnixTime, Seen),
    judge: &mut dyn FnMut(UnixTime) -> Seen,
) -> (UnixTime, Seen) {
    loop {
        let seconds = refused.0.seconds().saturating_sub(permitted.seconds());
        if seconds <= 1 {
            return refused;
        }
        let middle = permitted.saturating_add_seconds(seconds / 2);
        let seen = judge(middle);
        if seen.is_permitted() {
            permitted = middle;
        } else {
            refused = (middle, seen);
        }
    }
}

#[cfg(test)]
mod tests;

//! How many chips a sender makes us ask AMD for: a chip id is whatever a report says, and AMD's service
//! takes few requests.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Chips of one sender at once, and the time in which the right to one more grows.
const BURST: u32 = 8;
const PAUSE: Duration = Duration::from_secs(30);
/// Senders that are remembered; while there are more, no others are served.
const SENDERS_MAX: usize = 4096;

/// When each sender's right will be whole again.
#[derive(Debug, Default)]
pub(super) struct Chips {
    whole_at: Mutex<HashMap<IpAddr, Instant>>,
}

impl Chips {
    /// Takes the right to so many, if the sender has it.
    pub(super) fn take(&self, sender: IpAddr, count: usize, now: Instant) -> bool {
        let Ok(count) = u32::try_from(count) else { return false };
        if count == 0 {
            return true;
        }
        let mut whole_at = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        if whole_at.len() >= SENDERS_MAX {
            whole_at.retain(|_, moment| *moment > now);
        }
        let begins = whole_at.get(&sender).copied().unwrap_or(now).max(now);
        let ends = begins.checked_add(PAUSE.saturating_mul(count)).unwrap_or(begins);
        let has_room = whole_at.len() < SENDERS_MAX || whole_at.contains_key(&sender);
        let may = has_room && ends.saturating_duration_since(now) <= PAUSE.saturating_mul(BURST);
        if may {
            whole_at.insert(sender, ends);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Instant;

    use super::{BURST, Chips, PAUSE, SENDERS_MAX};

    fn sender(number: usize) -> IpAddr {
        let [_, _, high, low] = u32::try_from(number).unwrap().to_be_bytes();
        IpAddr::from([192, 0, high, low])
    }

    #[test]
    fn a_sender_has_a_burst_and_then_one_with_each_pause_and_others_have_their_own() {
        let (chips, begun) = (Chips::default(), Instant::now());
        let taken = (0..100).filter(|_| chips.take(sender(1), 1, begun)).count();
        assert_eq!(taken, BURST as usize);
        assert!(chips.take(sender(2), BURST as usize, begun));
        assert!(chips.take(sender(1), 0, begun), "nothing is always free");
        assert!(!chips.take(sender(1), 1, begun + PAUSE / 2));
        assert!(!chips.take(sender(1), 2, begun + PAUSE));
        assert!(chips.take(sender(1), 1, begun + PAUSE));
        assert!(!chips.take(sender(1), 1, begun + PAUSE));
        let later = begun + 1000 * PAUSE;
        assert_eq!((0..100).filter(|_| chips.take(sender(1), 1, later)).count(), BURST as usize);
    }

    #[test]
    fn senders_who_have_paid_are_forgotten_and_beyond_the_limit_nobody_new_is_served() {
        let (chips, begun) = (Chips::default(), Instant::now());
        assert!((0..SENDERS_MAX).all(|number| chips.take(sender(number), 1, begun)));
        assert!(!chips.take(sender(SENDERS_MAX), 1, begun));
        assert!(chips.take(sender(0), 1, begun));
        assert!(chips.take(sender(SENDERS_MAX), 1, begun + PAUSE));
    }
}

//! How many chips a sender makes us ask AMD for: a chip id is whatever a report says, and AMD's service
//! takes few requests.
//!
//! Whoever has one address often has many. So an address counts, and with it the networks that it is of,
//! at two more widths: whatever addresses somebody has in a network of the widest kind, half of what AMD's
//! service takes is left to all others. What nobody else wants may be taken beyond that.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What senders of one network may have us ask for.
#[derive(Debug, Clone, Copy)]
struct Right {
    /// Length of the prefix that makes one of them, in bits.
    v4_bits: u32,
    v6_bits: u32,
    /// Chips at once, and the time in which the right to one more grows.
    burst: u32,
    pause: Duration,
}

/// From the narrowest to the widest. AMD's service gives one chip in ten seconds, and ten wait for it at
/// most: the widest network has half of both.
const RIGHTS: [Right; 3] = [
    Right { v4_bits: 32, v6_bits: 64, burst: 4, pause: Duration::from_secs(30) },
    Right { v4_bits: 24, v6_bits: 48, burst: 4, pause: Duration::from_secs(25) },
    Right { v4_bits: 16, v6_bits: 32, burst: 5, pause: Duration::from_secs(20) },
];
/// Networks of one width that are remembered; while there are more, no others are served.
const NETWORKS_MAX: usize = 4096;
/// How often a turn that nobody waits for is given beyond the right of a network.
const LEFT_OVER_PAUSE: Duration = Duration::from_secs(10);

/// When each network's right will be whole again, by width.
#[derive(Debug, Default)]
pub(super) struct Chips(Mutex<Of>);

#[derive(Debug, Default)]
struct Of {
    whole_at: [HashMap<IpAddr, Instant>; RIGHTS.len()],
    left_over_again: Option<Instant>,
}

impl Right {
    fn network(&self, address: IpAddr) -> IpAddr {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(u32::BITS.saturating_sub(self.v4_bits));
                IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask.unwrap_or(0)))
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(u128::BITS.saturating_sub(self.v6_bits));
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask.unwrap_or(0)))
            }
        }
    }

    /// When the right is whole again if so many more are taken; none if that is too many.
    fn taken(&self, whole_at: Option<Instant>, count: u32, now: Instant) -> Option<Instant> {
        let begins = whole_at.unwrap_or(now).max(now);
        let ends = begins.checked_add(self.pause.saturating_mul(count))?;
        let most = self.pause.saturating_mul(self.burst);
        (ends.saturating_duration_since(now) <= most).then_some(ends)
    }
}

impl Chips {
    /// Takes the right to so many, if the sender's address and all networks around it have it. With
    /// `is_free`, nobody waits for AMD's service: then the networks around it need not have it.
    pub(super) fn take(&self, sender: IpAddr, count: usize, is_free: bool, now: Instant) -> bool {
        let Ok(count) = u32::try_from(count) else { return false };
        if count == 0 {
            return true;
        }
        let mut of = self.lock();
        let networks = RIGHTS.map(|right| right.network(sender));
        let mut ends = Vec::new();
        for ((right, network), whole_at) in RIGHTS.iter().zip(networks).zip(&mut of.whole_at) {
            if whole_at.len() >= NETWORKS_MAX {
                whole_at.retain(|_, moment| *moment > now);
            }
            let has_room = whole_at.len() < NETWORKS_MAX || whole_at.contains_key(&network);
            let taken = right.taken(whole_at.get(&network).copied(), count, now);
            ends.push(taken.filter(|_| has_room));
        }
        let [own, around @ ..] = ends.as_slice() else { return false };
        if own.is_none() {
            return false;
        }
        if around.iter().any(Option::is_none) {
            if !is_free || of.left_over_again.is_some_and(|moment| now < moment) {
                return false;
            }
            of.left_over_again = now.checked_add(LEFT_OVER_PAUSE);
        }
        for ((network, whole_at), ends) in networks.iter().zip(&mut of.whole_at).zip(ends) {
            if let Some(ends) = ends {
                whole_at.insert(*network, ends);
            }
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Of> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

//! Attestations that wait to be noted: so many at most, and of each machine its share.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Attestations that wait to be noted.
const WAITING_MAX: usize = 1_000;
/// Those of one machine among them: whoever sends in a loop takes no more of the room.
const SHARE_MAX: usize = 8;

/// What waits: of a machine at a provider.
pub(super) trait Waits {
    /// Which machine at which provider.
    fn machine(&self) -> (u64, String);

    /// Takes in one of the same machine that came after it, if that says the same.
    fn join(&mut self, next: &Self) -> bool;
}

/// What waits to be noted, in the order in which it came.
#[derive(Debug)]
pub(super) struct Waiting<S> {
    line: Mutex<Line<S>>,
    woken: Notify,
}

#[derive(Debug)]
struct Line<S> {
    waiting: Vec<S>,
    /// How many there are of each machine at each provider, and where the last is.
    shares: HashMap<(u64, String), (usize, usize)>,
    is_closed: bool,
}

/// What became of an attestation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offered {
    /// It waits.
    Taken,
    /// It says what the one before it says, which counts as of the later moment.
    Joined,
    /// There is no room for it.
    Lost,
}

impl<S: Waits> Waiting<S> {
    pub(super) fn new() -> Self {
        let line = Line { waiting: Vec::new(), shares: HashMap::new(), is_closed: false };
        Self { line: Mutex::new(line), woken: Notify::new() }
    }

    pub(super) fn offer(&self, next: S) -> Offered {
        let offered = self.line().offer(next);
        self.woken.notify_one();
        offered
    }

    /// Nothing comes any more.
    pub(super) fn close(&self) {
        self.line().is_closed = true;
        self.woken.notify_one();
    }

    /// All that wait, once there are any; none when nothing comes any more.
    pub(super) async fn take(&self) -> Option<Vec<S>> {
        loop {
            {
                let mut line = self.line();
                if !line.waiting.is_empty() {
                    line.shares.clear();
                    return Some(std::mem::take(&mut line.waiting));
                }
                if line.is_closed {
                    return None;
                }
            }
            self.woken.notified().await;
        }
    }

    fn line(&self) -> MutexGuard<'_, Line<S>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Waits> Line<S> {
    fn offer(&mut self, next: S) -> Offered {
        let machine = next.machine();
        let (count, last) = self.shares.get(&machine).copied().unwrap_or_default();
        let before = self.waiting.get_mut(last).filter(|_| count > 0);
        if before.is_some_and(|before| before.join(&next)) {
            return Offered::Joined;
        }
        if count >= SHARE_MAX || self.waiting.len() >= WAITING_MAX {
            return Offered::Lost;
        }
        self.shares.insert(machine, (count.saturating_add(1), self.waiting.len()));
        self.waiting.push(next);
        Offered::Taken
    }
}

#[cfg(test)]
mod tests;

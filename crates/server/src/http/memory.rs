//! The memory that outsiders make the service hold: one budget, counted where it is held.
//!
//! What connections take by themselves is set aside before the first is accepted. The rest is
//! given out in shares: to heads and bodies as they arrive, by what they occupy, to what is made
//! of them, and to answers until the client has taken them. A part is kept for refusals, and a
//! part behind it for what probes and relying parties ask for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::addresses::Address;

/// What a connection takes by itself, in bytes: the state of TLS with a record in each direction,
/// the buffers of HTTP, an HPACK table.
pub const CONNECTION_BYTES: usize = 64 * 1024;
/// One part in so many is kept for probes, and one for refusals.
const KEPT_PART: usize = 16;
/// One address has at most one part in so many.
const ADDRESS_PART: usize = 2;

/// What a share is for: who may still have memory when others may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Requests that have work done.
    Work,
    /// Answers that refuse.
    Refusal,
    /// Health, keys and metadata.
    Probe,
}

/// What is held of the budget.
#[derive(Debug)]
pub(super) struct Memory {
    total: usize,
    held: AtomicUsize,
}

impl Memory {
    pub(super) const fn new(total: usize) -> Self {
        Self { total, held: AtomicUsize::new(0) }
    }

    fn take(&self, bytes: usize, of: Use) -> Result<(), Full> {
        add_within(&self.held, bytes, self.ceiling(of))
    }

    /// How much may be held for a use to have more.
    const fn ceiling(&self, of: Use) -> usize {
        let kept = self.total / KEPT_PART;
        match of {
            Use::Work => self.total.saturating_sub(kept).saturating_sub(kept),
            Use::Refusal => self.total.saturating_sub(kept),
            Use::Probe => self.total,
        }
    }

    fn give(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// There is no memory left for this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// Adds to a counter unless it would go over the limit.
fn add_within(counter: &AtomicUsize, more: usize, limit: usize) -> Result<(), Full> {
    let add = |held: usize| held.checked_add(more).filter(|sum| *sum <= limit);
    let added = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    added.map(|_| ()).map_err(|_| Full)
}

/// On whose account memory is held.
#[derive(Debug, Clone)]
pub(super) struct Account {
    memory: Arc<Memory>,
    address: Arc<Address>,
}

impl Account {
    pub(super) const fn new(memory: Arc<Memory>, address: Arc<Address>) -> Self {
        Self { memory, address }
    }

    /// A share of nothing yet.
    pub(super) fn open(&self, of: Use) -> Share {
        Share { account: self.clone(), of, bytes: 0 }
    }

    fn take(&self, bytes: usize, of: Use) -> Result<(), Full> {
        let most = self.memory.ceiling(of) / ADDRESS_PART;
        add_within(&self.address.bytes, bytes, most)?;
        self.memory.take(bytes, of).inspect_err(|Full| self.give_address(bytes))
    }

    fn give(&self, bytes: usize) {
        self.memory.give(bytes);
        self.give_address(bytes);
    }

    fn give_address(&self, bytes: usize) {
        self.address.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A part of the budget, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    account: Account,
    of: Use,
    bytes: usize,
}

impl Share {
    /// Holds `bytes` from now on, more or fewer than before.
    ///
    /// # Errors
    /// [`Full`]; then it holds what it held.
    pub(super) fn resize(&mut self, bytes: usize) -> Result<(), Full> {
        match bytes.checked_sub(self.bytes) {
            Some(more) => self.account.take(more, self.of)?,
            None => self.account.give(self.bytes.saturating_sub(bytes)),
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.account.give(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;

    use super::{Account, Full, Memory, Use};
    use crate::http::Limits;
    use crate::http::addresses::Addresses;

    fn accounts(total: usize) -> (Arc<Memory>, Vec<Account>) {
        let memory = Arc::new(Memory::new(total));
        let addresses = Arc::new(Addresses::new(Limits::default()));
        let account = |last: u8| {
            let ip = IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
            let place = addresses.connect(ip).unwrap();
            Account::new(Arc::clone(&memory), place.address())
        };
        let accounts = (0..4).map(account).collect();
        (memory, accounts)
    }

    #[test]
    fn work_leaves_memory_for_refusals_and_these_for_probes() {
        let (_memory, accounts) = accounts(1600);
        let mut shares = Vec::new();
        for (of, most) in [(Use::Work, 1400), (Use::Refusal, 100), (Use::Probe, 100)] {
            let mut held = 0;
            for account in &accounts {
                let mut share = account.open(of);
                while share.resize(share.bytes + 1).is_ok() {}
                held += share.bytes;
                shares.push(share);
            }
            assert_eq!(held, most, "{of:?}");
        }
    }

    #[test]
    fn one_address_cannot_take_everything() {
        let (_memory, accounts) = accounts(1600);
        let mut greedy = accounts[0].open(Use::Work);
        assert_eq!(greedy.resize(701), Err(Full));
        greedy.resize(700).unwrap();
        assert_eq!(accounts[0].open(Use::Work).resize(1), Err(Full));
        accounts[1].open(Use::Work).resize(700).unwrap();
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let (memory, accounts) = accounts(1600);
        let held = |memory: &Memory| memory.held.load(std::sync::atomic::Ordering::Relaxed);
        let mut share = accounts[0].open(Use::Work);
        share.resize(500).unwrap();
        assert_eq!(share.resize(5000), Err(Full));
        assert_eq!(held(&memory), 500);
        share.resize(20).unwrap();
        assert_eq!(held(&memory), 20);
        drop(share);
        assert_eq!(held(&memory), 0);
        accounts[0].open(Use::Work).resize(700).unwrap();
    }
}

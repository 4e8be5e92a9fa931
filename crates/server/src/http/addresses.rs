//! What each address has open: connections, handshakes, requests, memory.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::Limits;
use crate::processor::Spent;
use crate::work::Source;

/// Who counts as one: an IPv4 address, or the /64 of an IPv6 address, since whoever has one
/// address of it has them all.
#[must_use]
pub(crate) fn sender(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        address => address,
    }
}

/// The part of one processor that the connections of an address, and the work for its requests, may
/// take before they are done apart from those of others: a good client with fifty requests in a
/// second takes a fifth of it for its connections and half of it for its work.
const PARTS: u32 = 16;
/// The addresses that are known before those are looked for that can be forgotten.
const KNOWN_MIN: usize = 64;

/// All addresses that have connections, or still owe processor time: who comes back is no other.
#[derive(Debug)]
pub(super) struct Addresses {
    limits: Limits,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    addresses: HashMap<IpAddr, Arc<Address>>,
    /// How many there may be before those are forgotten that can be.
    most: usize,
}

impl Known {
    /// The address, known from now on.
    fn of(&mut self, sender: IpAddr, limits: Limits) -> &Arc<Address> {
        if self.addresses.len() >= self.most {
            let now = Instant::now();
            self.addresses.retain(|_, address| !address.may_be_forgotten(now));
            self.most = self.addresses.len().saturating_mul(2).max(KNOWN_MIN);
        }
        self.addresses.entry(sender).or_insert_with(|| Arc::new(Address::new(limits)))
    }
}

/// What one address has open.
#[derive(Debug)]
pub(super) struct Address {
    connections: AtomicUsize,
    requests: AtomicUsize,
    handshakes: Semaphore,
    /// Memory held on its account.
    pub(super) bytes: AtomicUsize,
    /// Asks a connection to end that waits for nothing, the one that has waited longest first.
    pub(super) give_way: Notify,
    /// Processor time that its connections took lately, and the work for its requests.
    pub(super) spent: Spent,
    work: Arc<Spent>,
}

impl Addresses {
    pub(super) fn new(limits: Limits) -> Self {
        let known = Known { addresses: HashMap::new(), most: KNOWN_MIN };
        Self { limits, known: Mutex::new(known) }
    }

    /// A place for one more connection, unless the address has all it may have.
    pub(super) fn connect(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let sender = sender(address);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let address = Arc::clone(known.of(sender, self.limits));
        let before = address.connections.fetch_add(1, Ordering::Relaxed);
        // Not before it is counted: the entry of who has no connection is taken away.
        drop(known);
        let limit = self.limits.address_connections_max;
        // A place that is not had is dropped, and gives back what it took.
        let place = Place { addresses: Arc::clone(self), sender, address };
        (before < limit).then_some(place)
    }
}

impl Addresses {
    /// Has the address that holds most connections without a request give one up, for others.
    pub(super) fn make_way(&self) {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(address) = known.addresses.values().max_by_key(|address| address.unused()) {
            address.give_way.notify_one();
        }
    }
}

impl Address {
    /// Connections without a request, if each has one at most; and all.
    fn unused(&self) -> (usize, usize) {
        let connections = self.connections.load(Ordering::Relaxed);
        (connections.saturating_sub(self.requests.load(Ordering::Relaxed)), connections)
    }

    fn new(limits: Limits) -> Self {
        Self {
            connections: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            handshakes: Semaphore::new(limits.address_handshakes_max),
            bytes: AtomicUsize::new(0),
            give_way: Notify::new(),
            spent: Spent::new(PARTS),
            work: Arc::new(Spent::new(PARTS)),
        }
    }

    fn may_be_forgotten(&self, now: Instant) -> bool {
        self.connections.load(Ordering::Relaxed) == 0
            && self.spent.owed(now).is_zero()
            && self.work.owed(now).is_zero()
    }

    /// One more request, unless it has `limit` already.
    pub(super) fn begin_request(self: &Arc<Self>, limit: usize) -> Option<InFlight> {
        let before = self.requests.fetch_add(1, Ordering::Relaxed);
        let begun = InFlight(Arc::clone(self));
        (before < limit).then_some(begun)
    }
}

/// A request until its answer is taken.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Address>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The place of a connection among those of its address.
#[derive(Debug)]
pub(super) struct Place {
    addresses: Arc<Addresses>,
    sender: IpAddr,
    address: Arc<Address>,
}

impl Place {
    pub(super) fn address(&self) -> Arc<Address> {
        Arc::clone(&self.address)
    }

    /// For whom work is done, on the connection of a number.
    pub(super) fn source(&self, connection: u64) -> Source {
        Source::new(self.sender, connection, Arc::clone(&self.address.work))
    }

    /// Waits until the address has few enough handshakes under way.
    pub(super) async fn handshake(&self) -> Option<SemaphorePermit<'_>> {
        self.address.handshakes.acquire().await.ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut known = self.addresses.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.address.connections.fetch_sub(1, Ordering::Relaxed);
        if self.address.may_be_forgotten(Instant::now()) {
            known.addresses.remove(&self.sender);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::{Addresses, KNOWN_MIN, sender};
    use crate::http::Limits;
    use crate::processor::Weight;

    fn origin(text: &str) -> std::net::IpAddr {
        sender(text.parse().unwrap())
    }

    #[test]
    fn an_ipv6_network_of_64_bits_counts_as_one_address() {
        assert_eq!(origin("2001:db8:1:2::1"), origin("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(origin("2001:db8:1:2::1"), origin("2001:db8:1:3::1"));
        assert_ne!(origin("192.0.2.1"), origin("192.0.2.2"));
        assert_eq!(origin("::ffff:192.0.2.1"), origin("192.0.2.1"));
    }

    #[test]
    fn an_address_has_no_more_connections_and_requests_than_it_may() {
        let limits = Limits { address_connections_max: 2, ..Limits::default() };
        let addresses = Arc::new(Addresses::new(limits));
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let first = addresses.connect(one).unwrap();
        let second = addresses.connect(one).unwrap();
        assert!(addresses.connect(one).is_none());
        assert!(addresses.connect(other).is_some());
        let (a, b) = (first.address().begin_request(2), second.address().begin_request(2));
        assert!(a.is_some() && b.is_some());
        assert!(first.address().begin_request(2).is_none());
        drop(a);
        assert!(first.address().begin_request(2).is_some());
        drop(first);
        assert!(addresses.connect(one).is_some());
        drop(second);
        assert!(addresses.known.lock().unwrap().addresses.is_empty(), "who left is forgotten");
    }

    #[test]
    fn who_owes_processor_time_is_not_forgotten_until_it_is_paid() {
        let addresses = Arc::new(Addresses::new(Limits::default()));
        let known = || addresses.known.lock().unwrap().addresses.len();
        let one = "192.0.2.1".parse().unwrap();
        let place = addresses.connect(one).unwrap();
        let now = Instant::now();
        assert_eq!(place.address().spent.add(Duration::from_secs(1), now), Weight::Heavy);
        drop(place);
        assert_eq!(known(), 1);
        let again = addresses.connect(one).unwrap();
        assert_eq!(again.address().spent.weight(now), Weight::Heavy);
        drop(again);
        // Others come and go, and owe next to nothing.
        for number in 0..1000_u32 {
            let place = addresses.connect(Ipv4Addr::from(number).into()).unwrap();
            let before = now.checked_sub(Duration::from_secs(1)).unwrap();
            place.address().spent.add(Duration::from_micros(1), before);
        }
        assert_eq!(known(), 1);
        for number in 0..1000_u32 {
            let place = addresses.connect(Ipv4Addr::from(number).into()).unwrap();
            place.address().spent.add(Duration::from_nanos(100), Instant::now());
        }
        assert!(known() <= 2 * KNOWN_MIN, "{}", known());
    }
    /// Whether connections and work of an address weigh much that take so many of a thousand parts
    /// of a processor for a minute.
    fn weights(of_a_thousand: u32) -> [Weight; 2] {
        let place = Arc::new(Addresses::new(Limits::default()))
            .connect(Ipv4Addr::LOCALHOST.into())
            .unwrap();
        let (address, begun) = (place.address(), Instant::now());
        let mut weights = [Weight::Light; 2];
        for turn in 0..600 {
            let taken = Duration::from_micros(100).saturating_mul(of_a_thousand);
            let now = begun.checked_add(Duration::from_millis(100).saturating_mul(turn)).unwrap();
            weights = [address.spent.add(taken, now), address.work.add(taken, now)];
        }
        weights
    }

    #[test]
    fn connections_and_work_are_heavy_from_a_sixteenth_of_a_processor_on() {
        for (of_a_thousand, expected) in [(60, Weight::Light), (65, Weight::Heavy)] {
            assert_eq!(weights(of_a_thousand), [expected; 2], "{of_a_thousand}");
        }
    }
}

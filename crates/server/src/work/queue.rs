//! A bounded queue that is fair: who took least processor time goes first, addresses that took the
//! same take turns, and so do the connections of an address.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::processor::{Spent, Weight};

/// What waits, of all addresses.
pub(super) struct FairQueue<T> {
    addresses: HashMap<IpAddr, Address<T>>,
    /// Number of the next turn.
    turn: u64,
    len: usize,
    len_max: usize,
    per_address_max: usize,
}

/// What waits of one address.
struct Address<T> {
    spent: Arc<Spent>,
    /// When it had its last turn, or came.
    turn: u64,
    connections: Turns<u64, VecDeque<T>>,
    len: usize,
}

impl<T> Address<T> {
    fn new(spent: Arc<Spent>, turn: u64) -> Self {
        Self { spent, turn, connections: Turns::default(), len: 0 }
    }

    fn push(&mut self, connection: u64, item: T) {
        self.connections.of(connection).push_back(item);
        self.len = self.len.saturating_add(1);
    }

    fn pop(&mut self) -> Option<T> {
        let item = self.connections.turn(VecDeque::pop_front, VecDeque::is_empty);
        self.len = self.len.saturating_sub(usize::from(item.is_some()));
        item
    }
}

impl<T> FairQueue<T> {
    /// An empty queue for `len_max` items, of one address at most `per_address_max`.
    pub(super) fn new(len_max: usize, per_address_max: usize) -> Self {
        Self { addresses: HashMap::new(), turn: 0, len: 0, len_max, per_address_max }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Puts an item at the end of its connection's line.
    ///
    /// When the queue is full, an address that has fewer waiting than another takes a place of the
    /// one that has most: who was pushed out is returned. So nobody can fill the queue for others.
    ///
    /// # Errors
    /// The item, if there is no place for it.
    pub(super) fn push(
        &mut self,
        address: IpAddr,
        connection: u64,
        spent: &Arc<Spent>,
        item: T,
    ) -> Result<Option<T>, T> {
        let own = self.addresses.get(&address).map_or(0, |line| line.len);
        if own >= self.per_address_max {
            return Err(item);
        }
        let mut pushed_out = None;
        if self.len >= self.len_max {
            pushed_out = self.push_out(own.saturating_add(1));
            if pushed_out.is_none() {
                return Err(item);
            }
        }
        self.turn = self.turn.wrapping_add(1);
        let line = || Address::new(Arc::clone(spent), self.turn);
        let line = self.addresses.entry(address).or_insert_with(line);
        // An address that was forgotten meanwhile is counted anew.
        line.spent = Arc::clone(spent);
        line.push(connection, item);
        self.len = self.len.saturating_add(1);
        Ok(pushed_out)
    }

    /// The item whose turn it is: of the address that owes least processor time, and of several the
    /// one whose last turn was longest ago. Nothing of addresses that weigh more than `weight_max`.
    pub(super) fn pop(&mut self, now: Instant, weight_max: Weight) -> Option<T> {
        let due = |(_, line): &(&IpAddr, &mut Address<T>)| (line.spent.owed(now), line.turn);
        let (&address, line) = self
            .addresses
            .iter_mut()
            .filter(|(_, line)| line.spent.weight(now) <= weight_max)
            .min_by_key(due)?;
        self.turn = self.turn.wrapping_add(1);
        line.turn = self.turn;
        let item = line.pop();
        if line.len == 0 {
            self.addresses.remove(&address);
        }
        self.len = self.len.saturating_sub(usize::from(item.is_some()));
        item
    }

    /// Takes an item of the address that has most, if that is more than `more_than`.
    fn push_out(&mut self, more_than: usize) -> Option<T> {
        let longest = self
            .addresses
            .values_mut()
            .filter(|address| address.len > more_than)
            .max_by_key(|address| address.len)?;
        let item = longest.pop();
        self.len = self.len.saturating_sub(usize::from(item.is_some()));
        item
    }
}

impl<T> std::fmt::Debug for FairQueue<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FairQueue").field("len", &self.len).finish_non_exhaustive()
    }
}

/// Lines whose owners take turns. A line without items is forgotten with its owner.
struct Turns<K, L> {
    lines: HashMap<K, L>,
    order: VecDeque<K>,
}

impl<K, L> Default for Turns<K, L> {
    fn default() -> Self {
        Self { lines: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Copy + Eq + Hash, L: Default> Turns<K, L> {
    /// The line of an owner, at the end of the order if it is new.
    fn of(&mut self, key: K) -> &mut L {
        self.lines.entry(key).or_insert_with(|| {
            self.order.push_back(key);
            L::default()
        })
    }

    /// Takes an item of the owner whose turn it is.
    fn turn<T>(
        &mut self,
        take: impl FnOnce(&mut L) -> Option<T>,
        is_empty: impl FnOnce(&L) -> bool,
    ) -> Option<T> {
        let key = self.order.pop_front()?;
        let line = self.lines.get_mut(&key)?;
        let item = take(line);
        if is_empty(line) {
            self.lines.remove(&key);
        } else {
            self.order.push_back(key);
        }
        item
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use std::net::IpAddr;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::FairQueue;
    use crate::processor::{Spent, Weight};

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn nothing() -> Arc<Spent> {
        Arc::new(Spent::new(4))
    }

    fn all(queue: &mut FairQueue<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.pop(Instant::now(), Weight::Heavy)).collect()
    }

    #[test]
    fn addresses_take_turns_and_within_one_its_connections() {
        let mut queue = FairQueue::new(100, 100);
        for (last, connection, item) in [
            (1, 10, "a1"),
            (1, 10, "a2"),
            (1, 10, "a3"),
            (1, 11, "b1"),
            (2, 20, "c1"),
            (2, 20, "c2"),
        ] {
            assert_eq!(queue.push(address(last), connection, &nothing(), item), Ok(None));
        }
        assert_eq!(queue.len(), 6);
        assert_eq!(all(&mut queue), ["a1", "c1", "b1", "c2", "a2", "a3"]);
        assert_eq!((queue.len(), queue.addresses.len()), (0, 0));
    }

    #[test]
    fn an_address_has_at_most_its_share_whatever_its_connections() {
        let mut queue = FairQueue::new(100, 3);
        for connection in 0..3 {
            assert_eq!(queue.push(address(1), connection, &nothing(), "x"), Ok(None));
        }
        assert_eq!(queue.push(address(1), 9, &nothing(), "one more"), Err("one more"));
        assert_eq!(queue.push(address(2), 9, &nothing(), "another's"), Ok(None));
        assert_eq!(queue.pop(Instant::now(), Weight::Heavy), Some("x"));
        assert_eq!(queue.push(address(1), 9, &nothing(), "now"), Ok(None));
    }

    #[test]
    fn a_full_queue_takes_from_whoever_has_most_for_one_that_has_less() {
        let mut queue = FairQueue::new(4, 4);
        for item in ["n1", "n2", "n3"] {
            queue.push(address(1), 1, &nothing(), item).unwrap();
        }
        queue.push(address(2), 2, &nothing(), "m1").unwrap();
        // Who has most has no right to more, and who has none has.
        assert_eq!(queue.push(address(1), 1, &nothing(), "n4"), Err("n4"));
        assert_eq!(queue.push(address(3), 3, &nothing(), "o1"), Ok(Some("n1")));
        assert_eq!(queue.len(), 4);
        // Now two, one and one: a second of the third address would only swap the shares.
        assert_eq!(queue.push(address(3), 3, &nothing(), "o2"), Err("o2"));
        assert_eq!(queue.push(address(4), 4, &nothing(), "p1"), Ok(Some("n2")));
        let left = all(&mut queue);
        assert_eq!(left.len(), 4);
        for item in ["n3", "m1", "o1", "p1"] {
            assert!(left.contains(&item), "{item}: {left:?}");
        }
    }

    #[test]
    fn who_took_least_processor_time_goes_first_and_whoever_waits_is_paid_up_in_the_end() {
        let mut queue = FairQueue::new(100, 100);
        let (now, spent) = (Instant::now(), [nothing(), nothing()]);
        spent[0].add(Duration::from_millis(20), now);
        spent[1].add(Duration::from_millis(10), now);
        for item in ["much", "more of it"] {
            queue.push(address(1), 1, &spent[0], item).unwrap();
        }
        queue.push(address(2), 1, &spent[1], "some").unwrap();
        queue.push(address(3), 1, &nothing(), "nothing").unwrap();
        assert_eq!(queue.pop(now, Weight::Heavy), Some("nothing"));
        assert_eq!(queue.pop(now, Weight::Heavy), Some("some"));
        assert_eq!(queue.pop(now, Weight::Heavy), Some("much"));
        queue.push(address(3), 1, &nothing(), "nothing").unwrap();
        assert_eq!(queue.pop(now + Duration::from_secs(60), Weight::Heavy), Some("more of it"));
        assert_eq!(queue.pop(now, Weight::Heavy), Some("nothing"));
    }
    #[test]
    fn what_is_kept_for_the_light_is_not_given_to_the_heavy() {
        let mut queue = FairQueue::new(100, 100);
        let (now, spent) = (Instant::now(), [nothing(), nothing()]);
        spent[0].add(Duration::from_secs(1), now);
        queue.push(address(1), 1, &spent[0], "heavy").unwrap();
        queue.push(address(2), 1, &spent[1], "light").unwrap();
        assert_eq!(queue.pop(now, Weight::Light), Some("light"));
        assert_eq!(queue.pop(now, Weight::Light), None);
        assert_eq!(queue.pop(now, Weight::Heavy), Some("heavy"));
    }
    #[test]
    fn an_address_is_weighed_by_what_its_newest_connection_is_charged_to() {
        let mut queue = FairQueue::new(100, 100);
        let (now, charged) = (Instant::now(), nothing());
        queue.push(address(1), 1, &nothing(), "older").unwrap();
        charged.add(Duration::from_secs(1), now);
        queue.push(address(1), 2, &charged, "newer").unwrap();
        assert_eq!(queue.pop(now, Weight::Light), None);
        assert_eq!(queue.pop(now, Weight::Heavy), Some("older"));
    }
}

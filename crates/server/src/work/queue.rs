//! A bounded queue that is fair: addresses take turns, and the connections of an address; those
//! that take little processor time go before the others.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::IpAddr;

use crate::processor::Weight;

/// Every so many turns one is of a heavy address: many light ones do not stop it.
const HEAVY_TURN: usize = 4;

/// What waits, of all addresses.
pub(super) struct FairQueue<T> {
    light: Turns<IpAddr, Address<T>>,
    heavy: Turns<IpAddr, Address<T>>,
    turn: usize,
    len: usize,
    len_max: usize,
    per_address_max: usize,
}

/// What waits of one address.
struct Address<T> {
    connections: Turns<u64, VecDeque<T>>,
    len: usize,
}

impl<T> Default for Address<T> {
    fn default() -> Self {
        Self { connections: Turns::default(), len: 0 }
    }
}

impl<T> Address<T> {
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
        let (light, heavy) = (Turns::default(), Turns::default());
        Self { light, heavy, turn: 0, len: 0, len_max, per_address_max }
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
        weight: Weight,
        item: T,
    ) -> Result<Option<T>, T> {
        let len = |of: &Turns<_, Address<T>>| of.get(&address).map_or(0, |line| line.len);
        let own = len(&self.light).saturating_add(len(&self.heavy));
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
        let addresses = match weight {
            Weight::Light => &mut self.light,
            Weight::Heavy => &mut self.heavy,
        };
        addresses.of(address).push(connection, item);
        self.len = self.len.saturating_add(1);
        Ok(pushed_out)
    }

    /// The item whose turn it is.
    pub(super) fn pop(&mut self) -> Option<T> {
        self.turn = self.turn.wrapping_add(1);
        let mut order = [&mut self.light, &mut self.heavy];
        if self.turn.is_multiple_of(HEAVY_TURN) {
            order.reverse();
        }
        let mut turn = |of: &mut Turns<_, _>| of.turn(Address::pop, |address| address.len == 0);
        let item = order.into_iter().find_map(&mut turn);
        self.len = self.len.saturating_sub(usize::from(item.is_some()));
        item
    }

    /// Takes an item of the address that has most, if that is more than `more_than`.
    fn push_out(&mut self, more_than: usize) -> Option<T> {
        let longest = [&mut self.heavy, &mut self.light]
            .into_iter()
            .flat_map(Turns::lines_mut)
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
    fn get(&self, key: &K) -> Option<&L> {
        self.lines.get(key)
    }

    fn lines_mut(&mut self) -> impl Iterator<Item = &mut L> {
        self.lines.values_mut()
    }

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

    use super::{FairQueue, HEAVY_TURN};
    use crate::processor::Weight::{Heavy, Light};

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn all(queue: &mut FairQueue<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.pop()).collect()
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
            assert_eq!(queue.push(address(last), connection, Heavy, item), Ok(None));
        }
        assert_eq!(queue.len(), 6);
        assert_eq!(all(&mut queue), ["a1", "c1", "b1", "c2", "a2", "a3"]);
        assert_eq!((queue.len(), queue.heavy.lines.len()), (0, 0));
    }

    #[test]
    fn an_address_has_at_most_its_share_whatever_its_connections() {
        let mut queue = FairQueue::new(100, 3);
        for connection in 0..3 {
            assert_eq!(queue.push(address(1), connection, Heavy, "x"), Ok(None));
        }
        assert_eq!(queue.push(address(1), 9, Heavy, "one more"), Err("one more"));
        assert_eq!(queue.push(address(2), 9, Heavy, "another's"), Ok(None));
        assert_eq!(queue.pop(), Some("x"));
        assert_eq!(queue.push(address(1), 9, Heavy, "now"), Ok(None));
    }

    #[test]
    fn a_full_queue_takes_from_whoever_has_most_for_one_that_has_less() {
        let mut queue = FairQueue::new(4, 4);
        for item in ["n1", "n2", "n3"] {
            queue.push(address(1), 1, Heavy, item).unwrap();
        }
        queue.push(address(2), 2, Heavy, "m1").unwrap();
        // Who has most has no right to more, and who has none has.
        assert_eq!(queue.push(address(1), 1, Heavy, "n4"), Err("n4"));
        assert_eq!(queue.push(address(3), 3, Heavy, "o1"), Ok(Some("n1")));
        assert_eq!(queue.len(), 4);
        // Now two, one and one: a second of the third address would only swap the shares.
        assert_eq!(queue.push(address(3), 3, Heavy, "o2"), Err("o2"));
        assert_eq!(queue.push(address(4), 4, Heavy, "p1"), Ok(Some("n2")));
        let left = all(&mut queue);
        assert_eq!(left.len(), 4);
        for item in ["n3", "m1", "o1", "p1"] {
            assert!(left.contains(&item), "{item}: {left:?}");
        }
    }

    #[test]
    fn light_addresses_go_first_and_do_not_stop_the_heavy_ones() {
        let mut queue = FairQueue::new(100, 100);
        for _ in 0..3 {
            queue.push(address(1), 1, Heavy, "heavy").unwrap();
        }
        for last in 2..9 {
            queue.push(address(last), 1, Light, "light").unwrap();
        }
        let order = all(&mut queue);
        let heavy: Vec<_> =
            (1..=10).zip(order).filter(|(_, item)| *item == "heavy").map(|(at, _)| at).collect();
        assert_eq!(heavy, [HEAVY_TURN, 2 * HEAVY_TURN, 10]);
    }
}

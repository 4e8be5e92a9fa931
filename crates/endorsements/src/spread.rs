//! A map that is cheap to copy and then to change: copies share their parts until one changes a part.

use std::borrow::Borrow;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher as _};
use std::sync::Arc;

/// Of 256 parts, by the hashes of the keys.
#[derive(Debug)]
pub(crate) struct Spread<K, V> {
    parts: BTreeMap<u8, Arc<HashMap<K, V>>>,
}

impl<K, V> Default for Spread<K, V> {
    fn default() -> Self {
        Self { parts: BTreeMap::new() }
    }
}

impl<K, V> Clone for Spread<K, V> {
    fn clone(&self) -> Self {
        Self { parts: self.parts.clone() }
    }
}

impl<K: Hash + Eq + Clone, V: Clone + Default> Spread<K, V> {
    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.parts.get(&part_of(key))?.get(key)
    }

    /// The value of a key, begun if there is none.
    pub(crate) fn or_default(&mut self, key: K) -> &mut V {
        let part = self.parts.entry(part_of(&key)).or_default();
        Arc::make_mut(part).entry(key).or_default()
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.parts.values().flat_map(|part| part.iter())
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.values().map(|part| part.len()).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

/// The keys are what vendors certified: nobody chooses them so that they meet.
fn part_of<Q: Hash + ?Sized>(key: &Q) -> u8 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    let [part, ..] = hasher.finish().to_le_bytes();
    part
}

#[cfg(test)]
mod tests;

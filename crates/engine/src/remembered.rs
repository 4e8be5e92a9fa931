//! What an engine remembers, bounded by the bytes it takes.

use std::hash::Hash;
use std::sync::Arc;

use avouch_dcap::VerifiedPlatform;
use avouch_snp::VerifiedEndorsementKey;
use moka::sync::Cache;

/// Things that proved themselves, under what proves them.
pub(crate) type Memory<K, V> = Cache<K, Arc<V>>;

/// What an entry takes beside its value: its key, and how the cache finds and ages it.
const ENTRY_BYTES: usize = 256;

/// What is remembered, for people and for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Remembered {
    /// Platforms, sets of collateral and endorsement keys.
    pub entries: u64,
    /// About how many bytes they take.
    pub bytes: u64,
}

impl Remembered {
    /// Both together.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            entries: self.entries.saturating_add(other.entries),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

/// Knows what it takes.
pub(crate) trait Held {
    /// About how many bytes of memory it holds.
    fn bytes_held(&self) -> usize;
}

impl Held for VerifiedPlatform {
    fn bytes_held(&self) -> usize {
        self.bytes_held()
    }
}

impl Held for VerifiedEndorsementKey {
    fn bytes_held(&self) -> usize {
        self.bytes_held()
    }
}

/// A memory of at most `bytes`; what is asked for least is forgotten first.
pub(crate) fn memory<K, V>(bytes: u64) -> Memory<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Held + Send + Sync + 'static,
{
    let weight = |_: &K, value: &Arc<V>| {
        let bytes = value.bytes_held().saturating_add(ENTRY_BYTES);
        u32::try_from(bytes).unwrap_or(u32::MAX)
    };
    Cache::builder().max_capacity(bytes).weigher(weight).build()
}

/// How full a memory is, once it has done what it puts off.
pub(crate) fn held<K, V>(memory: &Memory<K, V>) -> Remembered
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    memory.run_pending_tasks();
    Remembered { entries: memory.entry_count(), bytes: memory.weighted_size() }
}

//! What an operator may tune.

use std::time::Duration;

use crate::limits::{HISTORY_BYTES_MAX, POLICY_REVISIONS_KEPT};

/// What an operator may tune.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Connections for reading (SQLite) or altogether (PostgreSQL, which adds one to listen).
    pub connections_max: u32,
    /// How long an operation waits for a connection or a lock before it is unavailable. For the
    /// answer to a statement it waits five seconds longer, also when the database hangs.
    pub wait_seconds_max: u64,
    /// How often the feed looks for changes nobody told it of. At most a second, by contract.
    pub poll_interval_ms: u64,
    /// Bytes of policies and resets kept of each provider. The oldest go first; the newest of each
    /// type always stay, the policies in force among them.
    pub history_bytes_max: u64,
    /// Policies and resets kept of each provider and type.
    pub history_revisions_max: u64,
    /// Whether a database of an older schema is brought up to date; otherwise it is refused.
    pub upgrades: bool,
}

impl StoreOptions {
    /// Longest wait for one answer: a lock that is waited for in vain must still be told as such.
    pub(crate) const fn answer_within(&self) -> Duration {
        Duration::from_secs(self.wait_seconds_max.saturating_add(5))
    }
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            connections_max: 8,
            wait_seconds_max: 10,
            poll_interval_ms: 250,
            history_bytes_max: HISTORY_BYTES_MAX,
            history_revisions_max: POLICY_REVISIONS_KEPT,
            upgrades: true,
        }
    }
}

//! Each machine's share of what is kept. One that attests often, or evidence that is sent again and
//! again, must not displace what is kept of the others.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use avouch_engine::Capsule;
use avouch_pki::digest;
use avouch_store::ProviderId;
use avouch_wire::Hex;
use serde_json::json;
use tokio::time::Instant;

/// For so long nothing more of the same machine is kept that ended in the same way.
pub(super) const PAUSE: Duration = Duration::from_secs(3600);
/// Machines that are remembered; of others everything is kept while there are more.
const MACHINES_MAX: usize = 65_536;

/// When something of each machine was kept last.
#[derive(Debug, Default)]
pub(super) struct Machines {
    last: Mutex<HashMap<Hex<32>, Instant>>,
}

impl Machines {
    /// Whether it is a machine's turn; what did not verify is of none. If so, its next turn is later.
    pub(super) fn take_turn(&self, provider: ProviderId, capsule: &Capsule, now: Instant) -> bool {
        let Some(key) = key(provider, capsule) else { return true };
        let is_over = |last: Instant| now.saturating_duration_since(last) >= PAUSE;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.get(&key).is_some_and(|last| !is_over(*last)) {
            return false;
        }
        if last.len() >= MACHINES_MAX {
            last.retain(|_, last| !is_over(*last));
        }
        if last.len() < MACHINES_MAX {
            last.insert(key, now);
        }
        true
    }
}

/// A machine at a provider, under one policy and with one outcome; none of what did not verify.
fn key(provider: ProviderId, capsule: &Capsule) -> Option<Hex<32>> {
    let (outcome, kind) = (&capsule.outcome, capsule.request.kind.name());
    if outcome.machine.is_empty() {
        return None;
    }
    let check = outcome.why().map(|why| &why.check);
    let (verdict, machine) = (outcome.verdict.name(), &outcome.machine);
    let all = json!([provider.get(), kind, verdict, check, machine, capsule.policy_jws]);
    Some(digest::sha256(all.to_string().as_bytes()))
}

//! Refused attempts to change something, written to the audit trail.
//!
//! Only of callers whose bearer token was good: what an anonymous outsider sends never reaches the
//! database. How many entries one caller can cause is bounded too.

use std::time::{Duration, Instant};

use avouch_store::{Actor, AuditOutcome, NewAuditEntry, ProviderId, ProviderName, Tenant};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::Fault;
use crate::allowance::{Allowances, Rate};
use crate::auth::Caller;
use crate::state::AppState;

/// Entries that one caller can cause at once, and how long until one more.
const ENTRIES: Rate = Rate { at_once: 20, pause: Duration::from_secs(10) };
/// Callers whose entries are counted; of more, the one longest silent starts anew.
const CALLERS_MAX: u64 = 10_000;
/// Characters of a refusal's sentence that are kept.
const MESSAGE_CHARS_MAX: usize = 500;
/// How long an answer waits for its entry.
const WRITTEN_WITHIN: Duration = Duration::from_secs(2);

/// What a request tries to change, and who sent it.
#[derive(Debug, Default)]
pub(super) struct Attempt {
    action: Option<&'static str>,
    provider: Option<(ProviderId, ProviderName)>,
    caller: Option<Actor>,
    details: Map<String, Value>,
}

impl Attempt {
    /// The request is one that changes something. The action has the name that the audit trail
    /// gives it when it succeeds.
    pub(super) fn to(&mut self, action: &'static str) {
        self.action = Some(action);
    }

    /// It is about a provider.
    pub(super) fn at(&mut self, tenant: &Tenant) {
        self.provider = Some((tenant.provider.id, tenant.provider.name.clone()));
    }

    /// What else there is to say, in few words of the request.
    pub(super) fn named(&mut self, member: &str, name: &str) {
        let name: String = name.chars().take(100).collect();
        self.details.insert(member.to_owned(), name.into());
    }

    /// Why it was refused, where the answer does not tell.
    pub(super) fn because(&mut self, check: &'static str, why: &str) {
        let why: String = why.chars().take(MESSAGE_CHARS_MAX).collect();
        self.details.insert("check".to_owned(), check.into());
        self.details.insert("why".to_owned(), why.into());
    }

    /// Its bearer token was good.
    pub(super) fn by(&mut self, caller: &Caller) {
        self.caller = caller.actor().ok().cloned();
    }

    /// Writes the refusal down, if it is one of a known caller to change something.
    pub(super) async fn refused(self, state: &AppState, error: &Fault) {
        let (Some(action), Some(actor)) = (self.action, self.caller) else { return };
        if !is_refusal(error.status()) {
            return;
        }
        let Some(left_out) = state.refusals.admit(&actor, Instant::now()) else { return };
        let mut details = self.details;
        let message: String = error.message().chars().take(MESSAGE_CHARS_MAX).collect();
        details.insert("status".to_owned(), json!(error.status().as_u16()));
        details.insert("code".to_owned(), error.code().into());
        details.insert("message".to_owned(), message.into());
        if left_out > 0 {
            details.insert("leftOutBefore".to_owned(), left_out.into());
        }
        let entry = NewAuditEntry {
            at: state.clock.now(),
            actor,
            action: action.to_owned(),
            outcome: AuditOutcome::Refused,
            provider: self.provider,
            details,
        };
        let entries = [entry];
        let written = state.providers.store().append_audit(&entries);
        match tokio::time::timeout(WRITTEN_WITHIN, written).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!(%error, "a refusal is not in the audit trail"),
            Err(_) => tracing::error!("a refusal is not in the audit trail: no answer in time"),
        }
    }
}

/// What the caller asked for was refused, rather than failed or never arrived.
fn is_refusal(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::CONFLICT
            | StatusCode::PRECONDITION_FAILED
    )
}

/// How many entries each caller has caused lately.
#[derive(Debug)]
pub(crate) struct Refusals(Allowances);

impl Refusals {
    pub(crate) fn new() -> Self {
        Self(Allowances::new(CALLERS_MAX))
    }

    /// Takes one of a caller's rights to an entry: how many were left out before it, or none if
    /// this one is left out too.
    fn admit(&self, actor: &Actor, now: Instant) -> Option<u64> {
        self.0.take(actor.id(), ENTRIES, now)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::time::{Duration, Instant};

    use avouch_store::{Actor, ActorKind};

    use super::{ENTRIES, Refusals};

    #[test]
    fn a_caller_has_entries_at_once_and_then_one_in_a_while_and_others_have_their_own() {
        let refusals = Refusals::new();
        let [noisy, other] = ["noisy", "other"].map(|id| Actor::new(ActorKind::User, id).unwrap());
        let start = Instant::now();
        for _ in 0..ENTRIES.at_once {
            assert_eq!(refusals.admit(&noisy, start), Some(0));
        }
        for _ in 0..7 {
            assert_eq!(refusals.admit(&noisy, start), None);
        }
        assert_eq!(refusals.admit(&other, start), Some(0));
        let later = start + ENTRIES.pause;
        assert_eq!(refusals.admit(&noisy, later), Some(7));
        assert_eq!(refusals.admit(&noisy, later), None);
        // Rights do not pile up over the limit.
        let much_later = later + ENTRIES.pause * 1000 + Duration::from_secs(1);
        assert_eq!(refusals.admit(&noisy, much_later), Some(1));
        for _ in 1..ENTRIES.at_once {
            assert_eq!(refusals.admit(&noisy, much_later), Some(0));
        }
        assert_eq!(refusals.admit(&noisy, much_later), None);
    }
}

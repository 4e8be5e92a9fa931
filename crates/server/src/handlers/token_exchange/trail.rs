//! What the audit trail is told of exchanges, and how much of it one sender can cause.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use avouch_store::{Actor, ActorKind, AuditOutcome, NewAuditEntry};
use serde_json::{Map, Value};

use super::Issued;
use crate::allowance::{Allowances, Rate};
use crate::handlers::access::Authorized;
use crate::token_exchange::{Exchange, ExchangeRefused};
use crate::{ApiError, Fault};

/// What the audit trail calls it.
const ACTION: &str = "token-exchange";
/// How long an answer waits for its entry in the audit trail.
const WRITTEN_WITHIN: Duration = Duration::from_secs(5);
/// Senders whose exchanges are counted.
const SENDERS_MAX: u64 = 10_000;
/// Subjects whose exchanges are counted.
const SUBJECTS_MAX: u64 = 100_000;
/// The part of what all have at a provider that one subject can have.
const SUBJECT_PART: u32 = 8;
/// Providers whose exchanges are counted: more than any configuration names.
const PROVIDERS_MAX: u64 = 100_000;

/// How much was exchanged lately.
#[derive(Debug)]
pub(crate) struct ExchangeCounts {
    senders: Allowances,
    /// Of the short tokens of one subject at a provider, for anonymous senders.
    subjects: Allowances,
    /// Of all anonymous senders at a provider.
    providers: Allowances,
    /// Good tokens of anonymous senders that got nothing; none of these is in the audit trail.
    refused: AtomicU64,
    /// Exchanges that were put off.
    put_off: AtomicU64,
}

impl ExchangeCounts {
    pub(crate) fn new() -> Self {
        Self {
            senders: Allowances::new(SENDERS_MAX),
            subjects: Allowances::new(SUBJECTS_MAX),
            providers: Allowances::new(PROVIDERS_MAX),
            refused: AtomicU64::new(0),
            put_off: AtomicU64::new(0),
        }
    }

    /// How many good tokens of anonymous senders got nothing since the start.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// How many exchanges were put off since the start.
    pub(crate) fn put_off(&self) -> u64 {
        self.put_off.load(Ordering::Relaxed)
    }

    /// Takes the right to one more entry for somebody: a caller, or an anonymous sender at an address with a
    /// subject. Gives the rate of which there is none left.
    fn admits(
        &self,
        provider: &str,
        who: Result<&Actor, (IpAddr, &str)>,
        per_minute: u32,
        now: Instant,
    ) -> Result<(), Rate> {
        let all = Rate::per_minute(per_minute);
        // Nobody takes all of what all have, from however many addresses.
        let half = Rate::per_minute(per_minute / 2);
        let part = Rate::per_minute((per_minute / SUBJECT_PART).max(1));
        let rights = match who {
            Ok(caller) => vec![(&self.senders, format!("{provider} caller {}", caller.id()), all)],
            Err((address, subject)) => vec![
                (&self.senders, format!("{provider} address {address}"), half),
                (&self.subjects, format!("{provider} subject {subject}"), part),
                (&self.providers, provider.to_owned(), all),
            ],
        };
        for (rights, name, rate) in rights {
            rights.take(&name, rate, now).ok_or(rate)?;
        }
        Ok(())
    }
}

/// An exchange, for the audit trail.
pub(super) struct Trail<'a> {
    pub(super) request: &'a Authorized<'a>,
    pub(super) asked: Exchange<'a>,
}

impl Trail<'_> {
    /// Takes one of the sender's rights to an entry about a subject.
    pub(super) fn admit(&self, subject: &str) -> Result<(), ApiError> {
        let Authorized { state, provider, work, .. } = self.request;
        let per_minute = self.asked.exchange.exchanges_per_minute;
        let who = self.request.actor().map_err(|_| (work.sender(), subject));
        let admitted = state.exchanges.admits(provider.name(), who, per_minute, Instant::now());
        admitted.map_err(|rate| {
            state.exchanges.put_off.fetch_add(1, Ordering::Relaxed);
            let seconds = rate.pause.as_millis().div_ceil(1000);
            Fault::too_many_requests(u32::try_from(seconds).unwrap_or(60)).into()
        })
    }

    /// A good token got nothing. Of anonymous senders that is counted.
    pub(super) async fn refused(&self, refused: &ExchangeRefused) -> Result<(), ApiError> {
        let token_id = self.token_id();
        if self.request.actor().is_err() {
            self.request.state.exchanges.refused.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(token_id, error = %refused, "an attestation token is not exchanged");
            return Ok(());
        }
        self.admit(token_id)?;
        let mut details = self.details();
        details.insert("message".to_owned(), refused.description.as_str().into());
        self.write(AuditOutcome::Refused, token_id, details).await
    }

    /// A short token goes out.
    pub(super) async fn given(&self, issued: &Issued) -> Result<(), ApiError> {
        let mut details = self.details();
        details.insert("tokenId".to_owned(), issued.id.as_str().into());
        let expires_at = issued.short.times.expires_at().to_rfc3339();
        details.insert("expiresAt".to_owned(), expires_at.into());
        self.write(AuditOutcome::Succeeded, &issued.short.subject, details).await
    }

    /// The `jti` of the token that is exchanged; every token of ours has one.
    fn token_id(&self) -> &str {
        self.asked.token.claims().get("jti").and_then(Value::as_str).unwrap_or("absent")
    }

    fn details(&self) -> Map<String, Value> {
        let attested = self.asked.token.claims().get("x-ms-attestation-type");
        let members = [
            ("audience", self.asked.rule.audience.as_str().into()),
            ("attestationTokenId", self.token_id().into()),
            ("attestedType", attested.cloned().unwrap_or_default()),
        ];
        members.into_iter().map(|(name, value): (_, Value)| (name.to_owned(), value)).collect()
    }

    async fn write(
        &self,
        outcome: AuditOutcome,
        actor: &str,
        details: Map<String, Value>,
    ) -> Result<(), ApiError> {
        let provider = &self.request.provider.tenant().provider;
        let entry = NewAuditEntry {
            at: self.asked.now,
            actor: Actor::new(ActorKind::ManagedIdentity, actor)?,
            action: ACTION.to_owned(),
            outcome,
            provider: Some((provider.id, provider.name.clone())),
            details,
        };
        let entries = [entry];
        let store = self.request.state.providers.store();
        match tokio::time::timeout(WRITTEN_WITHIN, store.append_audit(&entries)).await {
            Ok(written) => Ok(written.map(drop)?),
            Err(_) => Err(Fault::unavailable("The audit trail does not answer in time.").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::net::IpAddr;
    use std::time::{Duration, Instant};

    use avouch_store::{Actor, ActorKind};

    use super::ExchangeCounts;

    #[test]
    fn a_sender_has_half_of_what_all_have_at_a_provider_and_a_caller_as_much_as_all() {
        let counts = ExchangeCounts::new();
        let start = Instant::now();
        let addresses: [IpAddr; 3] =
            ["192.0.2.1", "192.0.2.2", "2001:db8::"].map(|it| it.parse().unwrap());
        // Each time about another subject.
        let subject = std::cell::Cell::new(0_u32);
        let admitted = |provider, who: IpAddr, at| {
            let admits = || {
                subject.update(|number| number + 1);
                let subject = subject.get().to_string();
                counts.admits(provider, Err((who, subject.as_str())), 10, at).is_ok()
            };
            (0..100).filter(|_| admits()).count()
        };
        assert_eq!(admitted("one", addresses[0], start), 5);
        let later = start + Duration::from_secs(60);
        assert_eq!(admitted("one", addresses[1], later), 5);
        assert_eq!(admitted("one", addresses[0], later), 5);
        assert_eq!(admitted("one", addresses[2], later), 0, "all have had theirs");
        assert_eq!(admitted("other", addresses[2], later), 5);
        let called = |caller: &Actor, at| {
            (0..100).filter(|_| counts.admits("one", Ok(caller), 10, at).is_ok()).count()
        };
        let caller = Actor::new(ActorKind::User, "somebody").unwrap();
        assert_eq!(called(&caller, later), 10);
        let other = Actor::new(ActorKind::User, "somebody else").unwrap();
        assert_eq!(called(&other, later), 10);
        // No more than a minute's, however long nobody came.
        let much_later = start + Duration::from_secs(86_400);
        assert_eq!(admitted("one", addresses[0], much_later), 5);
        assert_eq!(called(&caller, much_later), 10);
    }

    #[test]
    fn whoever_has_one_workloads_token_takes_an_eighth_from_however_many_addresses() {
        let counts = ExchangeCounts::new();
        let start = Instant::now();
        let from = |address: u8| IpAddr::from([192, 0, 2, address]);
        let admits = |address, subject, at| {
            counts.admits("one", Err((from(address), subject)), 120, at).is_ok()
        };
        let stolen = (0..250).map(|address| (0..4).filter(|_| admits(address, "a", start)).count());
        assert_eq!(stolen.sum::<usize>(), 15);
        // Everybody else goes on, until all have had theirs.
        let mut others = 0;
        for subject in ["b", "c", "d", "e", "f", "g", "h"] {
            others += (0..15).filter(|_| admits(250, subject, start)).count();
        }
        assert_eq!(others, 60, "half of all for one address");
        let refused = counts.admits("one", Err((from(251), "a")), 120, start).unwrap_err();
        assert_eq!(refused.pause, Duration::from_secs(4));
        assert!(admits(251, "a", start + refused.pause));
        // However few all have, each has one.
        let few = |subject| counts.admits("few", Err((from(1), subject)), 4, start).is_ok();
        assert_eq!([few("a"), few("a"), few("b")], [true, false, false], "one at each try");
    }
}

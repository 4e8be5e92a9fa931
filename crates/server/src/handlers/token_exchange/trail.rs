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
/// Providers whose exchanges are counted: more than any configuration names.
const PROVIDERS_MAX: u64 = 100_000;

/// How much was exchanged lately.
#[derive(Debug)]
pub(crate) struct ExchangeCounts {
    senders: Allowances,
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

    /// Whether one more entry may be written for somebody: a caller, or an anonymous sender at an address.
    fn admits(
        &self,
        provider: &str,
        who: Result<&Actor, IpAddr>,
        per_minute: u32,
        now: Instant,
    ) -> bool {
        let all = Rate::per_minute(per_minute);
        match who {
            Ok(caller) => {
                let name = format!("{provider} caller {}", caller.id());
                self.senders.take(&name, all, now).is_some()
            }
            Err(address) => {
                let name = format!("{provider} address {address}");
                // Nobody takes all of what all have.
                let own = Rate::per_minute(per_minute / 2);
                self.senders.take(&name, own, now).is_some()
                    && self.providers.take(provider, all, now).is_some()
            }
        }
    }
}

/// An exchange, for the audit trail.
pub(super) struct Trail<'a> {
    pub(super) request: &'a Authorized<'a>,
    pub(super) asked: Exchange<'a>,
}

impl Trail<'_> {
    /// Takes one of the sender's rights to an entry.
    pub(super) fn admit(&self) -> Result<(), ApiError> {
        let Authorized { state, provider, work, .. } = self.request;
        let per_minute = self.asked.exchange.exchanges_per_minute;
        let who = self.request.actor().map_err(|_| work.sender());
        if state.exchanges.admits(provider.name(), who, per_minute, Instant::now()) {
            return Ok(());
        }
        state.exchanges.put_off.fetch_add(1, Ordering::Relaxed);
        Err(Fault::too_many_requests(60_u32.div_ceil(per_minute / 2)).into())
    }

    /// A good token got nothing. Of anonymous senders that is counted.
    pub(super) async fn refused(&self, refused: &ExchangeRefused) -> Result<(), ApiError> {
        let token_id = self.token_id();
        if self.request.actor().is_err() {
            self.request.state.exchanges.refused.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(token_id, error = %refused, "an attestation token is not exchanged");
            return Ok(());
        }
        self.admit()?;
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
        let admitted =
            |provider, who, at| (0..100).filter(|_| counts.admits(provider, who, 10, at)).count();
        assert_eq!(admitted("one", Err(addresses[0]), start), 5);
        assert_eq!(admitted("one", Err(addresses[1]), start), 5);
        assert_eq!(admitted("one", Err(addresses[2]), start), 0, "all have had theirs");
        assert_eq!(admitted("other", Err(addresses[2]), start), 5);
        let caller = Actor::new(ActorKind::User, "somebody").unwrap();
        assert_eq!(admitted("one", Ok(&caller), start), 10);
        let other = Actor::new(ActorKind::User, "somebody else").unwrap();
        assert_eq!(admitted("one", Ok(&other), start), 10);
        // A minute later each has half of a minute's, and no more however long nobody came.
        let later = start + Duration::from_secs(60);
        assert_eq!(admitted("one", Err(addresses[0]), later), 5);
        let much_later = start + Duration::from_secs(86_400);
        assert_eq!(admitted("one", Err(addresses[0]), much_later), 5);
        assert_eq!(admitted("one", Ok(&caller), much_later), 10);
    }
}

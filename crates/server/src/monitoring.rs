//! Watches machines that attest again and again: keeps how each did last, and tells when one is refused,
//! boots something else, or is silent.
//!
//! No attest request waits for it or fails by it. What waits to be noted is bounded; what is lost is
//! counted. An alert is kept in the transaction that notes what raised it, so it is told after a restart
//! too.

mod proof;
mod waiting;
mod webhook;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use avouch_engine::MachineState;
use avouch_store::{AlertKind, MachineVerdict, Noted, ProviderId, Sighting, Store, StoreError};
use avouch_wire::{EvidenceKind, UnixTime};
use tokio::task::AbortHandle;
use waiting::{Offered, Waiting, Waits};
pub use webhook::{Webhook, WebhookError};

pub(crate) use self::proof::{MachineProof, PROOF_CLAIM};
use crate::Clock;
use crate::config::MonitoringConfig;

/// How often is looked for machines that are silent, and for alerts that are due.
const LOOK_AFTER: Duration = Duration::from_secs(5);

/// Takes attestations of machines and has them noted.
pub struct Monitoring {
    queue: Option<Arc<Waiting<Sighting>>>,
    counts: Arc<Counts>,
    looking: Option<AbortHandle>,
}

impl Drop for Monitoring {
    fn drop(&mut self) {
        if let Some(queue) = &self.queue {
            queue.close();
        }
        if let Some(looking) = &self.looking {
            looking.abort();
        }
    }
}

#[derive(Debug, Default)]
struct Counts {
    noted: AtomicU64,
    lost: AtomicU64,
    raised: [AtomicU64; AlertKind::ALL.len()],
    delivered: AtomicU64,
    undelivered: AtomicU64,
    evicted: AtomicU64,
}

impl Monitoring {
    /// One that watches nothing.
    #[must_use]
    pub fn none() -> Self {
        Self { queue: None, counts: Arc::default(), looking: None }
    }

    /// One that watches as the configuration says, by a task that ends with it.
    #[must_use]
    pub fn start(
        config: &MonitoringConfig,
        webhook: Option<Webhook>,
        store: Store,
        clock: Clock,
    ) -> Self {
        if !config.enabled {
            return Self::none();
        }
        let queue = Arc::new(Waiting::new());
        let counts = Arc::<Counts>::default();
        let silence_seconds = config.silence_seconds.map(i64::from);
        let watcher = Arc::new(Watcher {
            silence_seconds,
            webhook,
            store,
            clock,
            counts: Arc::clone(&counts),
        });
        tokio::spawn(Arc::clone(&watcher).take(Arc::clone(&queue)));
        // A receiver of alerts that takes its time must not hold up what is noted.
        let looking = tokio::spawn(watcher.look()).abort_handle();
        Self { queue: Some(queue), counts, looking: Some(looking) }
    }

    /// Whether machines are watched.
    pub(crate) const fn is_on(&self) -> bool {
        self.queue.is_some()
    }

    /// Takes an attestation of a machine; not if machines are not watched, or too many wait.
    pub(crate) fn offer(&self, attestation: Attestation<'_>) -> bool {
        let Some(queue) = &self.queue else { return false };
        let Attestation { provider, kind, at, state, refused_by, is_fresh } = attestation;
        let MachineState { machine, facts } = state;
        let verdict = match refused_by {
            None => MachineVerdict::Permitted,
            Some(_) => MachineVerdict::Refused,
        };
        let refused_by = refused_by.map(ToOwned::to_owned);
        let kind = kind.name().to_owned();
        let sighting =
            Sighting { provider, machine, kind, at, verdict, refused_by, facts, is_fresh };
        match queue.offer(sighting) {
            Offered::Taken => true,
            Offered::Joined => {
                self.counts.noted.fetch_add(1, Ordering::Relaxed);
                true
            }
            Offered::Lost => {
                self.counts.lost.fetch_add(1, Ordering::Relaxed);
                false
            }
        }
    }

    /// What it did since the start, for `/readyz`.
    pub(crate) fn report(&self) -> Option<serde_json::Value> {
        self.queue.as_ref()?;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let raised = AlertKind::ALL.iter().zip(&self.counts.raised);
        let raised: serde_json::Map<_, _> =
            raised.map(|(kind, count)| (kind.as_str().to_owned(), read(count).into())).collect();
        Some(serde_json::json!({
            "noted": read(&self.counts.noted),
            "lost": read(&self.counts.lost),
            "alerts": raised,
            "alerts_delivered": read(&self.counts.delivered),
            "alerts_undelivered": read(&self.counts.undelivered),
            "alerts_evicted": read(&self.counts.evicted),
        }))
    }
}

/// One attestation of a machine, as it was answered.
pub(crate) struct Attestation<'a> {
    pub(crate) provider: ProviderId,
    pub(crate) kind: EvidenceKind,
    pub(crate) at: UnixTime,
    pub(crate) state: MachineState,
    /// The check that refused it; none if it was permitted.
    pub(crate) refused_by: Option<&'a str>,
    /// Whether it answers a challenge of this service, or its answer was opened.
    pub(crate) is_fresh: bool,
}

impl Waits for Sighting {
    fn machine(&self) -> (u64, String) {
        (self.provider.get(), self.machine.clone())
    }

    fn join(&mut self, next: &Self) -> bool {
        let is_same = self.kind == next.kind
            && self.is_fresh == next.is_fresh
            && self.verdict == next.verdict
            && self.refused_by == next.refused_by
            && self.facts == next.facts;
        if is_same {
            self.at = self.at.max(next.at);
        }
        is_same
    }
}

struct Watcher {
    silence_seconds: Option<i64>,
    webhook: Option<Webhook>,
    store: Store,
    clock: Clock,
    counts: Arc<Counts>,
}

impl Watcher {
    async fn take(self: Arc<Self>, waiting: Arc<Waiting<Sighting>>) {
        while let Some(batch) = waiting.take().await {
            self.note(&batch).await;
        }
    }

    async fn look(self: Arc<Self>) {
        loop {
            self.look_for_silence().await;
            self.look_for_held().await;
            self.deliver().await;
            tokio::time::sleep(LOOK_AFTER).await;
        }
    }

    /// Notes some: at once, or one by one where one of them cannot be noted.
    async fn note(&self, batch: &[Sighting]) {
        match self.store.note_sightings(batch, self.webhook.is_some()).await {
            Err(error) if batch.len() > 1 && !matches!(error, StoreError::Unavailable { .. }) => {
                for one in batch.chunks(1) {
                    let noted = self.store.note_sightings(one, self.webhook.is_some()).await;
                    self.count(1, noted);
                }
            }
            noted => self.count(batch.len() as u64, noted),
        }
    }

    fn count(&self, count: u64, noted: Result<Noted, StoreError>) {
        match noted {
            Ok(noted) => {
                let known = count.saturating_sub(noted.without_room);
                self.counts.noted.fetch_add(known, Ordering::Relaxed);
                self.counts.lost.fetch_add(noted.without_room, Ordering::Relaxed);
                self.tell(&noted);
            }
            Err(error) => {
                self.counts.lost.fetch_add(count, Ordering::Relaxed);
                tracing::warn!(%error, count, "attestations of machines could not be noted");
            }
        }
    }

    async fn look_for_silence(&self) {
        let Some(seconds) = self.silence_seconds else { return };
        let now = self.clock.now();
        let since = now.saturating_add_seconds(seconds.saturating_neg());
        match self.store.note_silence(since, now, self.webhook.is_some()).await {
            Ok(noted) => self.tell(&noted),
            Err(error) => tracing::warn!(%error, "silent machines could not be noted"),
        }
    }

    async fn look_for_held(&self) {
        match self.store.note_held(self.clock.now(), self.webhook.is_some()).await {
            Ok(noted) => self.tell(&noted),
            Err(error) => tracing::warn!(%error, "alerts held back could not be raised"),
        }
    }

    /// The log, at once; others are told from what is kept.
    fn tell(&self, noted: &Noted) {
        let count = noted.without_room;
        if count > 0 {
            tracing::error!(count, "there is no room for more machines: forget some");
        }
        let evicted = noted.evicted_undelivered;
        if evicted > 0 {
            self.counts.evicted.fetch_add(evicted, Ordering::Relaxed);
            tracing::error!(evicted, "alerts that were not delivered gave way to newer ones");
        }
        for alert in &noted.alerts {
            let index = AlertKind::ALL.iter().position(|kind| *kind == alert.kind);
            if let Some(count) = index.and_then(|index| self.counts.raised.get(index)) {
                count.fetch_add(1, Ordering::Relaxed);
            }
            let details = serde_json::Value::Object(alert.details.clone());
            tracing::warn!(
                target: "alerts",
                alert = alert.id,
                kind = alert.kind.as_str(),
                provider = %alert.provider,
                machine = alert.machine,
                %details,
                "a machine that is watched raised an alert"
            );
        }
    }

    /// Sends what is due; what does not arrive is due again later.
    async fn deliver(&self) {
        let Some(webhook) = &self.webhook else { return };
        let now = self.clock.now();
        let due = match self.store.due_alerts(now, webhook::AT_ONCE_MAX).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "alerts that are due could not be read");
                return;
            }
        };
        for alert in due {
            let sent = webhook.send(&alert, now).await;
            let (count, again_at) = match &sent {
                Ok(()) => (&self.counts.delivered, None),
                Err(error) => {
                    let again_at = webhook::again_at(&alert, now);
                    let (alert, attempts) = (alert.id, alert.attempts);
                    tracing::warn!(%error, alert, attempts, "an alert could not be delivered");
                    (&self.counts.undelivered, Some(again_at))
                }
            };
            count.fetch_add(1, Ordering::Relaxed);
            if let Err(error) = self.store.note_delivery(alert.id, again_at).await {
                tracing::warn!(%error, alert = alert.id, "a delivery could not be noted");
                return;
            }
            // Whoever does not answer one does not answer the next either.
            if sent.is_err() {
                return;
            }
        }
    }
}

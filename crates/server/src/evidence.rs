//! Keeps evidence that was appraised, where the operator asked for it, to judge it again later.
//!
//! No attest request waits for it or fails by it. What cannot be written in time is lost and counted;
//! how much waits to be written, and how much the store keeps, is bounded.

mod machines;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use avouch_engine::{CAPSULE_BYTES_MAX, Capsule, Judged, Verdict};
use avouch_store::{CapsuleVerdict, NewCapsule, ProviderId, Store, StoreError};
use machines::Machines;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::Instant;

use crate::Clock;
use crate::config::{AuditConfig, KeepEvidence};

/// Capsules that wait to be written.
const WAITING_MAX: usize = 256;
/// Their bytes.
const WAITING_BYTES_MAX: usize = 16 << 20;
/// How often is looked for capsules that are too old, and said that some were lost.
const LOOK_AFTER: Duration = Duration::from_secs(600);
const DAY_SECONDS: i64 = 86_400;

/// Takes capsules of appraisals and has them written.
pub struct EvidenceKeeper {
    rule: KeepEvidence,
    queue: Option<Sender<NewCapsule>>,
    machines: Machines,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    waiting_bytes: AtomicUsize,
    kept: AtomicU64,
    lost: AtomicU64,
}

impl EvidenceKeeper {
    /// One that keeps nothing.
    #[must_use]
    pub fn none() -> Self {
        let (rule, queue) = (KeepEvidence::None, None);
        Self { rule, queue, machines: Machines::default(), counts: Arc::default() }
    }

    /// One that keeps what the configuration says, by a task that ends with it. The task also lets go
    /// of what is too old, whatever is kept now.
    #[must_use]
    pub fn start(config: &AuditConfig, store: Store, clock: Clock) -> Self {
        let (queue, waiting) = channel(WAITING_MAX);
        let counts = Arc::<Counts>::default();
        let writer =
            Writer { config: config.clone(), store, clock, counts: Arc::clone(&counts), told: 0 };
        tokio::spawn(writer.run(waiting));
        let (rule, queue) = (config.keep_evidence, Some(queue));
        Self { rule, queue, machines: Machines::default(), counts }
    }

    /// Takes an appraisal, if it is to be kept.
    pub(crate) fn offer(&self, provider: ProviderId, judged: &Judged<'_>) {
        let Some(queue) = &self.queue else { return };
        if !self.rule.keeps(judged.outcome.is_ok_and(|appraisal| appraisal.is_permitted())) {
            return;
        }
        let capsule = Capsule::of(judged);
        if !self.machines.take_turn(provider, &capsule, Instant::now()) {
            return;
        }
        let verdict = match &capsule.outcome.verdict {
            Verdict::Permitted { .. } => CapsuleVerdict::Permitted,
            Verdict::Refused(_) => CapsuleVerdict::Refused,
            Verdict::Unverified(_) => CapsuleVerdict::Unverified,
        };
        let text = capsule.to_json().into_bytes();
        let bytes = text.len();
        let new = NewCapsule { provider, verdict, at: judged.at, capsule: text };
        let is_queued = bytes <= CAPSULE_BYTES_MAX
            && self.counts.reserve(bytes)
            && (queue.try_send(new).is_ok() || self.counts.release(bytes));
        if !is_queued {
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many were written since the start.
    pub(crate) fn kept(&self) -> u64 {
        self.counts.kept.load(Ordering::Relaxed)
    }

    /// How many were not, that should have been.
    pub(crate) fn lost(&self) -> u64 {
        self.counts.lost.load(Ordering::Relaxed)
    }
}

impl Counts {
    /// Whether there is room for so many bytes more, which are then taken.
    fn reserve(&self, bytes: usize) -> bool {
        let with = |waiting: usize| {
            waiting.checked_add(bytes).filter(|waiting| *waiting <= WAITING_BYTES_MAX)
        };
        self.waiting_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, with).is_ok()
    }

    /// Gives bytes back: no.
    fn release(&self, bytes: usize) -> bool {
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        false
    }
}

struct Writer {
    config: AuditConfig,
    store: Store,
    clock: Clock,
    counts: Arc<Counts>,
    /// Losses that the log was told of.
    told: u64,
}

impl Writer {
    async fn run(mut self, mut waiting: Receiver<NewCapsule>) {
        let mut look = Instant::now();
        loop {
            tokio::select! {
                first = waiting.recv() => match first {
                    Some(first) => self.write(first, &mut waiting).await,
                    None => return,
                },
                () = tokio::time::sleep_until(look) => {
                    self.look_after().await;
                    look = Instant::now().checked_add(LOOK_AFTER).unwrap_or(look);
                }
            }
        }
    }

    /// Writes one and all that wait behind it.
    async fn write(&mut self, first: NewCapsule, waiting: &mut Receiver<NewCapsule>) {
        let mut batch = vec![first];
        while batch.len() < WAITING_MAX {
            match waiting.try_recv() {
                Ok(next) => batch.push(next),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        let written = self.store.keep_capsules(&batch, self.config.bounds()).await;
        let count = batch.len() as u64;
        let bytes = batch.iter().map(|one| one.capsule.len()).fold(0, usize::saturating_add);
        self.counts.release(bytes);
        match written {
            Ok(()) => {
                self.counts.kept.fetch_add(count, Ordering::Relaxed);
            }
            Err(error) => {
                self.counts.lost.fetch_add(count, Ordering::Relaxed);
                tracing::warn!(%error, count, "evidence could not be kept");
            }
        }
    }

    async fn look_after(&mut self) {
        let lost = self.counts.lost.load(Ordering::Relaxed);
        if lost > self.told {
            tracing::warn!(lost, "evidence that should have been kept was lost since the start");
            self.told = lost;
        }
        if let Err(error) = self.drop_old().await {
            tracing::warn!(%error, "evidence that is too old is still kept");
        }
    }

    async fn drop_old(&self) -> Result<(), StoreError> {
        let days = i64::try_from(self.config.evidence_days_max).unwrap_or(i64::MAX);
        let seconds = days.saturating_mul(DAY_SECONDS).saturating_neg();
        // By the clock that judged it, which may stand still.
        let oldest = self.clock.appraisal_time().saturating_add_seconds(seconds);
        self.store.drop_capsules_before(oldest).await
    }
}

#[cfg(test)]
mod tests;

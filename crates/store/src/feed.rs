//! The change feed: who keeps a cache learns what to read again.
//!
//! The changes are rows, so nothing is lost when nobody listens, a connection breaks or a
//! subscriber is slow. Waking up is separate and may fail: writes of this process wake at once,
//! PostgreSQL notifies other instances, and looking four times a second finds the rest.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::attestation_type::AttestationType;
use crate::driver::{Database, Row, Tx, listen_until_broken};
use crate::error::StoreError;
use crate::limits::{CHANGES_KEPT, PAGE_ROWS_MAX};
use crate::names::{ProviderId, ProviderName};
use crate::store::{About, Sequence, Store};

/// How long to wait before listening again after PostgreSQL broke off.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);
/// Every so many sequences old changes are dropped.
const PRUNE_EVERY: u64 = 1_024;

/// Something that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its place in the order of all writes. A cache that has applied it is at this version.
    pub sequence: Sequence,
    /// The provider it is about, if it is about one.
    pub provider: Option<(ProviderId, ProviderName)>,
    /// What changed.
    pub kind: ChangeKind,
}

/// What changed. The new state is read from the store; the feed only names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// A provider was made.
    ProviderCreated,
    /// Fields of a provider changed.
    ProviderUpdated,
    /// A provider is gone.
    ProviderDeleted,
    /// The policy of this type was set or reset.
    Policy(AttestationType),
    /// Policy certificates were added or removed.
    PolicyCertificates,
    /// A private endpoint connection was put or removed.
    PrivateEndpointConnections,
    /// Signing keys were added, changed state or went.
    Keys,
    /// Something of that provider that only a newer program knows.
    Other,
    /// The subscriber was away so long that changes were dropped: everything may be new.
    Missed,
}

impl ChangeKind {
    fn parse(kind: &str, subject: Option<&str>) -> Self {
        match (kind, subject.and_then(AttestationType::parse)) {
            ("provider-created", _) => Self::ProviderCreated,
            ("provider-updated", _) => Self::ProviderUpdated,
            ("provider-deleted", _) => Self::ProviderDeleted,
            ("policy", Some(attestation_type)) => Self::Policy(attestation_type),
            ("policy-certificates", _) => Self::PolicyCertificates,
            ("private-endpoint-connections", _) => Self::PrivateEndpointConnections,
            ("keys", _) => Self::Keys,
            _ => Self::Other,
        }
    }
}

/// What a store runs beside its pools.
#[derive(Debug)]
pub(crate) struct Feed {
    /// Sequence of the newest change known to be committed.
    latest: watch::Sender<u64>,
    tasks: Vec<JoinHandle<()>>,
    notifies: bool,
}

impl Feed {
    pub(crate) async fn start(
        database: &Database,
        poll_interval: Duration,
    ) -> Result<Self, StoreError> {
        let (latest, _) = watch::channel(latest_change(database).await?);
        let wake = Arc::new(Notify::new());
        let mut tasks = vec![tokio::spawn(look(
            database.clone(),
            latest.clone(),
            Arc::clone(&wake),
            poll_interval,
        ))];
        if let Database::Postgres(pool) = database {
            tasks.push(tokio::spawn(listen(pool.clone(), wake)));
        }
        Ok(Self { latest, tasks, notifies: database.is_postgres() })
    }

    pub(crate) fn stop(&self) {
        for task in &self.tasks {
            task.abort();
        }
    }

    /// Adds a change to a write and asks PostgreSQL to tell of it at the commit.
    pub(crate) async fn record(
        &self,
        tx: &mut Tx,
        sequence: Sequence,
        kind: &'static str,
        about: Option<About<'_>>,
        subject: Option<&str>,
    ) -> Result<(), StoreError> {
        tx.execute(
            "insert into changes (sequence, kind, provider_id, provider_name, subject) \
             values ($1, $2, $3, $4, $5)",
            &[
                sequence.0.into(),
                kind.into(),
                about.map(|about| about.id.0).into(),
                about.map(|about| about.name).into(),
                subject.into(),
            ],
        )
        .await?;
        if self.notifies {
            let payload = sequence.to_string();
            let sql = "select 1::bigint from pg_notify('avouch_changes', $1)";
            tx.fetch(sql, &[payload.as_str().into()]).await?;
        }
        if sequence.0.is_multiple_of(PRUNE_EVERY) {
            prune(tx, sequence.0.saturating_sub(CHANGES_KEPT)).await?;
        }
        Ok(())
    }

    /// Wakes the subscribers of this process.
    pub(crate) fn announce(&self, sequence: Sequence) {
        raise(&self.latest, sequence.0);
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn prune(tx: &mut Tx, through: u64) -> Result<(), StoreError> {
    if through == 0 {
        return Ok(());
    }
    tx.execute("delete from changes where sequence <= $1", &[through.into()]).await?;
    tx.execute(
        "update store_state set value = $1 where name = 'changes_pruned_through'",
        &[through.into()],
    )
    .await
    .map(|_| ())
}

fn raise(latest: &watch::Sender<u64>, sequence: u64) {
    latest.send_if_modified(|known| {
        let newer = sequence > *known;
        if newer {
            *known = sequence;
        }
        newer
    });
}

async fn latest_change(database: &Database) -> Result<u64, StoreError> {
    let sql = "select coalesce(max(sequence), 0) from changes";
    let rows = database.read("look for changes", sql, &[]).await?;
    rows.into_iter().next().map_or(Ok(0), |mut row| row.u64("sequence"))
}

async fn look(
    database: Database,
    latest: watch::Sender<u64>,
    wake: Arc<Notify>,
    poll_interval: Duration,
) {
    let mut failing = false;
    loop {
        // Whether woken or timed out: look.
        let _ = tokio::time::timeout(poll_interval, wake.notified()).await;
        match latest_change(&database).await {
            Ok(sequence) => {
                failing = false;
                raise(&latest, sequence);
            }
            Err(error) => {
                if !failing {
                    tracing::warn!(error = chain(&error), "cannot look for changes; will go on");
                }
                failing = true;
            }
        }
    }
}

async fn listen(pool: sqlx::PgPool, wake: Arc<Notify>) {
    let mut failing = false;
    loop {
        let error = listen_until_broken(&pool, &wake).await;
        if pool.is_closed() {
            return;
        }
        if !failing {
            tracing::warn!(%error, "PostgreSQL does not notify; changes are found by looking");
        }
        failing = true;
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}

fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl Store {
    /// Changes from now on.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn subscribe(&self) -> Result<Subscription, StoreError> {
        Ok(self.subscribe_after(self.sequence().await?))
    }

    /// Changes after `seen`, such as the sequence read before a cache was filled.
    #[must_use]
    pub fn subscribe_after(&self, seen: Sequence) -> Subscription {
        let latest = self.inner.feed.latest.subscribe();
        Subscription { store: self.clone(), latest, seen: seen.0, pending: VecDeque::new() }
    }

    /// The newest change known to this process; every write that it was told of is included.
    pub(crate) fn latest_change(&self) -> Sequence {
        Sequence(*self.inner.feed.latest.borrow())
    }

    /// A page of changes after `seen`, without waiting. A first [`ChangeKind::Missed`] says that
    /// older ones were dropped.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn changes_after(&self, seen: Sequence) -> Result<Vec<Change>, StoreError> {
        let mut tx = self.begin_read("read changes").await?;
        let pruned = tx
            .fetch_optional(
                "select value from store_state where name = 'changes_pruned_through'",
                &[],
            )
            .await?
            .map_or(Ok(0), |mut row| row.u64("store_state.value"))?;
        let rows = tx
            .fetch(
                "select sequence, kind, provider_id, provider_name, subject from changes \
                 where sequence > $1 order by sequence limit $2",
                &[seen.0.into(), u64::from(PAGE_ROWS_MAX).into()],
            )
            .await?;
        tx.commit().await?;
        let mut changes = Vec::with_capacity(rows.len().saturating_add(1));
        if seen.0 < pruned {
            let sequence = Sequence(pruned);
            changes.push(Change { sequence, provider: None, kind: ChangeKind::Missed });
        }
        for row in rows {
            changes.push(read_change(row)?);
        }
        Ok(changes)
    }
}

fn read_change(mut row: Row) -> Result<Change, StoreError> {
    let sequence = Sequence(row.u64("sequence")?);
    let kind = row.text("kind")?;
    let id = row.opt_u64("provider_id")?.map(ProviderId);
    let name = row.opt_text("provider_name")?.map(ProviderName::stored);
    let subject = row.opt_text("subject")?;
    let kind = ChangeKind::parse(&kind, subject.as_deref());
    Ok(Change { sequence, provider: id.zip(name), kind })
}

/// A place in the feed.
#[derive(Debug)]
pub struct Subscription {
    store: Store,
    latest: watch::Receiver<u64>,
    seen: u64,
    pending: VecDeque<Change>,
}

impl Subscription {
    /// Waits for the next change, in order, none left out.
    ///
    /// Safe to drop while waiting: no change is lost.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: the subscription keeps its place, call again after a pause.
    pub async fn next(&mut self) -> Result<Change, StoreError> {
        loop {
            if let Some(change) = self.pending.pop_front() {
                self.seen = change.sequence.0;
                return Ok(change);
            }
            self.fill().await?;
        }
    }

    /// As [`Subscription::next`], with all changes known by then, at least one.
    ///
    /// # Errors
    /// As [`Subscription::next`].
    pub async fn next_batch(&mut self) -> Result<Vec<Change>, StoreError> {
        while self.pending.is_empty() {
            self.fill().await?;
        }
        let batch = Vec::from(std::mem::take(&mut self.pending));
        self.seen = batch.last().map_or(self.seen, |change| change.sequence.0);
        Ok(batch)
    }

    async fn fill(&mut self) -> Result<(), StoreError> {
        let seen = self.seen;
        if self.latest.wait_for(|latest| *latest > seen).await.is_err() {
            return Err(StoreError::Unavailable {
                operation: "wait for changes",
                source: "the store is closed".into(),
            });
        }
        self.pending = self.store.changes_after(Sequence(seen)).await?.into();
        Ok(())
    }

    /// The sequence up to which this subscription has told everything.
    #[must_use]
    pub fn seen(&self) -> Sequence {
        Sequence(self.seen)
    }
}

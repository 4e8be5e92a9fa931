//! The change feed: who keeps a cache learns what to read again.
//!
//! The changes are rows, so nothing is lost when nobody listens, a connection breaks or a
//! subscriber is slow. Waking up is separate and may fail: writes of this process wake at once,
//! PostgreSQL notifies other instances, and looking four times a second finds the rest.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use avouch_wire::EvidenceKind;
use tokio::sync::{Notify, watch};

use crate::driver::{Database, Row, Tx, Value, listen_until_broken};
use crate::error::StoreError;
use crate::health::Kind;
use crate::limits::{CHANGES_KEPT, PAGE_ROWS_MAX};
use crate::names::{ProviderId, ProviderName};
use crate::probe::probe;
use crate::store::{About, Sequence, Store};
use crate::task::Task;

/// How long to wait before listening again after PostgreSQL broke off.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);
/// Every so many sequences old changes are dropped.
const PRUNE_EVERY: u64 = 1_024;
/// How long the database may take to say whether there are changes.
const LOOK_WITHIN: Duration = Duration::from_secs(5);

/// Something that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its place in the order of all writes. A cache that has applied it is at this version.
    pub sequence: Sequence,
    /// The provider it is about, if it is about one.
    pub provider: Option<(ProviderId, ProviderName)>,
    /// What of the provider changed.
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
    Policy(EvidenceKind),
    /// Policy certificates were added or removed.
    PolicyCertificates,
    /// A private endpoint connection was put or removed.
    PrivateEndpointConnections,
    /// Signing keys were added, changed state or went.
    Keys,
    /// Something of that provider that only a newer program knows.
    Other,
    /// Changes were dropped that the subscriber has not seen, or came back as others after a
    /// failover, or one cannot be read: everything may be new. The sequence may be lower than
    /// those before.
    Missed,
}

impl ChangeKind {
    fn parse(kind: &str, subject: Option<&str>) -> Self {
        match (kind, subject.and_then(EvidenceKind::from_policy_name)) {
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

/// The newest change there is. The mark tells it from another that got its sequence after a
/// failover had lost it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Head {
    sequence: u64,
    mark: Option<i64>,
}

/// What was found when it was last looked for changes.
#[derive(Debug, Clone, Copy)]
struct Look {
    head: Head,
    /// When the database said so.
    at: Instant,
    closed: bool,
}

/// What a store runs beside its pools.
#[derive(Debug)]
pub(crate) struct Feed {
    look: watch::Sender<Look>,
    tasks: Vec<Task>,
    notifies: bool,
}

impl Feed {
    pub(crate) async fn start(
        database: &Database,
        poll_interval: Duration,
    ) -> Result<Self, StoreError> {
        let head = newest_change(database).await?;
        let (sender, _) = watch::channel(Look { head, at: Instant::now(), closed: false });
        let wake = Arc::new(Notify::new());
        let mut tasks = vec![
            Task::spawn("look for changes", {
                let (database, sender, wake) = (database.clone(), sender.clone(), wake.clone());
                move || look(database.clone(), sender.clone(), wake.clone(), poll_interval)
            }),
            Task::spawn("probe writing", {
                let database = database.clone();
                move || probe(database.clone())
            }),
        ];
        if let Some(pool) = database.postgres().cloned() {
            tasks.push(Task::spawn("listen for changes", move || {
                listen(pool.clone(), wake.clone())
            }));
        }
        Ok(Self { look: sender, tasks, notifies: database.is_postgres() })
    }

    /// Ends the tasks and tells subscribers that nothing will come.
    pub(crate) fn stop(&self) {
        self.tasks.iter().for_each(Task::stop);
        self.look.send_modify(|look| look.closed = true);
    }

    /// Adds a change to a write and asks PostgreSQL to tell of it at the commit.
    pub(crate) async fn record(
        &self,
        tx: &mut Tx,
        sequence: Sequence,
        kind: &'static str,
        about: Option<About<'_>>,
        subject: Option<&str>,
    ) -> Result<Head, StoreError> {
        let mark = random_mark()?;
        tx.execute(
            "insert into changes (sequence, kind, provider_id, provider_name, subject, mark) \
             values ($1, $2, $3, $4, $5, $6)",
            &[
                sequence.0.into(),
                kind.into(),
                about.map(|about| about.id.0).into(),
                about.map(|about| about.name).into(),
                subject.into(),
                Value::Int(Some(mark)),
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
        Ok(Head { sequence: sequence.0, mark: Some(mark) })
    }

    /// Wakes the subscribers of this process: this change is committed.
    pub(crate) fn announce(&self, head: Head) {
        self.look.send_modify(|look| {
            if head.sequence > look.head.sequence {
                *look = Look { head, at: Instant::now(), closed: look.closed };
            }
        });
    }
}

/// Tells a change from every other; nothing is secret of it.
fn random_mark() -> Result<i64, StoreError> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|error| StoreError::Unavailable {
        operation: "mark a change",
        source: Box::new(error),
    })?;
    Ok(i64::from_le_bytes(bytes))
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

/// The newest change up to `$1`. SQLite types values, not columns: one that is no number is greater
/// than all numbers and left out.
const NEWEST: &str =
    "select sequence, mark from changes where sequence <= $1 order by sequence desc limit 1";

fn read_head(rows: Vec<Row>) -> Result<Head, StoreError> {
    let Some(mut row) = rows.into_iter().next() else { return Ok(Head::default()) };
    Ok(Head { sequence: row.u64("sequence")?, mark: row.opt_int("mark").unwrap_or_default() })
}

async fn newest_change(database: &Database) -> Result<Head, StoreError> {
    let rows = database.read("look for changes", NEWEST, &[u64::MAX.into()]).await?;
    read_head(rows)
}

async fn look(
    database: Database,
    sender: watch::Sender<Look>,
    wake: Arc<Notify>,
    poll_interval: Duration,
) {
    let mut failing = false;
    loop {
        // Whether woken or timed out: look.
        let _ = tokio::time::timeout(poll_interval, wake.notified()).await;
        let at = Instant::now();
        let found = tokio::time::timeout(LOOK_WITHIN, newest_change(&database)).await;
        let found = found.unwrap_or_else(|_| {
            database.health().ended(Kind::Read, false);
            let source = format!("no answer within {LOOK_WITHIN:?}").into();
            Err(StoreError::Unavailable { operation: "look for changes", source })
        });
        match found {
            Ok(head) => {
                failing = false;
                sender.send_modify(|look| *look = Look { head, at, closed: look.closed });
            }
            Err(error) => {
                if !failing {
                    tracing::warn!(error = error.chain(), "cannot look for changes; will go on");
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

impl Store {
    /// Changes from now on.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn subscribe(&self) -> Result<Subscription, StoreError> {
        let mut tx = self.begin_read("subscribe to changes").await?;
        let seen = read_sequence(&mut tx).await?;
        let head = read_head(tx.fetch(NEWEST, &[seen.into()]).await?)?;
        tx.commit().await?;
        Ok(self.subscription(seen, Some(head)))
    }

    /// Changes after `seen`, such as the sequence read before a cache was filled.
    #[must_use]
    pub fn subscribe_after(&self, seen: Sequence) -> Subscription {
        self.subscription(seen.0, None)
    }

    fn subscription(&self, seen: u64, head: Option<Head>) -> Subscription {
        let mut look = self.inner.feed.look.subscribe();
        look.mark_changed();
        let pending = VecDeque::new();
        Subscription { store: self.clone(), look, seen, head, more: false, pending }
    }

    /// The newest change known to this process; every write that it was told of is included.
    pub(crate) fn latest_change(&self) -> Sequence {
        Sequence(self.inner.feed.look.borrow().head.sequence)
    }

    /// A page of changes after `seen`, without waiting. A first [`ChangeKind::Missed`] says that
    /// older ones were dropped.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn changes_after(&self, seen: Sequence) -> Result<Vec<Change>, StoreError> {
        Ok(self.page_after(seen.0, None).await?.changes)
    }

    /// A page of changes after `seen`, when the newest of those before was `head`.
    async fn page_after(&self, seen: u64, head: Option<Head>) -> Result<ChangePage, StoreError> {
        let mut tx = self.begin_read("read changes").await?;
        let pruned = tx
            .fetch_optional(
                "select value from store_state where name = 'changes_pruned_through'",
                &[],
            )
            .await?
            .map_or(Ok(0), |mut row| row.u64("store_state.value"))?;
        let found = read_head(tx.fetch(NEWEST, &[seen.into()]).await?)?;
        let kept = |head: &Head| pruned == 0 || head.sequence > pruned;
        if head.as_ref().filter(|head| kept(head)).is_some_and(|head| *head != found) {
            tracing::error!(
                seen,
                found = found.sequence,
                "the database has lost changes that were seen, as after a failover"
            );
            let sequence = read_sequence(&mut tx).await?;
            let head = read_head(tx.fetch(NEWEST, &[sequence.into()]).await?)?;
            tx.commit().await?;
            return Ok(ChangePage { changes: vec![missed(sequence)], head, more: false });
        }
        let rows = tx
            .fetch(
                "select sequence, mark, kind, provider_id, provider_name, subject from changes \
                 where sequence > $1 and sequence <= $2 order by sequence limit $3",
                &[seen.into(), u64::MAX.into(), u64::from(PAGE_ROWS_MAX).into()],
            )
            .await?;
        tx.commit().await?;
        let more = rows.len() >= PAGE_ROWS_MAX as usize;
        let (mut changes, mut head) = (Vec::with_capacity(rows.len().saturating_add(1)), found);
        if seen < pruned {
            changes.push(missed(pruned));
        }
        for mut row in rows {
            let sequence = row.u64("sequence")?;
            head = Head { sequence, mark: row.opt_int("mark").unwrap_or_default() };
            changes.push(read_change(sequence, row).unwrap_or_else(|error| {
                tracing::error!(sequence, %error, "a change cannot be read; reading all anew");
                missed(sequence)
            }));
        }
        Ok(ChangePage { changes, head, more })
    }
}

/// Changes as they were read.
struct ChangePage {
    changes: Vec<Change>,
    /// The newest change up to the end of the page.
    head: Head,
    /// Whether there may be more at once.
    more: bool,
}

const fn missed(sequence: u64) -> Change {
    Change { sequence: Sequence(sequence), provider: None, kind: ChangeKind::Missed }
}

fn read_change(sequence: u64, mut row: Row) -> Result<Change, StoreError> {
    let kind = row.text("kind")?;
    let id = row.opt_u64("provider_id")?.map(ProviderId);
    let name = row.opt_text("provider_name")?.map(ProviderName::stored);
    let subject = row.opt_text("subject")?;
    let kind = ChangeKind::parse(&kind, subject.as_deref());
    Ok(Change { sequence: Sequence(sequence), provider: id.zip(name), kind })
}

/// A place in the feed.
#[derive(Debug)]
pub struct Subscription {
    store: Store,
    look: watch::Receiver<Look>,
    seen: u64,
    /// The newest change read or seen; none for a subscriber that has read none yet.
    head: Option<Head>,
    more: bool,
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
        loop {
            let (batch, _) = self.look_again().await?;
            if !batch.is_empty() {
                return Ok(batch);
            }
        }
    }

    /// Waits until it has been looked for changes; returns those found, perhaps none, and the
    /// moment up to which there were no others, unless there are more to be read.
    pub(crate) async fn look_again(
        &mut self,
    ) -> Result<(Vec<Change>, Option<Instant>), StoreError> {
        let current = if self.pending.is_empty() { self.fill().await? } else { None };
        let batch = Vec::from(std::mem::take(&mut self.pending));
        self.seen = batch.last().map_or(self.seen, |change| change.sequence.0);
        Ok((batch, current))
    }

    async fn fill(&mut self) -> Result<Option<Instant>, StoreError> {
        if !self.more && self.look.changed().await.is_err() {
            return Err(closed());
        }
        let look = *self.look.borrow_and_update();
        if look.closed {
            self.look.mark_changed();
            return Err(closed());
        }
        if !self.more && self.head == Some(look.head) {
            return Ok(Some(look.at));
        }
        // Should this be dropped or fail, the next call looks at once.
        self.more = true;
        let page = self.store.page_after(self.seen, self.head).await?;
        (self.head, self.more) = (Some(page.head), page.more);
        self.pending = page.changes.into();
        Ok((!page.more).then_some(look.at))
    }

    /// The sequence up to which this subscription has told everything.
    #[must_use]
    pub fn seen(&self) -> Sequence {
        Sequence(self.seen)
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable { operation: "wait for changes", source: "the store is closed".into() }
}

async fn read_sequence(tx: &mut Tx) -> Result<u64, StoreError> {
    let row =
        tx.fetch_optional("select value from store_state where name = 'sequence'", &[]).await?;
    row.ok_or(StoreError::Corrupt { column: "store_state.value", reason: "missing" })?
        .u64("store_state.value")
}

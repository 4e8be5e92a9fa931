//! The handle, and the shape of every write.

use std::sync::Arc;
use std::time::Duration;

use avouch_wire::UnixTime;

use crate::actor::Actor;
use crate::driver::{Database, Tx, Value};
use crate::error::StoreError;
use crate::feed::{Feed, Head};
use crate::health::{Health, Kind};
use crate::location::Location;
use crate::migrate::{MIGRATIONS, Migration, migrate, require_current};
use crate::names::ProviderId;
use crate::options::StoreOptions;
use crate::probe;

/// Position in the one order of all writes. It only grows; a cache that has seen a sequence has
/// seen everything up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sequence(pub u64);

impl std::fmt::Display for Sequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Who writes, when, and what they had read before.
#[derive(Debug, Clone)]
pub struct Edit<'a> {
    /// Who; kept in history and audit.
    pub actor: &'a Actor,
    /// When. The store reads no clock.
    pub at: UnixTime,
    /// Revisions the decision to write rests on.
    pub expected: Expected,
    /// The signed request that is carried out, if it is one.
    pub request: Option<SignedRequest>,
}

impl<'a> Edit<'a> {
    /// A write that rests on nothing read before.
    #[must_use]
    pub fn new(actor: &'a Actor, at: UnixTime) -> Self {
        Self { actor, at, expected: Expected::default(), request: None }
    }

    /// The same write, refused with [`StoreError::Conflict`] if `expected` no longer holds.
    #[must_use]
    pub fn expecting(mut self, expected: Expected) -> Self {
        self.expected = expected;
        self
    }

    /// The same write, carrying out a signed request. An Isolated provider keeps which ones it has
    /// accepted.
    #[must_use]
    pub fn carrying_out(mut self, request: SignedRequest) -> Self {
        self.request = Some(request);
        self
    }
}

/// A request that its sender has signed; the caller has verified it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedRequest {
    /// SHA-256 of what the signature is over: the signature itself can be written in several ways.
    pub signed_hash: [u8; 32],
    /// Whether an Isolated provider refuses it if it has accepted it before.
    pub once: bool,
}

/// Revisions that must still be current when the write happens; `None` is not checked.
///
/// A signed policy is judged against the signers that were read; naming their revision here makes
/// the write fail when a signer was removed in between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expected {
    /// [`crate::Provider::revision`].
    pub provider: Option<u64>,
    /// [`crate::Provider::signers_revision`].
    pub signers: Option<u64>,
    /// [`crate::Policy::revision`] of the attestation type written to; 0 while the default policy
    /// is in force.
    pub policy: Option<u64>,
}

/// One comparison of optimistic concurrency.
pub(crate) fn same(
    what: &'static str,
    expected: Option<u64>,
    found: u64,
) -> Result<(), StoreError> {
    match expected {
        Some(expected) if expected != found => Err(StoreError::Conflict { what, expected, found }),
        _ => Ok(()),
    }
}

/// Providers, policies, signers, keys, audit trail and change feed, on SQLite or PostgreSQL.
///
/// A cheap handle: clones share connections. All writes are serial, on both databases and across
/// processes: each one starts by taking the next [`Sequence`], which is the write lock. So rules
/// over several rows (the last certificate, one active key) hold without further care, and changes
/// become visible in the order of their sequence.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) database: Database,
    pub(crate) feed: Feed,
    pub(crate) options: StoreOptions,
}

impl Store {
    /// Opens `postgres://…`, `sqlite:PATH`, a bare path or `:memory:` with default options, and
    /// brings the schema up to date. `at` is recorded with migrations.
    ///
    /// A PostgreSQL server reached over a network must present a certificate for its name unless
    /// the URL sets `sslmode`; `sslrootcert` names its CA.
    ///
    /// # Errors
    /// [`StoreError::Location`], [`StoreError::Unavailable`], [`StoreError::SchemaTooNew`],
    /// [`StoreError::SchemaTooOld`], [`StoreError::SchemaDiffers`].
    pub async fn open(location: &str, at: UnixTime) -> Result<Self, StoreError> {
        Self::open_with(location, &StoreOptions::default(), at).await
    }

    /// As [`Store::open`], with options.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_with(
        location: &str,
        options: &StoreOptions,
        at: UnixTime,
    ) -> Result<Self, StoreError> {
        let database = connect(location, options).await?;
        Self::start(database, options, MIGRATIONS, at).await
    }

    /// A store in memory, gone when the last clone is dropped: for tests and `--dev`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn memory() -> Result<Self, StoreError> {
        let epoch = UnixTime::from_seconds(0)
            .map_err(|_| StoreError::Invalid { field: "time", reason: "no epoch" })?;
        Self::open(":memory:", epoch).await
    }

    pub(crate) async fn start(
        database: Database,
        options: &StoreOptions,
        migrations: &[Migration],
        at: UnixTime,
    ) -> Result<Self, StoreError> {
        if options.upgrades {
            migrate(&database, migrations, at).await?;
        } else {
            require_current(&database, migrations).await?;
        }
        let poll_interval = Duration::from_millis(options.poll_interval_ms.clamp(10, 1_000));
        let feed = Feed::start(&database, poll_interval).await?;
        Ok(Self { inner: Arc::new(Inner { database, feed, options: options.clone() }) })
    }

    /// Closes all connections, after those in use are given back. Later calls are unavailable.
    pub async fn close(&self) {
        self.inner.feed.stop();
        self.inner.database.close().await;
    }

    /// Whether the database can be read and written, as far as this process knows: answers at
    /// once, without asking it.
    #[must_use]
    pub fn health(&self) -> Health {
        self.inner.database.health().get()
    }

    /// Asks the database for an answer.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.sequence().await.map(|_| ())
    }

    /// Whether it takes writes at this moment: writes a row that means nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn check_writable(&self) -> Result<(), StoreError> {
        probe::write(&self.inner.database, &[]).await
    }

    /// The sequence of the last write.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn sequence(&self) -> Result<Sequence, StoreError> {
        let rows = self
            .read("read the sequence", "select value from store_state where name = 'sequence'", &[])
            .await?;
        let mut row = rows
            .into_iter()
            .next()
            .ok_or(StoreError::Corrupt { column: "store_state.value", reason: "missing" })?;
        row.u64("store_state.value").map(Sequence)
    }

    /// Finds what was just committed, over another connection than the one that wrote it.
    pub(crate) async fn read_back(&self, written: Sequence) -> Result<(), StoreError> {
        let found = self.sequence().await;
        let works = found.as_ref().is_ok_and(|found| *found >= written);
        if !works {
            self.inner.database.health().ended(Kind::Write, false);
        }
        match found? {
            _ if works => Ok(()),
            found => Err(StoreError::Unavailable {
                operation: "read back what was written",
                source: format!("sequence {written} was written, {found} is found").into(),
            }),
        }
    }

    pub(crate) async fn read(
        &self,
        operation: &'static str,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<crate::driver::Row>, StoreError> {
        self.inner.database.read(operation, sql, values).await
    }

    pub(crate) async fn begin_read(&self, operation: &'static str) -> Result<Tx, StoreError> {
        self.inner.database.begin_read(operation).await
    }

    /// Begins a write: takes the next sequence and with it the turn among all writers.
    pub(crate) async fn begin_write<'a>(
        &'a self,
        operation: &'static str,
        edit: &'a Edit<'a>,
    ) -> Result<WriteTx<'a>, StoreError> {
        let mut write = self.begin_unnumbered(operation, edit).await?;
        write.sequence = next_sequence(&mut write.tx, 1).await?;
        Ok(write)
    }

    /// Begins a write whose first statement is to be [`NEXT`].
    pub(crate) async fn begin_unnumbered<'a>(
        &'a self,
        operation: &'static str,
        edit: &'a Edit<'a>,
    ) -> Result<WriteTx<'a>, StoreError> {
        let tx = self.inner.database.begin_write(operation).await?;
        Ok(WriteTx { tx, store: self, edit, sequence: Sequence::default(), change: None })
    }
}

pub(crate) async fn connect(
    location: &str,
    options: &StoreOptions,
) -> Result<Database, StoreError> {
    match Location::parse(location)? {
        Location::Sqlite(target) => Database::open_sqlite(&target, options).await,
        Location::Postgres(target) => Database::open_postgres(&target, options).await,
    }
}

/// Takes so many sequences and gives the last. The row stays locked until the commit, which is
/// what makes writers on PostgreSQL take turns as they do on SQLite. Should the counter ever be
/// behind what was written under it, as after a repair by hand, it passes that over.
macro_rules! next {
    ($count:literal) => {
        concat!(
            "update store_state set value = ",
            $count,
            " + case \
             when value >= (select coalesce(max(sequence), 0) from audit) \
             and value >= (select coalesce(max(sequence), 0) from changes) then value \
             else (select max(sequence) from (select sequence from audit \
             union all select sequence from changes) written) end \
             where name = 'sequence' returning value"
        )
    };
}
pub(crate) use next;

/// Takes the next sequence.
pub(crate) const NEXT: &str = next!("1");

/// Takes `count` sequences and returns the last, as [`NEXT`] does for one.
pub(crate) async fn next_sequence(tx: &mut Tx, count: u64) -> Result<Sequence, StoreError> {
    let row = tx.fetch_optional(next!("$1"), &[count.into()]).await?;
    let mut row =
        row.ok_or(StoreError::Corrupt { column: "store_state.value", reason: "missing" })?;
    row.u64("store_state.value").map(Sequence)
}

/// A write under way. Dropping it undoes everything.
pub(crate) struct WriteTx<'a> {
    pub(crate) tx: Tx,
    pub(crate) store: &'a Store,
    pub(crate) edit: &'a Edit<'a>,
    pub(crate) sequence: Sequence,
    change: Option<Head>,
}

/// Which provider an audit entry or change is about.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) id: ProviderId,
    pub(crate) name: &'a str,
}

impl WriteTx<'_> {
    /// Adds to a counter kept beside the sequence and refuses to pass `allowed`.
    pub(crate) async fn count(
        &mut self,
        counter: &'static str,
        more: u64,
        what: &'static str,
        allowed: u64,
    ) -> Result<(), StoreError> {
        let row = self
            .tx
            .fetch_optional(
                "update store_state set value = value + $1 where name = $2 returning value",
                &[more.into(), counter.into()],
            )
            .await?;
        let found = row
            .ok_or(StoreError::Corrupt { column: "store_state.value", reason: "missing" })?
            .u64("store_state.value")?;
        if found > allowed {
            return Err(StoreError::Limit { what, found, allowed });
        }
        Ok(())
    }

    /// Takes from a counter.
    pub(crate) async fn uncount(
        &mut self,
        counter: &'static str,
        fewer: u64,
    ) -> Result<(), StoreError> {
        self.tx
            .execute(
                "update store_state set value = value - $1 where name = $2",
                &[fewer.into(), counter.into()],
            )
            .await
            .map(|_| ())
    }

    /// Writes the audit entry of this write.
    pub(crate) async fn audit(
        &mut self,
        action: &'static str,
        about: Option<About<'_>>,
        details: &serde_json::Value,
    ) -> Result<(), StoreError> {
        let provider_key = about.map(|about| about.name.to_ascii_lowercase());
        self.tx
            .execute(
                "insert into audit (sequence, at, actor, actor_kind, action, outcome, \
                 provider_id, provider_name, provider_key, details) \
                 values ($1, $2, $3, $4, $5, 'succeeded', $6, $7, $8, $9)",
                &[
                    self.sequence.0.into(),
                    self.edit.at.into(),
                    self.edit.actor.id().into(),
                    self.edit.actor.kind().as_str().into(),
                    action.into(),
                    about.map(|about| about.id.0).into(),
                    about.map(|about| about.name).into(),
                    provider_key.as_deref().into(),
                    details.to_string().as_str().into(),
                ],
            )
            .await
            .map(|_| ())
    }

    /// Tells subscribers, here and elsewhere, once this write is committed.
    pub(crate) async fn change(
        &mut self,
        kind: &'static str,
        about: Option<About<'_>>,
        subject: Option<&str>,
    ) -> Result<(), StoreError> {
        if let Some(about) = about {
            self.tx
                .execute(
                    "update providers set version = $1 where id = $2",
                    &[self.sequence.0.into(), about.id.0.into()],
                )
                .await?;
        }
        let feed = &self.store.inner.feed;
        self.change = Some(feed.record(&mut self.tx, self.sequence, kind, about, subject).await?);
        Ok(())
    }

    /// Makes the write durable and visible.
    pub(crate) async fn commit(self) -> Result<Sequence, StoreError> {
        self.tx.commit().await?;
        self.store.read_back(self.sequence).await?;
        if let Some(head) = self.change {
            self.store.inner.feed.announce(head);
        }
        Ok(self.sequence)
    }
}

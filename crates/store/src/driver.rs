//! The thin part that differs: connections, parameters and rows of the two databases.
//!
//! Every statement of this crate is written once, in the SQL that both databases read, with
//! parameters of three types (64-bit integers, text, bytes). What a driver adds is only how a
//! transaction begins and how cells come back.

mod files;
mod postgres;
mod row;
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use crate::error::StoreError;
use crate::health::{HealthCell, Kind};
pub(crate) use row::{Cell, Row};

/// A statement parameter. PostgreSQL wants to know the type of a null, hence the options inside.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Int(Option<i64>),
    Text(Option<&'a str>),
    Bytes(Option<&'a [u8]>),
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        // Sequences and counts stay far below; a number beyond matches no row.
        Self::Int(Some(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

impl From<Option<u64>> for Value<'_> {
    fn from(number: Option<u64>) -> Self {
        Self::Int(number.map(|number| i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

impl From<avouch_wire::UnixTime> for Value<'_> {
    fn from(moment: avouch_wire::UnixTime) -> Self {
        Self::Int(Some(moment.seconds()))
    }
}

impl From<Option<avouch_wire::UnixTime>> for Value<'_> {
    fn from(moment: Option<avouch_wire::UnixTime>) -> Self {
        Self::Int(moment.map(avouch_wire::UnixTime::seconds))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Some(bytes))
    }
}

impl<'a> From<&'a [u8; 32]> for Value<'a> {
    fn from(bytes: &'a [u8; 32]) -> Self {
        Self::Bytes(Some(bytes.as_slice()))
    }
}

impl<'a> From<Option<&'a [u8; 32]>> for Value<'a> {
    fn from(bytes: Option<&'a [u8; 32]>) -> Self {
        Self::Bytes(bytes.map(<[u8; 32]>::as_slice))
    }
}

/// Binds our parameters to a query of either driver; a macro because the drivers share no trait
/// that would be shorter than this.
macro_rules! bound {
    ($sql:expr, $values:expr) => {{
        let mut query = sqlx::query($sql);
        for value in $values {
            query = match *value {
                $crate::driver::Value::Int(number) => query.bind(number),
                $crate::driver::Value::Text(text) => query.bind(text),
                $crate::driver::Value::Bytes(bytes) => query.bind(bytes),
            };
        }
        query
    }};
}
pub(crate) use bound;

/// Two statements that go together: the first takes no parameters and gives one row.
pub(crate) struct Pair {
    pub(crate) first: &'static str,
    pub(crate) second: &'static str,
    /// Both, with a semicolon between them.
    pub(crate) both: &'static str,
}

/// One database: its pools, how long it may take to answer, and what its answers say of it.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pools: Pools,
    health: Arc<HealthCell>,
    /// Longest wait for the answer to one statement, whatever the database has been told: it may
    /// hang, or its host be gone.
    answer_within: Duration,
}

#[derive(Debug, Clone)]
enum Pools {
    Sqlite(sqlite::Pools),
    Postgres(sqlx::PgPool),
}

/// A script of a migration may take longer than a statement.
const SCRIPT_WITHIN: Duration = Duration::from_secs(600);

pub(crate) use postgres::{PostgresTarget, listen_until_broken};
pub(crate) use sqlite::SqliteTarget;

/// The outcome of `operation`, or an error once `limit` is over.
///
/// The operation is in a box: the futures of the drivers are large, and would be part of every
/// future that waits for a database, and copied with it.
fn bounded<'a, T>(
    limit: Duration,
    operation: impl Future<Output = Result<T, sqlx::Error>> + Send + 'a,
) -> impl Future<Output = Result<T, sqlx::Error>> + Send {
    let operation = tokio::time::timeout(limit, Box::pin(operation));
    async move {
        operation.await.unwrap_or_else(|_| {
            let message = format!("no answer within {limit:?}");
            Err(std::io::Error::new(std::io::ErrorKind::TimedOut, message).into())
        })
    }
}

impl Database {
    fn new(pools: Pools, options: &crate::StoreOptions) -> Self {
        let health = Arc::new(HealthCell::new());
        Self { pools, health, answer_within: options.answer_within() }
    }

    /// Opens SQLite: one writer, several readers.
    pub(crate) async fn open_sqlite(
        target: &SqliteTarget,
        options: &crate::StoreOptions,
    ) -> Result<Self, StoreError> {
        let pools = sqlite::open(target, options).await?;
        Ok(Self::new(Pools::Sqlite(pools), options))
    }

    /// Opens a pool to PostgreSQL.
    pub(crate) async fn open_postgres(
        target: &PostgresTarget,
        options: &crate::StoreOptions,
    ) -> Result<Self, StoreError> {
        let pool = postgres::open(target, options).await?;
        Ok(Self::new(Pools::Postgres(pool), options))
    }

    pub(crate) fn health(&self) -> &HealthCell {
        &self.health
    }

    /// Keeps what the outcome of an operation says of the database: that a row is missing or a
    /// value refused says nothing against it.
    fn ended<T>(&self, kind: Kind, outcome: &Result<T, StoreError>) {
        match outcome {
            Ok(_) => self.health.ended(kind, true),
            Err(error) if error.is_unavailable() => self.health.ended(kind, false),
            Err(_) => {}
        }
    }

    /// A transaction that may write. On SQLite it holds the write lock from its first moment.
    pub(crate) async fn begin_write(&self, operation: &'static str) -> Result<Tx, StoreError> {
        let begun = bounded(self.answer_within, async {
            match &self.pools {
                Pools::Sqlite(pools) => {
                    let tx = pools.writer.begin_with("begin immediate").await?;
                    pools.check_files().await?;
                    Ok(Session::Sqlite(tx))
                }
                Pools::Postgres(pool) => pool.begin().await.map(Session::Postgres),
            }
        });
        self.tx(Kind::Write, operation, begun.await)
    }

    /// A transaction that sees one state of the database and cannot write.
    pub(crate) async fn begin_read(&self, operation: &'static str) -> Result<Tx, StoreError> {
        let begun = bounded(self.answer_within, async {
            match &self.pools {
                Pools::Sqlite(pools) => pools.readers.begin().await.map(Session::Sqlite),
                Pools::Postgres(pool) => pool
                    .begin_with("begin isolation level repeatable read read only")
                    .await
                    .map(Session::Postgres),
            }
        });
        self.tx(Kind::Read, operation, begun.await)
    }

    fn tx(
        &self,
        kind: Kind,
        operation: &'static str,
        begun: Result<Session, sqlx::Error>,
    ) -> Result<Tx, StoreError> {
        match begun {
            Ok(session) => Ok(Tx { operation, kind, session, database: self.clone() }),
            Err(error) => Err(self.failed(kind, operation, error)),
        }
    }

    fn failed(&self, kind: Kind, operation: &'static str, error: sqlx::Error) -> StoreError {
        let error = StoreError::from_driver(operation, error);
        if error.is_unavailable() {
            self.health.ended(kind, false);
        }
        error
    }

    /// One reading statement, without the two round trips of a transaction.
    pub(crate) async fn read(
        &self,
        operation: &'static str,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let rows = bounded(self.answer_within, async {
            match &self.pools {
                Pools::Sqlite(pools) => {
                    let mut connection = pools.readers.acquire().await?;
                    sqlite::fetch(&mut connection, sql, values).await
                }
                Pools::Postgres(pool) => {
                    let mut connection = pool.acquire().await?;
                    postgres::fetch(&mut connection, sql, values).await
                }
            }
        });
        let rows = rows.await.map_err(|error| StoreError::from_driver(operation, error));
        self.ended(Kind::Read, &rows);
        rows
    }

    /// The pool, if this is PostgreSQL.
    pub(crate) fn postgres(&self) -> Option<&sqlx::PgPool> {
        match &self.pools {
            Pools::Postgres(pool) => Some(pool),
            Pools::Sqlite(_) => None,
        }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.postgres().is_some()
    }

    pub(crate) async fn close(&self) {
        match &self.pools {
            Pools::Sqlite(pools) => pools.close().await,
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

/// An open transaction. Dropping it rolls back.
#[derive(Debug)]
pub(crate) struct Tx {
    operation: &'static str,
    kind: Kind,
    session: Session,
    database: Database,
}

#[derive(Debug)]
enum Session {
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
}

impl Tx {
    fn error(&self, error: sqlx::Error) -> StoreError {
        self.database.failed(self.kind, self.operation, error)
    }

    /// All rows of a statement.
    pub(crate) async fn fetch(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let rows = bounded(self.database.answer_within, async {
            match &mut self.session {
                Session::Sqlite(tx) => sqlite::fetch(tx, sql, values).await,
                Session::Postgres(tx) => postgres::fetch(tx, sql, values).await,
            }
        });
        rows.await.map_err(|error| self.error(error))
    }

    /// The first row, if there is one.
    pub(crate) async fn fetch_optional(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch(sql, values).await?.into_iter().next())
    }

    /// Runs both statements and gives the rows of the second. SQLite takes them in one go, which saves a
    /// hand-over to its thread.
    pub(crate) async fn fetch_second(
        &mut self,
        pair: &Pair,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        if matches!(self.session, Session::Postgres(_)) {
            self.fetch(pair.first, &[]).await?;
            return self.fetch(pair.second, values).await;
        }
        let mut rows = self.fetch(pair.both, values).await?;
        Ok(rows.split_off(rows.len().min(1)))
    }

    /// How many rows a statement changed.
    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        let changed = bounded(self.database.answer_within, async {
            match &mut self.session {
                Session::Sqlite(tx) => {
                    bound!(sql, values).execute(&mut **tx).await.map(|done| done.rows_affected())
                }
                Session::Postgres(tx) => {
                    bound!(sql, values).execute(&mut **tx).await.map(|done| done.rows_affected())
                }
            }
        });
        changed.await.map_err(|error| self.error(error))
    }

    /// Several statements of a migration; never holds anyone's input.
    pub(crate) async fn execute_script(&mut self, script: String) -> Result<(), StoreError> {
        let script = sqlx::raw_sql(sqlx::AssertSqlSafe(script));
        let done = bounded(SCRIPT_WITHIN, async {
            match &mut self.session {
                Session::Sqlite(tx) => script.execute(&mut **tx).await.map(|_| ()),
                Session::Postgres(tx) => script.execute(&mut **tx).await.map(|_| ()),
            }
        });
        done.await.map_err(|error| self.error(error))
    }

    /// Makes the writes durable; `Ok` is the moment they may be acknowledged: they are committed,
    /// and in the files that others would open.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let Self { operation, kind, session, database } = self;
        let done = bounded(database.answer_within, async {
            match session {
                Session::Sqlite(tx) => tx.commit().await?,
                Session::Postgres(tx) => tx.commit().await?,
            }
            match (&database.pools, kind) {
                (Pools::Sqlite(pools), Kind::Write) => pools.check_files().await,
                _ => Ok(()),
            }
        });
        let done = done.await.map_err(|error| StoreError::from_driver(operation, error));
        database.ended(kind, &done);
        done
    }
}

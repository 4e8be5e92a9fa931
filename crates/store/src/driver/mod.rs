//! The thin part that differs: connections, parameters and rows of the two databases.
//!
//! Every statement of this crate is written once, in the SQL that both databases read, with
//! parameters of three types (64-bit integers, text, bytes). What a driver adds is only how a
//! transaction begins and how cells come back.

mod postgres;
mod row;
mod sqlite;

use crate::error::StoreError;
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

/// The pools of one database.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    Sqlite(sqlite::Pools),
    Postgres(sqlx::PgPool),
}

pub(crate) use postgres::{PostgresTarget, listen_until_broken};
pub(crate) use sqlite::SqliteTarget;

impl Database {
    /// Opens SQLite: one writer, several readers.
    pub(crate) async fn open_sqlite(
        target: &SqliteTarget,
        options: &crate::StoreOptions,
    ) -> Result<Self, StoreError> {
        sqlite::open(target, options).await.map(Self::Sqlite)
    }

    /// Opens a pool to PostgreSQL.
    pub(crate) async fn open_postgres(
        target: &PostgresTarget,
        options: &crate::StoreOptions,
    ) -> Result<Self, StoreError> {
        postgres::open(target, options).await.map(Self::Postgres)
    }

    /// A transaction that may write. On SQLite it holds the write lock from its first moment.
    pub(crate) async fn begin_write(&self, operation: &'static str) -> Result<Tx, StoreError> {
        let tx = match self {
            Self::Sqlite(pools) => {
                pools.writer.begin_with("begin immediate").await.map(Session::Sqlite)
            }
            Self::Postgres(pool) => pool.begin().await.map(Session::Postgres),
        };
        Tx::new(operation, tx)
    }

    /// A transaction that sees one state of the database and cannot write.
    pub(crate) async fn begin_read(&self, operation: &'static str) -> Result<Tx, StoreError> {
        let tx = match self {
            Self::Sqlite(pools) => pools.readers.begin().await.map(Session::Sqlite),
            Self::Postgres(pool) => pool
                .begin_with("begin isolation level repeatable read read only")
                .await
                .map(Session::Postgres),
        };
        Tx::new(operation, tx)
    }

    /// One reading statement, without the two round trips of a transaction.
    pub(crate) async fn read(
        &self,
        operation: &'static str,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let rows = match self {
            Self::Sqlite(pools) => match pools.readers.acquire().await {
                Ok(mut connection) => sqlite::fetch(&mut connection, sql, values).await,
                Err(error) => Err(error),
            },
            Self::Postgres(pool) => match pool.acquire().await {
                Ok(mut connection) => postgres::fetch(&mut connection, sql, values).await,
                Err(error) => Err(error),
            },
        };
        rows.map_err(|error| StoreError::from_driver(operation, error))
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pools) => pools.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// An open transaction. Dropping it rolls back.
#[derive(Debug)]
pub(crate) struct Tx {
    operation: &'static str,
    session: Session,
}

#[derive(Debug)]
enum Session {
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
}

impl Tx {
    fn new(
        operation: &'static str,
        begun: Result<Session, sqlx::Error>,
    ) -> Result<Self, StoreError> {
        begun
            .map(|session| Self { operation, session })
            .map_err(|error| StoreError::from_driver(operation, error))
    }

    fn error(&self, error: sqlx::Error) -> StoreError {
        StoreError::from_driver(self.operation, error)
    }

    /// All rows of a statement.
    pub(crate) async fn fetch(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let rows = match &mut self.session {
            Session::Sqlite(tx) => sqlite::fetch(tx, sql, values).await,
            Session::Postgres(tx) => postgres::fetch(tx, sql, values).await,
        };
        rows.map_err(|error| self.error(error))
    }

    /// The first row, if there is one.
    pub(crate) async fn fetch_optional(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch(sql, values).await?.into_iter().next())
    }

    /// How many rows a statement changed.
    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        let changed = match &mut self.session {
            Session::Sqlite(tx) => {
                bound!(sql, values).execute(&mut **tx).await.map(|done| done.rows_affected())
            }
            Session::Postgres(tx) => {
                bound!(sql, values).execute(&mut **tx).await.map(|done| done.rows_affected())
            }
        };
        changed.map_err(|error| self.error(error))
    }

    /// Several statements of a migration; never holds anyone's input.
    pub(crate) async fn execute_script(&mut self, script: String) -> Result<(), StoreError> {
        let script = sqlx::raw_sql(sqlx::AssertSqlSafe(script));
        let done = match &mut self.session {
            Session::Sqlite(tx) => script.execute(&mut **tx).await.map(|_| ()),
            Session::Postgres(tx) => script.execute(&mut **tx).await.map(|_| ()),
        };
        done.map_err(|error| self.error(error))
    }

    /// Makes the writes durable; `Ok` is the moment they may be acknowledged.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let operation = self.operation;
        let done = match self.session {
            Session::Sqlite(tx) => tx.commit().await,
            Session::Postgres(tx) => tx.commit().await,
        };
        done.map_err(|error| StoreError::from_driver(operation, error))
    }
}

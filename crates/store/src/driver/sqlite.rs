//! SQLite: a file in the data directory, or memory for tests and `--dev`.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Connection as _, Row as _, SqlitePool, TypeInfo as _, ValueRef as _};

use super::files::DatabaseFiles;
use super::{Cell, Row, Value, bound};
use crate::StoreOptions;
use crate::error::StoreError;

/// Which SQLite database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SqliteTarget {
    /// A file, created when absent.
    File(PathBuf),
    /// Memory of this process, gone with the store.
    Memory,
}

/// One writing connection, because SQLite has one writer anyway and queueing here is fair;
/// several reading ones, because WAL readers do not wait for the writer.
#[derive(Debug, Clone)]
pub(crate) struct Pools {
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
    /// None in memory.
    files: Option<Arc<DatabaseFiles>>,
}

impl Pools {
    /// Refuses if what is written does not go into the files that others would open.
    pub(crate) async fn check_files(&self) -> Result<(), sqlx::Error> {
        match &self.files {
            Some(files) => Ok(files.check().await?),
            None => Ok(()),
        }
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

pub(crate) async fn open(
    target: &SqliteTarget,
    options: &StoreOptions,
) -> Result<Pools, StoreError> {
    let opened = match target {
        SqliteTarget::File(path) => open_file_in_turn(path, options).await,
        SqliteTarget::Memory => open_memory(options).await,
    };
    opened.map_err(|error| StoreError::from_driver("open the SQLite database", error))
}

/// A database in memory belongs to its connection: one connection reads and writes.
async fn open_memory(options: &StoreOptions) -> Result<Pools, sqlx::Error> {
    let connect = SqliteConnectOptions::new().in_memory(true).foreign_keys(true);
    let pool =
        pool_options(options).max_connections(1).min_connections(1).connect_with(connect).await?;
    Ok(Pools { writer: pool.clone(), readers: pool, files: None })
}

/// Several may open a new database at once. SQLite lets one of them turn it to its log and tells the
/// others that it is locked, however long they would have waited: they try again.
async fn open_file_in_turn(path: &Path, options: &StoreOptions) -> Result<Pools, sqlx::Error> {
    let (began, wait_max) = (Instant::now(), Duration::from_secs(options.wait_seconds_max));
    loop {
        match open_file(path, options).await {
            Err(error) if is_locked(&error) && began.elapsed() < wait_max => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            opened => return opened,
        }
    }
}

/// `SQLITE_BUSY`, with or without more in the upper bytes.
fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == 5)
}

async fn open_file(path: &Path, options: &StoreOptions) -> Result<Pools, sqlx::Error> {
    let connect = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // In WAL mode only FULL syncs the log at every commit: an answered write survives power loss.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(options.wait_seconds_max))
        // Deleted policies and wrapped keys leave no bytes behind in free pages.
        .pragma("secure_delete", "on");
    create_private(path)?;
    let writer = pool_options(options)
        .max_connections(1)
        .after_release(|connection, _| Box::pin(is_sound(connection)))
        .connect_with(connect.clone())
        .await?;
    let readers = pool_options(options)
        .max_connections(options.connections_max)
        .connect_with(connect.pragma("query_only", "on"))
        .await?;
    // The first statement opens the log.
    sqlx::query("select 1 from sqlite_master limit 1").fetch_optional(&readers).await?;
    let files = DatabaseFiles::of(path)?;
    Ok(Pools { writer, readers, files: Some(Arc::new(files)) })
}

/// Whether a writing connection may be used again. On a full disk, and after other errors, SQLite
/// undoes the transaction itself: the undoing that follows fails, and the driver would count a
/// transaction as open for ever. Such a connection is closed, and the pool makes another.
async fn is_sound(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // Whatever was still to be undone has been when this is answered.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Makes the file readable by this user alone, before SQLite could make it by the umask; log and
/// shared memory beside it get the same mode.
fn create_private(path: &Path) -> Result<(), sqlx::Error> {
    let mut create = OpenOptions::new();
    create.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut create, 0o600);
    match create.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

fn pool_options(options: &StoreOptions) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .acquire_timeout(Duration::from_secs(options.wait_seconds_max))
        // The log stays the same file for as long as one connection is open.
        .idle_timeout(None)
        .max_lifetime(None)
        // A local file has no connection to lose; the ping would cost as much as the query.
        .test_before_acquire(false)
}

pub(crate) async fn fetch(
    connection: &mut SqliteConnection,
    sql: &'static str,
    values: &[Value<'_>],
) -> Result<Vec<Row>, sqlx::Error> {
    let rows = bound!(sql, values).fetch_all(connection).await?;
    rows.iter().map(cells).collect()
}

fn cells(row: &SqliteRow) -> Result<Row, sqlx::Error> {
    (0..row.len()).map(|column| cell(row, column)).collect::<Result<_, _>>().map(Row::new)
}

/// SQLite types values, not columns.
fn cell(row: &SqliteRow, column: usize) -> Result<Cell, sqlx::Error> {
    let raw = row.try_get_raw(column)?;
    if raw.is_null() {
        return Ok(Cell::Null);
    }
    let kind = raw.type_info().name().to_owned();
    match kind.as_str() {
        "INTEGER" => row.try_get_unchecked(column).map(Cell::Int),
        "BLOB" => row.try_get_unchecked(column).map(Cell::Bytes),
        _ => row.try_get_unchecked(column).map(Cell::Text),
    }
}

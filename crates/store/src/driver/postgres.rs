//! PostgreSQL: several instances on one database.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPoolOptions, PgRow};
use sqlx::{Connection as _, Executor as _, PgPool, Row as _, TypeInfo as _, ValueRef as _};
use tokio::sync::Notify;

use super::{Cell, Row, Value, bound, bounded};
use crate::StoreOptions;
use crate::error::StoreError;

/// Channel of the change notifications; the statement that notifies names it too.
const CHANNEL: &str = "avouch_changes";
/// How long a connection may take to become free after its use.
const RELEASE_WITHIN: Duration = Duration::from_secs(5);

/// Which PostgreSQL database, and how to reach it.
#[derive(Debug, Clone)]
pub(crate) struct PostgresTarget {
    pub(crate) connect: PgConnectOptions,
}

pub(crate) async fn open(
    target: &PostgresTarget,
    options: &StoreOptions,
) -> Result<PgPool, StoreError> {
    let answer = format!("{}s", options.answer_within().as_secs());
    // Every write takes one row lock; an instance that stops in the middle of a transaction must
    // not stop the others for longer than this.
    let wait = format!("{}s", options.wait_seconds_max);
    let connect = target.connect.clone().application_name("avouch").options([
        ("lock_timeout", wait.as_str()),
        ("statement_timeout", answer.as_str()),
        ("idle_in_transaction_session_timeout", "15s"),
    ]);
    PgPoolOptions::new()
        .max_connections(options.connections_max.saturating_add(1)) // one listens
        .acquire_timeout(Duration::from_secs(options.wait_seconds_max))
        .after_connect(|connection, _| Box::pin(refuse_lazy_commits(connection)))
        .after_release(|connection, _| Box::pin(is_sound(connection)))
        .connect_with(connect)
        .await
        .map_err(|error| StoreError::from_driver("connect to PostgreSQL", error))
}

/// Whether a connection may be used again. One that does not answer would keep its place in the
/// pool for as long as the network keeps silent.
async fn is_sound(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    bounded(RELEASE_WITHIN, connection.ping()).await.map(|()| true)
}

/// What was acknowledged must be on disk, whatever the server's default is. Stronger settings
/// (`remote_write`, `remote_apply`) stay.
async fn refuse_lazy_commits(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection
        .execute(
            "select set_config('synchronous_commit', 'on', false) \
             where current_setting('synchronous_commit') = 'off'",
        )
        .await
        .map(|_| ())
}

/// Wakes `wake` at every notification; returns when listening is not possible (any more), for
/// example on a standby or through a pooler.
pub(crate) async fn listen_until_broken(pool: &PgPool, wake: &Notify) -> sqlx::Error {
    let mut listener = match PgListener::connect_with(pool).await {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    listener.ignore_pool_close_event(false);
    if let Err(error) = listener.listen(CHANNEL).await {
        return error;
    }
    loop {
        // What was committed while nobody listened is found by looking, not by being told.
        wake.notify_one();
        if let Err(error) = listener.try_recv().await {
            return error;
        }
    }
}

pub(crate) async fn fetch(
    connection: &mut PgConnection,
    sql: &'static str,
    values: &[Value<'_>],
) -> Result<Vec<Row>, sqlx::Error> {
    let rows = bound!(sql, values).fetch_all(connection).await?;
    rows.iter().map(cells).collect()
}

fn cells(row: &PgRow) -> Result<Row, sqlx::Error> {
    (0..row.len()).map(|column| cell(row, column)).collect::<Result<_, _>>().map(Row::new)
}

fn cell(row: &PgRow, column: usize) -> Result<Cell, sqlx::Error> {
    let raw = row.try_get_raw(column)?;
    if raw.is_null() {
        return Ok(Cell::Null);
    }
    let kind = raw.type_info().name().to_owned();
    match kind.as_str() {
        "INT8" => row.try_get(column).map(Cell::Int),
        "INT4" => row.try_get::<i32, _>(column).map(|number| Cell::Int(number.into())),
        "BYTEA" => row.try_get(column).map(Cell::Bytes),
        _ => row.try_get_unchecked(column).map(Cell::Text),
    }
}

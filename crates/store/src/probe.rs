//! Finds out whether writing works when nobody writes.

use std::time::Duration;

use crate::driver::Database;
use crate::error::StoreError;

/// How long no write may have succeeded before one is tried.
const IDLE: Duration = Duration::from_secs(15);
/// How soon after a failure it is tried again; also how often it is looked whether one is due.
const AGAIN: Duration = Duration::from_secs(2);
/// Bytes written after a failure. A disk that takes a few bytes again may be full for a policy.
const FILLER_BYTES: usize = 1 << 20;

/// Writes when a write is due; its outcome goes into [`crate::Health`] as every other.
pub(crate) async fn probe(database: Database) {
    let filler = vec![0_u8; FILLER_BYTES];
    loop {
        tokio::time::sleep(AGAIN).await;
        let writes = database.health().get().writes;
        let done = match writes.works {
            true if writes.confirmed.elapsed() < IDLE => continue,
            true => write(&database, &[]).await,
            false => match write(&database, &filler).await {
                Ok(()) => write(&database, &[]).await,
                failed => failed,
            },
        };
        if let Err(error) = done
            && writes.works
        {
            tracing::error!(error = error.chain(), "the database cannot be written; will go on");
        }
    }
}

/// Writes a row that means nothing.
pub(crate) async fn write(database: &Database, filler: &[u8]) -> Result<(), StoreError> {
    let mut tx = database.begin_write("find out whether writing works").await?;
    tx.execute(
        "insert into write_probe (id, filler) values (1, $1) \
         on conflict (id) do update set filler = excluded.filler",
        &[filler.into()],
    )
    .await?;
    tx.commit().await
}

//! Deleted keys go for ever when their time has come.

use std::time::Duration;

use avouch_store::{Actor, ActorKind, Edit, StoreError};

use crate::AppState;

/// How often this is looked after.
const EVERY: Duration = Duration::from_secs(600);

/// Purges deleted keys whose time has come, as long as the service runs. Of several instances that do it
/// at once one does it.
pub async fn keep_purged(state: &AppState) {
    if state.vault.is_none() {
        std::future::pending().await
    }
    loop {
        match purge(state).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "deleted keys of the vault were purged"),
            Err(error) => tracing::warn!(%error, "deleted keys of the vault were not purged"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn purge(state: &AppState) -> Result<usize, StoreError> {
    let actor = Actor::new(ActorKind::Application, "avouch")?;
    state.providers.store().purge_due_vault_keys(&Edit::new(&actor, state.clock.now())).await
}

//! What an operator imported into the database: it counts as a file of the same content would.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use avouch_endorsements::{Bundle, BundleError, EndorsementSet};
use avouch_store::{ImportedEndorsements, Store, StoreError};
use thiserror::Error;

use super::{AtHand, Snapshot};

/// How often it is looked whether somebody imported anything.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Why an import is not in force.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is in it is no bundle.
    #[error("imported endorsements: {0}")]
    Bundle(#[from] BundleError),
    /// The task that read it ended: a mistake of this program.
    #[error("the task that reads imported endorsements ended: {0}")]
    Ended(#[from] tokio::task::JoinError),
}

/// The bundle of the last import.
#[derive(Debug, Default)]
pub(super) struct Imported(Option<Bundle>);

impl Imported {
    /// Both.
    pub(super) fn over(&self, files: &EndorsementSet) -> EndorsementSet {
        match &self.0 {
            Some(bundle) => files.clone().with_file(bundle),
            None => files.clone(),
        }
    }
}

impl AtHand {
    /// The number of the import that is in force; 0 for none.
    #[must_use]
    pub fn imported_revision(&self) -> u64 {
        self.imported.load(Ordering::Relaxed)
    }

    /// Takes what an operator imported, if it is not in force already. Whether there was anything new.
    ///
    /// # Errors
    /// [`ImportError`]: what was in force stays.
    pub async fn take_import(self: &Arc<Self>, store: &Store) -> Result<bool, ImportError> {
        if store.imported_revision().await? == self.imported_revision() {
            return Ok(false);
        }
        let Some(import) = store.imported_endorsements().await? else { return Ok(false) };
        // It may be long.
        let at_hand = Arc::clone(self);
        tokio::task::spawn_blocking(move || at_hand.put_import(&import)).await??;
        Ok(true)
    }

    fn put_import(&self, import: &ImportedEndorsements) -> Result<(), ImportError> {
        let bundle = Bundle::read(&import.bundle, "import", import.imported_at)?;
        let count = bundle.things().len();
        let mut parts = self.parts();
        parts.imported = Imported(Some(bundle));
        parts.base = parts.imported.over(&parts.files);
        self.snapshot.store(Arc::new(Snapshot::new(parts.whole())));
        self.imported.store(import.revision, Ordering::Relaxed);
        tracing::info!(revision = import.revision, count, "imported endorsements are in force");
        Ok(())
    }

    /// Takes whatever is imported while this runs, within seconds; never ends. A failure is logged once for
    /// each reason.
    pub async fn follow_imports(self: &Arc<Self>, store: &Store) {
        let mut last_failure = None;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let failure = self.take_import(store).await.err().map(|error| error.to_string());
            if let Some(error) = &failure
                && last_failure != failure
            {
                tracing::error!(%error, "imported endorsements are not taken");
            }
            last_failure = failure;
        }
    }
}

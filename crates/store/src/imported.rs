//! The bundle of endorsements that an operator imported: one for all who use the database.
//!
//! Its writes are in the audit trail, and in no change feed: who follows asks for the number. Whoever imports has verified it; whoever reads it verifies
//! what it uses of it again.

use avouch_wire::{Hex, UnixTime};
use serde_json::json;

use crate::columns::columns;
use crate::digest::sha256;
use crate::error::StoreError;
use crate::limits::IMPORTED_BYTES_MAX;
use crate::names::check_size;
use crate::store::{Edit, Store};

/// What was imported. The store does not read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedEndorsements {
    /// Counts up with each import, from 1.
    pub revision: u64,
    /// When.
    pub imported_at: UnixTime,
    /// The file.
    pub bundle: Vec<u8>,
}

columns! {
    imported_columns, read_imported -> ImportedEndorsements {
        revision: u64,
        imported_at: time,
        bundle: bytes,
    } => ImportedEndorsements { revision, imported_at, bundle }
}

columns! {
    revision_columns, read_revision -> u64 {
        revision: u64,
    } => revision
}

impl Store {
    /// What was imported last; none if nothing ever was.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn imported_endorsements(&self) -> Result<Option<ImportedEndorsements>, StoreError> {
        let rows = self
            .read(
                "read imported endorsements",
                concat!("select ", imported_columns!(), " from imported_endorsements"),
                &[],
            )
            .await?;
        rows.into_iter().next().map(read_imported).transpose()
    }

    /// The number of the last import; 0 if there was none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn imported_revision(&self) -> Result<u64, StoreError> {
        let rows = self
            .read(
                "read the number of the last import",
                concat!("select ", revision_columns!(), " from imported_endorsements"),
                &[],
            )
            .await?;
        rows.into_iter().next().map(read_revision).transpose().map(Option::unwrap_or_default)
    }

    /// Puts a bundle in place of the one of an earlier import, whose number is `after` (0 for none).
    /// Gives the number of this one. `signer` is who signed the bundle, for the audit trail, if that was
    /// verified.
    ///
    /// # Errors
    /// [`StoreError::Limit`] if it is over [`IMPORTED_BYTES_MAX`]; [`StoreError::Conflict`] if somebody
    /// has imported since; [`StoreError::Unavailable`].
    pub async fn import_endorsements(
        &self,
        bundle: &[u8],
        after: u64,
        signer: Option<&str>,
        edit: &Edit<'_>,
    ) -> Result<u64, StoreError> {
        check_size("imported endorsements", bundle.len(), IMPORTED_BYTES_MAX)?;
        let revision = after.saturating_add(1);
        let mut write = self.begin_write("import endorsements", edit).await?;
        let written = write
            .tx
            .execute(
                "insert into imported_endorsements (id, revision, imported_at, bundle) \
                 values (1, $1, $2, $3) on conflict (id) do update set \
                 revision = excluded.revision, imported_at = excluded.imported_at, \
                 bundle = excluded.bundle where imported_endorsements.revision = $4",
                &[revision.into(), edit.at.into(), bundle.into(), after.into()],
            )
            .await?;
        if written == 0 {
            drop(write);
            let found = self.imported_revision().await?;
            let what = "imported endorsements";
            return Err(StoreError::Conflict { what, expected: after, found });
        }
        let bundle_sha256 = Hex(sha256(bundle)).to_string();
        let details = json!({
            "revision": revision,
            "bundleSha256": bundle_sha256,
            "bundleSigner": signer,
        });
        write.audit("endorsements-import", None, &details).await?;
        write.commit().await?;
        Ok(revision)
    }
}

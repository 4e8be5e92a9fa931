//! Endorsements that were fetched: kept so that a restart is warm, and for nothing else.
//!
//! They are written beside the order of all writes. Whoever reads them verifies them again: what is
//! in the database proves nothing.

use avouch_wire::UnixTime;

use crate::columns::columns;
use crate::error::StoreError;
use crate::limits::{ENDORSEMENT_BYTES_MAX, ENDORSEMENT_TEXT_BYTES_MAX, ENDORSEMENTS_MAX};
use crate::names::check_size;
use crate::store::Store;

/// One thing that a vendor published, as it came. The store does not read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEndorsement {
    /// What it is.
    pub name: String,
    /// The thing itself.
    pub body: Vec<u8>,
    /// The certificates of who signed it; empty where they are elsewhere.
    pub issuer_chain: Vec<u8>,
    /// Who gave it.
    pub source: String,
    /// When a source last confirmed it.
    pub fetched_at: UnixTime,
    /// The source's tag of this version.
    pub etag: Option<String>,
}

columns! {
    endorsement_columns, read_endorsement -> KeptEndorsement {
        name: text,
        body: bytes,
        issuer_chain: bytes,
        source: text,
        fetched_at: time,
        etag: opt_text,
    } => KeptEndorsement { name, body, issuer_chain, source, fetched_at, etag }
}

impl Store {
    /// All of them, the newest first; of more than [`ENDORSEMENTS_MAX`] the newest.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn endorsements(&self) -> Result<Vec<KeptEndorsement>, StoreError> {
        let rows = self
            .read(
                "read endorsements",
                concat!(
                    "select ",
                    endorsement_columns!(),
                    " from endorsements order by fetched_at desc, name limit $1"
                ),
                &[ENDORSEMENTS_MAX.into()],
            )
            .await?;
        rows.into_iter().map(read_endorsement).collect()
    }

    /// The one of a name.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn endorsement(&self, name: &str) -> Result<Option<KeptEndorsement>, StoreError> {
        let rows = self
            .read(
                "read an endorsement",
                concat!("select ", endorsement_columns!(), " from endorsements where name = $1"),
                &[name.into()],
            )
            .await?;
        rows.into_iter().next().map(read_endorsement).transpose()
    }

    /// Lets go of all but so many, the newest.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn trim_endorsements(&self, most: u64) -> Result<(), StoreError> {
        let mut tx = self.inner.database.begin_write("let go of old endorsements").await?;
        tx.execute(
            "delete from endorsements where name not in \
             (select name from endorsements order by fetched_at desc, name limit $1)",
            &[most.into()],
        )
        .await?;
        tx.commit().await
    }

    /// Keeps one in place of what had its name.
    ///
    /// # Errors
    /// [`StoreError::Limit`] for one that is larger than any endorsement;
    /// [`StoreError::Unavailable`].
    pub async fn keep_endorsement(&self, new: &KeptEndorsement) -> Result<(), StoreError> {
        let texts = [new.name.as_str(), new.source.as_str(), new.etag.as_deref().unwrap_or("")];
        for text in texts {
            check_size("text of an endorsement", text.len(), ENDORSEMENT_TEXT_BYTES_MAX)?;
        }
        for bytes in [&new.body, &new.issuer_chain] {
            check_size("endorsement", bytes.len(), ENDORSEMENT_BYTES_MAX)?;
        }
        let mut tx = self.inner.database.begin_write("keep an endorsement").await?;
        tx.execute(
            concat!(
                "insert into endorsements (",
                endorsement_columns!(),
                ") values ($1, $2, $3, $4, $5, $6) on conflict (name) do update set \
                 body = excluded.body, issuer_chain = excluded.issuer_chain, \
                 source = excluded.source, fetched_at = excluded.fetched_at, etag = excluded.etag"
            ),
            &[
                new.name.as_str().into(),
                new.body.as_slice().into(),
                new.issuer_chain.as_slice().into(),
                new.source.as_str().into(),
                new.fetched_at.into(),
                new.etag.as_deref().into(),
            ],
        )
        .await?;
        tx.commit().await
    }

    /// Lets go of those that have these names.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn forget_endorsements(&self, names: &[String]) -> Result<(), StoreError> {
        let mut tx = self.inner.database.begin_write("let go of endorsements").await?;
        for name in names {
            tx.execute("delete from endorsements where name = $1", &[name.as_str().into()]).await?;
        }
        tx.commit().await
    }
}

//! Evidence capsules: appraisals kept for a while, so that they can be judged again.
//!
//! They are written beside the order of all writes, because nothing rests on them: any of them may be
//! missing. How many are kept is bounded for each provider and verdict. So what strangers send, which
//! does not verify, only displaces its like.

use std::collections::BTreeSet;

use avouch_wire::UnixTime;

use crate::columns::columns;
use crate::driver::Tx;
use crate::error::StoreError;
use crate::limits::CAPSULE_BATCH_MAX;
use crate::names::{ProviderId, ProviderName, check_size};
use crate::page::{Page, PageRequest};
use crate::store::Store;

/// How the appraisal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CapsuleVerdict {
    /// Verified and permitted.
    Permitted,
    /// Verified and refused.
    Refused,
    /// Not verified.
    Unverified,
}

impl CapsuleVerdict {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permitted => "permitted",
            Self::Refused => "refused",
            Self::Unverified => "unverified",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [Self::Permitted, Self::Refused, Self::Unverified];
        all.into_iter().find(|verdict| verdict.as_str() == text)
    }
}

/// A capsule to be kept.
#[derive(Debug, Clone)]
pub struct NewCapsule {
    /// The provider that appraised.
    pub provider: ProviderId,
    /// How it ended.
    pub verdict: CapsuleVerdict,
    /// When it was judged.
    pub at: UnixTime,
    /// The capsule. The store does not read it.
    pub capsule: Vec<u8>,
}

/// How many capsules are kept of each provider and verdict; of more the oldest go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapsuleBounds {
    /// Their number.
    pub number_max: u64,
    /// Their bytes together.
    pub bytes_max: u64,
}

/// A capsule as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCapsule {
    /// Its number; later ones have higher ones.
    pub id: u64,
    /// The provider that appraised.
    pub provider: ProviderName,
    /// How it ended.
    pub verdict: CapsuleVerdict,
    /// When it was judged.
    pub at: UnixTime,
    /// The capsule.
    pub capsule: Vec<u8>,
}

columns! {
    capsule_columns, read_capsule -> KeptCapsule {
        id: u64,
        name: text,
        verdict: word(CapsuleVerdict::parse),
        at: time,
        capsule: bytes,
    } => KeptCapsule { id, provider: ProviderName::stored(name), verdict, at, capsule }
}

impl Store {
    /// Keeps capsules, all or none but for those of providers that are gone, and lets go of those that
    /// are beyond the bounds.
    ///
    /// # Errors
    /// [`StoreError::Limit`]; [`StoreError::Unavailable`].
    pub async fn keep_capsules(
        &self,
        capsules: &[NewCapsule],
        bounds: CapsuleBounds,
    ) -> Result<(), StoreError> {
        check_size("capsules in one call", capsules.len(), CAPSULE_BATCH_MAX)?;
        let mut tx = self.inner.database.begin_write("keep evidence capsules").await?;
        let count = capsules.len() as u64;
        let last = last_id(&mut tx, count).await?;
        let first = last.saturating_sub(count).saturating_add(1);
        for (id, capsule) in (first..).zip(capsules) {
            tx.execute(
                "insert into capsules (id, provider_id, verdict, at, capsule, bytes) \
                 select $1, p.id, $3, $4, $5, $6 from providers p where p.id = $2",
                &[
                    id.into(),
                    capsule.provider.0.into(),
                    capsule.verdict.as_str().into(),
                    capsule.at.into(),
                    capsule.capsule.as_slice().into(),
                    (capsule.capsule.len() as u64).into(),
                ],
            )
            .await?;
        }
        let touched: BTreeSet<(u64, CapsuleVerdict)> =
            capsules.iter().map(|capsule| (capsule.provider.0, capsule.verdict)).collect();
        for (provider, verdict) in touched {
            drop_beyond(&mut tx, provider, verdict, bounds).await?;
        }
        tx.commit().await
    }

    /// Lets go of capsules that were judged before a moment.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn drop_capsules_before(&self, at: UnixTime) -> Result<(), StoreError> {
        let old = self
            .read(
                "look for old evidence capsules",
                "select id from capsules where at < $1 limit 1",
                &[at.into()],
            )
            .await?;
        // Whoever may only read has no business here, unless there is something to do.
        if old.is_empty() {
            return Ok(());
        }
        let mut tx = self.inner.database.begin_write("let go of old evidence capsules").await?;
        tx.execute("delete from capsules where at < $1", &[at.into()]).await?;
        tx.commit().await
    }

    /// The capsules of all providers, oldest first; the mark of a page is their number.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn capsules(&self, page: PageRequest) -> Result<Page<KeptCapsule>, StoreError> {
        let rows = self
            .read(
                "read evidence capsules",
                concat!(
                    "select ",
                    capsule_columns!(),
                    " from (select c.id, p.name, c.verdict, c.at, c.capsule from capsules c \
                     join providers p on p.id = c.provider_id) kept \
                     where id > $1 order by id limit $2"
                ),
                &[page.after.into(), u64::from(page.rows_max()).into()],
            )
            .await?;
        let items = rows.into_iter().map(read_capsule).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::new(items, page, |capsule| capsule.id))
    }
}

async fn last_id(tx: &mut Tx, count: u64) -> Result<u64, StoreError> {
    let row = tx
        .fetch_optional(
            "update store_state set value = value + $1 where name = 'capsules' returning value",
            &[count.into()],
        )
        .await?;
    row.ok_or(StoreError::Corrupt { column: "store_state.value", reason: "missing" })?
        .u64("store_state.value")
}

async fn drop_beyond(
    tx: &mut Tx,
    provider: u64,
    verdict: CapsuleVerdict,
    bounds: CapsuleBounds,
) -> Result<(), StoreError> {
    tx.execute(
        "delete from capsules where provider_id = $1 and verdict = $2 and id <= \
         (select max(id) from (select id, \
         row_number() over (order by id desc) as place, \
         sum(bytes) over (order by id desc) as total \
         from capsules where provider_id = $1 and verdict = $2) newest \
         where place > $3 or total > $4)",
        &[
            provider.into(),
            verdict.as_str().into(),
            bounds.number_max.into(),
            bounds.bytes_max.into(),
        ],
    )
    .await
    .map(|_| ())
}

//! A release that is written down: of what was judged, or not at all.

use avouch_wire::UnixTime;
use serde_json::Value as Json;

use super::{VaultKey, name_key};
use crate::driver::{Pair, Value};
use crate::error::StoreError;
use crate::limits::VAULT_TOKEN_USES_MAX;
use crate::names::ProviderId;
use crate::store::{Edit, NEXT, Sequence, Store, WriteTx, next};

/// How much longer than it can be accepted a token is remembered, in seconds: as far as clocks, and the
/// beginning and the end of a request, may be apart.
const TOKEN_USE_KEPT_SECONDS: i64 = 3600;

/// What a token that serves only once is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VaultTokenUse {
    /// SHA-256 of who issued it and its identifier.
    pub use_hash: [u8; 32],
    /// The moment after which nobody accepts it any more. It is remembered for an hour longer: the
    /// release it is shown for began earlier than it is written down, and by another clock perhaps.
    pub forget_at: UnixTime,
}

/// A release to be written down.
#[derive(Debug, Clone, Copy)]
pub struct VaultRelease<'a> {
    /// The key as it was judged.
    pub key: &'a VaultKey,
    /// Whether it was asked for as the current version of its name, and must still be it.
    pub is_current: bool,
    /// What the audit trail says of it.
    pub details: &'a Json,
    /// The token, where tokens serve only once.
    pub token_use: Option<&'a VaultTokenUse>,
    /// The provider by whose word the key is released, if it is one of this store.
    pub provider: Option<ProviderId>,
}

/// Whether a release was written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultReleaseOutcome {
    /// It was; the key may leave.
    Written,
    /// It was not: the token has served already.
    TokenUsed,
    /// It was not: the key was changed or deleted since it was read.
    KeyChanged,
    /// It was not: the provider is deleted, whoever has its name now.
    ProviderGone,
}

/// That a version is what was judged, to the byte, and not deleted; where it was asked for as the current
/// one, that it still is.
macro_rules! is_as_judged {
    () => {
        "exists (select 1 from vault_key_versions join vault_keys using (name_key) \
         where deleted_at is null and name_key = $1 and version = $2 and revision = $3 \
         and wrapped_material = $4 and ($5 = 0 or made = current_made))"
    };
}

/// The entry of a release in the audit trail, if the key is what was judged and the provider is there.
macro_rules! audit_release {
    () => {
        concat!(
            "insert into audit (sequence, at, actor, actor_kind, action, outcome, details) \
             select value, $7, $8, $9, 'vault-key-release', 'succeeded', $10 \
             from store_state where name = 'sequence' and ",
            is_as_judged!(),
            " and ($6 is null or exists (select 1 from providers where id = $6)) \
             returning sequence"
        )
    };
}

/// The next sequence, and the entry of a release under it.
const NEXT_AND_AUDIT_RELEASE: Pair = Pair {
    first: NEXT,
    second: audit_release!(),
    both: concat!(next!("1"), "; ", audit_release!()),
};

impl Store {
    /// Writes into the audit trail that a key was released, and, where tokens serve only once, that this
    /// one has: in one step, so that of two who ask at once one is refused, and no key leaves that was
    /// changed or deleted while the token was judged. What must not be released leaves nothing behind.
    ///
    /// # Errors
    /// [`StoreError::Limit`]; [`StoreError::Unavailable`].
    pub async fn record_vault_release(
        &self,
        release: &VaultRelease<'_>,
        edit: &Edit<'_>,
    ) -> Result<VaultReleaseOutcome, StoreError> {
        let mut write = self.begin_unnumbered("record the release of a key", edit).await?;
        if let Some(outcome) = write.audit_vault_release(release).await? {
            return Ok(outcome);
        }
        if let Some(token_use) = release.token_use
            && !write.use_vault_token(token_use).await?
        {
            return Ok(VaultReleaseOutcome::TokenUsed);
        }
        write.commit().await?;
        Ok(VaultReleaseOutcome::Written)
    }
}

impl WriteTx<'_> {
    /// Takes the sequence of this write and writes the entry of a release under it, at once. None if the
    /// entry is written, else why not.
    async fn audit_vault_release(
        &mut self,
        release: &VaultRelease<'_>,
    ) -> Result<Option<VaultReleaseOutcome>, StoreError> {
        let name_key = name_key(release.key.name.as_str())?;
        let VaultKey { version, revision, wrapped_material, .. } = release.key;
        let key: [Value<'_>; 5] = [
            name_key.as_str().into(),
            version.as_str().into(),
            (*revision).into(),
            wrapped_material.as_slice().into(),
            u64::from(release.is_current).into(),
        ];
        let details = release.details.to_string();
        let entry: [Value<'_>; 5] = [
            release.provider.map(|provider| provider.0).into(),
            self.edit.at.into(),
            self.edit.actor.id().into(),
            self.edit.actor.kind().as_str().into(),
            details.as_str().into(),
        ];
        let values = [key, entry].concat();
        let rows = self.tx.fetch_second(&NEXT_AND_AUDIT_RELEASE, &values).await?;
        if let Some(mut row) = rows.into_iter().next() {
            self.sequence = Sequence(row.u64("audit.sequence")?);
            return Ok(None);
        }
        let sql = concat!("select 1 where ", is_as_judged!());
        let is_as_judged = self.tx.fetch_optional(sql, &key).await?.is_some();
        Ok(Some(if is_as_judged {
            VaultReleaseOutcome::ProviderGone
        } else {
            VaultReleaseOutcome::KeyChanged
        }))
    }

    /// Whether a token serves for the first time; those that nobody would accept any more are forgotten.
    async fn use_vault_token(&mut self, token_use: &VaultTokenUse) -> Result<bool, StoreError> {
        let sql = "delete from vault_token_uses where forget_at < $1";
        let forgettable = self.edit.at.saturating_add_seconds(-TOKEN_USE_KEPT_SECONDS);
        let forgotten = self.tx.execute(sql, &[forgettable.into()]).await?;
        self.uncount("vault_token_uses", forgotten).await?;
        let sql = "insert into vault_token_uses (use_hash, forget_at) values ($1, $2) \
                   on conflict (use_hash) do nothing";
        let values = [(&token_use.use_hash).into(), token_use.forget_at.into()];
        if self.tx.execute(sql, &values).await? == 0 {
            return Ok(false);
        }
        let what = "attestation tokens that have served for a release";
        self.count("vault_token_uses", 1, what, VAULT_TOKEN_USES_MAX).await?;
        Ok(true)
    }
}

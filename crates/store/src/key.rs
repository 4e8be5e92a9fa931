//! Signing keys that the instances of one service share: records and states, never clear keys.
//!
//! A key is published before it signs, active while it signs (one for each purpose, scope and
//! algorithm), and retired until the last token that it signed has expired.

use avouch_wire::UnixTime;
use serde_json::json;

use crate::columns::columns;
use crate::driver::Value;
use crate::error::StoreError;
use crate::limits::{KEY_BYTES_MAX, KEYS_MAX, KEYS_SHARED_MAX};
use crate::names::{ProviderId, check_size, checked_text};
use crate::store::{About, Edit, Store, WriteTx, same};

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyPurpose {
    /// Attestation and policy tokens.
    Token,
    /// TPM and VBS report tokens, which MAA signs with a key of their own.
    Report,
    /// Certificates of the keys that sign reports.
    ReportCa,
}

impl KeyPurpose {
    /// All purposes.
    pub const ALL: [Self; 3] = [Self::Token, Self::Report, Self::ReportCa];

    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Report => "report",
            Self::ReportCa => "report-ca",
        }
    }

    /// The purpose of that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// State of a key; it only goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// In `/certs`, not signing yet, so that clients know it before it signs.
    Published,
    /// Signing. At most one per purpose, scope and algorithm.
    Active,
    /// In `/certs` until the last token it signed has expired.
    Retired,
}

impl KeyState {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Published, Self::Active, Self::Retired].into_iter().find(|it| it.as_str() == text)
    }
}

/// What distinguishes keys of which one is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyScope<'a> {
    /// What it signs.
    pub purpose: KeyPurpose,
    /// For one provider, or shared by all.
    pub provider: Option<ProviderId>,
    /// JWS algorithm, such as `RS256`.
    pub algorithm: &'a str,
}

/// A key to be added.
#[derive(Debug, Clone)]
pub struct NewKey<'a> {
    /// `kid` as in tokens and `/certs`; unique in the database.
    pub kid: &'a str,
    /// Where it serves.
    pub scope: KeyScope<'a>,
    /// SubjectPublicKeyInfo, DER.
    pub public_key: &'a [u8],
    /// The private key, wrapped: the store cannot unwrap it. Or, of a key that a token keeps, what the token calls it.
    pub wrapped_private_key: &'a [u8],
    /// Name of the master key it is wrapped under, or of the token.
    pub wrapping_key: &'a str,
    /// When it may become active.
    pub not_before: UnixTime,
}

/// A key as stored. `Debug` does not show the wrapped key.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// `kid` as in tokens and `/certs`.
    pub kid: String,
    /// What it signs.
    pub purpose: KeyPurpose,
    /// For one provider, or shared by all.
    pub provider: Option<ProviderId>,
    /// JWS algorithm.
    pub algorithm: String,
    /// State.
    pub state: KeyState,
    /// SubjectPublicKeyInfo, DER.
    pub public_key: Vec<u8>,
    /// The private key, wrapped; or what the token calls it that keeps it.
    pub wrapped_private_key: Vec<u8>,
    /// Name of the master key it is wrapped under, or of the token.
    pub wrapping_key: String,
    /// Sequence of the last change.
    pub revision: u64,
    /// When it was made.
    pub created_at: UnixTime,
    /// When it may become active.
    pub not_before: UnixTime,
    /// When it became active.
    pub activated_at: Option<UnixTime>,
    /// When it was retired.
    pub retired_at: Option<UnixTime>,
}

impl std::fmt::Debug for KeyRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRecord")
            .field("kid", &self.kid)
            .field("purpose", &self.purpose)
            .field("provider", &self.provider)
            .field("algorithm", &self.algorithm)
            .field("state", &self.state)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

columns! {
    key_columns, read_key -> KeyRecord {
        kid: text,
        purpose: word(KeyPurpose::parse),
        provider_id: opt_u64,
        algorithm: text,
        state: word(KeyState::parse),
        public_key: bytes,
        wrapped_private_key: bytes,
        wrapping_key: text,
        revision: u64,
        created_at: time,
        not_before: time,
        activated_at: opt_time,
        retired_at: opt_time,
    } => KeyRecord {
        kid,
        purpose,
        provider: provider_id.map(ProviderId),
        algorithm,
        state,
        public_key,
        wrapped_private_key,
        wrapping_key,
        revision,
        created_at,
        not_before,
        activated_at,
        retired_at,
    }
}

/// Tells one state of all keys from another, also where a failover lost the last change and another was made
/// under its sequence: such a change is of another key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysVersion {
    /// Sequence of the last change of a key that there is.
    last: u64,
    /// How many keys there are.
    count: u64,
    /// The first and the last, by name, of the keys that were changed then.
    changed: [Option<String>; 2],
}

impl Store {
    /// Adds a key in state published.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`]; [`StoreError::NotFound`] for the provider;
    /// [`StoreError::Limit`]; [`StoreError::Invalid`].
    pub async fn publish_key(
        &self,
        new: &NewKey<'_>,
        edit: &Edit<'_>,
    ) -> Result<KeyRecord, StoreError> {
        check_key(new)?;
        let mut write = self.begin_write("publish a key", edit).await?;
        write.insert_key(new, KeyState::Published).await?;
        write.finish_key(new.kid, new.scope.provider, "key-publish").await
    }

    /// Adds a key in state published, unless `wanted` keys of its scope are published already: of several
    /// instances that want one more at once, one adds it.
    ///
    /// # Errors
    /// As [`Store::publish_key`].
    pub async fn ensure_published_key(
        &self,
        new: &NewKey<'_>,
        wanted: u32,
        edit: &Edit<'_>,
    ) -> Result<Option<KeyRecord>, StoreError> {
        check_key(new)?;
        let mut write = self.begin_write("ensure published keys", edit).await?;
        if write.count_published(new.scope).await? >= u64::from(wanted) {
            return Ok(None);
        }
        write.insert_key(new, KeyState::Published).await?;
        write.finish_key(new.kid, new.scope.provider, "key-publish").await.map(Some)
    }

    /// The active key of a scope; adds `new` as that when there is none. Of several instances
    /// that start at once with a key of their own, all get the same one.
    ///
    /// # Errors
    /// As [`Store::publish_key`].
    pub async fn ensure_active_key(
        &self,
        new: &NewKey<'_>,
        edit: &Edit<'_>,
    ) -> Result<KeyRecord, StoreError> {
        check_key(new)?;
        let mut write = self.begin_write("ensure an active key", edit).await?;
        if let Some(active) = write.active_key(new.scope).await? {
            return Ok(active);
        }
        write.insert_key(new, KeyState::Active).await?;
        write.finish_key(new.kid, new.scope.provider, "key-activate").await
    }

    /// Adds `new` as the active key of its scope in the place of the one that is, which is retired in the
    /// same moment; none if the active key is another than `instead_of`.
    ///
    /// # Errors
    /// As [`Store::publish_key`].
    pub async fn replace_active_key(
        &self,
        instead_of: &str,
        new: &NewKey<'_>,
        edit: &Edit<'_>,
    ) -> Result<Option<KeyRecord>, StoreError> {
        check_key(new)?;
        let mut write = self.begin_write("replace an active key", edit).await?;
        let active = write.active_key(new.scope).await?;
        if active.is_none_or(|active| active.kid != instead_of) {
            return Ok(None);
        }
        write.set_state(instead_of, KeyState::Retired).await?;
        write.insert_key(new, KeyState::Active).await?;
        write.finish_key(new.kid, new.scope.provider, "key-activate").await.map(Some)
    }

    /// Makes a published key the active one of its scope; the one before is retired in the same
    /// moment. A key that is active already stays so.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::KeyState`] for a retired key;
    /// [`StoreError::Invalid`] before the key's `not_before`.
    pub async fn activate_key(&self, kid: &str, edit: &Edit<'_>) -> Result<KeyRecord, StoreError> {
        let mut write = self.begin_write("activate a key", edit).await?;
        let key = write.key(kid).await?;
        match key.state {
            KeyState::Active => return Ok(key),
            KeyState::Retired => return Err(key.unexpected_state("published")),
            KeyState::Published => {}
        }
        if edit.at < key.not_before {
            let reason = "the key may not become active yet";
            return Err(StoreError::Invalid { field: "not_before", reason });
        }
        if let Some(active) = write.active_key(key.scope()).await? {
            write.set_state(&active.kid, KeyState::Retired).await?;
        }
        write.set_state(kid, KeyState::Active).await?;
        write.finish_key(kid, key.provider, "key-activate").await
    }

    /// Retires a published or active key. Retiring the active one leaves its scope without:
    /// that is for a key that must not sign any more.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn retire_key(&self, kid: &str, edit: &Edit<'_>) -> Result<KeyRecord, StoreError> {
        let mut write = self.begin_write("retire a key", edit).await?;
        let key = write.key(kid).await?;
        if key.state == KeyState::Retired {
            return Ok(key);
        }
        write.set_state(kid, KeyState::Retired).await?;
        write.finish_key(kid, key.provider, "key-retire").await
    }

    /// Replaces the wrapping of a private key, when the master key changes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] if the key is no longer at `revision`;
    /// [`StoreError::Limit`]; [`StoreError::Invalid`].
    pub async fn rewrap_key(
        &self,
        kid: &str,
        revision: u64,
        wrapped_private_key: &[u8],
        wrapping_key: &str,
        edit: &Edit<'_>,
    ) -> Result<KeyRecord, StoreError> {
        check_size("bytes of a wrapped private key", wrapped_private_key.len(), KEY_BYTES_MAX)?;
        checked_text("wrapping key", wrapping_key)?;
        let mut write = self.begin_write("rewrap a key", edit).await?;
        let key = write.key(kid).await?;
        same("key", Some(revision), key.revision)?;
        write
            .tx
            .execute(
                "update signing_keys set wrapped_private_key = $2, wrapping_key = $3, \
                 revision = $4 where kid = $1",
                &[
                    kid.into(),
                    wrapped_private_key.into(),
                    wrapping_key.into(),
                    write.sequence.0.into(),
                ],
            )
            .await?;
        write.finish_key(kid, key.provider, "key-rewrap").await
    }

    /// Removes a retired key, while tokens of its may still be valid: for one that others may have.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::KeyState`] for a key that is not retired.
    pub async fn delete_key(&self, kid: &str, edit: &Edit<'_>) -> Result<(), StoreError> {
        let mut write = self.begin_write("delete a key", edit).await?;
        let key = write.key(kid).await?;
        if key.state != KeyState::Retired {
            return Err(key.unexpected_state("retired"));
        }
        write.tx.execute("delete from signing_keys where kid = $1", &[kid.into()]).await?;
        write.uncount("keys", 1).await?;
        write.audit("key-delete", None, &json!({ "count": 1, "kids": [kid] })).await?;
        write.change("keys", None, None).await?;
        write.commit().await.map(|_| ())
    }

    /// Removes keys of a purpose that were retired at or before `retired_by`, once no token of theirs
    /// can be valid any more. Returns how many went.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delete_retired_keys(
        &self,
        purpose: KeyPurpose,
        retired_by: UnixTime,
        edit: &Edit<'_>,
    ) -> Result<u64, StoreError> {
        let mut write = self.begin_write("delete retired keys", edit).await?;
        let removed = write
            .tx
            .fetch(
                "delete from signing_keys where state = 'retired' and purpose = $2 \
                 and retired_at <= $1 returning kid",
                &[retired_by.into(), purpose.as_str().into()],
            )
            .await?;
        if removed.is_empty() {
            return Ok(0);
        }
        let count = removed.len() as u64;
        write.uncount("keys", count).await?;
        let kids =
            removed.into_iter().map(|mut row| row.text("kid")).collect::<Result<Vec<_>, _>>()?;
        // The entry stays small however many there are.
        let named = kids.get(..kids.len().min(20));
        write.audit("key-delete", None, &json!({ "count": count, "kids": named })).await?;
        write.change("keys", None, None).await?;
        write.commit().await?;
        Ok(count)
    }

    /// All keys, those of every provider too: active ones first, then by age.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn all_keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        let sql = concat!(
            "select ",
            key_columns!(),
            " from signing_keys \
             order by case state when 'active' then 0 when 'published' then 1 else 2 end, \
             created_at, kid"
        );
        let rows = self.read("read signing keys", sql, &[]).await?;
        rows.into_iter().map(read_key).collect()
    }

    /// What tells whether any key was added, changed or removed since.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn keys_version(&self) -> Result<KeysVersion, StoreError> {
        let sql = "select min(kid) as first_kid, max(kid) as last_kid, \
                   coalesce(max(revision), 0) as last, \
                   (select count(*) from signing_keys) as count from signing_keys \
                   where revision = (select max(revision) from signing_keys)";
        let rows = self.read("read the version of signing keys", sql, &[]).await?;
        let mut version = KeysVersion { last: 0, count: 0, changed: [None, None] };
        for mut row in rows {
            let changed = [row.opt_text("first_kid")?, row.opt_text("last_kid")?];
            version = KeysVersion { last: row.u64("last")?, count: row.u64("count")?, changed };
        }
        Ok(version)
    }

    /// The keys that `/certs` shows: shared ones and those of `provider`, active first, then by
    /// age.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn keys(&self, provider: Option<ProviderId>) -> Result<Vec<KeyRecord>, StoreError> {
        let sql = concat!(
            "select ",
            key_columns!(),
            " from signing_keys where provider_id is null or provider_id = $1 \
             order by case state when 'active' then 0 when 'published' then 1 else 2 end, \
             created_at, kid"
        );
        let values = [provider.map(|id| id.0).into()];
        let rows = self.read("read signing keys", sql, &values).await?;
        rows.into_iter().map(read_key).collect()
    }

    /// The key of that `kid`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn key(&self, kid: &str) -> Result<Option<KeyRecord>, StoreError> {
        let sql = concat!("select ", key_columns!(), " from signing_keys where kid = $1");
        let rows = self.read("read a signing key", sql, &[kid.into()]).await?;
        rows.into_iter().next().map(read_key).transpose()
    }
}

impl KeyRecord {
    /// What it competes in.
    #[must_use]
    pub fn scope(&self) -> KeyScope<'_> {
        KeyScope {
            purpose: self.purpose,
            provider: self.provider,
            algorithm: self.algorithm.as_str(),
        }
    }

    fn unexpected_state(&self, expected: &'static str) -> StoreError {
        StoreError::KeyState { kid: self.kid.clone(), found: self.state.as_str(), expected }
    }
}

impl WriteTx<'_> {
    async fn key(&mut self, kid: &str) -> Result<KeyRecord, StoreError> {
        let sql = concat!("select ", key_columns!(), " from signing_keys where kid = $1");
        self.tx
            .fetch_optional(sql, &[kid.into()])
            .await?
            .map(read_key)
            .transpose()?
            .ok_or_else(|| StoreError::NotFound { what: "key", name: kid.to_owned() })
    }

    async fn active_key(&mut self, scope: KeyScope<'_>) -> Result<Option<KeyRecord>, StoreError> {
        let sql = concat!(
            "select ",
            key_columns!(),
            " from signing_keys where state = 'active' and purpose = $1 and algorithm = $2 \
             and coalesce(provider_id, 0) = $3"
        );
        let values: [Value<'_>; 3] = [
            scope.purpose.as_str().into(),
            scope.algorithm.into(),
            scope.provider.map_or(0, |id| id.0).into(),
        ];
        self.tx.fetch_optional(sql, &values).await?.map(read_key).transpose()
    }

    async fn count_published(&mut self, scope: KeyScope<'_>) -> Result<u64, StoreError> {
        let sql = "select kid from signing_keys where state = 'published' and purpose = $1 \
                   and algorithm = $2 and coalesce(provider_id, 0) = $3";
        let values: [Value<'_>; 3] = [
            scope.purpose.as_str().into(),
            scope.algorithm.into(),
            scope.provider.map_or(0, |id| id.0).into(),
        ];
        Ok(self.tx.fetch(sql, &values).await?.len() as u64)
    }

    async fn insert_key(&mut self, new: &NewKey<'_>, state: KeyState) -> Result<(), StoreError> {
        if let Some(id) = new.scope.provider {
            self.provider(id).await?;
        }
        let activated_at = (state == KeyState::Active).then_some(self.edit.at);
        let inserted = self
            .tx
            .execute(
                "insert into signing_keys (kid, purpose, provider_id, algorithm, state, \
                 public_key, wrapped_private_key, wrapping_key, revision, created_at, \
                 not_before, activated_at) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
                 on conflict (kid) do nothing",
                &[
                    new.kid.into(),
                    new.scope.purpose.as_str().into(),
                    new.scope.provider.map(|id| id.0).into(),
                    new.scope.algorithm.into(),
                    state.as_str().into(),
                    new.public_key.into(),
                    new.wrapped_private_key.into(),
                    new.wrapping_key.into(),
                    self.sequence.0.into(),
                    self.edit.at.into(),
                    new.not_before.into(),
                    activated_at.into(),
                ],
            )
            .await?;
        if inserted == 0 {
            let name = new.kid.to_owned();
            return Err(StoreError::AlreadyExists { what: "key", name });
        }
        self.check_shared_keys(new.scope.provider).await?;
        self.count("keys", 1, "signing keys", KEYS_MAX).await
    }

    /// A key set has the keys that all share and those of its provider: neither may make it longer than clients
    /// read.
    async fn check_shared_keys(&mut self, provider: Option<ProviderId>) -> Result<(), StoreError> {
        let sql = "select count(*) as count from signing_keys where coalesce(provider_id, 0) = $1";
        let row = self.tx.fetch_optional(sql, &[provider.map_or(0, |id| id.0).into()]).await?;
        let found = row.map_or(Ok(0), |mut row| row.u64("count"))?;
        if found <= KEYS_SHARED_MAX {
            return Ok(());
        }
        let what = match provider {
            None => "signing keys that all providers share",
            Some(_) => "signing keys of one provider",
        };
        Err(StoreError::Limit { what, found, allowed: KEYS_SHARED_MAX })
    }

    async fn set_state(&mut self, kid: &str, state: KeyState) -> Result<(), StoreError> {
        let sql = match state {
            KeyState::Active => {
                "update signing_keys set state = $2, revision = $3, activated_at = $4 \
                 where kid = $1"
            }
            KeyState::Retired | KeyState::Published => {
                "update signing_keys set state = $2, revision = $3, retired_at = $4 \
                 where kid = $1"
            }
        };
        let (sequence, at) = (self.sequence.0.into(), self.edit.at.into());
        self.tx.execute(sql, &[kid.into(), state.as_str().into(), sequence, at]).await.map(|_| ())
    }

    async fn finish_key(
        mut self,
        kid: &str,
        provider: Option<ProviderId>,
        action: &'static str,
    ) -> Result<KeyRecord, StoreError> {
        let key = self.key(kid).await?;
        let provider = match provider {
            Some(id) => Some(self.provider(id).await?),
            None => None,
        };
        let about: Option<About<'_>> = provider.as_ref().map(|provider| provider.about());
        let details = json!({
            "kid": key.kid,
            "purpose": key.purpose.as_str(),
            "algorithm": key.algorithm,
            "state": key.state.as_str(),
        });
        self.audit(action, about, &details).await?;
        self.change("keys", about, None).await?;
        self.commit().await?;
        Ok(key)
    }
}

fn check_key(new: &NewKey<'_>) -> Result<(), StoreError> {
    for (field, text) in
        [("kid", new.kid), ("algorithm", new.scope.algorithm), ("wrapping key", new.wrapping_key)]
    {
        if text.is_empty() {
            return Err(StoreError::Invalid { field, reason: "empty" });
        }
        checked_text(field, text)?;
    }
    check_size("bytes of a public key", new.public_key.len(), KEY_BYTES_MAX)?;
    check_size("bytes of a wrapped private key", new.wrapped_private_key.len(), KEY_BYTES_MAX)
}

//! Keys that are released to attested workloads: by name and version, never in the clear.
//!
//! The newest version of a name is its current one. Deleting is for a whole name, and can be undone until
//! it is purged. The store reads neither release policies nor tags; it holds that an immutable
//! policy stays, and that whatever was wrapped stays wrapped.

mod release;

use avouch_wire::UnixTime;
pub use release::{VaultRelease, VaultReleaseOutcome, VaultTokenUse};
use serde_json::json;

use crate::columns::columns;
use crate::digest::sha256;
use crate::driver::{Row, Value};
use crate::error::StoreError;
use crate::limits::{
    KEY_BYTES_MAX, VAULT_KEY_NAME_CHARS_MAX, VAULT_KEY_TEXT_BYTES_MAX, VAULT_KEY_VERSIONS_MAX,
};
use crate::names::{check_size, checked_text, invalid_name};
use crate::page::{Page, PageRequest};
use crate::store::{Edit, Store, WriteTx, same};

/// What is counted of keys for release.
const VERSIONS: &str = "versions of keys for release";

/// What kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VaultKeyType {
    /// RSA.
    Rsa,
    /// On an elliptic curve.
    Ec,
    /// A secret key.
    Oct,
}

impl VaultKeyType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rsa, Self::Ec, Self::Oct];

    /// The word of JSON Web Keys.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Ec => "EC",
            Self::Oct => "oct",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// A release policy as a key carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultKeyPolicy {
    /// The envelope, JSON. The store does not read it.
    pub envelope: String,
    /// Whether it stays for ever.
    pub is_immutable: bool,
}

impl VaultKeyPolicy {
    /// SHA-256 of the envelope, by which the audit trail tells policies apart.
    #[must_use]
    pub fn sha256(&self) -> String {
        avouch_wire::encode_hex(&sha256(self.envelope.as_bytes()))
    }
}

/// What of a version may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultKeySettings {
    /// Whether it may be used.
    pub is_enabled: bool,
    /// First moment at which it may be used.
    pub not_before: Option<UnixTime>,
    /// Moment from which on it may not be used.
    pub expires_at: Option<UnixTime>,
    /// What it may be used for, JSON. The store does not read it.
    pub operations: String,
    /// Tags, JSON. The store does not read them.
    pub tags: String,
    /// When it may be released.
    pub release_policy: Option<VaultKeyPolicy>,
}

/// A version to be added.
#[derive(Debug, Clone)]
pub struct NewVaultKey<'a> {
    /// Its name: 1 to 127 letters, digits and hyphens; names that differ in case are one.
    pub name: &'a str,
    /// Its version: 32 lower-case hex digits, from random bytes of the caller.
    pub version: &'a str,
    /// What kind of key.
    pub key_type: VaultKeyType,
    /// Whether it is shown as a key of a hardware module.
    pub is_hsm: bool,
    /// Whether it may leave the vault; never changed.
    pub is_exportable: bool,
    /// SubjectPublicKeyInfo, DER; a secret key has none.
    pub public_key: Option<&'a [u8]>,
    /// The key, wrapped. The store cannot unwrap it.
    pub wrapped_material: &'a [u8],
    /// Name of the master key it is wrapped under.
    pub wrapping_key: &'a str,
    /// What may be changed later.
    pub settings: &'a VaultKeySettings,
}

/// A version as stored. `Debug` does not show the wrapped key.
#[derive(Clone, PartialEq, Eq)]
pub struct VaultKey {
    /// Its name, as it was first written.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Position among all versions of all keys; pages of lists continue behind it.
    pub made: u64,
    /// What kind of key.
    pub key_type: VaultKeyType,
    /// Whether it is shown as a key of a hardware module.
    pub is_hsm: bool,
    /// Whether it may leave the vault.
    pub is_exportable: bool,
    /// SubjectPublicKeyInfo, DER; a secret key has none.
    pub public_key: Option<Vec<u8>>,
    /// The key, wrapped.
    pub wrapped_material: Vec<u8>,
    /// Name of the master key it is wrapped under.
    pub wrapping_key: String,
    /// What may be changed.
    pub settings: VaultKeySettings,
    /// Sequence of the last change.
    pub revision: u64,
    /// When it was made.
    pub created_at: UnixTime,
    /// When it was last changed.
    pub updated_at: UnixTime,
}

impl std::fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VaultKey")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("key_type", &self.key_type)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

/// A name that was deleted, and can be recovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedVaultKey {
    /// The version that was its current one.
    pub current: VaultKey,
    /// When it was deleted.
    pub deleted_at: UnixTime,
    /// When it is purged.
    pub purge_at: UnixTime,
}

columns! {
    version_columns, read_version -> VaultKey {
        name: text,
        version: text,
        made: u64,
        key_type: word(VaultKeyType::parse),
        is_hsm: u64,
        is_exportable: u64,
        public_key: opt_bytes,
        wrapped_material: bytes,
        wrapping_key: text,
        is_enabled: u64,
        not_before: opt_time,
        expires_at: opt_time,
        operations: text,
        tags: text,
        release_policy: opt_text,
        is_policy_immutable: u64,
        revision: u64,
        created_at: time,
        updated_at: time,
    } => VaultKey {
        name,
        version,
        made,
        key_type,
        is_hsm: is_hsm == 1,
        is_exportable: is_exportable == 1,
        public_key,
        wrapped_material,
        wrapping_key,
        settings: VaultKeySettings {
            is_enabled: is_enabled == 1,
            not_before,
            expires_at,
            operations,
            tags,
            release_policy: release_policy
                .map(|envelope| VaultKeyPolicy { envelope, is_immutable: is_policy_immutable == 1 }),
        },
        revision,
        created_at,
        updated_at,
    }
}

/// A current version with the times of its name's deletion behind it.
fn read_deleted(mut row: Row) -> Result<DeletedVaultKey, StoreError> {
    let current = read_version(&mut row)?;
    let (deleted_at, purge_at) = (row.time("deleted_at")?, row.time("purge_at")?);
    Ok(DeletedVaultKey { current, deleted_at, purge_at })
}

/// Versions with the names that they belong to, unless those are deleted.
macro_rules! select_versions {
    ($where:literal) => {
        concat!(
            "select ",
            version_columns!(),
            " from vault_key_versions join vault_keys using (name_key) \
             where deleted_at is null and ",
            $where
        )
    };
}

/// The current versions of deleted names, each with the times of its deletion.
macro_rules! select_deleted {
    ($where:literal) => {
        concat!(
            "select ",
            version_columns!(),
            ", deleted_at, purge_at from vault_key_versions join vault_keys using (name_key) \
             where deleted_at is not null and made = current_made and ",
            $where
        )
    };
}

/// A version, also of a deleted name.
macro_rules! select_any_version {
    ($where:literal) => {
        concat!(
            "select ",
            version_columns!(),
            " from vault_key_versions join vault_keys using (name_key) where ",
            $where
        )
    };
}

/// The lists that clients page through; each reads as many rows as a page has.
const LIST: &str =
    select_versions!("made = current_made and current_made > $1 order by current_made limit $2");
const LIST_DELETED: &str = select_deleted!("current_made > $1 order by current_made limit $2");
const LIST_VERSIONS: &str = select_versions!("name_key = $1 and made > $2 order by made limit $3");

impl Store {
    /// Whether there is room for one more version of a key, before a key is made for nothing.
    ///
    /// # Errors
    /// [`StoreError::Limit`]; [`StoreError::Unavailable`].
    pub async fn check_vault_key_room(&self) -> Result<(), StoreError> {
        let sql = "select value from store_state where name = 'vault_key_versions'";
        let rows = self.read("count versions of keys for release", sql, &[]).await?;
        let found = rows.into_iter().next().map(|mut row| row.u64("store_state.value"));
        let found = found.transpose()?.unwrap_or_default().saturating_add(1);
        if found > VAULT_KEY_VERSIONS_MAX {
            let allowed = VAULT_KEY_VERSIONS_MAX;
            return Err(StoreError::Limit { what: VERSIONS, found, allowed });
        }
        Ok(())
    }

    /// Adds a version, which becomes the current one of its name.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] for a version that there is; [`StoreError::KeyState`] for a name that
    /// is deleted; [`StoreError::Limit`]; [`StoreError::Invalid`]; [`StoreError::InvalidName`].
    pub async fn add_vault_key(
        &self,
        new: &NewVaultKey<'_>,
        edit: &Edit<'_>,
    ) -> Result<VaultKey, StoreError> {
        let name_key = name_key(new.name)?;
        check_new(new)?;
        let mut write = self.begin_write("add a version of a key for release", edit).await?;
        write.insert_vault_key(&name_key, new).await?;
        write.finish_vault_key(&name_key, new.version, "vault-key-add").await
    }

    /// A version of a name that is not deleted; without a version its current one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; [`StoreError::InvalidName`].
    pub async fn vault_key(
        &self,
        name: &str,
        version: Option<&str>,
    ) -> Result<Option<VaultKey>, StoreError> {
        let name_key = name_key(name)?;
        let (sql, values): (_, Vec<Value<'_>>) = match version {
            Some(version) => (
                select_versions!("name_key = $1 and version = $2"),
                vec![name_key.as_str().into(), version.into()],
            ),
            None => (
                select_versions!("name_key = $1 and made = current_made"),
                vec![name_key.as_str().into()],
            ),
        };
        let rows = self.read("read a key for release", sql, &values).await?;
        rows.into_iter().next().map(read_version).transpose()
    }

    /// The current version of every name that is not deleted, in the order in which those were made.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn vault_keys(&self, request: PageRequest) -> Result<Page<VaultKey>, StoreError> {
        let values = [request.after.into(), u64::from(request.rows_max()).into()];
        let rows = self.read("list keys for release", LIST, &values).await?;
        let items = rows.into_iter().map(read_version).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::new(items, request, |key| key.made))
    }

    /// The versions of a name that is not deleted, the oldest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; [`StoreError::InvalidName`].
    pub async fn vault_key_versions(
        &self,
        name: &str,
        request: PageRequest,
    ) -> Result<Page<VaultKey>, StoreError> {
        let name_key = name_key(name)?;
        let values =
            [name_key.as_str().into(), request.after.into(), u64::from(request.rows_max()).into()];
        let rows = self.read("list versions of a key for release", LIST_VERSIONS, &values).await?;
        let items = rows.into_iter().map(read_version).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::new(items, request, |key| key.made))
    }

    /// Changes what may be changed of a version, all of it at once; and its wrapping too, where that holds
    /// for certain settings only.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] if the version is no longer at `revision`;
    /// [`StoreError::Invalid`] if its release policy is immutable and would change;
    /// [`StoreError::Limit`].
    pub async fn change_vault_key(
        &self,
        name: &str,
        version: &str,
        revision: u64,
        settings: &VaultKeySettings,
        wrapped: Option<(&[u8], &str)>,
        edit: &Edit<'_>,
    ) -> Result<VaultKey, StoreError> {
        let name_key = name_key(name)?;
        check_settings(settings)?;
        if let Some((material, wrapping_key)) = wrapped {
            check_wrapped(material, wrapping_key)?;
        }
        let mut write = self.begin_write("change a key for release", edit).await?;
        let key = write.vault_key(&name_key, version).await?;
        same("key for release", Some(revision), key.revision)?;
        let policy = key.settings.release_policy.as_ref();
        if policy.is_some_and(|policy| policy.is_immutable)
            && policy != settings.release_policy.as_ref()
        {
            return Err(StoreError::Invalid { field: "release policy", reason: "it is immutable" });
        }
        write.set_vault_key(&name_key, version, settings).await?;
        if let Some(wrapped) = wrapped {
            write.set_wrapped(&name_key, version, wrapped).await?;
        }
        write.finish_vault_key(&name_key, version, "vault-key-change").await
    }

    /// Replaces the wrapping of a version, when the master key changes.
    ///
    /// Versions of deleted names too: they may be recovered.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] if the version is no longer at `revision`;
    /// [`StoreError::Limit`]; [`StoreError::Invalid`].
    pub async fn rewrap_vault_key(
        &self,
        name: &str,
        version: &str,
        revision: u64,
        wrapped: (&[u8], &str),
        edit: &Edit<'_>,
    ) -> Result<VaultKey, StoreError> {
        let name_key = name_key(name)?;
        let (material, wrapping_key) = wrapped;
        check_wrapped(material, wrapping_key)?;
        let mut write = self.begin_write("rewrap a key for release", edit).await?;
        let key = write.any_vault_key(&name_key, version).await?;
        same("key for release", Some(revision), key.revision)?;
        write.set_wrapped(&name_key, version, (material, wrapping_key)).await?;
        write.finish_vault_key(&name_key, version, "vault-key-rewrap").await
    }

    /// Deletes a name with all its versions; until `purge_at` they can be recovered.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], also for a name that is deleted already; [`StoreError::Invalid`] if
    /// `purge_at` lies before the moment of the edit; [`StoreError::InvalidName`].
    pub async fn delete_vault_key(
        &self,
        name: &str,
        purge_at: UnixTime,
        edit: &Edit<'_>,
    ) -> Result<DeletedVaultKey, StoreError> {
        let name_key = name_key(name)?;
        if purge_at < edit.at {
            return Err(StoreError::Invalid { field: "purge_at", reason: "lies in the past" });
        }
        let mut write = self.begin_write("delete a key for release", edit).await?;
        let sql = "update vault_keys set deleted_at = $2, purge_at = $3 \
                   where name_key = $1 and deleted_at is null";
        let values = [name_key.as_str().into(), edit.at.into(), purge_at.into()];
        if write.tx.execute(sql, &values).await? == 0 {
            return Err(not_found(name));
        }
        let sql = select_deleted!("name_key = $1");
        let row = write.tx.fetch_optional(sql, &[name_key.as_str().into()]).await?;
        let deleted = row.map(read_deleted).transpose()?.ok_or_else(|| not_found(name))?;
        let details = json!({ "name": deleted.current.name, "purgeAt": purge_at.seconds() });
        write.audit("vault-key-delete", None, &details).await?;
        write.commit().await?;
        Ok(deleted)
    }

    /// Takes a deletion back.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if the name is not deleted; [`StoreError::InvalidName`].
    pub async fn recover_vault_key(&self, name: &str, edit: &Edit<'_>) -> Result<(), StoreError> {
        let name_key = name_key(name)?;
        let mut write = self.begin_write("recover a key for release", edit).await?;
        let sql = "update vault_keys set deleted_at = null, purge_at = null \
                   where name_key = $1 and deleted_at is not null";
        if write.tx.execute(sql, &[name_key.as_str().into()]).await? == 0 {
            return Err(not_found(name));
        }
        write.audit("vault-key-recover", None, &json!({ "name": name })).await?;
        write.commit().await.map(|_| ())
    }

    /// Removes a deleted name for ever.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if the name is not deleted; [`StoreError::InvalidName`].
    pub async fn purge_vault_key(&self, name: &str, edit: &Edit<'_>) -> Result<(), StoreError> {
        let name_key = name_key(name)?;
        let mut write = self.begin_write("purge a key for release", edit).await?;
        let sql = "select name_key from vault_keys where name_key = $1 and deleted_at is not null";
        if write.tx.fetch(sql, &[name_key.as_str().into()]).await?.is_empty() {
            return Err(not_found(name));
        }
        write.remove_vault_keys(&[name_key]).await?;
        write.audit("vault-key-purge", None, &json!({ "names": [name] })).await?;
        write.commit().await.map(|_| ())
    }

    /// Removes the deleted names whose time has come, at most as many as a page has rows. Returns how many
    /// went.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn purge_due_vault_keys(&self, edit: &Edit<'_>) -> Result<usize, StoreError> {
        let mut write = self.begin_write("purge keys for release that are due", edit).await?;
        let rows = u64::from(PageRequest::first().rows_max());
        let sql = "select name_key from vault_keys where purge_at <= $1 order by name_key limit $2";
        let due = write.tx.fetch(sql, &[edit.at.into(), rows.into()]).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let names: Vec<String> =
            due.into_iter().map(|mut row| row.text("name_key")).collect::<Result<_, _>>()?;
        write.remove_vault_keys(&names).await?;
        // The entry stays small however many there are.
        let named = names.get(..names.len().min(20));
        write
            .audit("vault-key-purge", None, &json!({ "count": names.len(), "names": named }))
            .await?;
        write.commit().await?;
        Ok(names.len())
    }

    /// The names that are deleted and can be recovered, in the order in which their current versions were
    /// made.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn deleted_vault_keys(
        &self,
        request: PageRequest,
    ) -> Result<Page<DeletedVaultKey>, StoreError> {
        let values = [request.after.into(), u64::from(request.rows_max()).into()];
        let rows = self.read("list deleted keys for release", LIST_DELETED, &values).await?;
        let items = rows.into_iter().map(read_deleted).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::new(items, request, |key| key.current.made))
    }

    /// A name that is deleted and can be recovered.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; [`StoreError::InvalidName`].
    pub async fn deleted_vault_key(
        &self,
        name: &str,
    ) -> Result<Option<DeletedVaultKey>, StoreError> {
        let name_key = name_key(name)?;
        let sql = select_deleted!("name_key = $1");
        let values = [name_key.as_str().into()];
        let rows = self.read("read a deleted key for release", sql, &values).await?;
        rows.into_iter().next().map(read_deleted).transpose()
    }

    /// Versions that are wrapped under another master key than this one, those of deleted names too, the
    /// oldest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn vault_keys_not_under(
        &self,
        wrapping_key: &str,
        request: PageRequest,
    ) -> Result<Page<VaultKey>, StoreError> {
        let sql = select_any_version!("wrapping_key <> $1 and made > $2 order by made limit $3");
        let values =
            [wrapping_key.into(), request.after.into(), u64::from(request.rows_max()).into()];
        let rows = self.read("list keys for release to be rewrapped", sql, &values).await?;
        let items = rows.into_iter().map(read_version).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::new(items, request, |key| key.made))
    }
}

impl WriteTx<'_> {
    async fn insert_vault_key(
        &mut self,
        name_key: &str,
        new: &NewVaultKey<'_>,
    ) -> Result<(), StoreError> {
        let sql = "insert into vault_keys (name_key, name, current_made) values ($1, $2, $3) \
                   on conflict (name_key) do update set current_made = excluded.current_made";
        let values = [name_key.into(), new.name.into(), self.sequence.0.into()];
        self.tx.execute(sql, &values).await?;
        let sql = "select name_key from vault_keys where name_key = $1 and deleted_at is not null";
        if !self.tx.fetch(sql, &[name_key.into()]).await?.is_empty() {
            let (found, expected) = ("deleted", "recovered or purged");
            return Err(StoreError::KeyState { kid: new.name.to_owned(), found, expected });
        }
        let NewVaultKey { settings, .. } = new;
        let policy = settings.release_policy.as_ref();
        let inserted = self
            .tx
            .execute(
                "insert into vault_key_versions (name_key, version, made, key_type, is_hsm, \
                 is_exportable, public_key, wrapped_material, wrapping_key, is_enabled, \
                 not_before, expires_at, operations, tags, release_policy, is_policy_immutable, \
                 revision, created_at, updated_at) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
                 $3, $17, $17) on conflict (name_key, version) do nothing",
                &[
                    name_key.into(),
                    new.version.into(),
                    self.sequence.0.into(),
                    new.key_type.as_str().into(),
                    u64::from(new.is_hsm).into(),
                    u64::from(new.is_exportable).into(),
                    Value::Bytes(new.public_key),
                    new.wrapped_material.into(),
                    new.wrapping_key.into(),
                    u64::from(settings.is_enabled).into(),
                    settings.not_before.into(),
                    settings.expires_at.into(),
                    settings.operations.as_str().into(),
                    settings.tags.as_str().into(),
                    policy.map(|policy| policy.envelope.as_str()).into(),
                    u64::from(policy.is_some_and(|policy| policy.is_immutable)).into(),
                    self.edit.at.into(),
                ],
            )
            .await?;
        if inserted == 0 {
            let name = format!("{}/{}", new.name, new.version);
            return Err(StoreError::AlreadyExists { what: "key for release", name });
        }
        self.count("vault_key_versions", 1, VERSIONS, VAULT_KEY_VERSIONS_MAX).await
    }

    async fn vault_key(&mut self, name_key: &str, version: &str) -> Result<VaultKey, StoreError> {
        let sql = select_versions!("name_key = $1 and version = $2");
        self.tx
            .fetch_optional(sql, &[name_key.into(), version.into()])
            .await?
            .map(read_version)
            .transpose()?
            .ok_or_else(|| not_found(&format!("{name_key}/{version}")))
    }

    async fn any_vault_key(
        &mut self,
        name_key: &str,
        version: &str,
    ) -> Result<VaultKey, StoreError> {
        let sql = select_any_version!("name_key = $1 and version = $2");
        self.tx
            .fetch_optional(sql, &[name_key.into(), version.into()])
            .await?
            .map(read_version)
            .transpose()?
            .ok_or_else(|| not_found(&format!("{name_key}/{version}")))
    }

    async fn set_vault_key(
        &mut self,
        name_key: &str,
        version: &str,
        settings: &VaultKeySettings,
    ) -> Result<(), StoreError> {
        let policy = settings.release_policy.as_ref();
        let values: [Value<'_>; 11] = [
            name_key.into(),
            version.into(),
            u64::from(settings.is_enabled).into(),
            settings.not_before.into(),
            settings.expires_at.into(),
            settings.operations.as_str().into(),
            settings.tags.as_str().into(),
            policy.map(|policy| policy.envelope.as_str()).into(),
            u64::from(policy.is_some_and(|policy| policy.is_immutable)).into(),
            self.sequence.0.into(),
            self.edit.at.into(),
        ];
        let sql = "update vault_key_versions set is_enabled = $3, not_before = $4, \
                   expires_at = $5, operations = $6, tags = $7, release_policy = $8, \
                   is_policy_immutable = $9, revision = $10, updated_at = $11 \
                   where name_key = $1 and version = $2";
        self.tx.execute(sql, &values).await.map(|_| ())
    }

    async fn set_wrapped(
        &mut self,
        name_key: &str,
        version: &str,
        (material, wrapping_key): (&[u8], &str),
    ) -> Result<(), StoreError> {
        let values: [Value<'_>; 5] = [
            name_key.into(),
            version.into(),
            material.into(),
            wrapping_key.into(),
            self.sequence.0.into(),
        ];
        let sql = "update vault_key_versions set wrapped_material = $3, wrapping_key = $4, \
                   revision = $5 where name_key = $1 and version = $2";
        self.tx.execute(sql, &values).await.map(|_| ())
    }

    async fn remove_vault_keys(&mut self, names: &[String]) -> Result<(), StoreError> {
        for name_key in names {
            let sql = "delete from vault_key_versions where name_key = $1";
            let versions = self.tx.execute(sql, &[name_key.as_str().into()]).await?;
            self.uncount("vault_key_versions", versions).await?;
            let sql = "delete from vault_keys where name_key = $1";
            self.tx.execute(sql, &[name_key.as_str().into()]).await?;
        }
        Ok(())
    }

    async fn finish_vault_key(
        mut self,
        name_key: &str,
        version: &str,
        action: &'static str,
    ) -> Result<VaultKey, StoreError> {
        let key = self.any_vault_key(name_key, version).await?;
        let VaultKeySettings { is_enabled, release_policy, .. } = &key.settings;
        let details = json!({
            "name": key.name,
            "version": key.version,
            "keyType": key.key_type.as_str(),
            "exportable": key.is_exportable,
            "enabled": is_enabled,
            "releasePolicySha256": release_policy.as_ref().map(VaultKeyPolicy::sha256),
        });
        self.audit(action, None, &details).await?;
        self.commit().await?;
        Ok(key)
    }
}

fn not_found(name: &str) -> StoreError {
    StoreError::NotFound { what: "key for release", name: name.to_owned() }
}

/// The name in lower case; none that Azure Key Vault would not take.
fn name_key(name: &str) -> Result<String, StoreError> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.is_empty() || name.len() > VAULT_KEY_NAME_CHARS_MAX || !name.chars().all(is_allowed) {
        let reason = "1 to 127 letters, digits and hyphens";
        return Err(invalid_name("key for release", name, reason));
    }
    Ok(name.to_ascii_lowercase())
}

fn check_new(new: &NewVaultKey<'_>) -> Result<(), StoreError> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if new.version.len() != 32 || !new.version.bytes().all(is_digit) {
        return Err(StoreError::Invalid {
            field: "version",
            reason: "not 32 lower-case hex digits",
        });
    }
    if new.public_key.is_none() != (new.key_type == VaultKeyType::Oct) {
        let reason = "a secret key has none, every other has one";
        return Err(StoreError::Invalid { field: "public key", reason });
    }
    let public_bytes = new.public_key.map_or(0, <[u8]>::len);
    check_size("bytes of a public key", public_bytes, KEY_BYTES_MAX)?;
    check_wrapped(new.wrapped_material, new.wrapping_key)?;
    check_settings(new.settings)
}

fn check_wrapped(material: &[u8], wrapping_key: &str) -> Result<(), StoreError> {
    if material.is_empty() || wrapping_key.is_empty() {
        return Err(StoreError::Invalid { field: "wrapped key", reason: "empty" });
    }
    checked_text("wrapping key", wrapping_key)?;
    check_size("bytes of a wrapped key", material.len(), KEY_BYTES_MAX)
}

fn check_settings(settings: &VaultKeySettings) -> Result<(), StoreError> {
    let envelope = settings.release_policy.as_ref().map_or("", |policy| &policy.envelope);
    for (what, text) in [
        ("bytes of a release policy", envelope),
        ("bytes of tags", &settings.tags),
        ("bytes of operations", &settings.operations),
    ] {
        check_size(what, text.len(), VAULT_KEY_TEXT_BYTES_MAX)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! Keys as they were last read, so that not every release reads record and policy anew.
//!
//! What is kept here decides nothing alone: a release is written down only if the database still has the
//! very record (`avouch_store::VaultRelease`), and a refusal counts only after the record was read again.

use std::sync::Arc;

use avouch_release::KeyVersion;
use avouch_store::{VaultKey, VaultKeyPolicy};
use moka::sync::Cache;

use super::material::{VaultMaterialError, key_version};
use super::policy::KeptPolicy;
use crate::route::vault::VersionPath;

/// What all that is kept may take, in bytes.
const BYTES_MAX: u64 = 16 * 1024 * 1024;
/// A policy that is read takes so many times its text, at most.
const POLICY_TIMES: usize = 16;
/// What a record takes beside its texts, in bytes.
const RECORD_BYTES: usize = 4096;

/// A record with what was read of it. The key in it is wrapped.
#[derive(Debug)]
pub(crate) struct ReadKey {
    pub(crate) record: VaultKey,
    pub(crate) key: KeyVersion,
    pub(crate) policy: Option<KeptPolicy>,
    /// By which the audit trail tells policies apart.
    pub(crate) policy_sha256: Option<String>,
}

impl ReadKey {
    /// Reads a record, whose key has this identifier.
    pub(crate) fn of(kid: String, record: VaultKey) -> Result<Self, VaultMaterialError> {
        let (key, policy) = key_version(kid, &record)?;
        let policy_sha256 = record.settings.release_policy.as_ref().map(VaultKeyPolicy::sha256);
        Ok(Self { record, key, policy, policy_sha256 })
    }

    fn bytes(&self) -> u32 {
        let VaultKey { wrapped_material, public_key, settings, .. } = &self.record;
        let policy = settings.release_policy.as_ref().map_or(0, |policy| policy.envelope.len());
        let texts = settings.tags.len().saturating_add(settings.operations.len());
        let keys = public_key.as_ref().map_or(0, Vec::len).saturating_mul(3);
        let bytes = policy
            .saturating_mul(POLICY_TIMES)
            .saturating_add(texts.saturating_mul(2))
            .saturating_add(keys)
            .saturating_add(wrapped_material.len())
            .saturating_add(RECORD_BYTES);
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

/// The keys that were released last, by the paths under which they were asked for.
#[derive(Debug)]
pub(crate) struct ReadKeys(Cache<String, Arc<ReadKey>>);

impl ReadKeys {
    /// None yet.
    pub(crate) fn new() -> Self {
        let weigh = |_: &String, key: &Arc<ReadKey>| key.bytes();
        Self(Cache::builder().weigher(weigh).max_capacity(BYTES_MAX).build())
    }

    /// The key at a path, as it was when it was last released.
    pub(crate) fn get(&self, path: &VersionPath) -> Option<Arc<ReadKey>> {
        self.0.get(&name(path))
    }

    /// Keeps a key that was released.
    pub(crate) fn keep(&self, path: &VersionPath, key: Arc<ReadKey>) {
        self.0.insert(name(path), key);
    }

    /// Forgets what is another one by now.
    pub(crate) fn forget(&self, path: &VersionPath) {
        self.0.invalidate(&name(path));
    }
}

/// Names that differ in case are one.
fn name(path: &VersionPath) -> String {
    let mut name = path.name.to_ascii_lowercase();
    name.push('/');
    name.push_str(path.version.as_deref().unwrap_or_default());
    name
}

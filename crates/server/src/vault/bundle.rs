//! Keys as Key Vault shows them: never with what is secret of them.

use avouch_pki::PublicKey;
use avouch_release::public_members;
use avouch_store::{DeletedVaultKey, VaultKey};
use serde_json::{Map, Value};

use super::Vault;
use super::material::attributes;
use super::policy::shown_envelope;

/// Deleted keys can be recovered, and purged before their time.
const RECOVERY_LEVEL: &str = "Recoverable+Purgeable";

/// A version with all that is told of it.
pub(crate) fn key_bundle(vault: &Vault, key: &VaultKey) -> Value {
    let mut jwk = public_members(public_key(key).as_ref(), key.is_hsm);
    jwk.insert("kid".to_owned(), vault.kid(&key.name, &key.version).into());
    jwk.insert("key_ops".to_owned(), stored(&key.settings.operations));
    let mut bundle = shown(vault, key);
    bundle.insert("key".to_owned(), Value::Object(jwk));
    if let Some(policy) = &key.settings.release_policy {
        bundle.insert("release_policy".to_owned(), shown_envelope(policy));
    }
    Value::Object(bundle)
}

/// A version as lists have it.
pub(crate) fn item(vault: &Vault, key: &VaultKey, is_versioned: bool) -> Value {
    let mut item = shown(vault, key);
    let kid = if is_versioned {
        vault.kid(&key.name, &key.version)
    } else {
        format!("{}/keys/{}", vault.url(), key.name)
    };
    item.insert("kid".to_owned(), kid.into());
    Value::Object(item)
}

/// A deleted name with all that is told of its current version.
pub(crate) fn deleted_bundle(vault: &Vault, deleted: &DeletedVaultKey) -> Value {
    with_deletion(vault, deleted, key_bundle(vault, &deleted.current))
}

/// A deleted name as lists have it.
pub(crate) fn deleted_item(vault: &Vault, deleted: &DeletedVaultKey) -> Value {
    with_deletion(vault, deleted, item(vault, &deleted.current, false))
}

fn with_deletion(vault: &Vault, deleted: &DeletedVaultKey, mut of_key: Value) -> Value {
    if let Some(members) = of_key.as_object_mut() {
        let recovery = format!("{}/deletedkeys/{}", vault.url(), deleted.current.name);
        members.insert("recoveryId".to_owned(), recovery.into());
        members.insert("deletedDate".to_owned(), deleted.deleted_at.seconds().into());
        members.insert("scheduledPurgeDate".to_owned(), deleted.purge_at.seconds().into());
    }
    of_key
}

fn shown(vault: &Vault, key: &VaultKey) -> Map<String, Value> {
    let mut attributes = attributes(key).to_json();
    if let Some(members) = attributes.as_object_mut() {
        members.insert("recoveryLevel".to_owned(), RECOVERY_LEVEL.into());
        members.insert("recoverableDays".to_owned(), vault.recoverable_days().into());
    }
    Map::from_iter([
        ("attributes".to_owned(), attributes),
        ("tags".to_owned(), stored(&key.settings.tags)),
    ])
}

/// JSON that this program stored.
fn stored(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

fn public_key(key: &VaultKey) -> Option<PublicKey> {
    key.public_key.as_deref().and_then(|spki| PublicKey::from_spki(spki).ok())
}

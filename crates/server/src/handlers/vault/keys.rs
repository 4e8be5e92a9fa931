//! Keys: made, imported, shown, changed.

use std::sync::Arc;
use std::time::Instant;

use avouch_release::{Lint, Operators};
use avouch_store::{
    NewVaultKey, StoreError, VaultKey, VaultKeyPolicy, VaultKeySettings, VaultKeyType,
};
use avouch_wire::encode_hex;
use axum::body::Body;
use axum::http::Response;
use serde_json::Value;

use super::access::Authorized;
use super::{listed, not_found, ok, vault_page};
use crate::body::Malformed;
use crate::handlers::internal;
use crate::http::{ReadBody, UnreadBody};
use crate::route::vault::VersionPath;
use crate::vault::{
    Change, KeptPolicy, NewVersion, WrappedFor, is_wrapped_for, item, key_bundle, rewrapped_for,
    set_again, wrap_new,
};
use crate::{Fault, KeyVaultError};

/// Times that a change is made anew because another writer was faster.
const ATTEMPTS: usize = 16;

/// What reads the body of a new version.
type Read = fn(&[u8], Operators) -> Result<NewVersion, Malformed>;

/// A version that is ready to be stored.
struct Ready {
    new: NewVersionParts,
    public_key: Option<Vec<u8>>,
    key_type: VaultKeyType,
    wrapped: Vec<u8>,
    wrapping_key: String,
}

/// What is left of a new version without its key.
struct NewVersionParts {
    is_hsm: bool,
    is_exportable: bool,
    settings: VaultKeySettings,
    lints: Vec<Lint>,
}

/// `POST /keys/{name}/create`.
pub(super) async fn create(
    request: &Authorized<'_>,
    name: &str,
    body: UnreadBody,
) -> Result<Response<Body>, KeyVaultError> {
    add(request, name, body, NewVersion::create).await
}

/// `PUT /keys/{name}`.
pub(super) async fn import(
    request: &Authorized<'_>,
    name: &str,
    body: UnreadBody,
) -> Result<Response<Body>, KeyVaultError> {
    add(request, name, body, NewVersion::import).await
}

async fn add(
    request: &Authorized<'_>,
    name: &str,
    body: UnreadBody,
    read: Read,
) -> Result<Response<Body>, KeyVaultError> {
    let actor = request.actor()?;
    request.vault.creations().take(actor, Instant::now()).map_err(Fault::too_many_requests)?;
    // Before a key is made for nothing.
    if request.store().deleted_vault_key(name).await?.is_some() {
        return Err(KeyVaultError::is_deleted(format!(
            "Key {name} is deleted; it can be recovered, or purged to be made anew."
        )));
    }
    request.store().check_vault_key_room().await?;
    let version = encode_hex(&request.state.random::<16>()?);
    let body = body.read().await?;
    let ready = ready(request, name, &version, body, read).await?;
    warn_of(name, &version, &ready.new.lints);
    let new = NewVaultKey {
        name,
        version: &version,
        key_type: ready.key_type,
        is_hsm: ready.new.is_hsm,
        is_exportable: ready.new.is_exportable,
        public_key: ready.public_key.as_deref(),
        wrapped_material: &ready.wrapped,
        wrapping_key: &ready.wrapping_key,
        settings: &ready.new.settings,
    };
    let key = request.store().add_vault_key(&new, &request.edit()?).await?;
    Ok(ok(&key_bundle(request.vault, &key)))
}

/// Says in the log what a release policy allows that its author hardly meant.
fn warn_of(name: &str, version: &str, lints: &[Lint]) {
    for lint in lints {
        tracing::warn!(key = name, version, %lint, "a release policy is weak");
    }
}

/// Reads what is to be made, makes it and wraps it, where processor time is counted.
async fn ready(
    request: &Authorized<'_>,
    name: &str,
    version: &str,
    body: ReadBody,
    read: Read,
) -> Result<Ready, KeyVaultError> {
    let operators = request.vault.operators();
    let state = Arc::clone(request.state);
    let (name, version) = (name.to_owned(), version.to_owned());
    let make = move || {
        let NewVersion { source, is_hsm, is_exportable, mut settings, policy } =
            read(&body, operators)?;
        drop(body);
        let kept = policy.as_ref().map(|policy| KeptPolicy::of(policy, &state.providers));
        settings.release_policy = kept.map(|kept| kept.to_store());
        let material = source.material().map_err(|error| internal(&error))?;
        let public_key = material.public_key().map(|key| key.spki_der().to_vec());
        let key_type = match material.public_key().map(avouch_pki::PublicKey::kind) {
            None => VaultKeyType::Oct,
            Some(avouch_pki::KeyKind::Rsa { .. }) => VaultKeyType::Rsa,
            Some(_) => VaultKeyType::Ec,
        };
        let wrapped_for = WrappedFor {
            name: &name,
            version: &version,
            key_type,
            is_exportable,
            public_key: public_key.as_deref(),
            settings: &settings,
        };
        let master = state.providers.keys().master();
        let wrapped =
            wrap_new(&material, &wrapped_for, master).map_err(|error| internal(&error))?;
        let wrapping_key = master.first().name().to_owned();
        let lints = policy.map(|policy| policy.policy().lint()).unwrap_or_default();
        let new = NewVersionParts { is_hsm, is_exportable, settings, lints };
        Ok::<_, KeyVaultError>(Ready { new, public_key, key_type, wrapped, wrapping_key })
    };
    request.work.run(make).await
}

/// `GET /keys/{name}/{version}`.
pub(super) async fn get(
    request: &Authorized<'_>,
    at: &VersionPath,
) -> Result<Response<Body>, KeyVaultError> {
    Ok(ok(&key_bundle(request.vault, &found(request, at).await?)))
}

/// The version that a path names.
pub(super) async fn found(
    request: &Authorized<'_>,
    at: &VersionPath,
) -> Result<VaultKey, KeyVaultError> {
    let found = request.store().vault_key(&at.name, at.version.as_deref()).await?;
    found.ok_or_else(|| not_found(&at.name))
}

/// `GET /keys`, in the order in which their current versions were made.
pub(super) async fn list(request: &Authorized<'_>) -> Result<Response<Body>, KeyVaultError> {
    let page = vault_page(request.query)?;
    let found = request.store().vault_keys(page).await?;
    let items = found.items.iter().map(|key| item(request.vault, key, false)).collect();
    Ok(listed(request, "/keys", items, found.next.map(|next| (page.rows, next))))
}

/// `GET /keys/{name}/versions`, the oldest first.
pub(super) async fn versions(
    request: &Authorized<'_>,
    name: &str,
) -> Result<Response<Body>, KeyVaultError> {
    let page = vault_page(request.query)?;
    let found = request.store().vault_key_versions(name, page).await?;
    if found.items.is_empty() && page.after == 0 {
        return Err(not_found(name));
    }
    let items: Vec<Value> = found.items.iter().map(|key| item(request.vault, key, true)).collect();
    let path = format!("/keys/{name}/versions");
    Ok(listed(request, &path, items, found.next.map(|next| (page.rows, next))))
}

/// `PATCH /keys/{name}/{version}`.
pub(super) async fn update(
    request: &Authorized<'_>,
    at: &VersionPath,
    body: UnreadBody,
) -> Result<Response<Body>, KeyVaultError> {
    let (body, operators) = (body.read().await?, request.vault.operators());
    let parse = move || Change::parse(&body, operators).map_err(KeyVaultError::from);
    let change = request.work.run(parse).await?;
    let lints = change.policy.as_ref().map(|policy| policy.policy().lint()).unwrap_or_default();
    warn_of(&at.name, at.version.as_deref().unwrap_or_default(), &lints);
    for _ in 0..ATTEMPTS {
        let key = found(request, at).await?;
        let before = key.settings.release_policy.as_ref();
        let providers = &request.state.providers;
        let policy = change.policy.as_ref().map(|policy| set_again(before, policy, providers));
        let settings = change.applied_to(&key.settings, key.is_exportable, policy)?;
        check_policy(before, settings.release_policy.as_ref())?;
        let wrapped = match is_wrapped_for(&key, &settings) {
            true => None,
            false => Some(rewrapped(request, &key, &settings).await?),
        };
        let wrapped = wrapped.as_ref().map(|(bytes, name)| (bytes.as_slice(), name.as_str()));
        let (store, edit) = (request.store(), request.edit()?);
        let (name, version) = (&key.name, &key.version);
        match store.change_vault_key(name, version, key.revision, &settings, wrapped, &edit).await {
            Ok(changed) => return Ok(ok(&key_bundle(request.vault, &changed))),
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Fault::unavailable("The key changes all the time; try again.").into())
}

/// An immutable policy stays as it is, whoever asks.
fn check_policy(
    before: Option<&VaultKeyPolicy>,
    after: Option<&VaultKeyPolicy>,
) -> Result<(), KeyVaultError> {
    match before {
        Some(policy) if policy.is_immutable && after != before => {
            Err(KeyVaultError::bad_parameter(
                "release-policy-immutable: the release policy is immutable",
            ))
        }
        _ => Ok(()),
    }
}

/// A key is wrapped for some of its settings; for others it is wrapped anew.
async fn rewrapped(
    request: &Authorized<'_>,
    key: &VaultKey,
    settings: &VaultKeySettings,
) -> Result<(Vec<u8>, String), KeyVaultError> {
    let (key, settings) = (key.clone(), settings.clone());
    let keys = Arc::clone(request.state.providers.keys());
    let wrap = move || {
        rewrapped_for(&key, &settings, keys.master())
            .map(|(bytes, name)| (bytes, name.to_owned()))
            .map_err(|error| internal(&error).into())
    };
    request.work.run(wrap).await
}

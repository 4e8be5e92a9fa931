//! Deleted keys: for a while they can be recovered.

use axum::body::Body;
use axum::http::{Response, StatusCode};

use super::access::Authorized;
use super::{listed, not_found, ok, vault_page};
use crate::KeyVaultError;
use crate::route::vault::VersionPath;
use crate::vault::{deleted_bundle, deleted_item};

const SECONDS_PER_DAY: i64 = 86_400;

/// `DELETE /keys/{name}`.
pub(super) async fn delete(
    request: &Authorized<'_>,
    name: &str,
) -> Result<Response<Body>, KeyVaultError> {
    let seconds = i64::from(request.vault.recoverable_days()).saturating_mul(SECONDS_PER_DAY);
    let purge_at = request.state.clock.now().saturating_add_seconds(seconds);
    let deleted = request.store().delete_vault_key(name, purge_at, &request.edit()?).await?;
    Ok(ok(&deleted_bundle(request.vault, &deleted)))
}

/// `GET /deletedkeys`.
pub(super) async fn list(request: &Authorized<'_>) -> Result<Response<Body>, KeyVaultError> {
    let page = vault_page(request.query)?;
    let found = request.store().deleted_vault_keys(page).await?;
    let items = found.items.iter().map(|key| deleted_item(request.vault, key)).collect();
    Ok(listed(request, "/deletedkeys", items, found.next.map(|next| (page.rows, next))))
}

/// `GET /deletedkeys/{name}`.
pub(super) async fn get(
    request: &Authorized<'_>,
    name: &str,
) -> Result<Response<Body>, KeyVaultError> {
    let found = request.store().deleted_vault_key(name).await?;
    let found = found.ok_or_else(|| not_found(name))?;
    Ok(ok(&deleted_bundle(request.vault, &found)))
}

/// `POST /deletedkeys/{name}/recover`.
pub(super) async fn recover(
    request: &Authorized<'_>,
    name: &str,
) -> Result<Response<Body>, KeyVaultError> {
    request.store().recover_vault_key(name, &request.edit()?).await?;
    super::keys::get(request, &VersionPath { name: name.to_owned(), version: None }).await
}

/// `DELETE /deletedkeys/{name}`.
pub(super) async fn purge(
    request: &Authorized<'_>,
    name: &str,
) -> Result<Response<Body>, KeyVaultError> {
    request.store().purge_vault_key(name, &request.edit()?).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

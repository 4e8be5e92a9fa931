//! The vault, in the words of Azure Key Vault: keys, and their release to attested workloads.

mod access;
mod deleted;
mod keys;
mod release;

use std::sync::Arc;

use access::Authorized;
use avouch_wire::base64url;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::paging::vault_page;
use super::refusals::Attempt;
use crate::http::{Peer, UnreadBody};
use crate::route::Row;
use crate::route::vault::VaultOperation;
use crate::state::AppState;
use crate::vault::random_count;
use crate::work::Work;
use crate::{KeyVaultError, Vault, respond};

/// A request to the vault, not checked yet.
pub(super) struct Request<'a> {
    pub(super) state: &'a Arc<AppState>,
    pub(super) vault: &'a Vault,
    pub(super) head: &'a Parts,
    pub(super) peer: &'a Peer,
    pub(super) work: Work<'a>,
}

impl Request<'_> {
    pub(super) async fn answer(
        self,
        row: &Row,
        operation: VaultOperation,
        body: UnreadBody,
        attempt: &mut Attempt,
    ) -> Result<Response<Body>, KeyVaultError> {
        let challenge = self.vault.challenge();
        let answer = self.checked(row, operation, body, attempt).await;
        answer.map_err(|error| error.challenged(challenge))
    }

    async fn checked(
        self,
        row: &Row,
        operation: VaultOperation,
        body: UnreadBody,
        attempt: &mut Attempt,
    ) -> Result<Response<Body>, KeyVaultError> {
        if let Some(action) = row.audit {
            attempt.to(action);
        }
        if let Some(name) = named(&operation) {
            attempt.named("name", name);
        }
        let request = access::authorize(self, row, attempt).await?;
        match operation {
            VaultOperation::Create(name) => keys::create(&request, &name, body).await,
            VaultOperation::Import(name) => keys::import(&request, &name, body).await,
            VaultOperation::Keys => keys::list(&request).await,
            VaultOperation::Versions(name) => keys::versions(&request, &name).await,
            VaultOperation::Get(at) => keys::get(&request, &at).await,
            VaultOperation::Update(at) => keys::update(&request, &at, body).await,
            VaultOperation::Delete(name) => deleted::delete(&request, &name).await,
            VaultOperation::Release(at) => release::release(&request, &at, body, attempt).await,
            VaultOperation::DeletedKeys => deleted::list(&request).await,
            VaultOperation::GetDeleted(name) => deleted::get(&request, &name).await,
            VaultOperation::Recover(name) => deleted::recover(&request, &name).await,
            VaultOperation::Purge(name) => deleted::purge(&request, &name).await,
            VaultOperation::Random => random(&request, body).await,
        }
    }
}

/// The key that an operation changes.
fn named(operation: &VaultOperation) -> Option<&str> {
    match operation {
        VaultOperation::Create(name)
        | VaultOperation::Import(name)
        | VaultOperation::Delete(name)
        | VaultOperation::Recover(name)
        | VaultOperation::Purge(name) => Some(name),
        VaultOperation::Update(at) | VaultOperation::Release(at) => Some(&at.name),
        _ => None,
    }
}

/// `POST /rng`.
async fn random(
    request: &Authorized<'_>,
    body: UnreadBody,
) -> Result<Response<Body>, KeyVaultError> {
    let count = random_count(&body.read().await?)?;
    let mut bytes = vec![0; count];
    request.state.fill_random(&mut bytes)?;
    Ok(ok(&json!({ "value": base64url::encode(bytes) })))
}

fn ok(body: &Value) -> Response<Body> {
    respond::json(StatusCode::OK, body.to_string())
}

fn not_found(name: &str) -> KeyVaultError {
    let name: String = name.chars().take(127).collect();
    KeyVaultError::key_not_found(format!(
        "A key with the name {name}, of that version if one was named, was not found in this vault."
    ))
}

/// A list, and where it goes on.
fn listed(
    request: &Authorized<'_>,
    path: &str,
    items: Vec<Value>,
    next: Option<(u32, u64)>,
) -> Response<Body> {
    let next = next.map(|(rows, after)| {
        let (url, version) = (request.vault.url(), request.version.name());
        format!("{url}{path}?api-version={version}&$skiptoken={after}&maxresults={rows}")
    });
    ok(&json!({ "value": items, "nextLink": next }))
}

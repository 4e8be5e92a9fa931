//! `GET /avouch/audit`: what was done to a provider, and what was refused.

use avouch_store::{AuditEntry, PageRequest};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::access::Authorized;
use super::paging::{Paging, next_query};
use crate::state::AppState;
use crate::{ApiError, Provider, respond};

/// Entries in one answer.
const ROWS_MAX: u32 = 500;

/// The trail of this provider, oldest first; not that of providers that had its name before.
pub(super) async fn list(request: &Authorized<'_>) -> Result<Response<Body>, ApiError> {
    let (state, provider) = (request.state, request.provider);
    let id = provider.tenant().provider.id;
    let mut page = Paging::from_query(request.query)?.page(ROWS_MAX);
    // A provider's number is the sequence of its creation.
    page.after = page.after.max(id.get().saturating_sub(1));
    let found = state.providers.store().audit(Some(provider.name()), page).await?;
    let own = |entry: &&AuditEntry| entry.provider.as_ref().is_some_and(|(of, _)| *of == id);
    let shown: Vec<Value> = found.items.iter().filter(own).map(entry).collect();
    let mut body = json!({ "value": shown });
    if let (Some(next), Some(members)) = (found.next, body.as_object_mut()) {
        members.insert("nextLink".to_owned(), link(state, provider, page, next).into());
    }
    Ok(respond::json(StatusCode::OK, body.to_string()))
}

fn link(state: &AppState, provider: &Provider, page: PageRequest, next: u64) -> String {
    let url = state.providers.urls().of(provider.name());
    format!("{url}/avouch/audit?{}", next_query(page, next))
}

fn entry(entry: &AuditEntry) -> Value {
    json!({
        "sequence": entry.sequence.0,
        "at": entry.at.to_rfc3339(),
        "actor": entry.actor.id(),
        "actor_kind": entry.actor.kind().as_str(),
        "action": entry.action,
        "outcome": entry.outcome.as_str(),
        "details": entry.details,
    })
}

//! `/avouch/policies/{type}/history`: who set which policy when, and the policies themselves.

use avouch_store::{PageRequest, PolicyRevision};
use avouch_wire::{EvidenceKind, base64url, encode_hex};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::access::Authorized;
use super::paging::{Paging, next_query};
use crate::{ApiError, Fault, respond};

/// Revisions in one answer.
const ROWS_MAX: u32 = 100;

/// `GET …/history`, newest first.
pub(super) async fn list(
    request: &Authorized<'_>,
    attestation_type: EvidenceKind,
) -> Result<Response<Body>, ApiError> {
    let (state, provider) = (request.state, request.provider);
    let page = Paging::from_query(request.query)?.page(ROWS_MAX);
    let id = provider.tenant().provider.id;
    let store = state.providers.store();
    let found = store.policy_history(id, attestation_type, page).await?;
    let shown: Vec<Value> = found.items.iter().map(revision).collect();
    let mut body = json!({ "value": shown });
    if let (Some(next), Some(members)) = (found.next, body.as_object_mut()) {
        let url = state.providers.urls().of(provider.name());
        let query = next_query(page, next);
        let link =
            format!("{url}/avouch/policies/{}/history?{query}", attestation_type.policy_name());
        members.insert("nextLink".to_owned(), link.into());
    }
    Ok(respond::json(StatusCode::OK, body.to_string()))
}

/// `GET …/history/{revision}`: the same with the JWS, byte for byte.
pub(super) async fn get(
    request: &Authorized<'_>,
    attestation_type: EvidenceKind,
    number: u64,
) -> Result<Response<Body>, ApiError> {
    let (state, provider) = (request.state, request.provider);
    let id = provider.tenant().provider.id;
    let store = state.providers.store();
    let page = PageRequest { after: number.saturating_add(1), rows: 1 };
    let found = store.policy_history(id, attestation_type, page).await?;
    let found = found.items.first().filter(|found| found.revision == number);
    let jws = store.policy_revision_jws(id, attestation_type, number).await?;
    let (Some(found), Some(jws)) = (found, jws) else {
        let text =
            format!("There is no revision {number} of this policy, or it is no longer kept.");
        return Err(Fault::not_found(text).into());
    };
    let jws = String::from_utf8(jws).map_err(|error| super::internal(&error))?;
    let mut body = revision(found);
    if let Some(members) = body.as_object_mut() {
        members.insert("jws".to_owned(), jws.into());
    }
    Ok(respond::json(StatusCode::OK, body.to_string()))
}

/// Hashes are written as tokens of the service write them.
fn revision(entry: &PolicyRevision) -> Value {
    let signer = entry.signer.as_ref().map(|signer| {
        let jwk: Value = serde_json::from_str(&signer.jwk).unwrap_or_default();
        json!({"thumbprint": encode_hex(&signer.thumbprint), "jwk": jwk})
    });
    let previous = entry.previous.map(|(revision, token_hash)| {
        json!({"revision": revision, "token_hash": base64url::encode(token_hash)})
    });
    json!({
        "revision": entry.revision,
        "action": entry.action.as_str(),
        "at": entry.at.to_rfc3339(),
        "actor": entry.actor.id(),
        "actor_kind": entry.actor.kind().as_str(),
        "token_hash": base64url::encode(entry.token_hash),
        "policy_hash": entry.text_hash.map(base64url::encode),
        "signer": signer,
        "previous": previous,
    })
}

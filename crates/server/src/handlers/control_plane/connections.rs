//! Private endpoint connections: kept and shown. Avouch opens no network path by them.

use avouch_store::{ConnectionStatus, Edit, PrivateEndpointConnection, Provider};
use avouch_wire::excerpt;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::access::AtProvider;
use super::{empty, ok, shape};
use crate::ResourceError;
use crate::body::JsonBody;
use crate::http::UnreadBody;

/// `GET` of all, without paging.
pub(super) async fn list(at: &AtProvider<'_>) -> Result<Response<Body>, ResourceError> {
    let provider = at.existing().await?;
    let connections = read(at, &provider).await?;
    let shown: Vec<Value> =
        connections.iter().map(|one| shape::connection(&provider, one)).collect();
    Ok(ok(&json!({ "value": shown })))
}

/// `GET` of one.
pub(super) async fn get(at: &AtProvider<'_>, name: &str) -> Result<Response<Body>, ResourceError> {
    let provider = at.existing().await?;
    let connection = find(at, &provider, name).await?.ok_or_else(|| {
        let name = excerpt(name);
        ResourceError::resource_not_found(format!(
            "The private endpoint connection {name} was not found."
        ))
    })?;
    Ok(ok(&shape::connection(&provider, &connection)))
}

/// `PUT`: makes it or replaces it. What a body leaves out of the endpoint's id stays as it was:
/// clients cannot send it, for them it is read-only.
pub(super) async fn put(
    at: &AtProvider<'_>,
    name: &str,
    body: UnreadBody,
) -> Result<Response<Body>, ResourceError> {
    let state = at.request.state;
    let provider = at.existing().await?;
    let before = find(at, &provider, name).await?;
    let now = state.clock.now();
    let body = body.read().await?;
    let mut connection = at.request.work.run(move || parse(&body)).await?;
    connection.updated_at = now;
    name.clone_into(&mut connection.name);
    if let Some(before) = before {
        connection.name = before.name;
        connection.private_endpoint_id =
            connection.private_endpoint_id.or(before.private_endpoint_id);
    }
    let edit = Edit::new(at.request.actor()?, now);
    let store = state.providers.store();
    store.put_private_endpoint_connection(provider.id, &connection, &edit).await?;
    Ok(ok(&shape::connection(&provider, &connection)))
}

/// `DELETE`: 200 when it is gone, 204 when there was none.
pub(super) async fn delete(
    at: &AtProvider<'_>,
    name: &str,
) -> Result<Response<Body>, ResourceError> {
    let provider = at.existing().await?;
    let edit = Edit::new(at.request.actor()?, at.request.state.clock.now());
    let store = at.request.state.providers.store();
    let removed = store.delete_private_endpoint_connection(provider.id, name, &edit).await?;
    Ok(empty(if removed { StatusCode::OK } else { StatusCode::NO_CONTENT }))
}

async fn read(
    at: &AtProvider<'_>,
    provider: &Provider,
) -> Result<Vec<PrivateEndpointConnection>, ResourceError> {
    let store = at.request.state.providers.store();
    Ok(store.private_endpoint_connections(provider.id).await?)
}

async fn find(
    at: &AtProvider<'_>,
    provider: &Provider,
    name: &str,
) -> Result<Option<PrivateEndpointConnection>, ResourceError> {
    let all = read(at, provider).await?;
    Ok(all.into_iter().find(|one| one.name.eq_ignore_ascii_case(name)))
}

/// The body, still without a name and a time of change.
pub(super) fn parse(body: &[u8]) -> Result<PrivateEndpointConnection, ResourceError> {
    let body = JsonBody::parse(body)?;
    let missing = |member: &str| {
        ResourceError::invalid_request_content(format!("{member}: an object is missing"))
    };
    let properties = body.object("properties")?;
    let properties = properties.ok_or_else(|| missing("properties"))?;
    let state = properties.object("privateLinkServiceConnectionState")?;
    let state = state.ok_or_else(|| missing("properties.privateLinkServiceConnectionState"))?;
    let text = |object: &JsonBody<'_>, member: &str| {
        object.string(member).map(|text| text.map(str::to_owned))
    };
    let endpoint = properties.object("privateEndpoint")?;
    Ok(PrivateEndpointConnection {
        name: String::new(),
        private_endpoint_id: endpoint.map_or(Ok(None), |endpoint| text(&endpoint, "id"))?,
        status: status(text(&state, "status")?.as_deref())?,
        description: text(&state, "description")?,
        actions_required: text(&state, "actionsRequired")?,
        updated_at: avouch_wire::UnixTime::EPOCH,
    })
}

fn status(word: Option<&str>) -> Result<ConnectionStatus, ResourceError> {
    let Some(word) = word else { return Ok(ConnectionStatus::Pending) };
    ConnectionStatus::parse(word).ok_or_else(|| {
        let word = excerpt(word);
        ResourceError::invalid_request_content(format!(
            "properties.privateLinkServiceConnectionState.status: {word} is not \"Pending\", \
             \"Approved\" or \"Rejected\""
        ))
    })
}

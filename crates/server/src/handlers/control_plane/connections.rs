//! Private endpoint connections: kept and shown. Avouch opens no network path by them.

use avouch_store::{
    ConnectionStatus, Edit, PrivateEndpointConnection, Provider, ProvisioningState,
};
use avouch_wire::excerpt;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{Context, content_error, empty, ok, resource_error, shape};
use crate::ApiError;
use crate::auth::Role;
use crate::body::JsonBody;
use crate::http::UnreadBody;
use crate::route::control_plane::ProviderPath;

/// `GET` of all, without paging.
pub(super) async fn list(
    context: &Context<'_>,
    at: &ProviderPath,
) -> Result<Response<Body>, ApiError> {
    let provider = context.existing(Role::Reader, at).await?;
    let connections = read(context, &provider).await?;
    let shown: Vec<Value> =
        connections.iter().map(|one| shape::connection(&provider, one)).collect();
    Ok(ok(&json!({ "value": shown })))
}

/// `GET` of one.
pub(super) async fn get(
    context: &Context<'_>,
    at: &ProviderPath,
    name: &str,
) -> Result<Response<Body>, ApiError> {
    let provider = context.existing(Role::Reader, at).await?;
    let connection = find(context, &provider, name).await?.ok_or_else(|| {
        let name = excerpt(name);
        ApiError::resource_not_found(format!(
            "The private endpoint connection {name} was not found."
        ))
    })?;
    Ok(ok(&shape::connection(&provider, &connection)))
}

/// `PUT`: makes it or replaces it. What a body leaves out of the endpoint's id stays as it was:
/// clients cannot send it, for them it is read-only.
pub(super) async fn put(
    context: &Context<'_>,
    at: &ProviderPath,
    name: &str,
    body: UnreadBody,
) -> Result<Response<Body>, ApiError> {
    let state = context.state;
    let provider = context.existing(Role::Owner, at).await?;
    let before = find(context, &provider, name).await?;
    let now = state.clock.now();
    let body = body.read().await?;
    let mut connection = context.work.run(move || parse(&body)).await?;
    connection.updated_at = now;
    name.clone_into(&mut connection.name);
    if let Some(before) = before {
        connection.name = before.name;
        connection.private_endpoint_id =
            connection.private_endpoint_id.or(before.private_endpoint_id);
    }
    let edit = Edit::new(context.caller.actor()?, now);
    let store = state.providers.store();
    let put = store.put_private_endpoint_connection(provider.id, &connection, &edit).await;
    put.map_err(resource_error)?;
    Ok(ok(&shape::connection(&provider, &connection)))
}

/// `DELETE`: 200 when it is gone, 204 when there was none.
pub(super) async fn delete(
    context: &Context<'_>,
    at: &ProviderPath,
    name: &str,
) -> Result<Response<Body>, ApiError> {
    let provider = context.existing(Role::Owner, at).await?;
    let edit = Edit::new(context.caller.actor()?, context.state.clock.now());
    let store = context.state.providers.store();
    let removed = store.delete_private_endpoint_connection(provider.id, name, &edit).await;
    let removed = removed.map_err(resource_error)?;
    Ok(empty(if removed { StatusCode::OK } else { StatusCode::NO_CONTENT }))
}

async fn read(
    context: &Context<'_>,
    provider: &Provider,
) -> Result<Vec<PrivateEndpointConnection>, ApiError> {
    let store = context.state.providers.store();
    store.private_endpoint_connections(provider.id).await.map_err(resource_error)
}

async fn find(
    context: &Context<'_>,
    provider: &Provider,
    name: &str,
) -> Result<Option<PrivateEndpointConnection>, ApiError> {
    let all = read(context, provider).await?;
    Ok(all.into_iter().find(|one| one.name.eq_ignore_ascii_case(name)))
}

/// The body, still without a name and a time of change.
pub(super) fn parse(body: &[u8]) -> Result<PrivateEndpointConnection, ApiError> {
    let body = JsonBody::parse(body).map_err(content_error)?;
    let missing =
        |member: &str| ApiError::invalid_request_content(format!("{member}: an object is missing"));
    let properties = body.object("properties").map_err(content_error)?;
    let properties = properties.ok_or_else(|| missing("properties"))?;
    let state = properties.object("privateLinkServiceConnectionState").map_err(content_error)?;
    let state = state.ok_or_else(|| missing("properties.privateLinkServiceConnectionState"))?;
    let text = |object: &JsonBody<'_>, member: &str| {
        object.string(member).map(|text| text.map(str::to_owned)).map_err(content_error)
    };
    let endpoint = properties.object("privateEndpoint").map_err(content_error)?;
    Ok(PrivateEndpointConnection {
        name: String::new(),
        private_endpoint_id: endpoint.map_or(Ok(None), |endpoint| text(&endpoint, "id"))?,
        status: status(text(&state, "status")?.as_deref())?,
        description: text(&state, "description")?,
        actions_required: text(&state, "actionsRequired")?,
        provisioning_state: ProvisioningState::Succeeded,
        updated_at: avouch_wire::UnixTime::EPOCH,
    })
}

fn status(word: Option<&str>) -> Result<ConnectionStatus, ApiError> {
    let Some(word) = word else { return Ok(ConnectionStatus::Pending) };
    ConnectionStatus::parse(word).ok_or_else(|| {
        let word = excerpt(word);
        ApiError::invalid_request_content(format!(
            "properties.privateLinkServiceConnectionState.status: {word} is not \"Pending\", \
             \"Approved\" or \"Rejected\""
        ))
    })
}

//! Providers: made, shown, changed and deleted.

use std::collections::BTreeMap;

use avouch_store::{
    Edit, Expected, NewProvider, Provider, ProviderName, ProviderPatch, ResourceScope, Sequence,
    StoreError,
};
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::creation::{Creation, Patch, Switches};
use super::{ATTEMPTS, Context, contended, empty, ok, resource_error, shape};
use crate::auth::Role;
use crate::config::RootProvider;
use crate::http::UnreadBody;
use crate::route::control_plane::ProviderPath;
use crate::{ApiError, respond};

/// `PUT`: 201 for a new provider, 200 for one that was there and differs in nothing that is fixed.
pub(super) async fn create(
    context: &Context<'_>,
    at: &ProviderPath,
    body: UnreadBody,
) -> Result<Response<Body>, ApiError> {
    let scope = context.scope(Role::Owner, at)?;
    let body = body.read().await?;
    let creation = context.work.run(move || Creation::parse(&body)).await?;
    let store = context.state.providers.store();
    for _ in 0..ATTEMPTS {
        match store.provider(&at.name).await.map_err(resource_error)? {
            Some(found) => {
                check_unchanged(context, &found, &scope, &creation).await?;
                let tags = Some(&creation.tags);
                if let Some(found) = apply(context, found, tags, creation.switches).await? {
                    return show(context, &found, StatusCode::OK).await;
                }
            }
            None => {
                if let Some(made) = make(context, at, &scope, &creation).await? {
                    return show(context, &made, StatusCode::CREATED).await;
                }
            }
        }
    }
    Err(contended())
}

/// A new provider, or none if another writer took the name meanwhile.
async fn make(
    context: &Context<'_>,
    at: &ProviderPath,
    scope: &ResourceScope,
    creation: &Creation,
) -> Result<Option<Provider>, ApiError> {
    let state = context.state;
    let name = ProviderName::parse(&at.name).map_err(resource_error)?;
    if state.providers.urls().is_taken(name.key()) {
        return Err(ApiError::conflict(format!(
            "The name {:?} is taken: its host would be that of the service itself.",
            name.as_str()
        )));
    }
    let mut new = NewProvider::new(name, scope.clone(), creation.location.clone());
    new.tags.clone_from(&creation.tags);
    new.policy_certificates.clone_from(&creation.policy_certificates);
    new.public_network_access = creation.switches.public_network_access;
    new.tpm_attestation_authentication = creation.switches.tpm_attestation_authentication;
    let edit = Edit::new(context.caller.actor()?, state.clock.now());
    match state.providers.store().create_provider(&new, &edit).await {
        Ok(provider) => {
            state.providers.saw(Sequence(provider.revision)).await;
            Ok(Some(provider))
        }
        Err(StoreError::AlreadyExists { .. }) => Ok(None),
        Err(error) => Err(resource_error(error)),
    }
}

/// Refuses a `PUT` that would move a provider or change who may set its policies.
async fn check_unchanged(
    context: &Context<'_>,
    found: &Provider,
    scope: &ResourceScope,
    creation: &Creation,
) -> Result<(), ApiError> {
    if !found.scope.is(scope) {
        return Err(ApiError::conflict(format!(
            "The name {:?} is taken by an attestation provider of another subscription or \
             resource group.",
            found.name.as_str()
        )));
    }
    if place(&found.location) != place(&creation.location) {
        return Err(ApiError::invalid_resource_location(format!(
            "The attestation provider exists already in location {:?}; a location cannot be \
             changed.",
            found.location
        )));
    }
    let store = context.state.providers.store();
    let stored = store.policy_certificates(found.id).await.map_err(resource_error)?;
    let same = stored.certificates.len() == creation.policy_certificates.len()
        && stored.certificates.iter().all(|one| creation.policy_certificates.contains(&one.der));
    if same {
        return Ok(());
    }
    Err(ApiError::conflict(format!(
        "The attestation provider exists already with trust model {} and other policy \
         certificates; neither is changed by PUT. Use /certificates:add and /certificates:remove \
         at its attestUri.",
        found.trust_model.as_str()
    )))
}

/// `Central US` and `centralus` are one place.
fn place(location: &str) -> String {
    location.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// The provider with tags and switches as asked for, or none if another writer was faster.
async fn apply(
    context: &Context<'_>,
    found: Provider,
    tags: Option<&BTreeMap<String, String>>,
    switches: Switches,
) -> Result<Option<Provider>, ApiError> {
    let patch = ProviderPatch {
        tags: tags.filter(|tags| **tags != found.tags).cloned(),
        public_network_access: switches
            .public_network_access
            .filter(|toggle| found.public_network_access != Some(*toggle)),
        tpm_attestation_authentication: switches
            .tpm_attestation_authentication
            .filter(|toggle| found.tpm_attestation_authentication != Some(*toggle)),
        ..ProviderPatch::default()
    };
    let changes = patch.tags.is_some()
        || patch.public_network_access.is_some()
        || patch.tpm_attestation_authentication.is_some();
    if !changes {
        return Ok(Some(found));
    }
    let state = context.state;
    let expected = Expected { provider: Some(found.revision), ..Expected::default() };
    let edit = Edit::new(context.caller.actor()?, state.clock.now()).expecting(expected);
    match state.providers.store().update_provider(found.id, &patch, &edit).await {
        Ok(provider) => {
            state.providers.saw(Sequence(provider.revision)).await;
            Ok(Some(provider))
        }
        Err(StoreError::Conflict { .. } | StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(resource_error(error)),
    }
}

/// `GET`
pub(super) async fn get(
    context: &Context<'_>,
    at: &ProviderPath,
) -> Result<Response<Body>, ApiError> {
    let provider = context.existing(Role::Reader, at).await?;
    show(context, &provider, StatusCode::OK).await
}

/// `PATCH`: tags and switches.
pub(super) async fn update(
    context: &Context<'_>,
    at: &ProviderPath,
    body: UnreadBody,
) -> Result<Response<Body>, ApiError> {
    context.scope(Role::Owner, at)?;
    let body = body.read().await?;
    let patch = context.work.run(move || Patch::parse(&body)).await?;
    for _ in 0..ATTEMPTS {
        let found = context.existing(Role::Owner, at).await?;
        if let Some(found) = apply(context, found, patch.tags.as_ref(), patch.switches).await? {
            return show(context, &found, StatusCode::OK).await;
        }
    }
    Err(contended())
}

/// `DELETE`: 200 when it is gone with all it had, 204 when there was none.
pub(super) async fn delete(
    context: &Context<'_>,
    at: &ProviderPath,
) -> Result<Response<Body>, ApiError> {
    let state = context.state;
    let Some(found) = context.find(Role::Owner, at).await? else {
        return Ok(empty(StatusCode::NO_CONTENT));
    };
    if found.name.key() == ProviderName::DEFAULT {
        return Err(ApiError::conflict(
            "The default attestation provider belongs to the service and cannot be deleted.",
        ));
    }
    let edit = Edit::new(context.caller.actor()?, state.clock.now());
    match state.providers.store().delete_provider(found.id, &edit).await {
        Ok(sequence) => {
            state.providers.saw(sequence).await;
            Ok(empty(StatusCode::OK))
        }
        Err(StoreError::NotFound { .. }) => Ok(empty(StatusCode::NO_CONTENT)),
        Err(error) => Err(resource_error(error)),
    }
}

/// `GET …/defaultProviders`: the one provider that everybody shares.
pub(super) async fn defaults(
    context: &Context<'_>,
    subscription: &str,
) -> Result<Response<Body>, ApiError> {
    if context.state.root_provider == RootProvider::Absent {
        return Ok(ok(&json!({ "value": [] })));
    }
    let default = default_provider(context, subscription).await?;
    Ok(ok(&json!({ "value": [default] })))
}

/// `GET …/locations/{location}/defaultProvider`: the same one wherever the caller is.
pub(super) async fn default(
    context: &Context<'_>,
    subscription: &str,
    location: &str,
) -> Result<Response<Body>, ApiError> {
    let is_location = location.len() <= 90
        && location.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -()".contains(&byte));
    if !is_location {
        return Err(ApiError::invalid_resource_name(
            "location: letters, digits, blanks, hyphens and parentheses are expected",
        ));
    }
    if context.state.root_provider == RootProvider::Absent {
        return Err(ApiError::resource_not_found("The service has no default provider."));
    }
    Ok(ok(&default_provider(context, subscription).await?))
}

async fn default_provider(context: &Context<'_>, subscription: &str) -> Result<Value, ApiError> {
    // Any subscription will do, as with MAA; but it must be one.
    ResourceScope::parse(subscription, "any").map_err(resource_error)?;
    context.caller.require(Role::Reader, ProviderName::DEFAULT)?;
    let store = context.state.providers.store();
    let found = store.provider(ProviderName::DEFAULT).await.map_err(resource_error)?;
    let found = found.ok_or_else(ApiError::internal)?;
    resource(context, &found).await
}

async fn show(
    context: &Context<'_>,
    provider: &Provider,
    status: StatusCode,
) -> Result<Response<Body>, ApiError> {
    let resource = resource(context, provider).await?;
    let mut response = respond::json(status, resource.to_string());
    if status == StatusCode::CREATED {
        let url = context.state.providers.urls().of(provider.name.key());
        let location = HeaderValue::try_from(format!("{url}/"));
        let location = location.map_err(|_| ApiError::internal())?;
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn resource(context: &Context<'_>, provider: &Provider) -> Result<Value, ApiError> {
    let providers = &context.state.providers;
    let connections = providers.store().private_endpoint_connections(provider.id).await;
    let connections = connections.map_err(resource_error)?;
    Ok(shape::provider(provider, &connections, context.version, providers.urls()))
}

//! Providers: made, shown, changed and deleted.

use std::collections::BTreeMap;

use avouch_store::{
    Edit, Expected, NewProvider, Provider, ProviderName, ProviderPatch, ResourceScope, Sequence,
    StoreError,
};
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::access::{AtProvider, Authorized};
use super::creation::{Creation, Patch, Switches};
use super::{ATTEMPTS, contended, empty, ok, shape};
use crate::config::RootProvider;
use crate::http::UnreadBody;
use crate::{Fault, ResourceError, respond};

/// `PUT`: 201 for a new provider, 200 for one that was there and differs in nothing that is fixed.
pub(super) async fn create(
    at: &AtProvider<'_>,
    body: UnreadBody,
) -> Result<Response<Body>, ResourceError> {
    let request = at.request;
    let body = body.read().await?;
    let creation = request.work.run(move || Creation::parse(&body)).await?;
    let store = request.state.providers.store();
    for _ in 0..ATTEMPTS {
        match store.provider(at.name()).await? {
            Some(found) => {
                check_unchanged(at, &found, &creation).await?;
                let tags = Some(&creation.tags);
                if let Some(found) = apply(request, found, tags, creation.switches).await? {
                    return show(request, &found, StatusCode::OK).await;
                }
            }
            None => {
                if let Some(made) = make(at, &creation).await? {
                    return show(request, &made, StatusCode::CREATED).await;
                }
            }
        }
    }
    Err(contended().into())
}

/// A new provider, or none if another writer took the name meanwhile.
async fn make(at: &AtProvider<'_>, creation: &Creation) -> Result<Option<Provider>, ResourceError> {
    let state = at.request.state;
    let name = ProviderName::parse(at.name())?;
    if state.providers.urls().is_taken(name.key()) {
        return Err(Fault::conflict(format!(
            "The name {:?} is taken: its host would be that of the service itself.",
            name.as_str()
        ))
        .into());
    }
    let mut new = NewProvider::new(name, at.scope.clone(), creation.location.clone());
    new.tags.clone_from(&creation.tags);
    new.policy_certificates.clone_from(&creation.policy_certificates);
    new.public_network_access = creation.switches.public_network_access;
    new.tpm_attestation_authentication = creation.switches.tpm_attestation_authentication;
    let edit = Edit::new(at.request.actor()?, state.clock.now());
    match state.providers.store().create_provider(&new, &edit).await {
        Ok(provider) => {
            state.providers.saw(Sequence(provider.revision)).await;
            Ok(Some(provider))
        }
        Err(StoreError::AlreadyExists { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Refuses a `PUT` that would move a provider or change who may set its policies.
async fn check_unchanged(
    at: &AtProvider<'_>,
    found: &Provider,
    creation: &Creation,
) -> Result<(), ResourceError> {
    if !found.scope.is(&at.scope) {
        return Err(Fault::conflict(format!(
            "The name {:?} is taken by an attestation provider of another subscription or \
             resource group.",
            found.name.as_str()
        ))
        .into());
    }
    if place(&found.location) != place(&creation.location) {
        return Err(ResourceError::invalid_resource_location(format!(
            "The attestation provider exists already in location {:?}; a location cannot be \
             changed.",
            found.location
        )));
    }
    let store = at.request.state.providers.store();
    let stored = store.policy_certificates(found.id).await?;
    let same = stored.certificates.len() == creation.policy_certificates.len()
        && stored.certificates.iter().all(|one| creation.policy_certificates.contains(&one.der));
    if same {
        return Ok(());
    }
    Err(Fault::conflict(format!(
        "The attestation provider exists already with trust model {} and other policy \
         certificates; neither is changed by PUT. Use /certificates:add and /certificates:remove \
         at its attestUri.",
        found.trust_model.as_str()
    ))
    .into())
}

/// `Central US` and `centralus` are one place.
fn place(location: &str) -> String {
    location.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// The provider with tags and switches as asked for, or none if another writer was faster.
async fn apply(
    request: &Authorized<'_>,
    found: Provider,
    tags: Option<&BTreeMap<String, String>>,
    switches: Switches,
) -> Result<Option<Provider>, ResourceError> {
    let patch = ProviderPatch {
        tags: tags.filter(|tags| **tags != found.tags).cloned(),
        public_network_access: switches
            .public_network_access
            .filter(|toggle| found.public_network_access != Some(*toggle)),
        tpm_attestation_authentication: switches
            .tpm_attestation_authentication
            .filter(|toggle| found.tpm_attestation_authentication != Some(*toggle)),
    };
    let changes = patch.tags.is_some()
        || patch.public_network_access.is_some()
        || patch.tpm_attestation_authentication.is_some();
    if !changes {
        return Ok(Some(found));
    }
    let state = request.state;
    let expected = Expected { provider: Some(found.revision), ..Expected::default() };
    let edit = Edit::new(request.actor()?, state.clock.now()).expecting(expected);
    match state.providers.store().update_provider(found.id, &patch, &edit).await {
        Ok(provider) => {
            state.providers.saw(Sequence(provider.revision)).await;
            Ok(Some(provider))
        }
        Err(StoreError::Conflict { .. } | StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// `GET`
pub(super) async fn get(at: &AtProvider<'_>) -> Result<Response<Body>, ResourceError> {
    let provider = at.existing().await?;
    show(at.request, &provider, StatusCode::OK).await
}

/// `PATCH`: tags and switches.
pub(super) async fn update(
    at: &AtProvider<'_>,
    body: UnreadBody,
) -> Result<Response<Body>, ResourceError> {
    let request = at.request;
    let body = body.read().await?;
    let patch = request.work.run(move || Patch::parse(&body)).await?;
    for _ in 0..ATTEMPTS {
        let found = at.existing().await?;
        if let Some(found) = apply(request, found, patch.tags.as_ref(), patch.switches).await? {
            return show(request, &found, StatusCode::OK).await;
        }
    }
    Err(contended().into())
}

/// `DELETE`: 200 when it is gone with all it had, 204 when there was none.
pub(super) async fn delete(at: &AtProvider<'_>) -> Result<Response<Body>, ResourceError> {
    let request = at.request;
    let state = request.state;
    let Some(found) = at.find().await? else {
        return Ok(empty(StatusCode::NO_CONTENT));
    };
    if found.name.key() == ProviderName::DEFAULT {
        return Err(Fault::conflict(
            "The default attestation provider belongs to the service and cannot be deleted.",
        )
        .into());
    }
    let edit = Edit::new(request.actor()?, state.clock.now());
    match state.providers.store().delete_provider(found.id, &edit).await {
        Ok(sequence) => {
            state.providers.saw(sequence).await;
            Ok(empty(StatusCode::OK))
        }
        Err(StoreError::NotFound { .. }) => Ok(empty(StatusCode::NO_CONTENT)),
        Err(error) => Err(error.into()),
    }
}

/// `GET …/defaultProviders`: the one provider that everybody shares.
pub(super) async fn defaults(
    request: &Authorized<'_>,
    subscription: &str,
) -> Result<Response<Body>, ResourceError> {
    if request.state.root_provider == RootProvider::Absent {
        return Ok(ok(&json!({ "value": [] })));
    }
    let default = default_provider(request, subscription).await?;
    Ok(ok(&json!({ "value": [default] })))
}

/// `GET …/locations/{location}/defaultProvider`: the same one wherever the caller is.
pub(super) async fn default(
    request: &Authorized<'_>,
    subscription: &str,
    location: &str,
) -> Result<Response<Body>, ResourceError> {
    let is_location = location.len() <= 90
        && location.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -()".contains(&byte));
    if !is_location {
        return Err(ResourceError::invalid_resource_name(
            "location: letters, digits, blanks, hyphens and parentheses are expected",
        ));
    }
    if request.state.root_provider == RootProvider::Absent {
        return Err(ResourceError::resource_not_found("The service has no default provider."));
    }
    Ok(ok(&default_provider(request, subscription).await?))
}

async fn default_provider(
    request: &Authorized<'_>,
    subscription: &str,
) -> Result<Value, ResourceError> {
    // Any subscription will do, as with MAA; but it must be one.
    ResourceScope::parse(subscription, "any")?;

    let store = request.state.providers.store();
    let found = store.provider(ProviderName::DEFAULT).await?;
    let found = found.ok_or_else(Fault::internal)?;
    resource(request, &found).await
}

async fn show(
    request: &Authorized<'_>,
    provider: &Provider,
    status: StatusCode,
) -> Result<Response<Body>, ResourceError> {
    let resource = resource(request, provider).await?;
    let mut response = respond::json(status, resource.to_string());
    if status == StatusCode::CREATED {
        let url = request.state.providers.urls().of(provider.name.key());
        let location = HeaderValue::try_from(format!("{url}/"));
        let location = location.map_err(|_| Fault::internal())?;
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn resource(request: &Authorized<'_>, provider: &Provider) -> Result<Value, ResourceError> {
    let providers = &request.state.providers;
    let connections = providers.store().private_endpoint_connections(provider.id).await;
    let connections = connections?;
    Ok(shape::provider(provider, &connections, request.version, providers.urls()))
}

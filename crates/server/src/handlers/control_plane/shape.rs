//! Resources as JSON, as each api-version shows them.

use avouch_store::{PrivateEndpointConnection, Provider, Toggle};
use serde_json::{Map, Value, json};

use crate::api_version::ResourceVersion;
use crate::providers::ProviderUrls;

const PROVIDER_TYPE: &str = "Microsoft.Attestation/attestationProviders";
const CONNECTION_TYPE: &str =
    "Microsoft.Attestation/attestationProviders/privateEndpointConnections";

/// The resource id of a provider, in the case in which it was made.
pub(super) fn provider_id(provider: &Provider) -> String {
    format!(
        "/subscriptions/{}/resourceGroups/{}/providers/{PROVIDER_TYPE}/{}",
        provider.scope.subscription(),
        provider.scope.resource_group(),
        provider.name
    )
}

/// A provider, which serves from the moment of its creation. Before 2021 it has three properties;
/// since then its two switches, which are `null` until they are set. What is empty is left out
/// (`docs/maa/control-plane.md#a-provider`).
pub(super) fn provider(
    provider: &Provider,
    connections: &[PrivateEndpointConnection],
    version: ResourceVersion,
    urls: &ProviderUrls,
) -> Value {
    let mut properties = Map::new();
    properties.insert("trustModel".to_owned(), provider.trust_model.as_str().into());
    properties.insert("status".to_owned(), "Ready".into());
    properties.insert("attestUri".to_owned(), urls.of(provider.name.key()).into());
    let mut resource = Map::new();
    resource.insert("id".to_owned(), provider_id(provider).into());
    resource.insert("name".to_owned(), provider.name.as_str().into());
    resource.insert("type".to_owned(), PROVIDER_TYPE.into());
    resource.insert("location".to_owned(), provider.location.as_str().into());
    if !provider.tags.is_empty() {
        resource.insert("tags".to_owned(), json!(provider.tags));
    }
    if version.shows_switches() {
        let switch = |toggle: Option<Toggle>| json!(toggle.map(Toggle::as_str));
        properties.insert("publicNetworkAccess".to_owned(), switch(provider.public_network_access));
        properties.insert(
            "tpmAttestationAuthentication".to_owned(),
            switch(provider.tpm_attestation_authentication),
        );
        if !connections.is_empty() {
            let shown = connections.iter().map(|one| connection(provider, one)).collect();
            properties.insert("privateEndpointConnections".to_owned(), Value::Array(shown));
        }
        resource.insert("systemData".to_owned(), system_data(provider));
    }
    resource.insert("properties".to_owned(), Value::Object(properties));
    Value::Object(resource)
}

/// Who made it and who changed it last.
fn system_data(provider: &Provider) -> Value {
    json!({
        "createdBy": provider.created_by.id(),
        "createdByType": provider.created_by.kind().as_str(),
        "createdAt": provider.created_at.to_rfc3339(),
        "lastModifiedBy": provider.updated_by.id(),
        "lastModifiedByType": provider.updated_by.kind().as_str(),
        "lastModifiedAt": provider.updated_at.to_rfc3339(),
    })
}

/// A private endpoint connection, which is made at once; what was not given is left out.
pub(super) fn connection(provider: &Provider, connection: &PrivateEndpointConnection) -> Value {
    let mut state = Map::new();
    state.insert("status".to_owned(), connection.status.as_str().into());
    for (name, text) in [
        ("description", &connection.description),
        ("actionsRequired", &connection.actions_required),
    ] {
        if let Some(text) = text {
            state.insert(name.to_owned(), text.as_str().into());
        }
    }
    let mut properties = Map::new();
    if let Some(id) = &connection.private_endpoint_id {
        properties.insert("privateEndpoint".to_owned(), json!({ "id": id }));
    }
    properties.insert("privateLinkServiceConnectionState".to_owned(), Value::Object(state));
    properties.insert("provisioningState".to_owned(), "Succeeded".into());
    json!({
        "id": format!("{}/privateEndpointConnections/{}", provider_id(provider), connection.name),
        "name": connection.name,
        "type": CONNECTION_TYPE,
        "properties": properties,
    })
}

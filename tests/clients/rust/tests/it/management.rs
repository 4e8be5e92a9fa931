//! Crate `azure_mgmt_attestation`: a provider from its creation to its end.

use std::sync::Arc;

use azure_mgmt_attestation::Client;
use azure_mgmt_attestation::models::{
    AttestationServiceCreationParams, AttestationServiceCreationSpecificParams,
    AttestationServicePatchParams,
};
use serde_json::json;

use crate::support::{Credential, issuer, no_patience, transport, url};

const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";
const GROUP: &str = "crates";
const NAME: &str = "crate-made";

#[tokio::test]
async fn a_provider_is_made_found_changed_and_removed() {
    let client = Client::builder(Arc::new(Credential))
        .endpoint(url())
        .transport(transport())
        .retry(no_patience())
        .build()
        .unwrap();
    let providers = client.attestation_providers_client();
    let creation = AttestationServiceCreationParams::new(
        "here".to_owned(),
        AttestationServiceCreationSpecificParams::new(),
    );
    let made = providers.create(SUBSCRIPTION, GROUP, NAME, creation).await.unwrap();
    let status = made.properties.unwrap();
    assert_eq!(status.attest_uri, Some(format!("{}/providers/{NAME}", issuer())));
    assert_eq!(status.trust_model.as_deref(), Some("AAD"));

    let change =
        AttestationServicePatchParams { tags: Some(json!({"team": "a"})), ..Default::default() };
    let changed = providers.update(SUBSCRIPTION, GROUP, NAME, change).await.unwrap();
    assert_eq!(changed.tracked_resource.tags, Some(json!({"team": "a"})));
    let found = providers.get(SUBSCRIPTION, GROUP, NAME).await.unwrap();
    assert_eq!(found.tracked_resource, changed.tracked_resource);
    // Here the crate wants the group first.
    let listed = providers.list_by_resource_group(GROUP, SUBSCRIPTION).await.unwrap();
    assert_eq!(listed.value.len(), 1);

    providers.delete(SUBSCRIPTION, GROUP, NAME).send().await.unwrap();
    let gone = providers.get(SUBSCRIPTION, GROUP, NAME).await.unwrap_err();
    assert_eq!(u16::from(gone.as_http_error().unwrap().status()), 404);
}

//! `GET …/privateLinkResources`: what a private endpoint can be connected to.

use axum::body::Body;
use axum::http::Response;
use serde_json::json;

use super::access::AtProvider;
use super::{ok, shape};
use crate::ResourceError;

/// The one group of a provider.
const GROUP: &str = "Standard";

/// One resource, the provider itself. The zone is the one that a private network must answer for,
/// so that the provider's own host name leads to the private endpoint.
pub(super) async fn list(at: &AtProvider<'_>) -> Result<Response<Body>, ResourceError> {
    let provider = at.existing().await?;
    let resource = json!({
        "id": format!("{}/privateLinkResources/{GROUP}", shape::provider_id(&provider)),
        "name": GROUP,
        "type": "Microsoft.Attestation/attestationProviders/privateLinkResources",
        "properties": {
            "groupId": GROUP,
            "requiredMembers": [GROUP],
            "requiredZoneNames": [at.request.state.providers.urls().zone()],
        },
    });
    Ok(ok(&json!({ "value": [resource] })))
}

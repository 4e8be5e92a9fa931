//! `GET …/privateLinkResources`: what a private endpoint can be connected to.

use axum::body::Body;
use axum::http::Response;
use serde_json::json;

use super::{Context, ok, shape};
use crate::ApiError;
use crate::auth::Role;
use crate::route::control_plane::ProviderPath;

/// The one group of a provider.
const GROUP: &str = "Standard";

/// One resource, the provider itself. The zone is the one that a private network must answer for,
/// so that the provider's own host name leads to the private endpoint.
pub(super) async fn list(
    context: &Context<'_>,
    at: &ProviderPath,
) -> Result<Response<Body>, ApiError> {
    let provider = context.existing(Role::Reader, at).await?;
    let resource = json!({
        "id": format!("{}/privateLinkResources/{GROUP}", shape::provider_id(&provider)),
        "name": GROUP,
        "type": "Microsoft.Attestation/attestationProviders/privateLinkResources",
        "properties": {
            "groupId": GROUP,
            "requiredMembers": [GROUP],
            "requiredZoneNames": [context.state.providers.urls().zone()],
        },
    });
    Ok(ok(&json!({ "value": [resource] })))
}

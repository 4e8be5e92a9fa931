//! What Azure's tools ask before they reach a provider: which cloud this is, which subscriptions and
//! resource groups there are, and that the namespace of attestation is registered
//! (`docs/maa/control-plane.md#what-azures-tools-ask-first`).
//!
//! Subscriptions and resource groups are only names here: each that keeps the rules of names exists,
//! whoever asks with a valid token learns nothing from that.

use avouch_store::ResourceScope;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::access::Authorized;
use super::creation::Group;
use super::{empty, ok};
use crate::api_version::ResourceVersion;
use crate::http::UnreadBody;
use crate::route::control_plane::{CloudOperation, GroupAction, GroupPath, NAMESPACE};
use crate::route::resource_types;
use crate::state::AppState;
use crate::work::Work;
use crate::{Fault, ResourceError, respond};

/// Where everything is that has no place of its own.
const LOCATION: &str = "default";

/// Answers what tools ask. The metadata of the cloud are for everybody, since they say where to log
/// in; the rest needs a caller.
pub(super) async fn answer(
    request: &Authorized<'_>,
    operation: CloudOperation,
    body: UnreadBody,
) -> Result<Response<Body>, ResourceError> {
    let state = request.state;
    let tenant = state.cloud.tenant.as_str();
    match operation {
        CloudOperation::Metadata => metadata(state),
        CloudOperation::Subscriptions => {
            let names = state.providers.subscriptions(request.caller()?.readable());
            let all: Vec<Value> = names.iter().map(|name| subscription(name, tenant)).collect();
            Ok(ok(&json!({ "value": all })))
        }
        CloudOperation::Subscription { subscription: name } => {
            check(&name)?;
            Ok(ok(&subscription(&name, tenant)))
        }
        CloudOperation::ResourceGroup(action, at) => {
            resource_group(action, &at, body, request.work).await
        }
        CloudOperation::Namespaces { subscription } => {
            check(&subscription)?;
            Ok(ok(&json!({ "value": [namespace(&subscription)] })))
        }
        CloudOperation::Namespace { subscription } => {
            check(&subscription)?;
            Ok(ok(&namespace(&subscription)))
        }
    }
}

fn metadata(state: &AppState) -> Result<Response<Body>, ResourceError> {
    let metadata = state.cloud.metadata.clone().ok_or_else(|| {
        Fault::not_found(
            "This service names no identity provider for Azure's tools (cloud.login_endpoint is \
             not set).",
        )
    })?;
    Ok(respond::json(StatusCode::OK, metadata))
}

fn check(subscription: &str) -> Result<(), ResourceError> {
    ResourceScope::parse(subscription, "any")?;
    Ok(())
}

fn subscription(name: &str, tenant: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{name}"),
        "subscriptionId": name,
        "displayName": name,
        "state": "Enabled",
        "tenantId": tenant,
    })
}

/// A resource group is shown as it was sent, and nothing is kept of it.
async fn resource_group(
    action: GroupAction,
    at: &GroupPath,
    body: UnreadBody,
    work: Work<'_>,
) -> Result<Response<Body>, ResourceError> {
    ResourceScope::parse(&at.subscription, &at.resource_group)?;
    let group = match action {
        GroupAction::Exists => return Ok(empty(StatusCode::NO_CONTENT)),
        GroupAction::Get => Group { location: LOCATION.to_owned(), tags: None },
        GroupAction::Put => {
            let body = body.read().await?;
            work.run(move || Group::parse(&body)).await?
        }
    };
    let mut shown = json!({
        "id": format!("/subscriptions/{}/resourceGroups/{}", at.subscription, at.resource_group),
        "name": at.resource_group,
        "type": "Microsoft.Resources/resourceGroups",
        "location": group.location,
        "properties": {"provisioningState": "Succeeded"},
    });
    if let (Some(tags), Some(members)) = (group.tags, shown.as_object_mut()) {
        members.insert("tags".to_owned(), json!(tags));
    }
    Ok(ok(&shown))
}

/// The one namespace. Generic tools take the version that they ask for from here.
fn namespace(subscription: &str) -> Value {
    let versions = ResourceVersion::newest_first();
    let kinds = resource_types().into_iter().map(|kind| {
        json!({"resourceType": kind, "locations": [], "apiVersions": versions, "capabilities": "None"})
    });
    let kinds: Vec<Value> = kinds.collect();
    json!({
        "id": format!("/subscriptions/{subscription}/providers/{NAMESPACE}"),
        "namespace": NAMESPACE,
        "registrationPolicy": "RegistrationFree",
        "registrationState": "Registered",
        "resourceTypes": kinds,
    })
}

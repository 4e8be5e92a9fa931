//! The control plane: providers as resources of Azure Resource Manager
//! (`docs/maa/control-plane.md`).

mod access;
mod cloud;
mod connections;
mod creation;
mod list;
mod operations;
mod private_link;
mod providers;
mod shape;

use access::AtProvider;
use avouch_store::ResourceScope;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use serde_json::Value;

use super::refusals::Attempt;
use crate::http::{Peer, UnreadBody};
use crate::route::Row;
use crate::route::control_plane::{Operation, ProviderAction, ProviderPath};
use crate::state::AppState;
use crate::work::Work;
use crate::{Fault, ResourceError, respond};

/// Times that a decision is made anew because another writer was faster.
const ATTEMPTS: usize = 16;

/// What a body of the control plane can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// Of `PUT` of a provider.
    Creation,
    /// Of `PATCH` of a provider.
    Patch,
    /// Of `PUT` of a private endpoint connection.
    Connection,
}

/// Reads a body and does nothing with it. What holds by itself may still be refused for what is
/// stored, or for a limit of the store.
///
/// # Errors
/// 400 with what is wrong.
pub fn check_body(kind: BodyKind, body: &[u8]) -> Result<(), ResourceError> {
    match kind {
        BodyKind::Creation => creation::Creation::parse(body).map(|_| ()),
        BodyKind::Patch => creation::Patch::parse(body).map(|_| ()),
        BodyKind::Connection => connections::parse(body).map(|_| ()),
    }
}

/// A request of the control plane, not checked yet.
pub(super) struct Request<'a> {
    pub(super) state: &'a AppState,
    pub(super) head: &'a Parts,
    pub(super) peer: &'a Peer,
    pub(super) work: Work<'a>,
}

impl Request<'_> {
    pub(super) async fn answer(
        self,
        row: &Row,
        operation: Operation,
        body: UnreadBody,
        attempt: &mut Attempt,
    ) -> Result<Response<Body>, ResourceError> {
        let at = match &operation {
            Operation::Provider(at, _) => Some(at),
            _ => None,
        };
        if let (Some(action), Some(at)) = (row.audit, at) {
            note(self.state, action, at, attempt);
        }
        let request = access::authorize(self, row, at, attempt).await?;
        match operation {
            Operation::Cloud(operation) => cloud::answer(&request, operation, body).await,
            Operation::Operations => Ok(ok(&operations::list(request.version))),
            Operation::List { subscription, resource_group } => {
                list::list(&request, subscription, resource_group).await
            }
            Operation::DefaultProviders { subscription } => {
                providers::defaults(&request, &subscription).await
            }
            Operation::DefaultProvider { subscription, location } => {
                providers::default(&request, &subscription, &location).await
            }
            Operation::Provider(at, action) => act(&request.at(&at)?, action, body).await,
        }
    }
}

async fn act(
    at: &AtProvider<'_>,
    action: ProviderAction,
    body: UnreadBody,
) -> Result<Response<Body>, ResourceError> {
    match action {
        ProviderAction::Create => providers::create(at, body).await,
        ProviderAction::Get => providers::get(at).await,
        ProviderAction::Update => providers::update(at, body).await,
        ProviderAction::Delete => providers::delete(at).await,
        ProviderAction::Connections => connections::list(at).await,
        ProviderAction::GetConnection(name) => connections::get(at, &name).await,
        ProviderAction::PutConnection(name) => connections::put(at, &name, body).await,
        ProviderAction::DeleteConnection(name) => connections::delete(at, &name).await,
        ProviderAction::PrivateLinkResources => private_link::list(at).await,
    }
}

/// What a request changes, in the words of the audit trail, and where.
fn note(state: &AppState, action: &'static str, at: &ProviderPath, attempt: &mut Attempt) {
    attempt.to(action);
    attempt.named("subscription", &at.subscription);
    attempt.named("resourceGroup", &at.resource_group);
    attempt.named("name", &at.name);
    let scope = ResourceScope::parse(&at.subscription, &at.resource_group);
    if let (Some(tenant), Ok(scope)) = (state.providers.tenant(&at.name), scope)
        && tenant.provider.scope.is(&scope)
    {
        attempt.at(&tenant);
    }
}

fn not_found(at: &ProviderPath) -> ResourceError {
    // Names have passed their rules, so they are short.
    ResourceError::resource_not_found(format!(
        "The resource 'Microsoft.Attestation/attestationProviders/{}' under resource group '{}' \
         was not found.",
        at.name, at.resource_group
    ))
}

fn contended() -> Fault {
    Fault::unavailable("The resource changes all the time; try again.")
}

fn ok(body: &Value) -> Response<Body> {
    respond::json(StatusCode::OK, body.to_string())
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

//! The control plane: providers as resources of Azure Resource Manager
//! (`docs/maa/control-plane.md`).
//!
//! Who may do what is decided before anything is looked up, by the name in the path alone. So who
//! may not read a provider gets the same 401 whether it exists or not.

mod cloud;
mod connections;
mod creation;
mod list;
mod operations;
mod private_link;
mod providers;
mod shape;

use avouch_store::{Provider, ProviderName, ResourceScope, StoreError};
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use serde_json::Value;

use super::refusals::Attempt;
use crate::api_version::ResourceVersion;
use crate::auth::{Caller, Role};
use crate::body::Malformed;
use crate::http::UnreadBody;
use crate::route::control_plane::{ConnectionAction, Operation, ProviderAction, ProviderPath};
use crate::state::AppState;
use crate::work::Work;
use crate::{ApiError, respond};

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
pub fn check_body(kind: BodyKind, body: &[u8]) -> Result<(), ApiError> {
    match kind {
        BodyKind::Creation => creation::Creation::parse(body).map(|_| ()),
        BodyKind::Patch => creation::Patch::parse(body).map(|_| ()),
        BodyKind::Connection => connections::parse(body).map(|_| ()),
    }
}

/// What every operation is given.
struct Context<'a> {
    state: &'a AppState,
    version: ResourceVersion,
    caller: Caller,
    query: Option<&'a str>,
    work: Work<'a>,
}

/// Answers a request of the control plane.
pub(super) async fn answer(
    state: &AppState,
    head: &Parts,
    work: Work<'_>,
    body: UnreadBody,
    operation: Operation,
    attempt: &mut Attempt,
) -> Result<Response<Body>, ApiError> {
    note(state, &operation, attempt);
    let query = head.uri.query();
    if let Operation::Cloud(asked) = operation {
        return cloud::answer(state, head, work, body, asked).await;
    }
    let version = ResourceVersion::from_query(query)?;
    let caller = super::access::authenticate(state, head).await?;
    attempt.by(&caller);
    let context = Context { state, version, caller, query, work };
    match operation {
        Operation::Operations => Ok(ok(&operations::list(version))),
        Operation::List { subscription, resource_group } => {
            list::list(&context, subscription, resource_group).await
        }
        Operation::DefaultProviders { subscription } => {
            providers::defaults(&context, &subscription).await
        }
        Operation::DefaultProvider { subscription, location } => {
            providers::default(&context, &subscription, &location).await
        }
        Operation::Provider(action, at) => match action {
            ProviderAction::Create => providers::create(&context, &at, body).await,
            ProviderAction::Get => providers::get(&context, &at).await,
            ProviderAction::Update => providers::update(&context, &at, body).await,
            ProviderAction::Delete => providers::delete(&context, &at).await,
        },
        Operation::Connections(at) => connections::list(&context, &at).await,
        Operation::Connection(action, at, name) => match action {
            ConnectionAction::Get => connections::get(&context, &at, &name).await,
            ConnectionAction::Put => connections::put(&context, &at, &name, body).await,
            ConnectionAction::Delete => connections::delete(&context, &at, &name).await,
        },
        // Answered above: these have versions of their own.
        Operation::Cloud(_) => Err(ApiError::internal()),
        Operation::PrivateLinkResources(at) => private_link::list(&context, &at).await,
    }
}

/// What an operation changes, in the words of the audit trail, and where.
fn note(state: &AppState, operation: &Operation, attempt: &mut Attempt) {
    let (action, at) = match operation {
        Operation::Provider(ProviderAction::Create, at) => ("provider-create", at),
        Operation::Provider(ProviderAction::Update, at) => ("provider-update", at),
        Operation::Provider(ProviderAction::Delete, at) => ("provider-delete", at),
        Operation::Connection(ConnectionAction::Put, at, _) => {
            ("private-endpoint-connection-put", at)
        }
        Operation::Connection(ConnectionAction::Delete, at, _) => {
            ("private-endpoint-connection-delete", at)
        }
        _ => return,
    };
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

impl Context<'_> {
    /// Demands a role at the provider that a path names, and checks the path's names.
    fn scope(&self, role: Role, at: &ProviderPath) -> Result<ResourceScope, ApiError> {
        let key = ProviderName::key_of(&at.name).map_err(resource_error)?;
        self.caller.require(role, &key)?;
        ResourceScope::parse(&at.subscription, &at.resource_group).map_err(resource_error)
    }

    /// The provider at a path, read anew from the store; none if the name is free or taken in
    /// another scope.
    async fn find(&self, role: Role, at: &ProviderPath) -> Result<Option<Provider>, ApiError> {
        let scope = self.scope(role, at)?;
        let found = self.state.providers.store().provider(&at.name).await;
        Ok(found.map_err(resource_error)?.filter(|provider| provider.scope.is(&scope)))
    }

    /// As [`Context::find`], where it must exist.
    async fn existing(&self, role: Role, at: &ProviderPath) -> Result<Provider, ApiError> {
        self.find(role, at).await?.ok_or_else(|| not_found(at))
    }
}

fn not_found(at: &ProviderPath) -> ApiError {
    // Names have passed their rules, so they are short.
    ApiError::resource_not_found(format!(
        "The resource 'Microsoft.Attestation/attestationProviders/{}' under resource group '{}' \
         was not found.",
        at.name, at.resource_group
    ))
}

/// A fault of the store in the control plane's codes.
fn resource_error(error: StoreError) -> ApiError {
    match &error {
        StoreError::InvalidName { .. } => ApiError::invalid_resource_name(error.to_string()),
        StoreError::Invalid { .. } | StoreError::Limit { .. } => {
            ApiError::invalid_request_content(error.to_string())
        }
        StoreError::NotFound { .. } => ApiError::resource_not_found(error.to_string()),
        _ => error.into(),
    }
}

/// A fault of a request body in the control plane's code.
fn content_error(Malformed(message): Malformed) -> ApiError {
    ApiError::invalid_request_content(message)
}

fn contended() -> ApiError {
    ApiError::unavailable("The resource changes all the time; try again.")
}

fn ok(body: &Value) -> Response<Body> {
    respond::json(StatusCode::OK, body.to_string())
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

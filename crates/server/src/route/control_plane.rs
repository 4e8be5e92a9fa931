//! Routes of the control plane, in the shape of Azure Resource Manager.
//!
//! Path segments of resources keep the case in which they are written and may hold what no route
//! of the data plane has: letters of any script in resource groups, blanks in locations
//! (`docs/maa/control-plane.md#operations`).

use axum::http::Method;
use percent_encoding::percent_decode_str;

use crate::ApiError;

/// The namespace of MAA's resources.
pub const NAMESPACE: &str = "Microsoft.Attestation";

/// Where a path says that a provider is. Nothing of it has been checked against any rule of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderPath {
    /// The subscription, decoded, in the case of the path.
    pub subscription: String,
    /// The resource group, decoded, in the case of the path.
    pub resource_group: String,
    /// The provider's name, decoded, in the case of the path.
    pub name: String,
}

/// Where a path says that a resource group is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPath {
    /// The subscription, decoded, in the case of the path.
    pub subscription: String,
    /// The resource group, decoded, in the case of the path.
    pub resource_group: String,
}

/// What to do with a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderAction {
    /// `PUT`
    Create,
    /// `GET`
    Get,
    /// `PATCH`
    Update,
    /// `DELETE`
    Delete,
}

/// What to do with a private endpoint connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionAction {
    /// `GET`
    Get,
    /// `PUT`
    Put,
    /// `DELETE`
    Delete,
}

/// What to do with a resource group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupAction {
    /// `GET`
    Get,
    /// `HEAD`: whether there is one.
    Exists,
    /// `PUT`
    Put,
}

/// What Azure's tools ask of a cloud before they reach a provider
/// (`docs/maa/control-plane.md#what-azures-tools-ask-first`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloudOperation {
    /// `GET /metadata/endpoints`: where Azure's tools find everything of this cloud.
    Metadata,
    /// `GET /subscriptions`
    Subscriptions,
    /// `GET /subscriptions/{subscription}`
    Subscription {
        /// The subscription.
        subscription: String,
    },
    /// `…/resourceGroups/{group}`
    ResourceGroup(GroupAction, GroupPath),
    /// `GET …/providers`: what kinds of resources there are.
    Namespaces {
        /// The subscription.
        subscription: String,
    },
    /// `GET …/providers/Microsoft.Attestation`, and `POST …/register` of it.
    Namespace {
        /// The subscription.
        subscription: String,
    },
}

/// An operation of the control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// What Azure's tools ask before they reach a provider.
    Cloud(CloudOperation),
    /// `GET /providers/Microsoft.Attestation/operations`
    Operations,
    /// `GET …/attestationProviders` of a subscription or of one of its resource groups.
    List {
        /// The subscription.
        subscription: String,
        /// The resource group, if not all.
        resource_group: Option<String>,
    },
    /// `GET …/defaultProviders`
    DefaultProviders {
        /// The subscription.
        subscription: String,
    },
    /// `GET …/locations/{location}/defaultProvider`
    DefaultProvider {
        /// The subscription.
        subscription: String,
        /// The location as displayed (`Central US`) or in its short form (`centralus`).
        location: String,
    },
    /// `…/attestationProviders/{name}`
    Provider(ProviderAction, ProviderPath),
    /// `GET …/{name}/privateEndpointConnections`
    Connections(ProviderPath),
    /// `…/{name}/privateEndpointConnections/{connection}`
    Connection(ConnectionAction, ProviderPath, String),
    /// `GET …/{name}/privateLinkResources`
    PrivateLinkResources(ProviderPath),
}

impl Operation {
    /// A word for it, in logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Cloud(CloudOperation::Metadata) => "cloud-metadata",
            Self::Cloud(CloudOperation::Subscriptions | CloudOperation::Subscription { .. }) => {
                "subscriptions"
            }
            Self::Cloud(CloudOperation::ResourceGroup(..)) => "resource-group",
            Self::Cloud(CloudOperation::Namespaces { .. } | CloudOperation::Namespace { .. }) => {
                "resource-namespace"
            }
            Self::Operations => "operations",
            Self::List { .. } => "provider-list",
            Self::DefaultProviders { .. } | Self::DefaultProvider { .. } => "default-provider",
            Self::Provider(ProviderAction::Create, _) => "provider-create",
            Self::Provider(ProviderAction::Get, _) => "provider-get",
            Self::Provider(ProviderAction::Update, _) => "provider-update",
            Self::Provider(ProviderAction::Delete, _) => "provider-delete",
            Self::Connections(_) => "connection-list",
            Self::Connection(ConnectionAction::Get, ..) => "connection-get",
            Self::Connection(ConnectionAction::Put, ..) => "connection-put",
            Self::Connection(ConnectionAction::Delete, ..) => "connection-delete",
            Self::PrivateLinkResources(_) => "private-link",
        }
    }
}

/// Finds the operation that a path of the control plane names; none if it is a path of another
/// part of the service.
///
/// # Errors
/// 404 for an unknown route below the control plane's roots, 405 for a wrong method.
pub fn resolve(method: &Method, path: &str) -> Option<Result<Operation, ApiError>> {
    let path = path.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    if !is_ours(path) {
        return None;
    }
    let raw = without_empty_parent(path.split('/').collect());
    let Some(segments) = raw.into_iter().map(decoded).collect::<Option<Vec<_>>>() else {
        return Some(Err(unknown_route()));
    };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    Some(operation(method, &segments))
}

/// Generic resource clients (`az resource`) write an empty parent between the namespace and the type
/// of a provider in a resource group. It is left out at that place; an empty segment anywhere else is
/// none of any route.
fn without_empty_parent(mut segments: Vec<&str>) -> Vec<&str> {
    if let [_, _, _, _, _, namespace, "", kind, _, ..] = *segments
        && namespace.eq_ignore_ascii_case(NAMESPACE)
        && kind.eq_ignore_ascii_case("attestationProviders")
    {
        segments.remove(6);
    }
    segments
}

/// `subscriptions` comes first, or `providers/Microsoft.Attestation` (no provider of the data plane
/// can have a name with a dot in it), or it is `metadata/endpoints`.
fn is_ours(path: &str) -> bool {
    let is = |segment: Option<&str>, word: &str| {
        segment
            .and_then(|segment| percent_decode_str(segment).decode_utf8().ok())
            .is_some_and(|segment| segment.eq_ignore_ascii_case(word))
    };
    let mut segments = path.split('/');
    let (first, second) = (segments.next(), segments.next());
    is(first, "subscriptions")
        || (is(first, "providers") && is(second, NAMESPACE))
        || (is(first, "metadata") && is(second, "endpoints"))
}

/// A decoded segment; none if it holds what no name of a resource has.
///
/// It is decoded after the path was split, so an encoded slash can never make two of one; it is
/// refused, as are dot segments and control characters.
fn decoded(raw: &str) -> Option<String> {
    let decoded = percent_decode_str(raw).decode_utf8().ok()?;
    let harmless = !decoded.contains(['/', '\\', '%'])
        && !decoded.contains(char::is_control)
        && !matches!(decoded.as_ref(), "" | "." | "..");
    harmless.then(|| decoded.into_owned())
}

fn operation(method: &Method, segments: &[&str]) -> Result<Operation, ApiError> {
    let is = |found: &str, word: &str| found.eq_ignore_ascii_case(word);
    match *segments {
        [metadata, _] if is(metadata, "metadata") => cloud(method, CloudOperation::Metadata),
        [_, _, operations] if is(operations, "operations") && !is_subscription(segments) => {
            get(method, Operation::Operations)
        }
        [_] if is_subscription(segments) => cloud(method, CloudOperation::Subscriptions),
        [_, subscription] if is_subscription(segments) => {
            cloud(method, CloudOperation::Subscription { subscription: subscription.to_owned() })
        }
        [_, subscription, providers] if is_subscription(segments) && is(providers, "providers") => {
            cloud(method, CloudOperation::Namespaces { subscription: subscription.to_owned() })
        }
        [_, subscription, groups, group]
            if is_subscription(segments) && is(groups, "resourceGroups") =>
        {
            resource_group(method, subscription, group)
        }
        [_, subscription, providers, namespace, ref rest @ ..]
            if is_subscription(segments)
                && is(providers, "providers")
                && is(namespace, NAMESPACE) =>
        {
            in_subscription(method, subscription, rest)
        }
        [_, subscription, groups, group, providers, namespace, ref rest @ ..]
            if is_subscription(segments)
                && is(groups, "resourceGroups")
                && is(providers, "providers")
                && is(namespace, NAMESPACE) =>
        {
            in_group(method, subscription, group, rest)
        }
        _ => Err(unknown_route()),
    }
}

fn is_subscription(segments: &[&str]) -> bool {
    segments.first().is_some_and(|first| first.eq_ignore_ascii_case("subscriptions"))
}

fn in_subscription(
    method: &Method,
    subscription: &str,
    rest: &[&str],
) -> Result<Operation, ApiError> {
    let is = |found: &str, word: &str| found.eq_ignore_ascii_case(word);
    let subscription = subscription.to_owned();
    match *rest {
        [] => cloud(method, CloudOperation::Namespace { subscription }),
        [register] if is(register, "register") => {
            if method == Method::POST {
                return Ok(Operation::Cloud(CloudOperation::Namespace { subscription }));
            }
            Err(ApiError::method_not_allowed("POST"))
        }
        [providers] if is(providers, "attestationProviders") => {
            get(method, Operation::List { subscription, resource_group: None })
        }
        [defaults] if is(defaults, "defaultProviders") => {
            get(method, Operation::DefaultProviders { subscription })
        }
        [locations, location, default]
            if is(locations, "locations") && is(default, "defaultProvider") =>
        {
            let location = location.to_owned();
            get(method, Operation::DefaultProvider { subscription, location })
        }
        _ => Err(unknown_route()),
    }
}

fn resource_group(
    method: &Method,
    subscription: &str,
    resource_group: &str,
) -> Result<Operation, ApiError> {
    let action = match method.as_str() {
        "GET" => GroupAction::Get,
        "HEAD" => GroupAction::Exists,
        "PUT" => GroupAction::Put,
        _ => return Err(ApiError::method_not_allowed("GET, HEAD, PUT")),
    };
    let (subscription, resource_group) = (subscription.to_owned(), resource_group.to_owned());
    let at = GroupPath { subscription, resource_group };
    Ok(Operation::Cloud(CloudOperation::ResourceGroup(action, at)))
}

fn in_group(
    method: &Method,
    subscription: &str,
    resource_group: &str,
    rest: &[&str],
) -> Result<Operation, ApiError> {
    let is = |found: &str, word: &str| found.eq_ignore_ascii_case(word);
    let Some((providers, rest)) = rest.split_first() else { return Err(unknown_route()) };
    if !is(providers, "attestationProviders") {
        return Err(unknown_route());
    }
    let (subscription, resource_group) = (subscription.to_owned(), resource_group.to_owned());
    let Some((name, rest)) = rest.split_first() else {
        let resource_group = Some(resource_group);
        return get(method, Operation::List { subscription, resource_group });
    };
    let at = ProviderPath { subscription, resource_group, name: (*name).to_owned() };
    match *rest {
        [] => provider(method, at),
        [connections] if is(connections, "privateEndpointConnections") => {
            get(method, Operation::Connections(at))
        }
        [connections, name] if is(connections, "privateEndpointConnections") => {
            connection(method, at, name)
        }
        [resources] if is(resources, "privateLinkResources") => {
            get(method, Operation::PrivateLinkResources(at))
        }
        _ => Err(unknown_route()),
    }
}

fn provider(method: &Method, at: ProviderPath) -> Result<Operation, ApiError> {
    let action = match method.as_str() {
        "PUT" => ProviderAction::Create,
        "GET" | "HEAD" => ProviderAction::Get,
        "PATCH" => ProviderAction::Update,
        "DELETE" => ProviderAction::Delete,
        _ => return Err(ApiError::method_not_allowed("GET, PUT, PATCH, DELETE")),
    };
    Ok(Operation::Provider(action, at))
}

fn connection(method: &Method, at: ProviderPath, name: &str) -> Result<Operation, ApiError> {
    let action = match method.as_str() {
        "GET" | "HEAD" => ConnectionAction::Get,
        "PUT" => ConnectionAction::Put,
        "DELETE" => ConnectionAction::Delete,
        _ => return Err(ApiError::method_not_allowed("GET, PUT, DELETE")),
    };
    Ok(Operation::Connection(action, at, name.to_owned()))
}

fn cloud(method: &Method, operation: CloudOperation) -> Result<Operation, ApiError> {
    get(method, Operation::Cloud(operation))
}

fn get(method: &Method, operation: Operation) -> Result<Operation, ApiError> {
    // HEAD is GET without its body; the body is dropped when the answer is finished.
    if method == Method::GET || method == Method::HEAD {
        return Ok(operation);
    }
    Err(ApiError::method_not_allowed("GET"))
}

fn unknown_route() -> ApiError {
    ApiError::not_found("There is no such route of the control plane.")
}

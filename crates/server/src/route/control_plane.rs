//! Operations of the control plane, in the shape of Azure Resource Manager.
//!
//! Path segments of resources keep the case in which they are written and may hold what no route
//! of the data plane has: letters of any script in resource groups, blanks in locations
//! (`docs/maa/control-plane.md#operations`).

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderAction {
    /// Make it, or change its tags and switches.
    Create,
    /// Show it.
    Get,
    /// Change tags and switches.
    Update,
    /// Delete it.
    Delete,
    /// List its private endpoint connections.
    Connections,
    /// Show the private endpoint connection of this name.
    GetConnection(String),
    /// Make it, or put it in another state.
    PutConnection(String),
    /// Remove it.
    DeleteConnection(String),
    /// Show what a private endpoint can be connected to.
    PrivateLinkResources,
}

/// What to do with a resource group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupAction {
    /// Show it.
    Get,
    /// Say whether there is one.
    Exists,
    /// Make it.
    Put,
}

/// What Azure's tools ask of a cloud before they reach a provider
/// (`docs/maa/control-plane.md#what-azures-tools-ask-first`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloudOperation {
    /// Where do Azure's tools find everything of this cloud?
    Metadata,
    /// Which subscriptions are there?
    Subscriptions,
    /// What is this one?
    Subscription {
        /// The subscription.
        subscription: String,
    },
    /// What is this resource group?
    ResourceGroup(GroupAction, GroupPath),
    /// Which kinds of resources are there?
    Namespaces {
        /// The subscription.
        subscription: String,
    },
    /// Is the namespace of attestation registered?
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
    /// List the rights that there are.
    Operations,
    /// List the providers of a subscription or of one of its resource groups.
    List {
        /// The subscription.
        subscription: String,
        /// The resource group, if not all.
        resource_group: Option<String>,
    },
    /// List the default provider.
    DefaultProviders {
        /// The subscription.
        subscription: String,
    },
    /// Show the default provider.
    DefaultProvider {
        /// The subscription.
        subscription: String,
        /// The location as displayed (`Central US`) or in its short form (`centralus`).
        location: String,
    },
    /// What to do with the provider at a path.
    Provider(ProviderPath, ProviderAction),
}

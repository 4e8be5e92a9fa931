//! The table of endpoints: everything that this service answers, and what a request needs for it.
//!
//! Routing, access checks, the audit trail, the lists of rights and resource types that the service
//! gives out, and `docs/endpoints.md` come from here.

use avouch_dcap::TeeType;
use avouch_endorsements::MirrorPath;
use avouch_snp::{Product, VekKind};
use avouch_token::policy_jws::CertificateOperation;
use avouch_wire::EvidenceKind;
use axum::http::Method;

use super::control_plane::{
    CloudOperation, GroupAction, GroupPath, NAMESPACE, Operation, ProviderAction, ProviderPath,
};
use super::path::Captures;
use super::vault::{VaultOperation, VersionPath};
use super::{Endpoint, Probe, Published, Target};
use crate::auth::{Role, VaultRole};

/// A method that a route has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Also HEAD, unless the path has a row for that.
    Get,
    /// HEAD with an answer of its own.
    Head,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Verb {
    /// As it is written in a request.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Part of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plane {
    /// The process: at the root only.
    Service,
    /// Vendors' endorsements for a site, where that is switched on: at the root only.
    Collateral,
    /// A provider: at the root, below `/providers/{provider}`, or under a host name of its own.
    Data,
    /// Providers as resources of Azure Resource Manager: at the root only.
    Control,
    /// Keys that are released: under the host of the vault only.
    Vault,
}

/// Who may send a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Whoever can reach the service.
    Nothing,
    /// Whoever may attest: everybody where that is anonymous, else a caller who was given a role at
    /// the provider.
    MayAttest,
    /// A caller who is known; what the answer holds depends on the caller.
    Caller,
    /// A caller with this role at the provider that the request names, or at the default one.
    Role(Role),
    /// A caller with this role at the vault.
    Vault(VaultRole),
}

/// Which `api-version` a request has to name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// None: a route of our own, or one that everybody reads.
    None,
    /// One that a provider's plane or the control plane has.
    Known,
    /// Anything that looks like one.
    Any,
}

/// An endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The method.
    pub verb: Verb,
    /// The path, below the provider's URL for those of a provider. A segment in braces stands for any.
    pub path: &'static str,
    /// Its name in the log.
    pub name: &'static str,
    /// Who may send it.
    pub needs: Needs,
    /// Which `api-version` it has to name.
    pub version: Version,
    /// What it is called in the audit trail, if it changes something.
    pub audit: Option<&'static str>,
    /// Whether it must be answered when others are not: a probe, or what relying parties need to verify
    /// tokens. The log has it at level `debug`.
    pub is_published: bool,
    /// What it is for.
    pub about: &'static str,
    means: Means,
}

#[derive(Debug, Clone, Copy)]
enum Means {
    Service(Probe),
    Collateral(fn(&Captures<'_>) -> Option<MirrorPath>),
    Published(Published),
    Data(fn(&Captures<'_>) -> Option<Endpoint>),
    Control(fn(&Captures<'_>) -> Option<Operation>),
    Vault(fn(&Captures<'_>) -> Option<VaultOperation>),
}

impl Row {
    const fn new(
        verb: Verb,
        path: &'static str,
        name: &'static str,
        needs: Needs,
        means: Means,
    ) -> Self {
        let version = Version::Known;
        let (audit, is_published, about) = (None, false, "");
        Self { verb, path, name, needs, version, audit, is_published, about, means }
    }

    const fn data(
        verb: Verb,
        path: &'static str,
        name: &'static str,
        needs: Needs,
        means: fn(&Captures<'_>) -> Option<Endpoint>,
    ) -> Self {
        Self::new(verb, path, name, needs, Means::Data(means))
    }

    const fn collateral(
        path: &'static str,
        name: &'static str,
        means: fn(&Captures<'_>) -> Option<MirrorPath>,
    ) -> Self {
        let row = Self::new(Verb::Get, path, name, Needs::Nothing, Means::Collateral(means));
        Self { version: Version::None, ..row }
    }

    const fn control(
        verb: Verb,
        path: &'static str,
        name: &'static str,
        needs: Needs,
        means: fn(&Captures<'_>) -> Option<Operation>,
    ) -> Self {
        Self::new(verb, path, name, needs, Means::Control(means))
    }

    const fn vault(
        verb: Verb,
        path: &'static str,
        name: &'static str,
        needs: VaultRole,
        means: fn(&Captures<'_>) -> Option<VaultOperation>,
    ) -> Self {
        Self::new(verb, path, name, Needs::Vault(needs), Means::Vault(means))
    }

    /// Whoever asks is told, whatever else goes on.
    const fn published(path: &'static str, name: &'static str, means: Means) -> Self {
        let row = Self::new(Verb::Get, path, name, Needs::Nothing, means);
        Self { version: Version::None, is_published: true, ..row }
    }

    const fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }

    const fn named_version(self, version: Version) -> Self {
        Self { version, ..self }
    }

    const fn audited(self, action: &'static str) -> Self {
        Self { audit: Some(action), ..self }
    }

    /// The part of the service that it belongs to.
    #[must_use]
    pub const fn plane(&self) -> Plane {
        match self.means {
            Means::Service(_) => Plane::Service,
            Means::Collateral(_) => Plane::Collateral,
            Means::Published(_) | Means::Data(_) => Plane::Data,
            Means::Control(_) => Plane::Control,
            Means::Vault(_) => Plane::Vault,
        }
    }

    /// What it stands for, with what the path names; none if it names nothing that there is.
    pub(super) fn target(&self, path: &Captures<'_>, provider: Option<&str>) -> Option<Target> {
        let name = || provider.map(str::to_ascii_lowercase);
        Some(match self.means {
            Means::Service(probe) => Target::Service(probe),
            Means::Collateral(means) => Target::Collateral(means(path)?),
            Means::Published(document) => Target::Published { name: name(), document },
            Means::Data(means) => Target::Provider { name: name(), endpoint: means(path)? },
            Means::Control(means) => Target::ControlPlane(means(path)?),
            Means::Vault(means) => Target::Vault(means(path)?),
        })
    }

    /// All rows of its path.
    fn siblings(&self) -> impl Iterator<Item = &'static Self> {
        let (plane, path) = (self.plane(), self.path);
        TABLE.iter().filter(move |row| row.plane() == plane && row.path == path)
    }

    /// The row of its path that has this method. HEAD is GET without its body, which is dropped when
    /// the answer is finished.
    pub(super) fn with_method(&self, method: &Method) -> Option<&'static Self> {
        let with = |verb: &str| self.siblings().find(|row| row.verb.as_str() == verb);
        with(method.as_str()).or_else(|| with("GET").filter(|_| method == Method::HEAD))
    }

    /// The methods that its path has, for the header `Allow`.
    #[must_use]
    pub fn allowed(&self) -> String {
        self.siblings().map(|row| row.verb.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The right in Azure's words that its role gives. Our own routes have none.
    #[must_use]
    pub fn right(&self) -> Option<String> {
        let Needs::Role(_) = self.needs else { return None };
        let resource = match self.plane() {
            Plane::Data if !self.path.starts_with("/avouch/") => "attestationProviders/attestation",
            Plane::Control => "attestationProviders",
            Plane::Data | Plane::Service | Plane::Collateral | Plane::Vault => return None,
        };
        let takes_away = self.verb == Verb::Delete
            || self.path.ends_with(":reset")
            || self.path.ends_with(":remove");
        let does = match self.verb {
            Verb::Get | Verb::Head => "read",
            _ if takes_away => "delete",
            _ => "write",
        };
        Some(format!("{resource}/{does}"))
    }
}

/// Types of resources in the namespace that are not below a provider, in the order of the table.
pub(crate) fn resource_types() -> Vec<String> {
    let mut types: Vec<String> = Vec::new();
    for row in TABLE.iter().filter(|row| row.verb == Verb::Get) {
        let Some((_, behind)) = row.path.split_once(NAMESPACE) else { continue };
        let words = behind.split('/').filter(|part| !part.is_empty() && !part.starts_with('{'));
        let name = words.collect::<Vec<_>>().join("/");
        let is_below = behind.contains("{provider}");
        if !name.is_empty() && !is_below && !types.contains(&name) {
            types.push(name);
        }
    }
    types
}

const READER: Needs = Needs::Role(Role::Reader);
const CONTRIBUTOR: Needs = Needs::Role(Role::Contributor);
const OWNER: Needs = Needs::Role(Role::Owner);

/// A path below a subscription.
macro_rules! subscription {
    ($rest:literal) => {
        concat!("/subscriptions/{subscription}", $rest)
    };
}

/// A path in the namespace of a subscription.
macro_rules! namespace {
    ($rest:literal) => {
        concat!("/subscriptions/{subscription}/providers/Microsoft.Attestation", $rest)
    };
}

/// A path in the namespace of a resource group.
macro_rules! group {
    ($rest:literal) => {
        concat!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Attestation",
            $rest
        )
    };
}

use Verb::{Delete, Get, Head, Patch, Post, Put};

/// Every endpoint. Of patterns that one path fits the narrower stands first.
pub static TABLE: [Row; 77] = [
    Row::published("/healthz", "healthz", Means::Service(Probe::Alive))
        .about("the process answers"),
    Row::published("/readyz", "readyz", Means::Service(Probe::Ready))
        .about("what the service may do"),
    Row::published("/metrics", "metrics", Means::Service(Probe::Metrics))
        .about("the numbers of `/readyz`, for Prometheus"),
    intel("/sgx/certification/{version}/tcb", |path| {
        Some(if is_v3(path)? { MirrorPath::TcbInfoOfV3 } else { MirrorPath::TcbInfo(TeeType::Sgx) })
    })
    .about("TCB info of SGX platforms; of version 3 there is none"),
    intel("/tdx/certification/v4/tcb", |_| Some(MirrorPath::TcbInfo(TeeType::Tdx)))
        .about("TCB info of TDX platforms"),
    intel("/sgx/certification/{version}/qe/identity", |path| {
        is_v3(path).map(|_| MirrorPath::QeIdentity(TeeType::Sgx))
    })
    .about("identity of the quoting enclave"),
    intel("/tdx/certification/v4/qe/identity", |_| Some(MirrorPath::QeIdentity(TeeType::Tdx)))
        .about("identity of the quoting enclave for TDs"),
    intel("/sgx/certification/{version}/pckcrl", |path| is_v3(path).map(|_| MirrorPath::PckCrl))
        .about("CRL of a PCK CA: hex, or by `encoding` DER or PEM"),
    intel("/sgx/certification/{version}/rootcacrl", |path| {
        is_v3(path).map(|_| MirrorPath::RootCaCrl)
    })
    .about("CRL of the root CA, hex"),
    intel("/sgx/certification/{version}/crl", |path| is_v3(path).map(|_| MirrorPath::CrlOfAddress))
        .about("the CRL that a certificate names by its address, DER"),
    amd("/vcek/v1/{product}/cert_chain", |path| {
        product(path).map(|product| MirrorPath::VekChain(product, VekKind::Vcek))
    })
    .about("ASK and ARK"),
    amd("/vcek/v1/{product}/crl", |path| {
        product(path).map(|product| MirrorPath::AmdCrl(product, VekKind::Vcek))
    })
    .about("CRL of the ARK"),
    amd("/vcek/v1/{product}/{chip}", |path| {
        Some(MirrorPath::Vcek(product(path)?, path.text("chip")?))
    })
    .about("the VCEK of a chip at a TCB"),
    amd("/vlek/v1/{product}/cert_chain", |path| {
        product(path).map(|product| MirrorPath::VekChain(product, VekKind::Vlek))
    })
    .about("ASVK and ARK"),
    amd("/vlek/v1/{product}/crl", |path| {
        product(path).map(|product| MirrorPath::AmdCrl(product, VekKind::Vlek))
    })
    .about("CRL of the ARK"),
    Row::published("/certs", "certs", Means::Published(Published::SigningCertificates))
        .about("the keys that verify tokens"),
    Row::published(
        "/.well-known/openid-configuration",
        "openid-configuration",
        Means::Published(Published::OpenIdConfiguration),
    )
    .about("OpenID metadata"),
    Row::published(
        "/.well-known/avouch-measurements",
        "measurements",
        Means::Published(Published::Measurements),
    )
    .about("the measurements that the service may have, signed by their publisher, if the operator hands them out"),
    Row::published(
        "/.well-known/avouch-measurements/statement",
        "statement",
        Means::Published(Published::Statement),
    )
    .about("the publisher's statement over them, with receipts of ledgers, if the operator hands it out"),
    Row::data(Post, "/attest/{type}", "attest", Needs::MayAttest, |path| {
        kind(path).filter(|kind| kind.has_route()).map(Endpoint::Attest)
    })
    .about("evidence for a token"),
    Row::data(Post, "/avouch/ear/{type}", "attest-ear", Needs::MayAttest, |path| {
        kind(path).filter(|kind| kind.has_route()).map(Endpoint::AttestResult)
    })
    .named_version(Version::None)
    .about("the same evidence for an attestation result (EAR) of the IETF"),
    Row::data(Post, "/policies/{type}:reset", "policy-reset", CONTRIBUTOR, |path| {
        Some(Endpoint::ResetPolicy(policy_type(path)?))
    })
    .audited("policy-reset")
    .about("go back to the default policy"),
    Row::data(Get, "/policies/{type}", "policy-get", READER, |path| {
        Some(Endpoint::GetPolicy(policy_type(path)?))
    })
    .about("the policy in force"),
    Row::data(Put, "/policies/{type}", "policy-set", CONTRIBUTOR, |path| {
        Some(Endpoint::SetPolicy(policy_type(path)?))
    })
    .audited("policy-set")
    .about("put a policy in force"),
    Row::data(Get, "/certificates", "certificates-get", READER, |_| {
        Some(Endpoint::PolicyCertificates)
    })
    .about("the policy certificates"),
    Row::data(Post, "/certificates:add", "certificate-add", CONTRIBUTOR, |_| {
        Some(Endpoint::ChangePolicyCertificates(CertificateOperation::Add))
    })
    .audited("certificate-add")
    .about("add a policy certificate"),
    Row::data(Post, "/certificates:remove", "certificate-remove", CONTRIBUTOR, |_| {
        Some(Endpoint::ChangePolicyCertificates(CertificateOperation::Remove))
    })
    .audited("certificate-remove")
    .about("remove a policy certificate"),
    Row::data(Get, "/tcbbaselines/{type}", "tcb-baselines", READER, |path| {
        kind(path).filter(|kind| kind.is_appraised()).map(Endpoint::TcbBaselines)
    })
    .about("the TCB baselines at hand"),
    Row::data(Get, "/avouch/policies/{type}/history", "policy-history", READER, |path| {
        kind(path).map(Endpoint::PolicyHistory)
    })
    .named_version(Version::None)
    .about("who set which policy when"),
    Row::data(
        Get,
        "/avouch/policies/{type}/history/{revision}",
        "policy-history",
        READER,
        |path| Some(Endpoint::PolicyRevision(kind(path)?, revision(path)?)),
    )
    .named_version(Version::None)
    .about("one of these policies"),
    Row::data(Post, "/avouch/token-exchange", "token-exchange", Needs::MayAttest, |_| {
        Some(Endpoint::TokenExchange)
    })
    .named_version(Version::None)
    .about("a short token with audience and subject, for an attestation token or evidence; where the operator has switched it on"),
    Row::data(Get, "/avouch/audit", "audit", OWNER, |_| Some(Endpoint::Audit))
        .named_version(Version::None)
        .about("what was done, and what was refused"),
    Row::data(Get, "/avouch/machines", "machines", READER, |_| Some(Endpoint::Machines))
        .named_version(Version::None)
        .about("machines that attest, where they are watched: how each did last, and what changed"),
    Row::data(Post, "/avouch/machines:confirm", "machine-confirm", Needs::MayAttest, |_| {
        Some(Endpoint::ConfirmMachine)
    })
    .named_version(Version::None)
    .about("that a machine opened its answer: with the token that was in it"),
    Row::data(
        Post,
        "/avouch/machines/{machine}:baseline",
        "machine-baseline",
        CONTRIBUTOR,
        |path| Some(Endpoint::SetMachineBaseline(path.text("machine")?)),
    )
    .named_version(Version::None)
    .audited("machine-baseline")
    .about("accept what a machine showed last as what it is compared with"),
    Row::data(Get, "/avouch/machines/{machine}", "machine", READER, |path| {
        Some(Endpoint::Machine(path.text("machine")?))
    })
    .named_version(Version::None)
    .about("one of them"),
    Row::data(Delete, "/avouch/machines/{machine}", "machine-forget", CONTRIBUTOR, |path| {
        Some(Endpoint::ForgetMachine(path.text("machine")?))
    })
    .named_version(Version::None)
    .audited("machine-forget")
    .about("forget a machine that will not attest again"),
    Row::data(Get, "/avouch/alerts", "alerts", READER, |_| Some(Endpoint::Alerts))
        .named_version(Version::None)
        .about("the alerts that machines raised"),
    Row::control(Get, "/metadata/endpoints", "cloud-metadata", Needs::Nothing, |_| {
        Some(Operation::Cloud(CloudOperation::Metadata))
    })
    .named_version(Version::None)
    .about("where Azure's tools find everything of this cloud"),
    Row::control(Get, "/subscriptions", "subscriptions", Needs::Caller, |_| {
        Some(Operation::Cloud(CloudOperation::Subscriptions))
    })
    .named_version(Version::Any)
    .about("those of the providers that the caller may read"),
    Row::control(Get, subscription!(""), "subscriptions", Needs::Caller, |path| {
        let subscription = path.text("subscription")?;
        Some(Operation::Cloud(CloudOperation::Subscription { subscription }))
    })
    .named_version(Version::Any)
    .about("every name is one"),
    group_row(Get, |path| in_group(path, GroupAction::Get)).about("every name is one"),
    group_row(Head, |path| in_group(path, GroupAction::Exists)).about("every name is one"),
    group_row(Put, |path| in_group(path, GroupAction::Put)).about("shown as sent; nothing is kept"),
    Row::control(Get, subscription!("/providers"), "resource-namespace", Needs::Caller, |path| {
        let subscription = path.text("subscription")?;
        Some(Operation::Cloud(CloudOperation::Namespaces { subscription }))
    })
    .named_version(Version::Any)
    .about("the one namespace"),
    Row::control(Get, namespace!(""), "resource-namespace", Needs::Caller, one_namespace)
        .named_version(Version::Any)
        .about("its types and their versions"),
    Row::control(Post, namespace!("/register"), "resource-namespace", Needs::Caller, one_namespace)
        .named_version(Version::Any)
        .about("it is registered already"),
    Row::control(
        Get,
        namespace!("/attestationProviders"),
        "provider-list",
        Needs::Caller,
        |path| {
            Some(Operation::List { subscription: path.text("subscription")?, resource_group: None })
        },
    )
    .about("the providers that the caller may read"),
    Row::control(Get, namespace!("/defaultProviders"), "default-provider", READER, |path| {
        Some(Operation::DefaultProviders { subscription: path.text("subscription")? })
    })
    .about("the default provider, in a list"),
    Row::control(
        Get,
        namespace!("/locations/{location}/defaultProvider"),
        "default-provider",
        READER,
        |path| {
            let subscription = path.text("subscription")?;
            Some(Operation::DefaultProvider { subscription, location: path.text("location")? })
        },
    )
    .about("the default provider"),
    Row::control(
        Get,
        "/providers/Microsoft.Attestation/operations",
        "operations",
        Needs::Caller,
        |_| Some(Operation::Operations),
    )
    .about("the rights that there are"),
    Row::control(Get, group!("/attestationProviders"), "provider-list", Needs::Caller, |path| {
        let resource_group = Some(path.text("group")?);
        Some(Operation::List { subscription: path.text("subscription")?, resource_group })
    })
    .about("the providers that the caller may read"),
    provider_row(Get, "provider-get", READER, |path| at_provider(path, ProviderAction::Get))
        .about("a provider"),
    provider_row(Put, "provider-create", OWNER, |path| at_provider(path, ProviderAction::Create))
        .audited("provider-create")
        .about("make a provider, or change its tags and switches"),
    provider_row(Patch, "provider-update", OWNER, |path| at_provider(path, ProviderAction::Update))
        .audited("provider-update")
        .about("change tags and switches"),
    provider_row(Delete, "provider-delete", OWNER, |path| {
        at_provider(path, ProviderAction::Delete)
    })
    .audited("provider-delete")
    .about("delete a provider with all it has"),
    Row::control(
        Get,
        group!("/attestationProviders/{provider}/privateEndpointConnections"),
        "connection-list",
        READER,
        |path| at_provider(path, ProviderAction::Connections),
    )
    .about("its private endpoint connections"),
    connection_row(Get, "connection-get", READER, |path| {
        at_provider(path, ProviderAction::GetConnection(path.text("connection")?))
    })
    .about("a private endpoint connection"),
    connection_row(Put, "connection-put", OWNER, |path| {
        at_provider(path, ProviderAction::PutConnection(path.text("connection")?))
    })
    .audited("private-endpoint-connection-put")
    .about("make it, or put it in another state"),
    connection_row(Delete, "connection-delete", OWNER, |path| {
        at_provider(path, ProviderAction::DeleteConnection(path.text("connection")?))
    })
    .audited("private-endpoint-connection-delete")
    .about("remove it"),
    Row::control(
        Get,
        group!("/attestationProviders/{provider}/privateLinkResources"),
        "private-link",
        READER,
        |path| at_provider(path, ProviderAction::PrivateLinkResources),
    )
    .about("what a private endpoint can be connected to"),
    Row::vault(Get, "/keys", "vault-keys", VAULT_READER, |_| Some(VaultOperation::Keys))
        .about("the keys"),
    Row::vault(Post, "/keys/{key}/create", "vault-key-create", VAULT_OFFICER, |path| {
        Some(VaultOperation::Create(path.text("key")?))
    })
    .audited("vault-key-add")
    .about("make a version of a key"),
    Row::vault(Get, "/keys/{key}/versions", "vault-key-versions", VAULT_READER, |path| {
        Some(VaultOperation::Versions(path.text("key")?))
    })
    .about("the versions of a key"),
    release_row("/keys/{key}/release").about("release the current version of a key"),
    release_row("/keys/{key}/{key-version}/release").about("release a version of a key"),
    Row::vault(Get, "/keys/{key}", "vault-key-get", VAULT_READER, |path| {
        Some(VaultOperation::Get(key_version(path)?))
    })
    .about("the current version of a key"),
    Row::vault(Put, "/keys/{key}", "vault-key-import", VAULT_OFFICER, |path| {
        Some(VaultOperation::Import(path.text("key")?))
    })
    .audited("vault-key-add")
    .about("import a version of a key"),
    Row::vault(Delete, "/keys/{key}", "vault-key-delete", VAULT_OFFICER, |path| {
        Some(VaultOperation::Delete(path.text("key")?))
    })
    .audited("vault-key-delete")
    .about("delete a key; it can be recovered for a while"),
    update_row("/keys/{key}")
        .about("change attributes, operations, tags or release policy of the current version"),
    Row::vault(Get, "/keys/{key}/{key-version}", "vault-key-get", VAULT_READER, |path| {
        Some(VaultOperation::Get(key_version(path)?))
    })
    .about("a version of a key"),
    update_row("/keys/{key}/{key-version}").about("the same of any version"),
    Row::vault(Get, "/deletedkeys", "vault-deleted-keys", VAULT_READER, |_| {
        Some(VaultOperation::DeletedKeys)
    })
    .about("the deleted keys"),
    Row::vault(Post, "/deletedkeys/{key}/recover", "vault-key-recover", VAULT_OFFICER, |path| {
        Some(VaultOperation::Recover(path.text("key")?))
    })
    .audited("vault-key-recover")
    .about("take a deletion back"),
    Row::vault(Get, "/deletedkeys/{key}", "vault-deleted-key-get", VAULT_READER, |path| {
        Some(VaultOperation::GetDeleted(path.text("key")?))
    })
    .about("a deleted key"),
    Row::vault(Delete, "/deletedkeys/{key}", "vault-key-purge", VAULT_OFFICER, |path| {
        Some(VaultOperation::Purge(path.text("key")?))
    })
    .audited("vault-key-purge")
    .about("remove a deleted key for ever"),
    Row::vault(Post, "/rng", "vault-random", VAULT_READER, |_| Some(VaultOperation::Random))
        .about("random bytes"),
];

const VAULT_READER: VaultRole = VaultRole::Reader;
const VAULT_OFFICER: VaultRole = VaultRole::CryptoOfficer;

const fn release_row(path: &'static str) -> Row {
    Row::vault(Post, path, "vault-key-release", VaultRole::ReleaseUser, |path| {
        Some(VaultOperation::Release(key_version(path)?))
    })
    .audited("vault-key-release")
}

const fn update_row(path: &'static str) -> Row {
    Row::vault(Patch, path, "vault-key-update", VAULT_OFFICER, |path| {
        Some(VaultOperation::Update(key_version(path)?))
    })
    .audited("vault-key-change")
}

/// The version that a path names, or the current one; none for what no version is called.
fn key_version(path: &Captures<'_>) -> Option<VersionPath> {
    let is_digit = |byte: u8| byte.is_ascii_hexdigit();
    let version = path.text("key-version").map(|version| version.to_ascii_lowercase());
    let is_one = |version: &String| version.len() == 32 && version.bytes().all(is_digit);
    if version.as_ref().is_some_and(|version| !is_one(version)) {
        return None;
    }
    Some(VersionPath { name: path.text("key")?, version })
}

const fn intel(path: &'static str, means: fn(&Captures<'_>) -> Option<MirrorPath>) -> Row {
    Row::collateral(path, "pccs", means)
}

const fn amd(path: &'static str, means: fn(&Captures<'_>) -> Option<MirrorPath>) -> Row {
    Row::collateral(path, "kds", means)
}

/// Which of the two versions of Intel's API a path is of; none of any other.
fn is_v3(path: &Captures<'_>) -> Option<bool> {
    match path.get("version")? {
        "v3" | "V3" => Some(true),
        "v4" | "V4" => Some(false),
        _ => None,
    }
}

fn product(path: &Captures<'_>) -> Option<Product> {
    let name = path.get("product")?;
    Product::ALL.into_iter().find(|product| product.name().eq_ignore_ascii_case(name))
}

const fn group_row(verb: Verb, means: fn(&Captures<'_>) -> Option<Operation>) -> Row {
    let path = subscription!("/resourceGroups/{group}");
    Row::control(verb, path, "resource-group", Needs::Caller, means).named_version(Version::Any)
}

const fn provider_row(
    verb: Verb,
    name: &'static str,
    needs: Needs,
    means: fn(&Captures<'_>) -> Option<Operation>,
) -> Row {
    Row::control(verb, group!("/attestationProviders/{provider}"), name, needs, means)
}

const fn connection_row(
    verb: Verb,
    name: &'static str,
    needs: Needs,
    means: fn(&Captures<'_>) -> Option<Operation>,
) -> Row {
    let path = group!("/attestationProviders/{provider}/privateEndpointConnections/{connection}");
    Row::control(verb, path, name, needs, means)
}

/// The kind of evidence that a path names.
fn kind(path: &Captures<'_>) -> Option<EvidenceKind> {
    EvidenceKind::from_policy_name(path.get("type")?)
}

/// Any word is a type: what is none is refused with a reason.
fn policy_type(path: &Captures<'_>) -> Option<String> {
    path.get("type").map(str::to_ascii_lowercase)
}

fn revision(path: &Captures<'_>) -> Option<u64> {
    let digits = path.get("revision")?;
    digits.parse().ok().filter(|_| !digits.starts_with(['+', '0']))
}

fn one_namespace(path: &Captures<'_>) -> Option<Operation> {
    let subscription = path.text("subscription")?;
    Some(Operation::Cloud(CloudOperation::Namespace { subscription }))
}

fn in_group(path: &Captures<'_>, action: GroupAction) -> Option<Operation> {
    let (subscription, resource_group) = (path.text("subscription")?, path.text("group")?);
    let at = GroupPath { subscription, resource_group };
    Some(Operation::Cloud(CloudOperation::ResourceGroup(action, at)))
}

fn at_provider(path: &Captures<'_>, action: ProviderAction) -> Option<Operation> {
    let (subscription, resource_group) = (path.text("subscription")?, path.text("group")?);
    let at = ProviderPath { subscription, resource_group, name: path.text("provider")? };
    Some(Operation::Provider(at, action))
}

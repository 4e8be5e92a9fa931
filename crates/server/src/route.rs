//! From method and path to a row of the table of endpoints, once for each request.
//!
//! Matching ignores case, tolerates one trailing slash, and knows which methods a route has, so
//! that a wrong method is 405 and not 404 (`docs/maa/service.md#routes`).

pub mod control_plane;
mod path;
mod table;
pub mod vault;

use std::borrow::Cow;

use avouch_endorsements::MirrorPath;
use avouch_token::policy_jws::CertificateOperation;
use avouch_wire::{EvidenceKind, excerpt};
use axum::http::Method;
use control_plane::{NAMESPACE, Operation};
use path::{Path, Rules};
use vault::VaultOperation;

use crate::error::{Fault, KeyVaultError, PlaneError};

pub(crate) use table::resource_types;
pub use table::{Needs, Plane, Row, TABLE, Verb, Version};

/// What a request to a provider is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// Appraise evidence, or refuse it where this build does not appraise its kind.
    Attest(EvidenceKind),
    /// The same for an attestation result of the IETF in place of a token.
    AttestResult(EvidenceKind),
    /// Show a policy; the type as the client wrote it, in lower case.
    GetPolicy(String),
    /// Put a policy in force.
    SetPolicy(String),
    /// Go back to the default policy.
    ResetPolicy(String),
    /// Show the policy certificates.
    PolicyCertificates,
    /// Add or remove a policy certificate.
    ChangePolicyCertificates(CertificateOperation),
    /// List the TCB baselines.
    TcbBaselines(EvidenceKind),
    /// List the revisions of a policy.
    PolicyHistory(EvidenceKind),
    /// Show a revision of a policy.
    PolicyRevision(EvidenceKind, u64),
    /// Show the audit trail.
    Audit,
    /// List the machines that attested.
    Machines,
    /// Show one of them.
    Machine(String),
    /// Take the proof that one opened its answer.
    ConfirmMachine,
    /// Accept what one showed last.
    SetMachineBaseline(String),
    /// Forget one.
    ForgetMachine(String),
    /// List the alerts that they raised.
    Alerts,
    /// Give a short token for an attestation token.
    TokenExchange,
}

/// What relying parties read wherever they are, to verify tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// The keys that verify tokens.
    SigningCertificates,
    /// OpenID metadata.
    OpenIdConfiguration,
    /// The list of measurements that the service may have, signed by its publisher.
    Measurements,
    /// The publisher's statement over it, with receipts.
    Statement,
}

/// A question about the service itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Does the process answer?
    Alive,
    /// May it be used?
    Ready,
    /// What does it count?
    Metrics,
}

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The service as a whole.
    Service(Probe),
    /// An endorsement that a vendor publishes.
    Collateral(MirrorPath),
    /// What a provider publishes.
    Published {
        /// As in [`Target::Provider`].
        name: Option<String>,
        /// What of it.
        document: Published,
    },
    /// A provider.
    Provider {
        /// The provider in the path prefix, in lower case; none for the default provider.
        name: Option<String>,
        /// The endpoint.
        endpoint: Endpoint,
    },
    /// Providers as resources.
    ControlPlane(Operation),
    /// The vault.
    Vault(VaultOperation),
}

/// What a request is for, and the row that says what it needs.
#[derive(Debug, Clone)]
pub struct Route {
    /// The row.
    pub row: &'static Row,
    /// With what the path names.
    pub target: Target,
}

/// Finds what a request is for.
///
/// # Errors
/// 404 for an unknown route, 405 for a wrong method, each in the shape of its plane.
pub fn resolve(method: &Method, path: &str) -> Result<Route, PlaneError> {
    let decoded = Path::decode(path);
    let found = match decoded.beginning() {
        [first, ..] if is(first, "subscriptions") => resource(method, &decoded),
        // No provider of the data plane can have a name with a dot in it.
        [first, second, ..] if is(first, "providers") && is(second, NAMESPACE) => {
            resource(method, &decoded)
        }
        [first, second, ..] if is(first, "metadata") && is(second, "endpoints") => {
            resource(method, &decoded)
        }
        _ => return at_provider(method, &decoded).map_err(|missing| missing.in_data_plane(path)),
    };
    found.map_err(Missing::in_control_plane)
}

/// Finds what a request under the host of the vault is for.
///
/// # Errors
/// 404 for an unknown route, 405 for a wrong method, 501 for what only Key Vault itself does.
pub fn resolve_in_vault(method: &Method, path: &str) -> Result<Route, PlaneError> {
    let decoded = Path::decode(path);
    let decoded = match decoded.beginning() {
        // SDKs write an empty segment where they mean the current version.
        [first, _, version, _] if is(first, "keys") && version.is_empty() => decoded.without(2),
        _ => decoded,
    };
    let segments = decoded.segments(Rules::Data);
    let found = segments
        .ok_or(Missing::Route)
        .and_then(|segments| find(Plane::Vault, method, segments, None));
    found.map_err(|missing| missing.in_vault(&decoded, path))
}

fn is(segment: &str, word: &str) -> bool {
    segment.eq_ignore_ascii_case(word)
}

/// A route of the control plane. Generic resource clients (`az resource`) write an empty parent
/// between the namespace and the type of a provider in a resource group; it is left out at that place.
fn resource(method: &Method, path: &Path<'_>) -> Result<Route, Missing> {
    let path = match path.beginning() {
        [_, _, _, _, _, namespace, parent, kind, _, ..]
            if is(namespace, NAMESPACE)
                && parent.is_empty()
                && is(kind, "attestationProviders") =>
        {
            &path.without(6)
        }
        _ => path,
    };
    let segments = path.segments(Rules::Resources).ok_or(Missing::Route)?;
    find(Plane::Control, method, segments, None)
}

/// A route of the data plane, or of the service as a whole.
fn at_provider(method: &Method, path: &Path<'_>) -> Result<Route, Missing> {
    match path.segments(Rules::Data).ok_or(Missing::Route)? {
        [first, name, rest @ ..] if is(first, "providers") => {
            find(Plane::Data, method, rest, Some(name))
        }
        segments => {
            find_in(&[Plane::Service, Plane::Collateral, Plane::Data], method, segments, None)
        }
    }
}

/// The row of a plane for a path and a method.
fn find(
    plane: Plane,
    method: &Method,
    segments: &[Cow<'_, str>],
    provider: Option<&str>,
) -> Result<Route, Missing> {
    find_in(&[plane], method, segments, provider)
}

/// The same among several planes. Where a path fits several patterns, the first in the table is meant.
fn find_in(
    planes: &[Plane],
    method: &Method,
    segments: &[Cow<'_, str>],
    provider: Option<&str>,
) -> Result<Route, Missing> {
    let mut rows = TABLE.iter().filter(|row| planes.contains(&row.plane()));
    let fitting = rows.find_map(|row| Some((row, path::captures(row.path, segments)?)));
    let (first, captures) = fitting.ok_or(Missing::Route)?;
    let row = first.with_method(method);
    // What the path names may be nothing that there is.
    let target = row.unwrap_or(first).target(&captures, provider).ok_or(Missing::Route)?;
    match row {
        Some(row) => Ok(Route { row, target }),
        None => Err(Missing::Method(first)),
    }
}

/// 404: nothing is answered at a path.
pub(crate) fn no_route(path: &str) -> Fault {
    Fault::not_found(format!("There is no route {}.", excerpt(path)))
}

/// Why there is no row.
enum Missing {
    Route,
    /// There are others of the same path as this one.
    Method(&'static Row),
}

impl Missing {
    fn in_data_plane(self, path: &str) -> PlaneError {
        PlaneError::Data(self.fault(|| no_route(path)).into())
    }

    fn in_control_plane(self) -> PlaneError {
        let route = || Fault::not_found("There is no such route of the control plane.");
        PlaneError::Control(self.fault(route).into())
    }

    fn in_vault(self, decoded: &Path<'_>, path: &str) -> PlaneError {
        let segments = decoded.beginning();
        let any = |segment: Option<&Cow<'_, str>>, words: &[&str]| {
            segment.is_some_and(|segment| words.iter().any(|word| is(segment, word)))
        };
        let of_other = any(segments.first(), &vault::NOT_KEYS);
        let is_operation = segments.len() >= 2 && any(segments.last(), &vault::NOT_IMPLEMENTED);
        PlaneError::Vault(match self {
            Self::Route if of_other => KeyVaultError::not_implemented(
                "This vault has keys alone: no secrets, certificates, storage accounts or settings.",
            ),
            Self::Route | Self::Method(_) if is_operation => KeyVaultError::not_implemented(
                "This vault keeps keys and releases them to attested workloads; it does nothing else \
                 with them. docs/endpoints.md has what it answers.",
            ),
            other => other.fault(|| no_route(path)).into(),
        })
    }

    fn fault(self, route: impl FnOnce() -> Fault) -> Fault {
        match self {
            Self::Route => route(),
            Self::Method(row) => Fault::method_not_allowed(row.allowed()),
        }
    }
}

//! From method and path to an endpoint of a provider.
//!
//! Matching ignores case, tolerates one trailing slash, and knows which methods a route has, so
//! that a wrong method is 405 and not 404 (`docs/maa/service.md#routes`).

pub mod control_plane;

use avouch_token::policy_jws::CertificateOperation;
use avouch_wire::{EvidenceKind, excerpt};
use axum::http::Method;
use percent_encoding::percent_decode_str;

use crate::ApiError;

/// A route of the data plane or one of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST /attest/{type}`
    Attest(EvidenceKind),
    /// `GET /policies/{type}`; the type as the client wrote it, in lower case.
    GetPolicy(String),
    /// `PUT /policies/{type}`
    SetPolicy(String),
    /// `POST /policies/{type}:reset`
    ResetPolicy(String),
    /// `GET /certificates`
    PolicyCertificates,
    /// `POST /certificates:add` and `:remove`
    ChangePolicyCertificates(CertificateOperation),
    /// `GET /tcbbaselines/{type}`
    TcbBaselines(EvidenceKind),
    /// `GET /avouch/policies/{type}/history`
    PolicyHistory(EvidenceKind),
    /// `GET /avouch/policies/{type}/history/{revision}`
    PolicyRevision(EvidenceKind, u64),
    /// `GET /avouch/audit`
    Audit,
    /// `GET /certs`
    SigningCertificates,
    /// `GET /.well-known/openid-configuration`
    OpenIdConfiguration,
}

impl Endpoint {
    /// Whether it is what relying parties read wherever they are, to verify tokens.
    #[must_use]
    pub const fn is_published(&self) -> bool {
        matches!(self, Self::SigningCertificates | Self::OpenIdConfiguration)
    }

    /// A word for it, in logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Attest(_) => "attest",
            Self::GetPolicy(_) => "policy-get",
            Self::SetPolicy(_) => "policy-set",
            Self::ResetPolicy(_) => "policy-reset",
            Self::PolicyCertificates => "certificates-get",
            Self::ChangePolicyCertificates(CertificateOperation::Add) => "certificate-add",
            Self::ChangePolicyCertificates(CertificateOperation::Remove) => "certificate-remove",
            Self::TcbBaselines(_) => "tcb-baselines",
            Self::PolicyHistory(_) | Self::PolicyRevision(..) => "policy-history",
            Self::Audit => "audit",
            Self::SigningCertificates => "certs",
            Self::OpenIdConfiguration => "openid-configuration",
        }
    }
}

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The service as a whole.
    Service(Probe),
    /// A provider.
    Provider {
        /// The provider in the path prefix, in lower case; none for the default provider.
        name: Option<String>,
        /// The endpoint.
        endpoint: Endpoint,
    },
}

/// A question about the service itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// `GET /healthz`
    Alive,
    /// `GET /readyz`
    Ready,
}

impl Probe {
    /// A word for it, in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alive => "healthz",
            Self::Ready => "readyz",
        }
    }
}

/// Finds what a request is for.
///
/// # Errors
/// 404 for an unknown route, 405 for a wrong method.
pub fn resolve(method: &Method, path: &str) -> Result<Target, ApiError> {
    let segments = segments(path).ok_or_else(|| unknown_route(path))?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (name, rest) = match segments.as_slice() {
        ["healthz"] => return only(method, &Method::GET, "GET", Target::Service(Probe::Alive)),
        ["readyz"] => return only(method, &Method::GET, "GET", Target::Service(Probe::Ready)),
        ["providers", name, rest @ ..] => (Some((*name).to_owned()), rest),
        rest => (None, rest),
    };
    Ok(Target::Provider { name, endpoint: endpoint(method, rest, path)? })
}

fn endpoint(method: &Method, segments: &[&str], path: &str) -> Result<Endpoint, ApiError> {
    match segments {
        ["attest", kind] => {
            let kind = EvidenceKind::from_policy_name(kind).filter(|kind| kind.has_route());
            let kind = kind.ok_or_else(|| unknown_route(path))?;
            only(method, &Method::POST, "POST", Endpoint::Attest(kind))
        }
        ["policies", kind] => policies(method, kind),
        ["certificates"] => only(method, &Method::GET, "GET", Endpoint::PolicyCertificates),
        ["certificates:add"] => {
            let add = Endpoint::ChangePolicyCertificates(CertificateOperation::Add);
            only(method, &Method::POST, "POST", add)
        }
        ["certificates:remove"] => {
            let remove = Endpoint::ChangePolicyCertificates(CertificateOperation::Remove);
            only(method, &Method::POST, "POST", remove)
        }
        ["tcbbaselines", kind] => {
            let kind = EvidenceKind::from_policy_name(kind).filter(|kind| kind.is_appraised());
            let kind = kind.ok_or_else(|| unknown_route(path))?;
            only(method, &Method::GET, "GET", Endpoint::TcbBaselines(kind))
        }
        ["certs"] => only(method, &Method::GET, "GET", Endpoint::SigningCertificates),
        [".well-known", "openid-configuration"] => {
            only(method, &Method::GET, "GET", Endpoint::OpenIdConfiguration)
        }
        ["avouch", rest @ ..] => {
            let endpoint = own(rest).ok_or_else(|| unknown_route(path))?;
            only(method, &Method::GET, "GET", endpoint)
        }
        _ => Err(unknown_route(path)),
    }
}

/// Routes of ours below each provider.
fn own(segments: &[&str]) -> Option<Endpoint> {
    match segments {
        ["audit"] => Some(Endpoint::Audit),
        ["policies", kind, "history"] => {
            EvidenceKind::from_policy_name(kind).map(Endpoint::PolicyHistory)
        }
        ["policies", kind, "history", revision] => {
            let revision = revision.parse().ok().filter(|_| !revision.starts_with(['+', '0']))?;
            EvidenceKind::from_policy_name(kind)
                .map(|kind| Endpoint::PolicyRevision(kind, revision))
        }
        _ => None,
    }
}

/// `GET` and `PUT` of a policy, `POST` of `:reset` behind its type.
fn policies(method: &Method, kind: &str) -> Result<Endpoint, ApiError> {
    if let Some(kind) = kind.strip_suffix(":reset") {
        return only(method, &Method::POST, "POST", Endpoint::ResetPolicy(kind.to_owned()));
    }
    if method == Method::PUT {
        return Ok(Endpoint::SetPolicy(kind.to_owned()));
    }
    only(method, &Method::GET, "GET, PUT", Endpoint::GetPolicy(kind.to_owned()))
}

fn only<T>(
    method: &Method,
    allowed: &Method,
    allow: &'static str,
    target: T,
) -> Result<T, ApiError> {
    // HEAD is GET without its body; the HTTP library drops the body.
    if method == allowed || (method == Method::HEAD && allowed == Method::GET) {
        Ok(target)
    } else {
        Err(ApiError::method_not_allowed(allow))
    }
}

fn unknown_route(path: &str) -> ApiError {
    ApiError::not_found(format!("There is no route {}.", excerpt(path)))
}

/// Decoded lower-case segments; none if the path holds what no route has.
///
/// A segment is decoded after the path was split, so an encoded slash can never make two of one;
/// it is refused, as are dot segments and anything but printable ASCII.
fn segments(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/').map(segment).collect()
}

fn segment(raw: &str) -> Option<String> {
    let decoded = percent_decode_str(raw).decode_utf8().ok()?;
    let printable = decoded.bytes().all(|byte| byte.is_ascii_graphic());
    let harmless = !decoded.contains(['/', '\\', '%']) && decoded != "." && decoded != "..";
    (printable && harmless && !decoded.is_empty()).then(|| decoded.to_ascii_lowercase())
}

//! What stands before a handler of the data plane: the network that a request came from, who sent it,
//! and what its row in the table of endpoints asks for.

use std::sync::Arc;

use avouch_store::{Actor, ProviderName, Toggle};
use avouch_wire::EvidenceKind;
use axum::http::request::Parts;

use super::Request;
use super::refusals::Attempt;
use crate::api_version::ApiVersion;
use crate::auth::{Caller, Role};
use crate::config::RootProvider;
use crate::http::Peer;
use crate::route::{Endpoint, Needs, Row, Version};
use crate::state::AppState;
use crate::work::Work;
use crate::{ApiError, Fault, Provider};

/// The caller that a bearer token or client certificate proves.
pub(super) async fn authenticate(
    state: &AppState,
    (head, peer): (&Parts, &Peer),
) -> Result<Caller, Fault> {
    state.access.authenticate(&head.headers, peer.certificate(), state.clock.now()).await
}

/// A request to a provider that has all its row in the table of endpoints asks for. Only
/// [`authorize`] makes one, and handlers take nothing else.
pub(super) struct Authorized<'a> {
    pub(super) state: &'a Arc<AppState>,
    pub(super) provider: &'a Arc<Provider>,
    /// The version that it names; the latest where it need not name one.
    pub(super) version: ApiVersion,
    pub(super) query: Option<&'a str>,
    /// Where its work is done.
    pub(super) work: Work<'a>,
    /// None where anybody may send it.
    caller: Option<Caller>,
}

impl Authorized<'_> {
    /// The identity that history and audit trail name.
    ///
    /// # Errors
    /// 401 if there is none.
    pub(super) fn actor(&self) -> Result<&Actor, Fault> {
        self.caller
            .as_ref()
            .ok_or_else(|| Fault::unauthorized("The caller has no identity."))?
            .actor()
    }
}

/// Checks a request to a provider against its row: version, caller, role, and whether what it would
/// change may be changed.
pub(super) async fn authorize<'a>(
    request: Request<'a>,
    row: &Row,
    endpoint: &Endpoint,
    attempt: &mut Attempt,
) -> Result<Authorized<'a>, ApiError> {
    let Request { state, head, peer, provider, work } = request;
    let query = head.uri.query();
    let version = match row.version {
        Version::None => ApiVersion::LATEST,
        Version::Known | Version::Any => ApiVersion::from_query(query)?,
    };
    let needs_nobody = match (row.needs, endpoint) {
        (Needs::Nothing, _) => true,
        (Needs::MayAttest, Endpoint::Attest(kind) | Endpoint::AttestResult(kind)) => {
            // What is never appraised is refused whatever this instance has missed.
            if kind.is_appraised() {
                state.providers.check_current()?;
            }
            anonymous_attest(state, provider, *kind)
        }
        (Needs::MayAttest, Endpoint::TokenExchange) => {
            state.providers.check_current()?;
            state.access.anonymous_attest(provider.name())
        }
        // The token that is shown was in an answer to evidence.
        (Needs::MayAttest, _) => state.access.anonymous_attest(provider.name()),
        _ => false,
    };
    let caller = if needs_nobody { None } else { Some(authenticate(state, (head, peer)).await?) };
    if let Some(caller) = &caller {
        attempt.by(caller);
        match row.needs {
            Needs::Role(role) => caller.require(role, provider.name())?,
            // The right of everybody to read the default provider is none to attest there.
            Needs::MayAttest => caller.require_granted(Role::Reader, provider.name())?,
            Needs::Vault(_) => {
                let text = "A provider has no role at the vault.";
                return Err(Fault::unauthorized(text).into());
            }
            Needs::Nothing | Needs::Caller => {}
        }
    }
    if row.audit.is_some() {
        check_writable(state, provider)?;
    }
    Ok(Authorized { state, provider, version, query, work, caller })
}

/// Whether a provider takes evidence of this kind without a token: what the table of kinds says,
/// unless the provider's own switch for TPM evidence says otherwise; the operator's switch for all
/// kinds counts first (`docs/maa/service.md#roles`).
fn anonymous_attest(state: &AppState, provider: &Provider, kind: EvidenceKind) -> bool {
    let switch = provider.tenant().provider.tpm_attestation_authentication;
    let is_switched = kind.has_anonymity_switch() && switch == Some(Toggle::Disabled);
    let allowed = kind.is_anonymous() || is_switched;
    allowed && state.access.anonymous_attest(provider.name())
}

/// Refuses requests to the root where there is no provider: some clients drop the path of theirs.
pub(super) fn check_root(state: &AppState, name: Option<&str>) -> Result<(), Fault> {
    if name.is_none() && state.root_provider == RootProvider::Absent {
        return Err(Fault::not_found(
            "There is no attestation provider at the root of this service; a provider answers at \
             its own URL. Some clients drop the path of that URL.",
        ));
    }
    Ok(())
}

/// Refuses changes of the provider at the root where it is read-only: a policy meant for another
/// provider must not land there.
fn check_writable(state: &AppState, provider: &Provider) -> Result<(), ApiError> {
    let is_root = provider.name() == ProviderName::DEFAULT;
    if is_root && state.root_provider == RootProvider::ReadOnly {
        return Err(ApiError::invalid_operation(
            "root-provider: the attestation provider at the root of this service is read-only; \
             another one is changed at its own URL. Some clients drop the path of that URL.",
        ));
    }
    Ok(())
}

/// Refuses requests from public addresses to a provider whose `publicNetworkAccess` is
/// `Disabled`. The address is that of the TCP connection: no header field can name another.
pub(super) fn check_network(
    state: &AppState,
    peer: &Peer,
    provider: &Provider,
) -> Result<(), ApiError> {
    if provider.tenant().provider.public_network_access != Some(Toggle::Disabled) {
        return Ok(());
    }
    if state.private_networks.contain(peer.address()) {
        return Ok(());
    }
    Err(ApiError::public_network_access_disabled())
}

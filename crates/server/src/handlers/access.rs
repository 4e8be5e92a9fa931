//! What stands before a handler: the network that a request came from, who sent it, and the role
//! that it needs.

use avouch_store::{ProviderName, Toggle};
use avouch_wire::EvidenceKind;
use axum::http::request::Parts;

use super::refusals::Attempt;
use crate::auth::{Caller, Role};
use crate::config::RootProvider;
use crate::http::Peer;
use crate::state::AppState;
use crate::{ApiError, Provider};

/// The caller that a bearer token or client certificate proves.
pub(super) async fn authenticate(state: &AppState, head: &Parts) -> Result<Caller, ApiError> {
    let certificate = head.extensions.get::<Peer>().and_then(Peer::certificate);
    state.access.authenticate(&head.headers, certificate, state.clock.now()).await
}

/// Demands a caller who has a role at the provider.
pub(super) async fn authorize(
    state: &AppState,
    head: &Parts,
    provider: &Provider,
    role: Role,
    attempt: &mut Attempt,
) -> Result<Caller, ApiError> {
    let caller = authenticate(state, head).await?;
    attempt.by(&caller);
    caller.require(role, provider.name())?;
    Ok(caller)
}

/// Demands a caller who was given a role at the provider: the right of everybody to read the default
/// provider is none to attest there.
pub(super) async fn authorize_granted(
    state: &AppState,
    head: &Parts,
    provider: &Provider,
) -> Result<(), ApiError> {
    let caller = authenticate(state, head).await?;
    caller.require_granted(Role::Reader, provider.name())
}

/// Whether a provider takes evidence of this kind without a token: what the table of kinds says,
/// unless the provider's own switch for TPM evidence says otherwise; the operator's switch for all
/// kinds counts first (`docs/maa/service.md#roles`).
pub(super) fn anonymous_attest(state: &AppState, provider: &Provider, kind: EvidenceKind) -> bool {
    let switch = provider.tenant().provider.tpm_attestation_authentication;
    let is_switched = kind == EvidenceKind::Tpm && switch == Some(Toggle::Disabled);
    let allowed = kind.is_anonymous() || is_switched;
    allowed && state.access.anonymous_attest(provider.name())
}

/// Refuses requests to the root where there is no provider: some clients drop the path of theirs.
pub(super) fn check_root(state: &AppState, name: Option<&str>) -> Result<(), ApiError> {
    if name.is_none() && state.root_provider == RootProvider::Absent {
        return Err(ApiError::not_found(
            "There is no attestation provider at the root of this service; a provider answers at \
             its own URL. Some clients drop the path of that URL.",
        ));
    }
    Ok(())
}

/// Refuses changes of the provider at the root where it is read-only: a policy meant for another
/// provider must not land there.
pub(super) fn check_writable(state: &AppState, provider: &Provider) -> Result<(), ApiError> {
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
    head: &Parts,
    provider: &Provider,
) -> Result<(), ApiError> {
    if provider.tenant().provider.public_network_access != Some(Toggle::Disabled) {
        return Ok(());
    }
    let peer = head.extensions.get::<Peer>();
    if peer.is_some_and(|peer| state.private_networks.contain(peer.address())) {
        return Ok(());
    }
    Err(ApiError::public_network_access_disabled())
}

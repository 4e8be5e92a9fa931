//! What stands before a handler: the network that a request came from, who sent it, and the role
//! that it needs.

use avouch_store::{AttestationType, Toggle};
use axum::http::request::Parts;

use super::refusals::Attempt;
use crate::auth::{Caller, Role};
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
    attempt: &mut Attempt,
) -> Result<(), ApiError> {
    let caller = authenticate(state, head).await?;
    attempt.by(&caller);
    caller.require_granted(Role::Reader, provider.name())
}

/// Whether a provider takes evidence of this type without a token.
///
/// TPM evidence needs one, unless the provider's own switch says otherwise; the operator's switch
/// for all types counts first (`maa-rest-api.md` section 3).
pub(super) fn anonymous_attest(
    state: &AppState,
    provider: &Provider,
    attestation_type: AttestationType,
) -> bool {
    let switch = provider.tenant().provider.tpm_attestation_authentication;
    let allowed = attestation_type != AttestationType::Tpm || switch == Some(Toggle::Disabled);
    allowed && state.access.anonymous_attest(provider.name())
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

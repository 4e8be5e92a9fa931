//! Callers known by the certificate of their TLS connection.

use avouch_pki::Certificate;
use avouch_store::{Actor, ActorKind};
use avouch_wire::UnixTime;

use super::{Caller, Grant};
use crate::config::CertificateRule;
use crate::error::Fault;

/// The caller who holds a certificate that the TLS handshake verified against a client CA.
///
/// # Errors
/// 401 if it is outside its validity by now, has no common name, or no rule names it.
pub(super) fn caller(
    rules: &[CertificateRule],
    certificate: &Certificate,
    at: UnixTime,
) -> Result<Caller, Fault> {
    let refused = |text: &str| Fault::unauthorized(format!("client-certificate: {text}"));
    // A connection may outlive the certificate that it was made with.
    if !(certificate.not_before()..=certificate.not_after()).contains(&at) {
        return Err(refused("the client's certificate is not valid now"));
    }
    let name = certificate
        .subject()
        .common_name()
        .ok_or_else(|| refused("the client's certificate has no common name"))?;
    let grants: Vec<Grant> = rules
        .iter()
        .filter(|rule| rule.common_name == name)
        .map(|rule| Grant::new(rule.role, rule.providers.clone()))
        .collect();
    if grants.is_empty() {
        return Err(refused("the holder of the client's certificate is not known here"));
    }
    let actor = Actor::new(ActorKind::Key, format!("certificate {name}"))
        .map_err(|error| refused(&error.to_string()))?;
    Ok(Caller::new(actor, grants))
}

//! What a short token for one audience says, and which attestation tokens get one: a pure function of the
//! token, the operator's rule and the moment.
//!
//! An attestation token names no audience and no subject and lives for eight hours; consumers of identities
//! want both, and minutes. The short token says who (`sub`, from claims that the operator chose), for whom
//! (`aud`), and which key its holder must prove to hold (`cnf`), if the evidence bound one.

mod audience;
mod confirmation;
mod debugging;
mod form;
mod request_key;
mod template;

#[cfg(test)]
mod tests;

use avouch_token::{TokenTimes, VerifiedToken};
use avouch_wire::UnixTime;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::config::{AudienceRule, ProviderExchange};

pub(crate) use form::JWT;
pub use form::{ExchangeRequest, Subject};
pub use template::{SubjectTemplate, TemplateError};

/// The claim of tokens whose evidence rests on a root that is not the vendor's own.
const FOREIGN_ROOT: &str = "avouch-trust-root";
/// What every attestation token says, and no other token that a provider's key signs.
pub(crate) const ATTESTATION_TYPE: &str = "x-ms-attestation-type";

/// Why a request gets no token: the error of OAuth 2.0 (RFC 6749, section 5.2; RFC 8693, section 2.2.2) and a
/// sentence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{description}")]
pub struct ExchangeRefused {
    pub(crate) error: &'static str,
    pub(crate) description: String,
}

impl ExchangeRefused {
    /// The request, or the token in it, is no good.
    pub(crate) fn request(description: impl Into<String>) -> Self {
        Self { error: "invalid_request", description: description.into() }
    }

    /// There is nothing for that audience.
    pub(crate) fn target(description: impl Into<String>) -> Self {
        Self { error: "invalid_target", description: description.into() }
    }
}

/// A short token, yet to be signed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ShortToken {
    /// `aud`, `sub` and the rest, but for what the issuer adds.
    pub(crate) claims: Map<String, Value>,
    pub(crate) times: TokenTimes,
    pub(crate) subject: String,
}

/// What is exchanged, and by which rules.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchange<'a> {
    /// An attestation token that verified at `now`.
    pub(crate) token: &'a VerifiedToken,
    /// Whether it was made of evidence in the same request.
    pub(crate) is_evidence: bool,
    pub(crate) exchange: &'a ProviderExchange,
    pub(crate) rule: &'a AudienceRule,
    /// When the provider was made.
    pub(crate) provider_since: UnixTime,
    pub(crate) now: UnixTime,
}

/// The short token for an attestation token.
pub(crate) fn short_token(asked: Exchange<'_>) -> Result<ShortToken, ExchangeRefused> {
    let Exchange { token, is_evidence, exchange, rule, provider_since, now } = asked;
    let claims = token.claims();
    if !claims.get(ATTESTATION_TYPE).is_some_and(Value::is_string) {
        return Err(ExchangeRefused::request("the subject token is no attestation token"));
    }
    let left = token.expires_at().seconds().saturating_sub(now.seconds());
    // Clocks that differ were allowed for; a token that has expired by this one gets nothing.
    let Some(left) = u32::try_from(left).ok().filter(|left| *left > 0) else {
        return Err(ExchangeRefused::request("token-expiry: the subject token has expired"));
    };
    check_age(claims, exchange, provider_since, now)?;
    audience::check(claims, exchange, rule, (is_evidence, now))?;
    if let Some(claim) = debugging::undenied(claims).filter(|_| rule.refuse_debuggable) {
        return Err(ExchangeRefused::request(format!(
            "the workload can be debugged, as {claim} does not deny"
        )));
    }
    let subject = rule.subject.of(claims).map_err(|error| {
        ExchangeRefused::request(format!("the subject token gives no subject: {error}"))
    })?;
    let confirmation = confirmation::of(claims);
    if rule.key_must_be_bound && confirmation.is_none() {
        return Err(ExchangeRefused::request("the evidence of the subject token binds no key"));
    }
    let mut short = Map::new();
    short.insert("aud".to_owned(), rule.audience.as_str().into());
    short.insert("sub".to_owned(), subject.as_str().into());
    short.extend(confirmation.map(|key| ("cnf".to_owned(), key)));
    let root = claims.get(FOREIGN_ROOT);
    short.extend(root.map(|root| (FOREIGN_ROOT.to_owned(), root.clone())));
    let lifetime_seconds = exchange.lifetime_seconds.min(left);
    let times = TokenTimes { issued_at: now, lifetime_seconds };
    Ok(ShortToken { claims: short, times, subject })
}

/// Whether the token was issued lately, and by this very provider: one of the same name that was deleted had
/// other policies. Within the second in which the provider was made, that cannot be told.
fn check_age(
    claims: &Map<String, Value>,
    exchange: &ProviderExchange,
    provider_since: UnixTime,
    now: UnixTime,
) -> Result<(), ExchangeRefused> {
    let issued_at = claims.get("iat").and_then(Value::as_i64);
    if issued_at.is_some_and(|issued_at| issued_at < provider_since.seconds()) {
        return Err(ExchangeRefused::request(
            "the subject token is older than the provider: one that was deleted issued it",
        ));
    }
    let age = issued_at.map(|issued_at| now.seconds().saturating_sub(issued_at));
    let most = exchange.token_age_seconds_max;
    match age {
        Some(age) if age <= i64::from(most) => Ok(()),
        Some(age) => Err(ExchangeRefused::request(format!(
            "the subject token was issued {age} s ago, at most {most} s are accepted: attest anew"
        ))),
        None => Err(ExchangeRefused::request("the subject token does not say when it was issued")),
    }
}

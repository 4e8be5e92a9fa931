//! Bearer tokens of an OpenID Connect issuer: its metadata and keys fetched, kept, and fetched again
//! when a token names a key that is not known yet.

mod fetch;
mod keys;

use std::time::Instant;

use avouch_store::{Actor, ActorKind};
use avouch_token::{BearerRules, Jwks, VerifiedBearer, VerifyError, verify_bearer};
use avouch_wire::{FailedCheck as _, UnixTime};
use serde_json::Value;

pub use fetch::OidcError;

use super::{Caller, Grant};
use crate::config::{IssuerConfig, RoleRule};
use crate::error::Fault;
use fetch::Fetcher;
pub(crate) use fetch::Spelling;
pub(crate) use keys::IssuerKeys;

/// Difference of clocks that is forgiven.
const SLACK_SECONDS: u32 = 60;

/// An issuer whose tokens are accepted.
#[derive(Debug)]
pub struct OidcIssuer {
    config: IssuerConfig,
    names: Vec<String>,
    keys: IssuerKeys,
}

impl OidcIssuer {
    /// An issuer; nothing is fetched yet.
    ///
    /// # Errors
    /// [`OidcError`] if its CA file cannot be used.
    pub fn new(config: IssuerConfig) -> Result<Self, OidcError> {
        let fetcher = Fetcher::new(&config.issuer, config.ca_file.as_deref(), Spelling::Exact)?;
        let names = vec![config.issuer.clone()];
        Ok(Self { config, names, keys: IssuerKeys::new(fetcher, Instant::now()) })
    }

    /// `iss` of its tokens.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.config.issuer
    }

    /// Verifies a token and maps its claims to roles.
    ///
    /// # Errors
    /// 401 for a token that does not verify; 503 if the issuer's keys cannot be had.
    pub(super) async fn caller(&self, token: &str, at: UnixTime) -> Result<Caller, Fault> {
        let keys = self.keys.get(None, Instant::now()).await?;
        let verified = match self.verify(token, &keys, at) {
            Err(error) if may_be_rotated(&error) => {
                let newer = self.keys.get(Some(&keys), Instant::now()).await?;
                self.verify(token, &newer, at)
            }
            other => other,
        };
        let verified =
            verified.map_err(|error| Fault::unauthorized(format!("{}: {error}", error.check())))?;
        self.admit(&verified)
    }

    fn verify(
        &self,
        token: &str,
        keys: &Jwks,
        at: UnixTime,
    ) -> Result<VerifiedBearer, VerifyError> {
        let algorithms = self.config.algorithms();
        let rules = BearerRules {
            issuers: &self.names,
            audiences: &self.config.audiences,
            algorithms: &algorithms,
            at,
            slack_seconds: SLACK_SECONDS,
        };
        verify_bearer(token, keys, &rules)
    }

    fn admit(&self, token: &VerifiedBearer) -> Result<Caller, Fault> {
        // Entra ID says of tokens that a program got for itself that they are `app`.
        let is_program = token.claims().get("idtyp").is_some_and(|kind| kind == "app");
        let kind = if is_program { ActorKind::Application } else { ActorKind::User };
        let id = format!("{}#{}", token.issuer(), token.subject());
        let actor = Actor::new(kind, id)
            .map_err(|error| Fault::unauthorized(format!("token-payload: {error}")))?;
        let holds = |rule: &&RoleRule| {
            let claim = token.claims().get(&rule.claim);
            claim.is_some_and(|claim| has_value(&rule.claim, claim, &rule.value))
        };
        let grants = self
            .config
            .roles
            .iter()
            .filter(holds)
            .map(|rule| Grant::new(rule.role, rule.providers.clone()));
        Ok(Caller::new(actor, grants.collect()))
    }
}

/// Whether newer keys could make a token good that these keys do not. Issuers may rotate a key
/// without renaming it.
pub(crate) const fn may_be_rotated(error: &VerifyError) -> bool {
    matches!(
        error,
        VerifyError::UnknownKey { .. }
            | VerifyError::UnusableKey { .. }
            | VerifyError::KeyForOtherAlgorithm { .. }
            | VerifyError::Signature { .. }
    )
}

/// A claim is the value, has it among its elements, or (`scope`, `scp`) among its words. Other
/// text, such as a display name, is no list.
fn has_value(name: &str, claim: &Value, wanted: &str) -> bool {
    match claim {
        Value::String(text) if matches!(name, "scope" | "scp") => {
            text.split(' ').any(|word| word == wanted)
        }
        Value::String(text) => text == wanted,
        Value::Array(items) => items.iter().any(|item| item == wanted),
        _ => false,
    }
}

#[cfg(test)]
mod tests;

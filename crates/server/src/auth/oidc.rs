//! Bearer tokens of an OpenID Connect issuer: its metadata and keys fetched, kept, and fetched again
//! when a token names a key that is not known yet.

mod fetch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use avouch_store::{Actor, ActorKind};
use avouch_token::{BearerRules, Jwks, VerifiedBearer, VerifyError, verify_bearer};
use avouch_wire::UnixTime;
use serde_json::Value;
use tokio::sync::Mutex;

pub use fetch::OidcError;

use super::{Caller, Grant};
use crate::ApiError;
use crate::config::{IssuerConfig, RoleRule};
use fetch::Fetcher;

/// How old keys may become before they are fetched again.
const FRESH: Duration = Duration::from_secs(3600);
/// How old keys may become while the issuer does not answer. A key that its issuer withdrew would
/// otherwise be believed for as long as an attacker keeps the issuer unreachable.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// Fetches that tokens with unknown keys can cause at once, and how long until one more.
const FETCHES_AT_ONCE: u32 = 4;
const FETCH_PAUSE: Duration = Duration::from_secs(30);
/// Difference of clocks that is forgiven.
const SLACK_SECONDS: u32 = 60;

/// An issuer whose tokens are accepted.
#[derive(Debug)]
pub struct OidcIssuer {
    config: IssuerConfig,
    names: Vec<String>,
    fetcher: Fetcher,
    keys: Mutex<Keys>,
}

/// The keys as last fetched, and the right to fetch.
#[derive(Debug)]
struct Keys {
    known: Option<(Arc<Jwks>, Instant)>,
    fetches_left: u32,
    /// Since when the next right to fetch has been growing.
    growing_since: Instant,
}

impl OidcIssuer {
    /// An issuer; nothing is fetched yet.
    ///
    /// # Errors
    /// [`OidcError`] if its CA file cannot be used.
    pub fn new(config: IssuerConfig) -> Result<Self, OidcError> {
        let fetcher = Fetcher::new(&config)?;
        let keys =
            Keys { known: None, fetches_left: FETCHES_AT_ONCE, growing_since: Instant::now() };
        let names = vec![config.issuer.clone()];
        Ok(Self { config, names, fetcher, keys: Mutex::new(keys) })
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
    pub(super) async fn caller(&self, token: &str, at: UnixTime) -> Result<Caller, ApiError> {
        let keys = self.keys(None).await?;
        let verified = match self.verify(token, &keys, at) {
            Err(VerifyError::UnknownKey { .. } | VerifyError::UnusableKey { .. }) => {
                // Perhaps the issuer has rotated its keys.
                let newer = self.keys(Some(&keys)).await?;
                self.verify(token, &newer, at)
            }
            other => other,
        };
        let verified = verified
            .map_err(|error| ApiError::unauthorized(format!("{}: {error}", error.check())))?;
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

    fn admit(&self, token: &VerifiedBearer) -> Result<Caller, ApiError> {
        // Entra ID says of tokens that a program got for itself that they are `app`.
        let is_program = token.claims().get("idtyp").is_some_and(|kind| kind == "app");
        let kind = if is_program { ActorKind::Application } else { ActorKind::User };
        let id = format!("{}#{}", token.issuer(), token.subject());
        let actor = Actor::new(kind, id)
            .map_err(|error| ApiError::unauthorized(format!("token-payload: {error}")))?;
        let holds = |rule: &&RoleRule| {
            token.claims().get(&rule.claim).is_some_and(|claim| has_value(claim, &rule.value))
        };
        let grants = self
            .config
            .roles
            .iter()
            .filter(holds)
            .map(|rule| Grant { role: rule.role, providers: rule.providers.clone() });
        Ok(Caller::new(actor, grants.collect()))
    }

    /// The keys: those known, or newer ones than `outdated`. One request fetches, others wait.
    async fn keys(&self, outdated: Option<&Arc<Jwks>>) -> Result<Arc<Jwks>, ApiError> {
        let mut keys = self.keys.lock().await;
        let now = Instant::now();
        if let Some((known, fetched_at)) = &keys.known {
            let is_outdated = outdated.is_some_and(|outdated| Arc::ptr_eq(outdated, known));
            let is_fresh = now.saturating_duration_since(*fetched_at) < FRESH;
            if is_fresh && !is_outdated {
                return Ok(Arc::clone(known));
            }
        }
        if keys.may_fetch(now) {
            match self.fetcher.fetch().await {
                Ok(fetched) => {
                    let fetched = Arc::new(fetched);
                    keys.known = Some((Arc::clone(&fetched), now));
                    return Ok(fetched);
                }
                Err(error) => {
                    tracing::warn!(issuer = self.name(), %error, "cannot fetch an issuer's keys");
                }
            }
        }
        match &keys.known {
            Some((known, fetched_at)) if now.saturating_duration_since(*fetched_at) < STALE => {
                Ok(Arc::clone(known))
            }
            _ => Err(ApiError::unavailable("The issuer of the bearer token does not answer.")),
        }
    }
}

impl Keys {
    /// Takes one right to fetch, if there is one: nobody can make us ask the issuer all the time.
    fn may_fetch(&mut self, now: Instant) -> bool {
        while self.fetches_left < FETCHES_AT_ONCE
            && now.saturating_duration_since(self.growing_since) >= FETCH_PAUSE
        {
            self.fetches_left = self.fetches_left.saturating_add(1);
            self.growing_since = self.growing_since.checked_add(FETCH_PAUSE).unwrap_or(now);
        }
        if self.fetches_left == FETCHES_AT_ONCE {
            self.growing_since = now;
        }
        let may = self.fetches_left > 0;
        self.fetches_left = self.fetches_left.saturating_sub(1);
        may
    }
}

/// A claim is the value, has it among its elements, or (`scope`, `scp`) among its words.
fn has_value(claim: &Value, wanted: &str) -> bool {
    match claim {
        Value::String(text) => text == wanted || text.split(' ').any(|word| word == wanted),
        Value::Array(items) => items.iter().any(|item| item == wanted),
        _ => false,
    }
}

#[cfg(test)]
mod tests;

//! `POST /keys/{name}/{version}/release`: a key for an attested workload.
//!
//! The steps are those of `avouch-release`; here they get the authority's keys, the moment, randomness
//! and the audit trail. No key leaves before the trail has it.

use std::sync::Arc;
use std::time::Instant;

use avouch_pki::digest;
use avouch_release::{
    AttestedToken, Authority, AuthorityKeys, FirstUse, KeyEncryptionKey, KeyVersion,
    ReleaseRefusal, ReleaseRequest, TokenRefusal, TokenUse, judge,
};
use avouch_store::{VaultKey, VaultTokenUse};
use avouch_token::Jwks;
use avouch_wire::{FailedCheck as _, UnixTime};
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};

use super::access::Authorized;
use super::{keys, ok};
use crate::auth::may_be_rotated;
use crate::handlers::internal;
use crate::handlers::refusals::Attempt;
use crate::http::UnreadBody;
use crate::route::vault::VersionPath;
use crate::vault::key_version;
use crate::{Fault, KeyVaultError};

/// Why there is no release.
enum Refusal {
    /// A check refused it.
    Check(ReleaseRefusal),
    /// The policy takes the word of an authority whose keys nobody has named to this service.
    UnknownAuthority(Authority),
    /// Nothing that the request is to blame for.
    Other(KeyVaultError),
}

impl<E: Into<ReleaseRefusal>> From<E> for Refusal {
    fn from(refusal: E) -> Self {
        Self::Check(refusal.into())
    }
}

/// A release under way.
struct Release<'a> {
    request: &'a Authorized<'a>,
    key: Arc<KeyVersion>,
    asked: Arc<ReleaseRequest>,
    at: UnixTime,
}

pub(super) async fn release(
    request: &Authorized<'_>,
    path: &VersionPath,
    body: UnreadBody,
    attempt: &mut Attempt,
) -> Result<Response<Body>, KeyVaultError> {
    if !request.version.releases() {
        let version = request.version.name();
        return Err(KeyVaultError::bad_parameter(format!(
            "api-version: keys are released from 7.3 on, not in {version}"
        )));
    }
    let actor = request.actor()?;
    request.vault.rates().take(actor, Instant::now()).map_err(Fault::too_many_requests)?;
    let body = body.read().await?;
    let parse = move || {
        ReleaseRequest::parse(&body)
            .map_err(|error| KeyVaultError::bad_parameter(format!("{}: {error}", error.check())))
    };
    let asked = Arc::new(request.work.run(parse).await?);
    let record = keys::found(request, path).await?;
    attempt.named("version", &record.version);
    let key = Arc::new(unwrapped(request, record.clone()).await?);
    let release = Release { request, key, asked, at: request.state.clock.now() };
    match release.answered(&record).await {
        Ok(value) => Ok(ok(&json!({ "value": value }))),
        Err(refusal) => Err(told(request, refusal, attempt)),
    }
}

async fn unwrapped(
    request: &Authorized<'_>,
    record: VaultKey,
) -> Result<KeyVersion, KeyVaultError> {
    let kid = request.vault.kid(&record.name, &record.version);
    let keys = Arc::clone(request.state.providers.keys());
    let unwrap =
        move || key_version(kid, &record, keys.master()).map_err(|error| internal(&error).into());
    request.work.run(unwrap).await
}

impl Release<'_> {
    /// Every check, the entry in the audit trail, and then the answer.
    async fn answered(&self, record: &VaultKey) -> Result<String, Refusal> {
        let token = Arc::new(self.attested().await?);
        let single_use = self.judged(&token).await?;
        let first_use = self.recorded(record, &token, single_use.as_ref()).await?;
        self.wrapped(token, first_use).await
    }

    /// The token, verified by the keys of the authority that the policy names and it says it is of.
    async fn attested(&self) -> Result<AttestedToken, Refusal> {
        let policy = self.key.policy_at(self.at)?;
        let authority = policy.policy().authority_of(self.asked.target())?;
        let keys = self.keys_of(authority, None).await?;
        match self.verified(authority, Arc::clone(&keys)).await {
            Err(Refusal::Check(ReleaseRefusal::Token(TokenRefusal::Verify(error))))
                if may_be_rotated(&error) =>
            {
                let newer = self.keys_of(authority, Some(&keys)).await?;
                self.verified(authority, newer).await
            }
            other => other,
        }
    }

    /// The keys of an authority: ours without a request, those of others by their own metadata.
    async fn keys_of(
        &self,
        authority: &Authority,
        outdated: Option<&Arc<Jwks>>,
    ) -> Result<Arc<Jwks>, Refusal> {
        let unknown = || Refusal::UnknownAuthority(authority.clone());
        let providers = &self.request.state.providers;
        if let Some(name) = providers.urls().provider_of_issuer(authority) {
            providers.check_current().map_err(|fault| Refusal::Other(fault.into()))?;
            let identity = providers.published_by_name(&name).map_err(|_| unknown())?;
            let keys = identity.key_set().map_err(|error| Refusal::Other(internal(&error).into()));
            return keys;
        }
        let keys = self.request.vault.authorities().keys(authority, outdated).await;
        keys.map_err(|fault| Refusal::Other(fault.into()))?.ok_or_else(unknown)
    }

    async fn verified(
        &self,
        authority: &Authority,
        keys: Arc<Jwks>,
    ) -> Result<AttestedToken, Refusal> {
        let (authority, rules) = (authority.clone(), *self.request.vault.rules());
        let (asked, at) = (Arc::clone(&self.asked), self.at);
        self.run(move || {
            let keys = AuthorityKeys::new(&authority, &keys);
            Ok(AttestedToken::verify(asked.target(), keys, &rules, at)?)
        })
        .await
    }

    /// What must not have served before, of a token that meets the policy and has a key that wraps.
    async fn judged(&self, token: &Arc<AttestedToken>) -> Result<Option<TokenUse>, Refusal> {
        let (key, token, at) = (Arc::clone(&self.key), Arc::clone(token), self.at);
        self.run(move || Ok(judge(&key, &token, at)?.single_use().cloned())).await
    }

    /// Writes the release down, and with it that the token has served.
    async fn recorded(
        &self,
        record: &VaultKey,
        token: &AttestedToken,
        single_use: Option<&TokenUse>,
    ) -> Result<FirstUse, Refusal> {
        let details = self.details(record, token);
        let token_use = single_use.map(|single_use| VaultTokenUse {
            use_hash: use_hash(single_use),
            forget_at: single_use.forget_at,
        });
        let edit = self.request.edit().map_err(|fault| Refusal::Other(fault.into()))?;
        let store = self.request.store();
        let is_first = store
            .record_vault_release(&details, token_use.as_ref(), &edit)
            .await
            .map_err(|error| Refusal::Other(error.into()))?;
        Ok(match (single_use, is_first) {
            (_, false) => FirstUse::Repeated,
            (Some(_), true) => FirstUse::Confirmed,
            (None, true) => FirstUse::NotAsked,
        })
    }

    /// What the audit trail has: neither token nor key.
    fn details(&self, record: &VaultKey, token: &AttestedToken) -> Value {
        json!({
            "name": record.name,
            "version": record.version,
            "authority": token.authority().as_str(),
            "claimsSha256": token.claims_sha256().to_string(),
            "enc": self.asked.algorithm().name(),
        })
    }

    /// The key, wrapped, in a signed answer.
    async fn wrapped(
        &self,
        token: Arc<AttestedToken>,
        first_use: FirstUse,
    ) -> Result<String, Refusal> {
        let random = self.request.state.random().map_err(|fault| Refusal::Other(fault.into()));
        let kek = KeyEncryptionKey::from_random(&mut random?);
        let (key, asked, at) = (Arc::clone(&self.key), Arc::clone(&self.asked), self.at);
        let signer = self.request.vault.signer().clone();
        let api_version = self.request.version.name();
        self.run(move || {
            let permit = judge(&key, &token, at)?.permit(first_use)?;
            permit
                .answer(&asked, api_version, &kek, &signer)
                .map_err(|error| Refusal::Other(internal(&error).into()))
        })
        .await
    }

    /// Does what takes processor time where that is counted.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let done = self.request.work.run(move || Ok::<_, KeyVaultError>(work())).await;
        done.map_err(Refusal::Other)?
    }
}

/// A `jti` is unique within its authority only.
fn use_hash(single_use: &TokenUse) -> [u8; 32] {
    let TokenUse { authority, token_id, .. } = single_use;
    *digest::sha256(format!("{authority}\n{token_id}").as_bytes()).as_bytes()
}

/// The refusal as the caller reads it. Which condition failed on which claim is for those who may read
/// the policy, for the log and for the audit trail.
fn told(request: &Authorized<'_>, refusal: Refusal, attempt: &mut Attempt) -> KeyVaultError {
    let (check, why, for_strangers) = match refusal {
        Refusal::Other(error) => return error,
        Refusal::Check(refusal) => (refusal.check(), refusal.to_string(), refusal.for_strangers()),
        Refusal::UnknownAuthority(authority) => {
            let why = format!(
                "the keys of {authority} are not at hand: it is no provider of this service, and \
                 vault.authorities does not name it"
            );
            let any_token = ReleaseRefusal::Token(TokenRefusal::UseUnknown);
            ("token-issuer", why, any_token.for_strangers())
        }
    };
    attempt.because(check, &why);
    let why = format!("{check}: {why}");
    let message = if request.may_know_why() {
        why.clone()
    } else {
        format!("Not released: {for_strangers}.")
    };
    KeyVaultError::forbidden("ForbiddenByPolicy", message).because(why)
}

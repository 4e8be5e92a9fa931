//! `POST /keys/{name}/{version}/release`: a key for an attested workload.
//!
//! The steps are those of `avouch-release`; here they get the authority's keys, the moment, randomness
//! and the audit trail. No key leaves before the trail has it. A key is unwrapped only when all is judged,
//! and only until it is wrapped for the workload: both are one piece of work.
//!
//! Which authorities a policy names is nobody else's to know. So what a stranger is told, and what is
//! done for the answer, depends on whom a token says it is of, and not on the policy, until the token is
//! verified.

use std::sync::Arc;
use std::time::Instant;

use avouch_pki::digest;
use avouch_release::{
    AttestedToken, Authority, AuthorityKeys, FirstUse, KeyEncryptionKey, KeyVersion,
    ReleaseRefusal, ReleaseRequest, Sealed, TokenRefusal, TokenUse, judge,
};
use avouch_store::{
    ProviderName, StoreError, Tenant, VaultKey, VaultKeyPolicy, VaultRelease, VaultReleaseOutcome,
    VaultTokenUse,
};
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
use crate::token_exchange::ATTESTATION_TYPE;
use crate::vault::{KeptPolicy, key_version, material_for_release};
use crate::{Fault, KeyVaultError};

/// Times that a key is judged anew because it was changed meanwhile.
const ATTEMPTS: usize = 3;
/// When to come again where no more tokens can be remembered, in seconds.
const FULL_RETRY_SECONDS: u32 = 60;

/// Why there is no release.
enum Refusal {
    /// A check refused it.
    Check(ReleaseRefusal),
    /// Whose word it is, which only the service can judge: for the owner, and for strangers.
    Issuer(String, &'static str),
    /// No more tokens can be remembered, where each serves once.
    Full(String),
    /// Nothing that the request is to blame for.
    Other(KeyVaultError),
}

impl<E: Into<ReleaseRefusal>> From<E> for Refusal {
    fn from(refusal: E) -> Self {
        Self::Check(refusal.into())
    }
}

/// A request beside the key that it asks for.
struct Opened {
    record: VaultKey,
    key: KeyVersion,
    policy: KeptPolicy,
    asked: ReleaseRequest,
    /// Whom the token says it is of.
    authority: Authority,
}

/// An authority whose keys are at hand.
#[derive(Clone)]
struct Issuer {
    keys: Arc<Jwks>,
    /// The provider of this service that it is, if it is one.
    provider: Option<Arc<Tenant>>,
}

/// An answer that waits for the audit trail, and what the trail has of it.
struct Prepared {
    sealed: Sealed,
    details: Value,
}

/// A release under way.
struct Release<'a> {
    request: &'a Authorized<'a>,
    opened: Arc<Opened>,
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
    let body = Arc::new(body.read().await?);
    for _ in 0..ATTEMPTS {
        let record = keys::found(request, path).await?;
        attempt.named("version", &record.version);
        let (body, kid) = (Arc::clone(&body), request.vault.kid(&record.name, &record.version));
        let at = request.state.clock.now();
        let opened = run(request, move || opened(&body, kid, record, at)).await;
        let value = match opened {
            Ok(opened) => Release { request, opened: Arc::new(opened) }.answered().await,
            Err(refusal) => Err(refusal),
        };
        match value {
            Ok(Some(value)) => return Ok(ok(&json!({ "value": value }))),
            Ok(None) => {}
            Err(refusal) => return Err(told(request, refusal, attempt)),
        }
    }
    Err(Fault::unavailable("The key changes all the time; try again.").into())
}

/// Reads a request and the key's record, and says whether the key may leave at all.
fn opened(body: &[u8], kid: String, record: VaultKey, at: UnixTime) -> Result<Opened, Refusal> {
    let asked = ReleaseRequest::parse(body).map_err(|error| {
        Refusal::Other(KeyVaultError::bad_parameter(format!("{}: {error}", error.check())))
    })?;
    let (key, policy) = key_version(kid, &record).map_err(|error| failed(&error))?;
    key.policy_at(at)?;
    let policy = policy.ok_or(avouch_release::KeyRefusal::NoPolicy)?;
    let authority = Authority::claimed_by(asked.target())?;
    Ok(Opened { record, key, policy, asked, authority })
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Refusal {
    Refusal::Other(internal(error).into())
}

impl Release<'_> {
    /// Every check, the answer, the entry in the audit trail; only then is the answer given. None if the
    /// key was changed or deleted meanwhile.
    async fn answered(&self) -> Result<Option<String>, Refusal> {
        let issuer = self.issuer(None).await?;
        let prepared = match self.prepared(&issuer).await {
            Err(Refusal::Check(ReleaseRefusal::Token(TokenRefusal::Verify(error))))
                if issuer.provider.is_none() && may_be_rotated(&error) =>
            {
                let newer = self.issuer(Some(&issuer.keys)).await?;
                self.prepared(&newer).await?
            }
            other => other?,
        };
        let Some(first_use) = self.recorded(&prepared, &issuer).await? else { return Ok(None) };
        Ok(Some(prepared.sealed.given(first_use)?))
    }

    /// The keys of the authority that the token says it is of: ours without a request, those of others,
    /// if the operator has named them, by their own metadata.
    async fn issuer(&self, outdated: Option<&Arc<Jwks>>) -> Result<Issuer, Refusal> {
        let authority = &self.opened.authority;
        let providers = &self.request.state.providers;
        if let Some(name) = providers.urls().provider_of_issuer(authority) {
            providers.check_current().map_err(|fault| Refusal::Other(fault.into()))?;
            let tenant = providers.of_name(&name).ok_or_else(|| self.unknown())?;
            let identity = providers.published_of(&tenant);
            let identity = identity.map_err(|fault| Refusal::Other(fault.into()))?;
            let keys = identity.key_set().map_err(|error| failed(&error))?;
            return Ok(Issuer { keys, provider: Some(tenant) });
        }
        let keys = self.request.vault.authorities().keys(authority, outdated).await;
        let keys = keys.map_err(|fault| Refusal::Other(fault.into()))?;
        Ok(Issuer { keys: keys.ok_or_else(|| self.unknown())?, provider: None })
    }

    /// An authority whose keys nobody has named to this service.
    fn unknown(&self) -> Refusal {
        let Opened { policy, authority, .. } = &*self.opened;
        let why = if policy.envelope().policy().names(authority) {
            format!(
                "the keys of {authority} are not at hand: it is no provider of this service, and \
                 vault.authorities does not name it"
            )
        } else {
            TokenRefusal::Issuer { issuer: authority.to_string() }.to_string()
        };
        Refusal::Issuer(why, ReleaseRefusal::TOKEN)
    }

    /// The answer, if token, policy and key allow it.
    async fn prepared(&self, issuer: &Issuer) -> Result<Prepared, Refusal> {
        let random = self.request.state.random().map_err(|fault| Refusal::Other(fault.into()));
        let kek = KeyEncryptionKey::from_random(&mut random?);
        let (opened, issuer) = (Arc::clone(&self.opened), issuer.clone());
        let state = Arc::clone(self.request.state);
        // Keys of others may have been waited for.
        let at = state.clock.now();
        let rules = *self.request.vault.rules();
        let signer = self.request.vault.signer();
        let api_version = self.request.version.name();
        run(self.request, move || {
            let Opened { record, key, asked, authority, .. } = &*opened;
            let keys = AuthorityKeys::new(authority, &issuer.keys);
            let token = AttestedToken::verify(asked.target(), keys, &rules, at)?;
            if let Some(provider) = &issuer.provider {
                check_is_attestation(&token)?;
                check_issued_by(provider, &token)?;
            }
            let judged = judge(key, &token, at)?;
            if let Some(provider) = &issuer.provider {
                check_given_for(provider, &opened)?;
            }
            let details = opened.details(&token);
            let master = state.providers.keys().master();
            let material =
                material_for_release(record, key, master).map_err(|error| failed(&error))?;
            let sealed = judged.seal(&material, asked, api_version, &kek, &signer);
            Ok(Prepared { sealed: sealed.map_err(|error| failed(&error))?, details })
        })
        .await
    }

    /// Writes the release down, and with it that the token has served; none if the key is another one by
    /// now.
    async fn recorded(
        &self,
        prepared: &Prepared,
        issuer: &Issuer,
    ) -> Result<Option<FirstUse>, Refusal> {
        let token_use = prepared.sealed.single_use().map(|single_use| VaultTokenUse {
            use_hash: use_hash(single_use),
            forget_at: single_use.forget_at,
        });
        let release = VaultRelease {
            key: &self.opened.record,
            details: &prepared.details,
            token_use: token_use.as_ref(),
            provider: issuer.provider.as_ref().map(|tenant| tenant.provider.id),
        };
        let edit = self.request.edit().map_err(|fault| Refusal::Other(fault.into()))?;
        match self.request.store().record_vault_release(&release, &edit).await {
            Ok(VaultReleaseOutcome::Written) if token_use.is_some() => {
                Ok(Some(FirstUse::Confirmed))
            }
            Ok(VaultReleaseOutcome::Written) => Ok(Some(FirstUse::NotAsked)),
            Ok(VaultReleaseOutcome::TokenUsed) => Ok(Some(FirstUse::Repeated)),
            Ok(VaultReleaseOutcome::KeyChanged) => Ok(None),
            Ok(VaultReleaseOutcome::ProviderGone) => Err(self.unknown()),
            Err(error @ StoreError::Limit { .. }) => Err(Refusal::Full(error.to_string())),
            Err(error) => Err(Refusal::Other(error.into())),
        }
    }
}

impl Opened {
    /// What the audit trail has: neither token nor key.
    fn details(&self, token: &AttestedToken) -> Value {
        json!({
            "name": self.record.name,
            "version": self.record.version,
            "releasePolicySha256":
                self.record.settings.release_policy.as_ref().map(VaultKeyPolicy::sha256),
            "authority": token.authority().as_str(),
            "claimsSha256": token.claims_sha256().to_string(),
            "enc": self.asked.algorithm().name(),
        })
    }
}

/// Providers sign results of changes with the same key.
fn check_is_attestation(token: &AttestedToken) -> Result<(), Refusal> {
    if token.claims().get(ATTESTATION_TYPE).is_some_and(Value::is_string) {
        return Ok(());
    }
    let why = format!("token has no {ATTESTATION_TYPE}: it attests nothing");
    Err(Refusal::Issuer(why, ReleaseRefusal::TOKEN))
}

/// A token that was issued before its provider was made is of another that had the name before. The
/// default provider has its name for ever.
fn check_issued_by(tenant: &Tenant, token: &AttestedToken) -> Result<(), Refusal> {
    let provider = &tenant.provider;
    let issued_at = token.claims().get("iat").and_then(Value::as_i64);
    let is_its = issued_at.is_some_and(|issued_at| issued_at >= provider.created_at.seconds());
    if is_its || provider.name.key() == ProviderName::DEFAULT {
        return Ok(());
    }
    let (name, created_at) = (&provider.name, provider.created_at);
    let why = format!("token was issued before provider {name} was made, at {created_at}");
    Err(Refusal::Issuer(why, ReleaseRefusal::TOKEN))
}

/// A policy trusts the provider that had the name when the policy was set, and none that took it since.
fn check_given_for(tenant: &Tenant, opened: &Opened) -> Result<(), Refusal> {
    let (provider, policy) = (&tenant.provider, &opened.policy);
    if policy.was_given_for(provider.name.key(), provider.id, opened.record.made) {
        return Ok(());
    }
    let why = format!(
        "provider {} was made after the release policy was set: whoever had the name then is not \
         who has it now; set the policy again to trust this one",
        provider.name
    );
    Err(Refusal::Issuer(why, ReleaseRefusal::POLICY))
}

/// Does what takes processor time where that is counted.
async fn run<T: Send + 'static>(
    request: &Authorized<'_>,
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let done = request.work.run(move || Ok::<_, KeyVaultError>(work())).await;
    done.map_err(Refusal::Other)?
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
        Refusal::Full(error) => return full(request, &error),
        Refusal::Check(refusal) => (refusal.check(), refusal.to_string(), refusal.for_strangers()),
        Refusal::Issuer(why, for_strangers) => ("token-issuer", why, for_strangers),
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

/// Nothing that this request is to blame for, and its sender may come again: what is remembered is
/// forgotten in time.
fn full(request: &Authorized<'_>, error: &str) -> KeyVaultError {
    let why = format!("token-single-use: {error}");
    tracing::warn!(why, "keys are not released");
    let message =
        if request.may_know_why() { why.as_str() } else { "Keys cannot be released just now." };
    KeyVaultError::from(Fault::unavailable(message).after(FULL_RETRY_SECONDS)).because(why)
}

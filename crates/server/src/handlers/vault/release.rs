//! `POST /keys/{name}/{version}/release`: a key for an attested workload.
//!
//! The steps are those of `avouch-release`; here they get the authority's keys, the moment, randomness
//! and the audit trail. No key leaves before the trail has it, and none that was changed or deleted since
//! it was read. A key is unwrapped only when all is judged, and only until it is wrapped for the workload.
//! All of that is one piece of work, unless the authority's keys must be waited for.
//!
//! The token is judged before the key: who has no good token does not learn in what state a key is.
//!
//! Which authorities a policy names is nobody else's to know. So what a stranger is told, and what is
//! done for the answer, depends on whom a token says it is of, and not on the policy, until the token is
//! verified.

use std::sync::Arc;
use std::time::Instant;

use avouch_pki::digest;
use avouch_release::{
    AttestedToken, Authority, AuthorityKeys, FirstUse, KeyEncryptionKey, ReleaseRefusal,
    ReleaseRequest, ReleaseSigner, Sealed, TokenRefusal, TokenRules, TokenUse, judge,
};
use avouch_store::{
    ProviderName, StoreError, Tenant, VaultKey, VaultRelease, VaultReleaseOutcome, VaultTokenUse,
};
use avouch_token::Jwks;
use avouch_wire::FailedCheck as _;
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};

use super::access::Authorized;
use super::{keys, ok};
use crate::auth::may_be_rotated;
use crate::handlers::internal;
use crate::handlers::refusals::Attempt;
use crate::http::{ReadBody, UnreadBody};
use crate::route::vault::VersionPath;
use crate::state::AppState;
use crate::token_exchange::ATTESTATION_TYPE;
use crate::vault::{KeptPolicy, ReadKey, material_for_release};
use crate::{Fault, KeyVaultError, Providers};

/// Times that a key is judged: as it is kept, and anew if it was changed meanwhile.
const ATTEMPTS: usize = 4;
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
    read: Arc<ReadKey>,
    asked: ReleaseRequest,
    /// Whom the token says it is of.
    authority: Authority,
}

/// An authority whose keys are at hand.
struct Issuer {
    keys: Arc<Jwks>,
    /// The provider of this service that it is, if it is one.
    provider: Option<Arc<Tenant>>,
}

/// An answer that waits for the audit trail, and what the trail has of it.
struct Prepared {
    read: Arc<ReadKey>,
    provider: Option<Arc<Tenant>>,
    sealed: Sealed,
    details: Value,
}

/// How far a release comes without waiting for an authority's keys.
enum Begun {
    Prepared(Prepared),
    Waits(Opened),
}

/// A key, read now or before.
enum Found {
    Record(String, Box<VaultKey>),
    Kept(Arc<ReadKey>),
}

impl Found {
    fn record(&self) -> &VaultKey {
        match self {
            Self::Record(_, record) => record,
            Self::Kept(kept) => &kept.record,
        }
    }
}

/// What a token is judged by, and a key wrapped and an answer signed with.
#[derive(Clone)]
struct Means {
    state: Arc<AppState>,
    rules: TokenRules,
    signer: Arc<ReleaseSigner>,
    api_version: &'static str,
}

/// A release under way.
struct Release<'a> {
    request: &'a Authorized<'a>,
    path: &'a VersionPath,
    means: Means,
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
            "api-version: keys are released from 7.3-preview on, not in {version}"
        )));
    }
    let actor = request.actor()?;
    request.vault.rates().take(actor, Instant::now()).map_err(Fault::too_many_requests)?;
    let body = Arc::new(body.read().await?);
    let means = Means {
        state: Arc::clone(request.state),
        rules: *request.vault.rules(),
        signer: request.vault.signer(),
        api_version: request.version.name(),
    };
    let release = Release { request, path, means };
    let mut kept = request.vault.read_keys().get(path);
    for _ in 0..ATTEMPTS {
        let before = kept.take();
        let found = match &before {
            Some(kept) => Found::Kept(Arc::clone(kept)),
            None => release.read().await?,
        };
        attempt.named("version", &found.record().version);
        match release.answered(found, Arc::clone(&body)).await {
            Ok(Some(value)) => return Ok(ok(&json!({ "value": value }))),
            Ok(None) => {}
            Err(refusal) => match before {
                Some(kept) if !release.still_is(&kept.record).await? => {}
                _ => return Err(told(request, refusal, attempt)),
            },
        }
        request.vault.read_keys().forget(path);
    }
    Err(Fault::unavailable("The key changes all the time; try again.").into())
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Refusal {
    Refusal::Other(internal(error).into())
}

impl Release<'_> {
    async fn read(&self) -> Result<Found, KeyVaultError> {
        let record = keys::found(self.request, self.path).await?;
        let kid = self.request.vault.kid(&record.name, &record.version);
        Ok(Found::Record(kid, Box::new(record)))
    }

    /// Whether the key is what it was when it was read: who is refused is refused by what is there.
    async fn still_is(&self, record: &VaultKey) -> Result<bool, KeyVaultError> {
        let VersionPath { name, version } = self.path;
        let found = self.request.store().vault_key(name, version.as_deref()).await?;
        Ok(found.as_ref() == Some(record))
    }

    /// Every check, the answer, the entry in the audit trail; only then is the answer given. None if the
    /// key was changed or deleted meanwhile.
    async fn answered(&self, found: Found, body: Arc<ReadBody>) -> Result<Option<String>, Refusal> {
        let (is_new, means) = (matches!(found, Found::Record(..)), self.means.clone());
        let prepared = match run(self.request, move || begun(&means, found, &body)).await? {
            Begun::Prepared(prepared) => prepared,
            Begun::Waits(opened) => self.of_other(Arc::new(opened)).await?,
        };
        let Some(first_use) = self.recorded(&prepared).await? else { return Ok(None) };
        let Prepared { read, sealed, .. } = prepared;
        if is_new {
            self.request.vault.read_keys().keep(self.path, read);
        }
        Ok(Some(sealed.given(first_use)?))
    }

    /// By the word of another service's provider: if the operator has named it, by the keys of its own
    /// metadata, which may have to be waited for.
    async fn of_other(&self, opened: Arc<Opened>) -> Result<Prepared, Refusal> {
        let keys = self.keys_of_other(&opened, None).await?;
        match self.prepared_by(&opened, Arc::clone(&keys)).await {
            Err(Refusal::Check(ReleaseRefusal::Token(TokenRefusal::Verify(error))))
                if may_be_rotated(&error) =>
            {
                let newer = self.keys_of_other(&opened, Some(&keys)).await?;
                self.prepared_by(&opened, newer).await
            }
            other => other,
        }
    }

    async fn keys_of_other(
        &self,
        opened: &Opened,
        outdated: Option<&Arc<Jwks>>,
    ) -> Result<Arc<Jwks>, Refusal> {
        let keys = self.request.vault.authorities().keys(&opened.authority, outdated).await;
        keys.map_err(|fault| Refusal::Other(fault.into()))?.ok_or_else(|| opened.unknown())
    }

    async fn prepared_by(
        &self,
        opened: &Arc<Opened>,
        keys: Arc<Jwks>,
    ) -> Result<Prepared, Refusal> {
        let (means, opened) = (self.means.clone(), Arc::clone(opened));
        let issuer = Issuer { keys, provider: None };
        run(self.request, move || prepared(&means, &opened, issuer)).await
    }

    /// Writes the release down, and with it that the token has served; none if the key is another one by
    /// now.
    async fn recorded(&self, prepared: &Prepared) -> Result<Option<FirstUse>, Refusal> {
        let token_use = prepared.sealed.single_use().map(|single_use| VaultTokenUse {
            use_hash: use_hash(single_use),
            forget_at: single_use.forget_at,
        });
        let release = VaultRelease {
            key: &prepared.read.record,
            is_current: self.path.version.is_none(),
            details: &prepared.details,
            token_use: token_use.as_ref(),
            provider: prepared.provider.as_ref().map(|tenant| tenant.provider.id),
        };
        let edit = self.request.edit().map_err(|fault| Refusal::Other(fault.into()))?;
        match self.request.store().record_vault_release(&release, &edit).await {
            Ok(VaultReleaseOutcome::Written) if token_use.is_some() => {
                Ok(Some(FirstUse::Confirmed))
            }
            Ok(VaultReleaseOutcome::Written) => Ok(Some(FirstUse::NotAsked)),
            Ok(VaultReleaseOutcome::TokenUsed) => Ok(Some(FirstUse::Repeated)),
            Ok(VaultReleaseOutcome::KeyChanged) => Ok(None),
            Ok(VaultReleaseOutcome::ProviderGone) => Err(provider_gone()),
            Err(error @ StoreError::Limit { .. }) => Err(Refusal::Full(error.to_string())),
            Err(error) => Err(Refusal::Other(error.into())),
        }
    }
}

/// All that can be done at once: reads the request, and, if its token says that it is of a provider of this
/// service, judges it and prepares the answer.
fn begun(means: &Means, found: Found, body: &[u8]) -> Result<Begun, Refusal> {
    let asked = ReleaseRequest::parse(body).map_err(|error| {
        Refusal::Other(KeyVaultError::bad_parameter(format!("{}: {error}", error.check())))
    })?;
    let read = match found {
        Found::Kept(kept) => kept,
        Found::Record(kid, record) => {
            Arc::new(ReadKey::of(kid, *record).map_err(|error| failed(&error))?)
        }
    };
    let authority = Authority::claimed_by(asked.target())?;
    let opened = Opened { read, asked, authority };
    Ok(match own_issuer(&means.state.providers, &opened)? {
        Some(issuer) => Begun::Prepared(prepared(means, &opened, issuer)?),
        None => Begun::Waits(opened),
    })
}

/// The provider of this service that the token says it is of, with its keys; none if it is of another
/// service.
fn own_issuer(providers: &Providers, opened: &Opened) -> Result<Option<Issuer>, Refusal> {
    let Some(name) = providers.urls().provider_of_issuer(&opened.authority) else {
        return Ok(None);
    };
    providers.check_current().map_err(|fault| Refusal::Other(fault.into()))?;
    let tenant = providers.of_name(&name).ok_or_else(|| opened.unknown())?;
    let identity = providers.published_of(&tenant);
    let identity = identity.map_err(|fault| Refusal::Other(fault.into()))?;
    let may_sign = providers.keys().unusable().is_none();
    let keys = identity.key_set(may_sign).map_err(|error| failed(&error))?;
    Ok(Some(Issuer { keys, provider: Some(tenant) }))
}

/// The answer, if token, policy and key allow it.
fn prepared(means: &Means, opened: &Opened, issuer: Issuer) -> Result<Prepared, Refusal> {
    let Means { state, rules, signer, api_version } = means;
    let Opened { read, asked, authority } = opened;
    let Issuer { keys, provider } = issuer;
    // Keys of others may have been waited for.
    let at = state.clock.now();
    let token =
        AttestedToken::verify(asked.target(), AuthorityKeys::new(authority, &keys), rules, at)?;
    if let Some(provider) = &provider {
        check_is_attestation(&token)?;
        check_issued_by(provider, &token)?;
    }
    let judged = judge(&read.key, &token, at)?;
    if let Some(provider) = &provider {
        check_given_for(provider, read)?;
    }
    let random = state.random().map_err(|fault| Refusal::Other(fault.into()));
    let kek = KeyEncryptionKey::from_random(&mut random?);
    let master = state.providers.keys().master();
    let material = material_for_release(&read.record, &read.key, master);
    let material = material.map_err(|error| failed(&error))?;
    let sealed = judged.seal(&material, asked, api_version, &kek, signer);
    let sealed = sealed.map_err(|error| failed(&error))?;
    let details = opened.details(&token);
    Ok(Prepared { read: Arc::clone(read), provider, sealed, details })
}

impl Opened {
    /// An authority whose keys nobody has named to this service.
    fn unknown(&self) -> Refusal {
        let Self { read, authority, .. } = self;
        let is_named = |policy: &KeptPolicy| policy.envelope().policy().names(authority);
        let why = if read.policy.as_ref().is_some_and(is_named) {
            format!(
                "the keys of {authority} are not at hand: it is no provider of this service, and \
                 vault.authorities does not name it"
            )
        } else {
            TokenRefusal::Issuer { issuer: authority.to_string() }.to_string()
        };
        Refusal::Issuer(why, ReleaseRefusal::TOKEN)
    }

    /// What the audit trail has: neither token nor key.
    fn details(&self, token: &AttestedToken) -> Value {
        json!({
            "name": self.read.record.name,
            "version": self.read.record.version,
            "releasePolicySha256": self.read.policy_sha256,
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

/// It was there when the token was judged.
fn provider_gone() -> Refusal {
    let why = "the provider was deleted while its token was judged".to_owned();
    Refusal::Issuer(why, ReleaseRefusal::TOKEN)
}

/// A policy trusts the provider that had the name when the policy was set, and none that took it since.
fn check_given_for(tenant: &Tenant, read: &ReadKey) -> Result<(), Refusal> {
    let provider = &tenant.provider;
    let was_given = |policy: &KeptPolicy| {
        policy.was_given_for(provider.name.key(), provider.id, read.record.made)
    };
    if read.policy.as_ref().is_some_and(was_given) {
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

//! All providers: found by name in the store's directory, made ready when first asked for.

mod url;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use avouch_engine::PolicyInForce;
use avouch_store::{
    Actor, ActorKind, Directory, Edit, NewProvider, ProviderName, ResourceScope, Sequence, Store,
    StoreError, Tenant, TenantPolicy,
};
use avouch_wire::{EvidenceKind, UnixTime, excerpt};
use moka::sync::Cache;
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::config::AppraisalConfig;
use crate::keys::SigningKeys;
use crate::provider::{Provider, ProviderError, ProviderIdentity, PublishedKeys, ReadyPolicies};
use crate::work::Work;
use crate::{ApiError, Fault};

pub use url::{ProviderUrls, UrlError};

/// Providers whose certificates are made at once.
const CERTIFYING_AT_ONCE: usize = 2;
/// Longest wait for this instance to see its own write before the answer goes out.
const SEEN_WITHIN: Duration = Duration::from_secs(5);

/// What providers are made from.
pub struct ProvidersOptions {
    /// Under which URLs they answer.
    pub urls: ProviderUrls,
    /// What signs their tokens and reports.
    pub keys: Arc<SigningKeys>,
    /// What each accepts of verified evidence.
    pub appraisal: AppraisalConfig,
    /// Bytes of policies held in memory.
    pub policy_bytes_max: u64,
    /// Most providers held with compiled policies.
    pub ready_max: u64,
    /// How long what is in memory is served while the database is out of reach, in seconds.
    pub served_without_seconds_max: u64,
    /// Bytes that they take, each with its compiled policies.
    pub ready_bytes_max: u64,
    /// Whether an Isolated provider refuses signed requests that it has accepted before.
    pub signed_requests_once: bool,
}

/// Why the providers cannot be served.
#[derive(Debug, Error)]
pub enum ProvidersError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A provider cannot be made ready.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}

/// All providers of a service.
///
/// The directory knows who there is, from the store's change feed. A provider is made ready when a
/// request first names it, and again when its version has changed; policies already compiled are
/// found by the hash of their JWS. So nothing here can outlive a change that the directory knows.
pub struct Providers {
    store: Store,
    directory: Directory,
    options: ProvidersOptions,
    defaults: ReadyPolicies,
    identities: Cache<u64, Arc<ProviderIdentity>>,
    ready: Cache<u64, Arc<Provider>>,
    compiled: Cache<[u8; 32], Arc<PolicyInForce>>,
    /// For how many certificates are made at once.
    certifying: Arc<Semaphore>,
}

impl Providers {
    /// Opens the directory of a store, and makes the default provider if there is none yet.
    ///
    /// # Errors
    /// [`ProvidersError`].
    pub async fn open(
        store: Store,
        options: ProvidersOptions,
        now: UnixTime,
    ) -> Result<Self, ProvidersError> {
        ensure_default(&store, now).await?;
        let directory = Directory::load(&store, options.policy_bytes_max).await?;
        let defaults = EvidenceKind::appraised()
            .filter_map(|kind| PolicyInForce::default_for(kind).map(|p| (kind, Ok(Arc::new(p)))))
            .collect();
        let providers = Self {
            store,
            directory,
            defaults,
            identities: Cache::new(options.ready_max),
            ready: ready_providers(options.ready_bytes_max, options.ready_max),
            compiled: compiled_policies(options.policy_bytes_max),
            certifying: Arc::new(Semaphore::new(CERTIFYING_AT_ONCE)),
            options,
        };
        // What can fail for every provider alike fails at the start.
        let default = providers.directory.tenant(ProviderName::DEFAULT);
        let id = default.map_or(0, |tenant| tenant.provider.id.get());
        providers.identity(ProviderName::DEFAULT, id)?.make_published(true)?;
        Ok(providers)
    }

    /// The store below.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Whether an Isolated provider takes each signed request only once.
    #[must_use]
    pub const fn signed_requests_once(&self) -> bool {
        self.options.signed_requests_once
    }

    /// The last moment of which it is known that all changes until then are followed.
    #[must_use]
    pub fn current_at(&self) -> Instant {
        self.directory.current_at().min(self.options.keys.current_at())
    }

    /// What signs their tokens and reports.
    #[must_use]
    pub const fn keys(&self) -> &Arc<SigningKeys> {
        &self.options.keys
    }

    /// Under which URLs the providers answer.
    #[must_use]
    pub const fn urls(&self) -> &ProviderUrls {
        &self.options.urls
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.directory.len()
    }

    /// For how long the database may have had changes that are not known here.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.current_at().elapsed()
    }

    /// Whether what is known here is young enough to judge by.
    #[must_use]
    pub fn are_current(&self) -> bool {
        self.age() <= Duration::from_secs(self.options.served_without_seconds_max)
    }

    /// Demands that what is known here is young enough to judge by.
    ///
    /// # Errors
    /// 503 if the database has been out of reach for too long.
    pub(crate) fn check_current(&self) -> Result<(), Fault> {
        if self.are_current() {
            return Ok(());
        }
        Err(Fault::unavailable(
            "The service has been without its database for too long to know the policies in force.",
        ))
    }

    /// Whether changes are still being followed.
    #[must_use]
    pub fn are_followed(&self) -> bool {
        self.directory.is_following()
    }

    /// What is in memory of the provider of this name, in any case.
    #[must_use]
    pub fn tenant(&self, name: &str) -> Option<Arc<Tenant>> {
        self.directory.tenant(name)
    }

    /// The subscriptions of the providers of these names, or of all for none; each once, in order.
    pub(crate) fn subscriptions(&self, names: Option<BTreeSet<&str>>) -> Vec<String> {
        let Some(names) = names else { return self.directory.subscriptions() };
        let tenants = names.into_iter().filter_map(|name| self.directory.tenant(name));
        let mut found = BTreeMap::new();
        for tenant in tenants {
            let subscription = tenant.provider.scope.subscription().to_owned();
            found.entry(subscription.to_ascii_lowercase()).or_insert(subscription);
        }
        found.into_values().collect()
    }

    /// What is in memory of the provider that a path prefix or host name names, or of the default
    /// one for none.
    fn named(&self, name: Option<&str>) -> Result<Arc<Tenant>, Fault> {
        // The default provider has one address, the root.
        let own = |name: &&str| {
            !name.eq_ignore_ascii_case(ProviderName::DEFAULT) && !self.options.urls.is_taken(name)
        };
        let named = name.filter(own);
        let tenant = match (name, named) {
            (None, _) => self.directory.tenant(ProviderName::DEFAULT),
            (Some(_), Some(name)) => self.directory.tenant(name),
            (Some(_), None) => None,
        };
        tenant.ok_or_else(|| unknown(name))
    }

    /// What the named provider publishes; nothing else of it is made ready.
    ///
    /// # Errors
    /// 404 if there is none; 500 if its URL cannot be an issuer; 503 if the database has been out of reach for
    /// longer than a token lives.
    pub(crate) fn published(&self, name: Option<&str>) -> Result<Arc<ProviderIdentity>, Fault> {
        let tenant = self.named(name)?;
        self.published_of(&tenant)
    }

    /// The key set of a provider as it goes out.
    ///
    /// # Errors
    /// 503 if a token that keeps keys is away and there are no certificates of before, 500 if one cannot be made.
    pub(crate) async fn published_keys(
        &self,
        identity: &Arc<ProviderIdentity>,
    ) -> Result<Arc<PublishedKeys>, ApiError> {
        let may_sign = self.keys().unusable().is_none();
        identity.published(&self.certifying, may_sign).await
    }

    /// The provider of this name, the default one among them; none if there is none.
    pub(crate) fn of_name(&self, name: &str) -> Option<Arc<Tenant>> {
        self.named(Some(name).filter(|name| *name != ProviderName::DEFAULT)).ok()
    }

    /// What a provider publishes.
    ///
    /// # Errors
    /// 500 if its URL cannot be an issuer; 503 if the database has been out of reach for longer than a token
    /// lives.
    pub(crate) fn published_of(&self, tenant: &Tenant) -> Result<Arc<ProviderIdentity>, Fault> {
        if self.age() > self.options.keys.published_for() {
            return Err(Fault::unavailable(
                "The service has been without its database for too long to know its keys.",
            ));
        }
        let provider = &tenant.provider;
        self.identity(provider.name.key(), provider.id.get()).map_err(|error| internal(&error))
    }

    /// The named provider, with its policies compiled.
    ///
    /// # Errors
    /// 404 if there is none; 500 or 503 if it cannot be made ready.
    pub(crate) async fn find(
        &self,
        name: Option<&str>,
        work: Work<'_>,
    ) -> Result<Arc<Provider>, ApiError> {
        let tenant = self.named(name)?;
        let id = tenant.provider.id.get();
        // The very one in the directory: number and version may come again after a failover.
        if let Some(ready) = self.ready.get(&id)
            && ready.is_of(&tenant)
            && ready.has_keys_of(&self.options.keys.set())
        {
            return Ok(ready);
        }
        let ready = Arc::new(self.make_ready(tenant, work).await?);
        // What failed may be had the next time.
        if ready.has_all_policies() {
            self.ready.insert(id, Arc::clone(&ready));
        }
        Ok(ready)
    }

    /// How many are held ready.
    pub(crate) fn ready_count(&self) -> u64 {
        self.ready.run_pending_tasks();
        self.ready.entry_count()
    }

    /// Waits until this instance has seen a write of its own, so that whoever was answered 200
    /// finds it done.
    pub async fn saw(&self, sequence: Sequence) {
        let seen = self.directory.wait_for(sequence);
        if tokio::time::timeout(SEEN_WITHIN, seen).await.is_err() {
            tracing::warn!(%sequence, "the directory has not seen a write yet");
        }
    }

    async fn make_ready(&self, tenant: Arc<Tenant>, work: Work<'_>) -> Result<Provider, ApiError> {
        let name = tenant.provider.name.key();
        let identity =
            self.identity(name, tenant.provider.id.get()).map_err(|error| internal(&error))?;
        let mut policies = self.defaults.clone();
        for stored in &tenant.policies {
            let kind = stored.attestation_type;
            if kind.is_appraised() {
                policies.insert(kind, self.compiled(&tenant, stored, work).await);
            }
        }
        let settings = self.options.appraisal.settings_for(name);
        Ok(Provider::new(tenant, identity, policies, settings))
    }

    fn identity(&self, name: &str, id: u64) -> Result<Arc<ProviderIdentity>, ProviderError> {
        let url = self.options.urls.of(name);
        let set = self.options.keys.set();
        let known = self.identities.get(&id);
        if let Some(known) = &known
            && known.url() == url
            && known.is_of(&set)
        {
            return Ok(Arc::clone(known));
        }
        let keys = self.options.keys.of_provider(&set, name, id)?;
        let identity = ProviderIdentity::new(&url, set, keys, known.as_deref())?;
        let identity = Arc::new(identity);
        if id != 0 {
            self.identities.insert(id, Arc::clone(&identity));
        }
        Ok(identity)
    }

    /// The JWS of a policy in force, from memory or from the store.
    ///
    /// # Errors
    /// 503 if it was replaced meanwhile or the store is out of reach.
    pub async fn stored_jws(
        &self,
        tenant: &Tenant,
        stored: &TenantPolicy,
    ) -> Result<Vec<u8>, ApiError> {
        if let Some(jws) = &stored.jws {
            return Ok(jws.to_vec());
        }
        let (id, kind) = (tenant.provider.id, stored.attestation_type);
        let found = self.store.policy_revision_jws(id, kind, stored.revision).await?;
        Ok(found.ok_or_else(|| Fault::unavailable("The policy is just being changed."))?)
    }

    async fn compiled(
        &self,
        tenant: &Tenant,
        stored: &TenantPolicy,
        work: Work<'_>,
    ) -> Result<Arc<PolicyInForce>, ApiError> {
        if let Some(known) = self.compiled.get(&stored.token_hash) {
            return Ok(known);
        }
        let jws = self.stored_jws(tenant, stored).await?;
        let (known, hash) = (self.compiled.clone(), stored.token_hash);
        // Of several who need it one compiles it.
        let compile = move || {
            let policy = known.try_get_with(hash, || PolicyInForce::from_jws(&jws).map(Arc::new));
            policy.map_err(|error| internal(&*error).into())
        };
        work.run(compile).await
    }
}

/// Providers held ready, within a budget of bytes and of number: each takes at least its share.
fn ready_providers(bytes_max: u64, number_max: u64) -> Cache<u64, Arc<Provider>> {
    let share = bytes_max.div_ceil(number_max.max(1));
    let weight = move |_: &u64, provider: &Arc<Provider>| {
        u32::try_from(provider.held_bytes().max(share)).unwrap_or(u32::MAX)
    };
    Cache::builder().weigher(weight).max_capacity(bytes_max).build()
}

/// Compiled policies within a budget of bytes, each counted as its JWS: what is compiled from it
/// takes a few times that.
fn compiled_policies(bytes_max: u64) -> Cache<[u8; 32], Arc<PolicyInForce>> {
    let weight = |_: &[u8; 32], policy: &Arc<PolicyInForce>| {
        u32::try_from(policy.jws().len()).unwrap_or(u32::MAX)
    };
    Cache::builder().weigher(weight).max_capacity(bytes_max).build()
}

async fn ensure_default(store: &Store, now: UnixTime) -> Result<(), StoreError> {
    if store.provider(ProviderName::DEFAULT).await?.is_some() {
        return Ok(());
    }
    let scope = ResourceScope::parse("00000000-0000-0000-0000-000000000000", "avouch")?;
    let new = NewProvider::new(ProviderName::default_provider(), scope, "default");
    let actor = Actor::new(ActorKind::Application, "avouch")?;
    match store.create_provider(&new, &Edit::new(&actor, now)).await {
        // Another instance was faster.
        Ok(_) | Err(StoreError::AlreadyExists { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

fn unknown(name: Option<&str>) -> Fault {
    let name = excerpt(name.unwrap_or_default());
    Fault::not_found(format!("There is no attestation provider {name}."))
}

fn internal(error: &(dyn std::error::Error + 'static)) -> Fault {
    tracing::error!(error, "a provider cannot be made ready");
    Fault::internal()
}

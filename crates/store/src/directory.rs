//! All providers in memory, kept current by the change feed: what a request reads.
//!
//! A request finds its provider with one hash look-up and no I/O. Policies are held up to a
//! budget of bytes; beyond it only their hashes are, and the JWS is read from the store.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use avouch_wire::EvidenceKind;
use tokio::sync::watch;

use crate::certificate::{PolicyCertificate, certificate_columns, read_certificate};
use crate::columns::columns;
use crate::driver::{Row, Tx};
use crate::error::StoreError;
use crate::feed::{Change, ChangeKind, Subscription};
use crate::names::{ProviderId, ProviderName};
use crate::policy::Signer;
use crate::provider::{Provider, provider_columns, read_provider};
use crate::store::{Sequence, Store};
use crate::task::Task;

/// Providers read at a time while loading.
const LOAD_ROWS: u64 = 200;
/// Pause after the store was unavailable.
const RETRY: Duration = Duration::from_millis(250);

/// A provider with everything a request needs of it, as of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    /// The provider as of this version.
    pub provider: Provider,
    /// Its policies in force; a type without an entry has the default policy.
    pub policies: Vec<TenantPolicy>,
    /// Its policy certificates, in the order of their addition.
    pub certificates: Vec<PolicyCertificate>,
}

impl Tenant {
    /// The policy in force for a type, or `None` for the default policy.
    #[must_use]
    pub fn policy(&self, attestation_type: EvidenceKind) -> Option<&TenantPolicy> {
        self.policies.iter().find(|policy| policy.attestation_type == attestation_type)
    }
}

/// A policy in force.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantPolicy {
    /// Its type.
    pub attestation_type: EvidenceKind,
    /// 1, 2, 3, … for each type.
    pub revision: u64,
    /// SHA-256 of the JWS: the key for a cache of compiled policies.
    pub token_hash: [u8; 32],
    /// SHA-256 as in `x-ms-policy-hash`.
    pub text_hash: [u8; 32],
    /// Who signed it; none for an unsigned JWS.
    pub signer: Option<Signer>,
    /// The JWS, or `None` when the budget was used up: then
    /// [`Store::policy_revision_jws`] has it.
    pub jws: Option<Arc<[u8]>>,
}

columns! {
    tenant_policy_columns, read_tenant_policy -> (u64, [u8; 32], [u8; 32], Option<Signer>) {
        revision: u64,
        token_hash: digest,
        text_hash: digest,
        signer_jwk: opt_text,
        signer_thumbprint: opt_digest,
    } => (revision, token_hash, text_hash, Signer::stored(signer_jwk, signer_thumbprint))
}

/// All providers by name.
#[derive(Debug)]
pub struct Directory {
    shared: Arc<Shared>,
    task: Task,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    tenants: RwLock<HashMap<String, Arc<Tenant>>>,
    policy_bytes: AtomicU64,
    policy_bytes_max: u64,
    version: watch::Sender<u64>,
    /// The last moment of which it is known that nothing was missing here.
    current_at: Mutex<Instant>,
}

impl Directory {
    /// Reads everything and keeps it current from then on. Policies take at most
    /// `policy_bytes_max` bytes of memory.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn load(store: &Store, policy_bytes_max: u64) -> Result<Self, StoreError> {
        let started = Instant::now();
        // Subscribe first: what is written while loading is then read again, not missed.
        let changes = store.subscribe().await?;
        let shared = Arc::new(Shared {
            store: store.clone(),
            tenants: RwLock::default(),
            policy_bytes: AtomicU64::new(0),
            policy_bytes_max,
            version: watch::Sender::new(changes.seen().0),
            current_at: Mutex::new(started),
        });
        shared.load_all().await?;
        let (for_task, mut first) = (Arc::clone(&shared), Some(changes));
        let task =
            Task::spawn("follow changes", move || follow(Arc::clone(&for_task), first.take()));
        Ok(Self { shared, task })
    }

    /// The last moment of which it is known that everything written until then was in here. While
    /// the database answers and changes can be read it is a fraction of a second ago; a limit on
    /// its age is a limit on how long memory is served without a database.
    #[must_use]
    pub fn current_at(&self) -> Instant {
        *self.shared.current_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether changes are still followed: only the end of the runtime stops that.
    #[must_use]
    pub fn is_following(&self) -> bool {
        self.task.is_running()
    }

    /// The provider of that name in any case.
    #[must_use]
    pub fn tenant(&self, name: &str) -> Option<Arc<Tenant>> {
        let key = ProviderName::key_of(name).ok()?;
        let tenants = self.shared.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.get(&key).map(Arc::clone)
    }

    /// The subscriptions that providers are in, each once however it is written, in order.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<String> {
        let tenants = self.shared.tenants.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = BTreeMap::new();
        for tenant in tenants.values() {
            let scope = &tenant.provider.scope;
            let spelled = found.entry(scope.subscription_key()).or_insert(scope.subscription());
            // Of several spellings the same one every time.
            *spelled = (*spelled).min(scope.subscription());
        }
        found.into_values().map(str::to_owned).collect()
    }

    /// How many providers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.tenants.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// True without any provider.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of policies held in memory.
    #[must_use]
    pub fn policy_bytes(&self) -> u64 {
        self.shared.policy_bytes.load(Ordering::Relaxed)
    }

    /// The sequence up to which every change is in the directory.
    #[must_use]
    pub fn version(&self) -> Sequence {
        Sequence(*self.shared.version.borrow())
    }

    /// Waits until the directory knows a write of this store: so that who was answered 200 finds
    /// the new policy at once. Bound it with a time-out; it waits as long as the store is
    /// unavailable.
    pub async fn wait_for(&self, sequence: Sequence) {
        // A write that changed nothing has a sequence, but no change will ever carry it.
        let wanted = sequence.0.min(self.shared.store.latest_change().0);
        let mut version = self.shared.version.subscribe();
        // Fails only when the directory is dropped, and then nobody waits.
        let _ = version.wait_for(|version| *version >= wanted).await;
    }
}

/// Applies changes as they come, for ever; a failure is tried again until the store is back.
/// Without a place in the feed everything is read first.
async fn follow(shared: Arc<Shared>, place: Option<Subscription>) {
    let mut log = Log::default();
    let mut changes = match place {
        Some(changes) => changes,
        None => loop {
            match shared.reload().await {
                Ok(changes) => break changes,
                Err(error) => log.pause_after(&error).await,
            }
        },
    };
    loop {
        match changes.look_again().await {
            Ok((batch, current)) => {
                while let Err(error) = shared.apply_all(&batch).await {
                    log.pause_after(&error).await;
                }
                if let Some(moment) = current {
                    *shared.current_at.lock().unwrap_or_else(PoisonError::into_inner) = moment;
                }
                shared.version.send_if_modified(|version| {
                    std::mem::replace(version, changes.seen().0) != changes.seen().0
                });
                log.well();
            }
            Err(error) => log.pause_after(&error).await,
        }
    }
}

/// Says once that changes cannot be read, and once that they can be again.
#[derive(Default)]
struct Log {
    failing: bool,
}

impl Log {
    async fn pause_after(&mut self, error: &StoreError) {
        if !self.failing {
            tracing::warn!(error = error.chain(), "cannot read changes; will try again");
        }
        self.failing = true;
        tokio::time::sleep(RETRY).await;
    }

    fn well(&mut self) {
        if self.failing {
            tracing::info!("changes can be read again");
        }
        self.failing = false;
    }
}

impl Shared {
    async fn reload(&self) -> Result<Subscription, StoreError> {
        let changes = self.store.subscribe().await?;
        self.load_all().await?;
        Ok(changes)
    }

    /// Reads everything. What is as it was keeps its place in memory: caches know it by that.
    async fn load_all(&self) -> Result<(), StoreError> {
        let mut tenants = HashMap::new();
        let mut budget = Budget { used: 0, allowed: self.policy_bytes_max };
        let mut after = 0;
        loop {
            let page = self.read_page(after, &mut budget).await?;
            let Some(last) = page.last else { break };
            after = last;
            for tenant in page.tenants {
                let tenant = match self.held(&tenant.provider.name) {
                    Some(held) if *held == tenant => held,
                    _ => Arc::new(tenant),
                };
                tenants.insert(tenant.provider.name.key().to_owned(), tenant);
            }
        }
        tenants.shrink_to_fit();
        *self.tenants.write().unwrap_or_else(PoisonError::into_inner) = tenants;
        self.policy_bytes.store(budget.used, Ordering::Relaxed);
        Ok(())
    }

    fn held(&self, name: &ProviderName) -> Option<Arc<Tenant>> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.get(name.key()).map(Arc::clone)
    }

    /// The providers after a number. Where the database cannot give them together, or not in time,
    /// each is asked for alone, and left out if it cannot be had.
    async fn read_page(&self, after: u64, budget: &mut Budget) -> Result<Found, StoreError> {
        let used = budget.used;
        if let Ok(found) = self.read(after, u64::MAX, LOAD_ROWS, budget).await {
            return Ok(found);
        }
        budget.used = used;
        let ids = self.ids_after(after).await?;
        let mut found = Found { last: ids.last().copied(), tenants: Vec::new() };
        for id in ids {
            found.tenants.extend(self.read_one(id, budget).await?);
        }
        Ok(found)
    }

    /// The provider of this number, or none if there is none or it cannot be read: then it must
    /// not be judged by what it was, nor keep all others from being current.
    async fn read_one(&self, id: u64, budget: &mut Budget) -> Result<Option<Tenant>, StoreError> {
        let used = budget.used;
        match self.read(id.saturating_sub(1), id, 1, budget).await {
            Err(error) if !error.is_unavailable() => {
                budget.used = used;
                not_served(id, &error);
                Ok(None)
            }
            done => Ok(done?.tenants.pop()),
        }
    }

    async fn read(
        &self,
        after: u64,
        through: u64,
        rows_max: u64,
        budget: &mut Budget,
    ) -> Result<Found, StoreError> {
        let mut tx = self.store.begin_read("read providers").await?;
        let found = read_tenants(&mut tx, after, through, rows_max, budget).await?;
        tx.commit().await?;
        Ok(found)
    }

    async fn ids_after(&self, after: u64) -> Result<Vec<u64>, StoreError> {
        let sql = "select id from providers where id > $1 and id <= $2 order by id limit $3";
        let values = [after.into(), u64::MAX.into(), LOAD_ROWS.into()];
        let rows = self.store.read("read providers", sql, &values).await?;
        rows.into_iter().map(|mut row| row.u64("id")).collect()
    }

    /// Applies a batch. What is read is the present state, so each provider is read once,
    /// however often it changed: a burst of writes does not make the directory lag.
    async fn apply_all(&self, batch: &[Change]) -> Result<(), StoreError> {
        if batch.iter().any(|change| change.kind == ChangeKind::Missed) {
            return self.load_all().await;
        }
        let mut read = HashSet::new();
        for change in batch {
            let id = change.provider.as_ref().map(|(id, _)| *id);
            if !id.is_some_and(|id| read.insert(id)) {
                continue;
            }
            self.apply(change).await?;
        }
        Ok(())
    }

    async fn apply(&self, change: &Change) -> Result<(), StoreError> {
        // Connections and keys are not held here, but the provider's version is.
        let Some((id, name)) = &change.provider else { return Ok(()) };
        let held = self.held_bytes(*id, name);
        let used = self.policy_bytes.load(Ordering::Relaxed).saturating_sub(held);
        let mut budget = Budget { used, allowed: self.policy_bytes_max };
        let found = self.read_one(id.0, &mut budget).await?;
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        match found {
            Some(tenant) => {
                tenants.insert(name.key().to_owned(), Arc::new(tenant));
            }
            None => {
                // The name may belong to a younger provider by now.
                if tenants.get(name.key()).is_some_and(|tenant| tenant.provider.id == *id) {
                    tenants.remove(name.key());
                }
            }
        }
        self.policy_bytes.store(budget.used, Ordering::Relaxed);
        Ok(())
    }

    fn held_bytes(&self, id: ProviderId, name: &ProviderName) -> u64 {
        self.held(name).filter(|tenant| tenant.provider.id == id).map_or(0, |it| policy_bytes(&it))
    }
}

fn policy_bytes(tenant: &Tenant) -> u64 {
    tenant.policies.iter().filter_map(|it| it.jws.as_ref()).map(|jws| jws.len() as u64).sum()
}

/// Bytes of policies in memory.
struct Budget {
    used: u64,
    allowed: u64,
}

impl Budget {
    /// Takes `bytes`, or nothing if that is too much.
    fn take(&mut self, bytes: u64) -> bool {
        let used = self.used.saturating_add(bytes);
        let fits = used <= self.allowed;
        if fits {
            self.used = used;
        }
        fits
    }
}

/// What a read of several providers found.
struct Found {
    tenants: Vec<Tenant>,
    /// The greatest number of a provider in the range, also of one that could not be read.
    last: Option<u64>,
}

fn not_served(id: u64, error: &StoreError) {
    let error = error.chain();
    tracing::error!(provider = id, error, "a provider cannot be read and is not served");
}

/// Providers with `after < id <= through`, at most `rows_max` of them, with what they have. Those
/// of which a row cannot be read are left out.
async fn read_tenants(
    tx: &mut Tx,
    after: u64,
    through: u64,
    rows_max: u64,
    budget: &mut Budget,
) -> Result<Found, StoreError> {
    let sql = concat!(
        "select id, ",
        provider_columns!(),
        " from providers where id > $1 and id <= $2 order by id limit $3"
    );
    let used = budget.used;
    let mut found = Found { tenants: Vec::new(), last: None };
    for mut row in tx.fetch(sql, &[after.into(), through.into(), rows_max.into()]).await? {
        let id = row.u64("id")?;
        found.last = Some(id);
        match read_provider(row) {
            Ok(provider) => {
                let (policies, certificates) = (Vec::new(), Vec::new());
                found.tenants.push(Tenant { provider, policies, certificates });
            }
            Err(error) => not_served(id, &error),
        }
    }
    let Some(last) = found.last else { return Ok(found) };
    read_policies(tx, after, last, &mut found.tenants, budget).await?;
    read_certificates(tx, after, last, &mut found.tenants).await?;
    // What was left out takes nothing.
    budget.used = found.tenants.iter().map(policy_bytes).fold(used, u64::saturating_add);
    Ok(found)
}

async fn read_policies(
    tx: &mut Tx,
    after: u64,
    last: u64,
    tenants: &mut Vec<Tenant>,
    budget: &mut Budget,
) -> Result<(), StoreError> {
    // Sizes first: what does not fit the budget is not read at all. The range is said of both
    // tables: PostgreSQL does not carry it over and would read the whole history for each page.
    let bytes = tx
        .fetch_optional(
            "select cast(coalesce(sum(length(r.jws)), 0) as bigint) from policies p \
             join policy_revisions r on r.provider_id = p.provider_id \
             and r.attestation_type = p.attestation_type and r.revision = p.revision \
             where p.provider_id > $1 and p.provider_id <= $2 \
             and r.provider_id > $1 and r.provider_id <= $2",
            &[after.into(), last.into()],
        )
        .await?
        .map_or(Ok(0), |mut row| row.u64("bytes"))?;
    macro_rules! tenant_policies {
        ($jws:literal) => {
            concat!(
                "select p.provider_id, p.attestation_type, ",
                tenant_policy_columns!("r."),
                ", ",
                $jws,
                " from policies p join policy_revisions r on r.provider_id = p.provider_id \
                 and r.attestation_type = p.attestation_type and r.revision = p.revision \
                 where p.provider_id > $1 and p.provider_id <= $2 \
                 and r.provider_id > $1 and r.provider_id <= $2"
            )
        };
    }
    let sql = if budget.take(bytes) { tenant_policies!("r.jws") } else { tenant_policies!("null") };
    for mut row in tx.fetch(sql, &[after.into(), last.into()]).await? {
        let id = row.u64("provider_id")?;
        let attestation_type = row.text("attestation_type")?;
        // A type of a newer program: this one has no route that could ask for it.
        let Some(attestation_type) = EvidenceKind::from_policy_name(&attestation_type) else {
            continue;
        };
        add(tenants, id, tenant_policy(attestation_type, row), |tenant, policy| {
            tenant.policies.push(policy);
        });
    }
    Ok(())
}

/// The policy of a type: its JWS stands behind its other columns.
fn tenant_policy(attestation_type: EvidenceKind, mut row: Row) -> Result<TenantPolicy, StoreError> {
    let (revision, token_hash, text_hash, signer) = read_tenant_policy(&mut row)?;
    let jws = row.opt_bytes("jws")?.map(Arc::from);
    Ok(TenantPolicy { attestation_type, revision, token_hash, text_hash, signer, jws })
}

async fn read_certificates(
    tx: &mut Tx,
    after: u64,
    last: u64,
    tenants: &mut Vec<Tenant>,
) -> Result<(), StoreError> {
    let rows = tx
        .fetch(
            concat!(
                "select provider_id, ",
                certificate_columns!(),
                " from policy_certificates where provider_id > $1 and provider_id <= $2 \
                 order by provider_id, sequence, position"
            ),
            &[after.into(), last.into()],
        )
        .await?;
    for mut row in rows {
        let id = row.u64("provider_id")?;
        add(tenants, id, read_certificate(row), |tenant, certificate| {
            tenant.certificates.push(certificate);
        });
    }
    Ok(())
}

/// Gives a provider what was read of it, or leaves the provider out if that cannot be read.
fn add<T>(
    tenants: &mut Vec<Tenant>,
    id: u64,
    read: Result<T, StoreError>,
    put: impl FnOnce(&mut Tenant, T),
) {
    // They are in the order of their numbers.
    let Ok(place) = tenants.binary_search_by_key(&id, |tenant| tenant.provider.id.0) else {
        return;
    };
    match (read, tenants.get_mut(place)) {
        (Ok(part), Some(tenant)) => put(tenant, part),
        (Ok(_), None) => {}
        (Err(error), _) => {
            not_served(id, &error);
            tenants.remove(place);
        }
    }
}

//! All providers in memory, kept current by the change feed: what a request reads.
//!
//! A request finds its provider with one hash look-up and no I/O. Policies are held up to a
//! budget of bytes; beyond it only their hashes are, and the JWS is read from the store.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::attestation_type::AttestationType;
use crate::certificate::{PolicyCertificate, read_certificate};
use crate::driver::{Row, Tx};
use crate::error::StoreError;
use crate::feed::{Change, ChangeKind, Subscription};
use crate::names::{ProviderId, ProviderName};
use crate::policy::{Signer, read_signer};
use crate::provider::{Provider, provider_columns, read_provider};
use crate::store::{Sequence, Store};

/// Providers read at a time while loading.
const LOAD_ROWS: u64 = 200;
/// Pause after the store was unavailable.
const RETRY: Duration = Duration::from_millis(250);

/// A provider with everything a request needs of it, as of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    /// The provider.
    pub provider: Provider,
    /// Its policies in force; a type without an entry has the default policy.
    pub policies: Vec<TenantPolicy>,
    /// Its policy certificates, in the order of their addition.
    pub certificates: Vec<PolicyCertificate>,
}

impl Tenant {
    /// The policy in force for a type, or `None` for the default policy.
    #[must_use]
    pub fn policy(&self, attestation_type: AttestationType) -> Option<&TenantPolicy> {
        self.policies.iter().find(|policy| policy.attestation_type == attestation_type)
    }
}

/// A policy in force.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantPolicy {
    /// Its type.
    pub attestation_type: AttestationType,
    /// Its revision.
    pub revision: u64,
    /// SHA-256 of the JWS: the key for a cache of compiled policies.
    pub token_hash: [u8; 32],
    /// SHA-256 as in `x-ms-policy-hash`.
    pub text_hash: [u8; 32],
    /// Who signed it.
    pub signer: Option<Signer>,
    /// The JWS, or `None` when the budget was used up: then
    /// [`Store::policy_revision_jws`] has it.
    pub jws: Option<Arc<[u8]>>,
}

/// All providers by name.
#[derive(Debug)]
pub struct Directory {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    tenants: RwLock<HashMap<String, Arc<Tenant>>>,
    policy_bytes: AtomicU64,
    policy_bytes_max: u64,
    version: watch::Sender<u64>,
}

impl Directory {
    /// Reads everything and keeps it current from then on. Policies take at most
    /// `policy_bytes_max` bytes of memory.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn load(store: &Store, policy_bytes_max: u64) -> Result<Self, StoreError> {
        // Read first: what is written while loading is then read again, not missed.
        let seen = store.sequence().await?;
        let shared = Arc::new(Shared {
            store: store.clone(),
            tenants: RwLock::default(),
            policy_bytes: AtomicU64::new(0),
            policy_bytes_max,
            version: watch::Sender::new(seen.0),
        });
        shared.load_all().await?;
        let task = tokio::spawn(follow(Arc::clone(&shared), store.subscribe_after(seen)));
        Ok(Self { shared, task })
    }

    /// The provider of that name in any case.
    #[must_use]
    pub fn tenant(&self, name: &str) -> Option<Arc<Tenant>> {
        let key = ProviderName::key_of(name).ok()?;
        let tenants = self.shared.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.get(&key).map(Arc::clone)
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

impl Drop for Directory {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Applies changes as they come; a failure is tried again until the store is back.
async fn follow(shared: Arc<Shared>, mut changes: Subscription) {
    loop {
        match changes.next_batch().await {
            Ok(batch) => {
                while let Err(error) = shared.apply_all(&batch).await {
                    tracing::warn!(%error, "cannot read changes; will try again");
                    tokio::time::sleep(RETRY).await;
                }
                shared.version.send_replace(changes.seen().0);
            }
            Err(error) => {
                tracing::warn!(%error, "cannot look for changes; will try again");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

impl Shared {
    async fn load_all(&self) -> Result<(), StoreError> {
        let mut tenants = HashMap::new();
        let mut budget = Budget { used: 0, allowed: self.policy_bytes_max };
        let mut after = 0;
        loop {
            let mut tx = self.store.begin_read("load the directory").await?;
            let page = read_tenants(&mut tx, after, u64::MAX, LOAD_ROWS, &mut budget).await?;
            tx.commit().await?;
            let Some(last) = page.last() else { break };
            after = last.provider.id.0;
            for tenant in page {
                tenants.insert(tenant.provider.name.key().to_owned(), Arc::new(tenant));
            }
        }
        tenants.shrink_to_fit();
        *self.tenants.write().unwrap_or_else(PoisonError::into_inner) = tenants;
        self.policy_bytes.store(budget.used, Ordering::Relaxed);
        Ok(())
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
            match self.apply(change).await {
                Err(error @ StoreError::Corrupt { .. }) => self.take_out(change, &error),
                done => done?,
            }
        }
        Ok(())
    }

    async fn apply(&self, change: &Change) -> Result<(), StoreError> {
        // Connections and keys are not held here, but the provider's version is.
        let Some((id, name)) = &change.provider else { return Ok(()) };
        let held = self.held_bytes(*id, name);
        let used = self.policy_bytes.load(Ordering::Relaxed).saturating_sub(held);
        let mut budget = Budget { used, allowed: self.policy_bytes_max };
        let mut tx = self.store.begin_read("read a change").await?;
        let found = read_tenants(&mut tx, id.0.saturating_sub(1), id.0, 1, &mut budget).await?;
        tx.commit().await?;
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        match found.into_iter().next() {
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

    /// Takes out a provider that this program cannot read, perhaps since a newer one wrote it: it
    /// must not be judged by what it was, nor keep all others from being current.
    fn take_out(&self, change: &Change, error: &StoreError) {
        let Some((id, name)) = &change.provider else { return };
        tracing::error!(provider = name.as_str(), %error, "a provider cannot be read and is not served");
        let held = self.held_bytes(*id, name);
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        if tenants.get(name.key()).is_some_and(|tenant| tenant.provider.id == *id) {
            tenants.remove(name.key());
            self.policy_bytes.fetch_sub(held, Ordering::Relaxed);
        }
    }

    fn held_bytes(&self, id: ProviderId, name: &ProviderName) -> u64 {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.get(name.key()).filter(|tenant| tenant.provider.id == id).map_or(0, |tenant| {
            tenant
                .policies
                .iter()
                .filter_map(|it| it.jws.as_ref())
                .map(|jws| jws.len() as u64)
                .sum()
        })
    }
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

/// Providers with `after < id <= through`, at most `rows_max` of them, with what they have.
async fn read_tenants(
    tx: &mut Tx,
    after: u64,
    through: u64,
    rows_max: u64,
    budget: &mut Budget,
) -> Result<Vec<Tenant>, StoreError> {
    let sql = concat!(
        "select ",
        provider_columns!(),
        " from providers where id > $1 and id <= $2 order by id limit $3"
    );
    let rows = tx.fetch(sql, &[after.into(), through.into(), rows_max.into()]).await?;
    let mut tenants = rows
        .into_iter()
        .map(|row| {
            let provider = read_provider(row)?;
            Ok(Tenant { provider, policies: Vec::new(), certificates: Vec::new() })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    let Some(last) = tenants.last().map(|tenant| tenant.provider.id.0) else {
        return Ok(tenants);
    };
    read_policies(tx, after, last, &mut tenants, budget).await?;
    read_certificates(tx, after, last, &mut tenants).await?;
    Ok(tenants)
}

async fn read_policies(
    tx: &mut Tx,
    after: u64,
    last: u64,
    tenants: &mut [Tenant],
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
    let sql = if budget.take(bytes) {
        "select p.provider_id, p.attestation_type, r.revision, r.token_hash, r.text_hash, \
         r.signer_jwk, r.signer_thumbprint, r.jws from policies p join policy_revisions r \
         on r.provider_id = p.provider_id and r.attestation_type = p.attestation_type \
         and r.revision = p.revision where p.provider_id > $1 and p.provider_id <= $2 \
         and r.provider_id > $1 and r.provider_id <= $2"
    } else {
        "select p.provider_id, p.attestation_type, r.revision, r.token_hash, r.text_hash, \
         r.signer_jwk, r.signer_thumbprint, null from policies p join policy_revisions r \
         on r.provider_id = p.provider_id and r.attestation_type = p.attestation_type \
         and r.revision = p.revision where p.provider_id > $1 and p.provider_id <= $2 \
         and r.provider_id > $1 and r.provider_id <= $2"
    };
    for mut row in tx.fetch(sql, &[after.into(), last.into()]).await? {
        let id = row.u64("provider_id")?;
        let attestation_type = row.text("attestation_type")?;
        // A type of a newer program: this one has no route that could ask for it.
        let Some(attestation_type) = AttestationType::parse(&attestation_type) else { continue };
        let policy = read_tenant_policy(attestation_type, &mut row)?;
        if let Some(tenant) = find(tenants, id) {
            tenant.policies.push(policy);
        }
    }
    Ok(())
}

fn read_tenant_policy(
    attestation_type: AttestationType,
    row: &mut Row,
) -> Result<TenantPolicy, StoreError> {
    Ok(TenantPolicy {
        attestation_type,
        revision: row.u64("revision")?,
        token_hash: row.digest("token_hash")?,
        text_hash: row.digest("text_hash")?,
        signer: read_signer(row)?,
        jws: row.opt_bytes("jws")?.map(Arc::from),
    })
}

async fn read_certificates(
    tx: &mut Tx,
    after: u64,
    last: u64,
    tenants: &mut [Tenant],
) -> Result<(), StoreError> {
    let rows = tx
        .fetch(
            "select provider_id, thumbprint, der, added_at, added_by, added_by_kind \
             from policy_certificates where provider_id > $1 and provider_id <= $2 \
             order by provider_id, sequence, position",
            &[after.into(), last.into()],
        )
        .await?;
    for mut row in rows {
        let id = row.u64("provider_id")?;
        let certificate = read_certificate(row)?;
        if let Some(tenant) = find(tenants, id) {
            tenant.certificates.push(certificate);
        }
    }
    Ok(())
}

/// The tenants are in the order of their numbers.
fn find(tenants: &mut [Tenant], id: u64) -> Option<&mut Tenant> {
    let place = tenants.binary_search_by_key(&id, |tenant| tenant.provider.id.0).ok()?;
    tenants.get_mut(place)
}

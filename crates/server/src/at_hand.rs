//! The endorsements that evidence is judged by: those in files and those that an operator imported into
//! the database, and over them those that a keeper fetches.
//!
//! What is at hand is one snapshot. An appraisal takes it once and is judged by it to its end,
//! whatever is fetched or reloaded meanwhile.

mod chips;
mod fetching;
mod imports;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use avouch_dcap::{Collateral, TeeType};
use avouch_endorsements::{
    Change, EndorsementName, EndorsementSet, Fetched, Keeper, Published, Status,
};
use avouch_engine::{
    AmdWanted, Anchors, EndorsementSource, Engine, IntelWanted, TcbBaseline, TpmCasWanted,
};
use avouch_pki::{Certificate, Crl};
use avouch_snp::{Chain, ChainError, CrlRule};
use chips::Chips;
pub use fetching::fetched_endorsements;
pub use imports::ImportError;
use imports::Imported;
use serde_json::{Value, json};

/// The endorsements at hand, and who fetches what is not.
#[derive(Debug)]
pub struct AtHand {
    snapshot: ArcSwap<Snapshot>,
    parts: Mutex<Parts>,
    keeper: OnceLock<Keeping>,
    /// The number of the import that is in force; 0 for none.
    imported: AtomicU64,
}

/// A set, with what is said of it, which takes looking at all of it.
#[derive(Debug)]
struct Snapshot {
    set: Arc<EndorsementSet>,
    summary: OnceLock<Value>,
}

impl Snapshot {
    fn new(set: EndorsementSet) -> Self {
        Self { set: Arc::new(set), summary: OnceLock::new() }
    }
}

/// What the snapshot is made of.
#[derive(Debug)]
struct Parts {
    files: EndorsementSet,
    /// A bundle's things, as in a file; the number is that of its import.
    imported: Imported,
    /// Both of these.
    base: EndorsementSet,
    fetched: BTreeMap<EndorsementName, Published>,
}

#[derive(Debug)]
struct Keeping {
    keeper: Keeper,
    /// The longest that a request waits for what is being fetched.
    wait_max: Duration,
    /// How many chips each sender has made us ask for.
    chips: Chips,
    /// What the keeper said of itself of late: anybody may ask.
    said: Mutex<Option<(Instant, Value)>>,
}

/// How long that is repeated.
const SAID_FOR: Duration = Duration::from_secs(1);
/// Most alerts that are told.
const ALERTS_MAX: usize = 16;

impl Parts {
    fn whole(&self) -> EndorsementSet {
        self.base.with(self.fetched.values().cloned().collect())
    }
}

impl AtHand {
    /// What was in files; nothing is fetched.
    #[must_use]
    pub fn of_files(files: EndorsementSet) -> Self {
        let snapshot = ArcSwap::from_pointee(Snapshot::new(files.clone()));
        let parts = Parts {
            base: files.clone(),
            files,
            imported: Imported::default(),
            fetched: BTreeMap::new(),
        };
        let parts = Mutex::new(parts);
        Self { snapshot, parts, keeper: OnceLock::new(), imported: AtomicU64::new(0) }
    }

    /// An engine that judges by what is at hand at each moment, trusts `anchors`, and remembers at
    /// most so many bytes.
    #[must_use]
    pub fn engine(self: &Arc<Self>, anchors: Anchors, remembered_bytes_max: u64) -> Engine {
        let source: Arc<dyn EndorsementSource> = Arc::clone(self) as _;
        Engine::remembering(anchors, source, remembered_bytes_max)
    }

    /// From now on what is not at hand is fetched by `keeper`, and a request waits for it for at most
    /// `wait_max`. Whoever came first stays.
    pub fn fetch_by(&self, keeper: Keeper, wait_max: Duration) {
        let _ = self.keeper.set(Keeping {
            keeper,
            wait_max,
            chips: Chips::default(),
            said: Mutex::default(),
        });
    }

    /// The snapshot of this moment.
    #[must_use]
    pub fn snapshot(&self) -> Arc<EndorsementSet> {
        Arc::clone(&self.snapshot.load().set)
    }

    /// Takes other files; what was imported and what was fetched stays.
    pub fn replace_files(&self, files: EndorsementSet) {
        let mut parts = self.parts();
        parts.base = parts.imported.over(&files);
        parts.files = files;
        self.snapshot.store(Arc::new(Snapshot::new(parts.whole())));
    }

    /// Takes what a keeper has, or has no more.
    pub fn take(&self, change: Change) {
        let by_name = |published: Vec<Published>| published.into_iter().map(|one| (one.name, one));
        let mut parts = self.parts();
        let snapshot = match change {
            Change::Added(new) => {
                parts.fetched.extend(by_name(new.clone()));
                self.snapshot.load().set.with(new)
            }
            Change::All(left) => {
                parts.fetched = by_name(left).collect();
                parts.whole()
            }
        };
        self.snapshot.store(Arc::new(Snapshot::new(snapshot)));
    }

    /// Held while the snapshot is made, so that none is lost of two changes at once.
    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything is fetched.
    pub(crate) fn is_fetching(&self) -> bool {
        self.keeper.get().is_some()
    }

    /// Fetches what an appraisal lacked, and waits for it for as long as the configuration allows. None
    /// where nothing is fetched, and for a sender who has made us ask for too many chips: nobody has
    /// verified that there are such.
    pub(crate) async fn fetch_for(
        &self,
        sender: IpAddr,
        names: &[EndorsementName],
    ) -> Option<Fetched> {
        let keeping = self.keeper.get()?;
        let is_chip = |name: &&EndorsementName| matches!(name, EndorsementName::Vcek(..));
        let keeper = &keeping.keeper;
        let chips: Vec<_> =
            names.iter().filter(is_chip).filter(|name| keeper.is_new(name)).collect();
        let is_free = chips.iter().all(|name| keeper.has_free_turn(name));
        if !keeping.chips.take(sender, chips.len(), is_free, Instant::now()) {
            return None;
        }
        self.fetch(names).await
    }

    /// The same, for whoever bounds what is wanted by other means.
    pub(crate) async fn fetch(&self, names: &[EndorsementName]) -> Option<Fetched> {
        let keeping = self.keeper.get()?;
        Some(keeping.keeper.fetch(names, keeping.wait_max).await)
    }

    /// What the keeper says of itself, in short; none where nothing is fetched.
    pub(crate) fn fetched(&self) -> Option<Value> {
        let keeping = self.keeper.get()?;
        let now = Instant::now();
        let mut said = keeping.said.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, value)) = &*said
            && now.saturating_duration_since(*at) < SAID_FOR
        {
            return Some(value.clone());
        }
        let value = told(keeping.keeper.status());
        *said = Some((now, value.clone()));
        Some(value)
    }
}

/// Anybody may read this. What would tell which machines there are, and what is beside us in the
/// network, is left out: the log has it.
fn told(status: Status) -> Value {
    let expires = status.alerts.iter().take(ALERTS_MAX).map(|alert| alert.not_after);
    let sources = status.sources.iter().map(|source| {
        json!({
            "asked": source.asked,
            "failed": source.failed,
            "rests_seconds": source.rests_seconds,
        })
    });
    let sources: Vec<Value> = sources.collect();
    json!({
        "at_hand": status.kept_count,
        "bytes": status.kept_bytes,
        "under_way": status.under_way_count,
        "failures": status.failures_count,
        "refused_at_start": status.refused_at_start.len(),
        "store_works": status.shelf_failure.is_none(),
        "refreshes": status.refresher.is_running,
        "refresher_ends": status.refresher.ends,
        "alerts": status.alerts.len(),
        "alerts_expire": expires.collect::<Vec<_>>(),
        "sources": sources,
    })
}

impl EndorsementSource for AtHand {
    fn intel(&self, wanted: &IntelWanted<'_>) -> Option<Arc<Collateral>> {
        self.snapshot.load().set.intel(wanted)
    }

    fn tcb_baselines(&self, tee: TeeType) -> Vec<TcbBaseline> {
        self.snapshot.load().set.tcb_baselines(tee)
    }

    fn amd(&self, wanted: &AmdWanted<'_>) -> Result<Chain, ChainError> {
        self.snapshot.load().set.amd(wanted)
    }

    fn amd_crls(&self, wanted: &AmdWanted<'_>) -> Arc<Vec<Crl>> {
        self.snapshot.load().set.amd_crls(wanted)
    }

    fn amd_crl_rule(&self, wanted: &AmdWanted<'_>) -> CrlRule {
        self.snapshot.load().set.amd_crl_rule(wanted)
    }

    fn tpm_cas(&self, wanted: &TpmCasWanted<'_>) -> Vec<Certificate> {
        self.snapshot.load().set.tpm_cas(wanted)
    }

    fn summary(&self) -> Value {
        let snapshot = self.snapshot.load();
        snapshot.summary.get_or_init(|| snapshot.set.summary()).clone()
    }
}

//! The endorsements that evidence is judged by: those in files, and over them those that a keeper
//! fetches.
//!
//! What is at hand is one snapshot. An appraisal takes it once and is judged by it to its end,
//! whatever is fetched or reloaded meanwhile.

mod fetching;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use avouch_dcap::{Collateral, TeeType};
use avouch_endorsements::{Change, EndorsementName, EndorsementSet, Fetched, Keeper, Published};
use avouch_engine::{AmdWanted, Anchors, EndorsementSource, Engine, IntelWanted, TcbBaseline};
use avouch_pki::Crl;
use avouch_snp::{Chain, ChainError, CrlRule};
use serde_json::Value;

/// The endorsements at hand, and who fetches what is not.
#[derive(Debug)]
pub struct AtHand {
    snapshot: ArcSwap<EndorsementSet>,
    parts: Mutex<Parts>,
    keeper: OnceLock<Keeping>,
}

/// What the snapshot is made of.
#[derive(Debug)]
struct Parts {
    files: EndorsementSet,
    fetched: BTreeMap<EndorsementName, Published>,
}

#[derive(Debug)]
struct Keeping {
    keeper: Keeper,
    /// The longest that a request waits for what is being fetched.
    wait_max: Duration,
}

impl Parts {
    fn whole(&self) -> EndorsementSet {
        self.files.with(self.fetched.values().cloned().collect())
    }
}

impl AtHand {
    /// What was in files; nothing is fetched.
    #[must_use]
    pub fn of_files(files: EndorsementSet) -> Self {
        let snapshot = ArcSwap::from_pointee(files.clone());
        let parts = Mutex::new(Parts { files, fetched: BTreeMap::new() });
        Self { snapshot, parts, keeper: OnceLock::new() }
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
        let _ = self.keeper.set(Keeping { keeper, wait_max });
    }

    /// The snapshot of this moment.
    #[must_use]
    pub fn snapshot(&self) -> Arc<EndorsementSet> {
        self.snapshot.load_full()
    }

    /// Takes other files; what was fetched stays.
    pub fn replace_files(&self, files: EndorsementSet) {
        let mut parts = self.parts();
        parts.files = files;
        self.snapshot.store(Arc::new(parts.whole()));
    }

    /// Takes what a keeper has, or has no more.
    pub fn take(&self, change: Change) {
        let by_name = |published: Vec<Published>| published.into_iter().map(|one| (one.name, one));
        let mut parts = self.parts();
        let snapshot = match change {
            Change::Added(new) => {
                parts.fetched.extend(by_name(new.clone()));
                self.snapshot.load().with(new)
            }
            Change::All(left) => {
                parts.fetched = by_name(left).collect();
                parts.whole()
            }
        };
        self.snapshot.store(Arc::new(snapshot));
    }

    /// Held while the snapshot is made, so that none is lost of two changes at once.
    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches what an appraisal lacked, if anything is fetched here, and waits for it for as long as
    /// the configuration allows.
    pub(crate) async fn fetch(&self, names: &[EndorsementName]) -> Option<Fetched> {
        let keeping = self.keeper.get()?;
        Some(keeping.keeper.fetch(names, keeping.wait_max).await)
    }

    /// What the keeper says of itself; null where nothing is fetched.
    pub(crate) fn keeper_status(&self) -> Value {
        let status = self.keeper.get().map(|keeping| keeping.keeper.status());
        serde_json::to_value(status).unwrap_or_default()
    }
}

impl EndorsementSource for AtHand {
    fn intel(&self, wanted: &IntelWanted<'_>) -> Option<Arc<Collateral>> {
        self.snapshot.load().intel(wanted)
    }

    fn tcb_baselines(&self, tee: TeeType) -> Vec<TcbBaseline> {
        self.snapshot.load().tcb_baselines(tee)
    }

    fn amd(&self, wanted: &AmdWanted<'_>) -> Result<Chain, ChainError> {
        self.snapshot.load().amd(wanted)
    }

    fn amd_crls(&self, wanted: &AmdWanted<'_>) -> Arc<Vec<Crl>> {
        self.snapshot.load().amd_crls(wanted)
    }

    fn amd_crl_rule(&self) -> CrlRule {
        self.snapshot.load().amd_crl_rule()
    }

    fn summary(&self) -> Value {
        self.snapshot.load().summary()
    }
}

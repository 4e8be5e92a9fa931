//! Keeps endorsements at hand: fetches what is wanted once for all who want it, refreshes before
//! anything expires, and never takes back a step.
//!
//! What is at hand serves at once, whatever the sources do meanwhile. A name is fetched by one task at a
//! time, which nobody's leaving cancels; who wants it waits for that task, for as long as they choose.
//! Sources are asked in their order, each within its budget, until one gives what is proven. CRLs, chains
//! and identities of quoting enclaves need no budget: there are few of them, and a flood of names of
//! chips must not keep a CRL from being fetched.

mod clock;
mod error;
mod failures;
mod flight;
mod kept;
mod refresh;
mod shelf;
mod status;
mod turns;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use avouch_engine::Anchors;
use failures::Failures;
use futures_util::future::{join_all, select};
use kept::{Held, Kept};
use tokio::sync::watch;
use turns::Turns;

use crate::{EndorsementName, EndorsementSet, Published, Source, prove};

pub use clock::{Clock, SystemClock};
pub use error::{FetchError, FetchFailure};
pub use refresh::Running;
pub use shelf::{NoShelf, Shelf, ShelfError};
pub use status::{Alert, FailureStatus, KeptStatus, RefresherStatus, SourceStatus, Status};

/// Limits and times of a [`Keeper`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeeperSettings {
    /// How often a source is asked for something newer; before that only where something expires.
    pub refresh: Duration,
    /// How long after a source last confirmed it something serves; a VCEK always. Without, as long as it is
    /// in force.
    pub age_max: Option<Duration>,
    /// How long before something expires there is an alert.
    pub alert_before: Duration,
    /// Most fetches under way.
    pub waiting_max: usize,
    /// Most names remembered that could not be had.
    pub failures_max: usize,
    /// Wait before a name is tried again after its first failure; twice as long after each more.
    pub retry_first: Duration,
    /// Longest wait before a name is tried again, and the wait where no source has it.
    pub retry_max: Duration,
    /// Most bytes of what is at hand, with about what the maps around it take.
    pub bytes_max: usize,
}

impl Default for KeeperSettings {
    fn default() -> Self {
        Self {
            refresh: Duration::from_secs(6 * 3600),
            age_max: None,
            alert_before: Duration::from_secs(3 * 24 * 3600),
            waiting_max: 1024,
            failures_max: 4096,
            retry_first: Duration::from_secs(10),
            retry_max: Duration::from_secs(600),
            bytes_max: 128 * 1024 * 1024,
        }
    }
}

/// What changed in what is at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// These came, each in place of what had its name.
    Added(Vec<Published>),
    /// Some went, too: all that is left.
    All(Vec<Published>),
}

/// What a [`Keeper`] is made of.
pub struct KeeperParts {
    /// Whom to believe.
    pub anchors: Arc<Anchors>,
    /// Where to fetch, in order.
    pub sources: Vec<Arc<dyn Source>>,
    /// Limits and times.
    pub settings: KeeperSettings,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// A number from 0 to 1, another each time.
    pub chance: Box<dyn Fn() -> f64 + Send + Sync>,
    /// What survives a restart.
    pub shelf: Arc<dyn Shelf>,
    /// Is told of each change before anybody learns that what they wanted is there. Must be quick, and
    /// must not call the keeper.
    pub on_change: Box<dyn Fn(Change) + Send + Sync>,
}

/// What became of the names that somebody wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetched {
    /// At hand and in force.
    pub got: Vec<EndorsementName>,
    /// Still being fetched when the time was over.
    pub under_way: Vec<EndorsementName>,
    /// Not to be had now, and why.
    pub failed: Vec<Arc<FetchError>>,
}

/// Fetches and keeps endorsements. Cloning is cheap and gives the same one.
#[derive(Clone)]
pub struct Keeper {
    inner: Arc<Inner>,
}

struct Inner {
    anchors: Arc<Anchors>,
    sources: Vec<Asked>,
    settings: KeeperSettings,
    clock: Arc<dyn Clock>,
    chance: Box<dyn Fn() -> f64 + Send + Sync>,
    shelf: Arc<dyn Shelf>,
    on_change: Box<dyn Fn(Change) + Send + Sync>,
    /// Held while a change is told, so that they are told in their order.
    telling: Mutex<()>,
    state: Mutex<State>,
}

/// A source with what is known of it.
struct Asked {
    source: Arc<dyn Source>,
    of_late: Mutex<OfLate>,
}

struct OfLate {
    turns: Turns,
    asked: u64,
    failed: u64,
    last_failure: Option<String>,
}

/// How a flight ended; nothing while it is under way.
#[derive(Debug, Clone, Default)]
struct Landing(Option<Result<(), Arc<FetchError>>>);

#[derive(Default)]
struct State {
    kept: Kept,
    /// What is still to be told of it.
    changes: VecDeque<Change>,
    flights: HashMap<EndorsementName, watch::Receiver<Landing>>,
    failures: Failures,
    refresher: RefresherStatus,
    alerted: BTreeSet<EndorsementName>,
    shelf_failure: Option<String>,
    refused_at_start: Vec<String>,
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl Keeper {
    /// Takes what is on the shelf, each proven again, and tells `on_change` of it. A shelf that cannot be
    /// read, and what on it does not verify, are in the log and in [`Keeper::status`]; the keeper begins
    /// without.
    pub async fn open(parts: KeeperParts) -> Self {
        let sources = parts.sources.into_iter().map(|source| {
            let turns = Turns::new(source.budget());
            let of_late = OfLate { turns, asked: 0, failed: 0, last_failure: None };
            Asked { source, of_late: Mutex::new(of_late) }
        });
        let inner = Inner {
            anchors: parts.anchors,
            sources: sources.collect(),
            settings: parts.settings,
            clock: parts.clock,
            chance: parts.chance,
            shelf: parts.shelf,
            on_change: parts.on_change,
            telling: Mutex::default(),
            state: Mutex::default(),
        };
        let opened = match inner.shelf.load().await {
            Ok(found) => {
                let without_room = inner.take(found);
                inner.shelf.forget(&without_room).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = opened {
            inner.shelf_failed(&error);
        }
        Self { inner: Arc::new(inner) }
    }

    /// Refreshes what is at hand for as long as the outcome is held.
    #[must_use]
    pub fn start(&self) -> Running {
        refresh::start(Arc::clone(&self.inner))
    }

    /// Sees to it that these are at hand, and waits for that for so long at most. What is still under
    /// way then goes on.
    pub async fn fetch(&self, names: &[EndorsementName], wait_max: Duration) -> Fetched {
        let (mut fetched, mut waiting) = (Fetched::default(), Vec::new());
        for name in names.iter().copied().collect::<BTreeSet<_>>() {
            match self.inner.want(name) {
                Want::AtHand => fetched.got.push(name),
                Want::Failed(error) => fetched.failed.push(error),
                Want::UnderWay(over) => waiting.push((name, over)),
            }
        }
        // What is at hand is known to those who judge.
        self.inner.tell();
        if !waiting.is_empty() {
            let all = join_all(waiting.iter().map(|(_, over)| landed(over.clone())));
            select(all, self.inner.clock.sleep(wait_max)).await;
        }
        for (name, over) in waiting {
            match &over.borrow().0 {
                Some(Ok(())) => fetched.got.push(name),
                Some(Err(error)) => fetched.failed.push(Arc::clone(error)),
                None => fetched.under_way.push(name),
            }
        }
        fetched
    }

    /// Whether [`Keeper::fetch`] of this name would ask a source that is not being asked for it.
    #[must_use]
    pub fn is_new(&self, name: &EndorsementName) -> bool {
        self.inner.is_new(name)
    }

    /// Whether a source that has such things could be asked at once, without taking a turn that anybody
    /// waits for.
    #[must_use]
    pub fn has_free_turn(&self, name: &EndorsementName) -> bool {
        let now = self.inner.clock.elapsed();
        let mut asked = self.inner.sources.iter().filter(|asked| asked.source.serves(name));
        asked.any(|asked| asked.of_late().turns.is_free(now))
    }

    /// Everything at hand that serves.
    #[must_use]
    pub fn published(&self) -> Vec<Published> {
        self.inner.state().kept.serving()
    }

    /// What is at hand, what expires when, what is under way and what fails.
    #[must_use]
    pub fn status(&self) -> Status {
        status::of(&self.inner)
    }
}

enum Want {
    AtHand,
    UnderWay(watch::Receiver<Landing>),
    Failed(Arc<FetchError>),
}

async fn landed(mut over: watch::Receiver<Landing>) {
    // A flight that is gone without a word has ended too.
    let _ = over.wait_for(|landing| landing.0.is_some()).await;
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what changed, in its order. Whoever is told may take its time: what is at hand serves meanwhile.
    fn tell(&self) {
        let _one_by_one = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let next = self.state().changes.pop_front();
            let Some(change) = next else { return };
            (self.on_change)(change);
        }
    }

    /// What the shelf held. It was in force when it was fetched; whether it is now, each use asks. A source
    /// gives it anew when it is due: that nothing is newer, it may only say of what it gave to us. Returns
    /// the names of what found no room.
    fn take(&self, found: Vec<Published>) -> Vec<EndorsementName> {
        let mut without_room = Vec::new();
        let mut state = self.state();
        let mut found = found;
        // What is above VCEKs comes first.
        found.sort_by_key(|published| kept::is_vcek(&published.name));
        let is_of_tpms = |one: &&Published| matches!(one.name, EndorsementName::TpmCa(_));
        let cas = found.iter().filter(is_of_tpms).cloned().collect();
        let cas = EndorsementSet::default().with(cas);
        for published in found {
            let published = Published { etag: None, ..published };
            let issuer = issuer_name(&published.name);
            let issuer = issuer.and_then(|name| state.kept.get(&name)).map(|held| &held.published);
            let cas = cas.above(&published, published.fetched_at);
            let above: Vec<&Published> =
                issuer.into_iter().chain(cas.iter().map(|ca| &**ca)).collect();
            match prove(&published, &above, &self.anchors, published.fetched_at) {
                Ok(proven) => {
                    let chance = (self.chance)();
                    let mut held = Held::new(published, proven, None, &self.settings, chance);
                    held.withdrawn = held.is_too_old(&self.settings, self.clock.now());
                    let name = held.published.name;
                    let room = state.kept.put(held, self.settings.bytes_max);
                    without_room.extend(room.gone);
                    without_room.extend((!room.found).then_some(name));
                }
                Err(error) => {
                    let name = published.name;
                    tracing::warn!(%name, %error, "a stored endorsement is not taken");
                    state.refused_at_start.push(format!("{name}: {error}"));
                }
            }
        }
        let all = Change::All(state.kept.serving());
        state.changes.push_back(all);
        drop(state);
        self.tell();
        without_room
    }

    fn shelf_failed(&self, error: &ShelfError) {
        tracing::error!(%error, "the store of endorsements does not work");
        self.state().shelf_failure = Some(error.to_string());
    }
}

/// What is above a thing and published under a name of its own.
const fn issuer_name(name: &EndorsementName) -> Option<EndorsementName> {
    match name {
        EndorsementName::Vcek(product, _) => {
            Some(EndorsementName::VekChain(*product, avouch_snp::VekKind::Vcek))
        }
        _ => None,
    }
}

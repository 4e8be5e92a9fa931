//! A keeper with everything around it under a test's hand.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use avouch_endorsements::{
    Answer, Budget, Change, EndorsementName, Keeper, KeeperParts, KeeperSettings, Published, Shelf,
    ShelfError, Source, SourceError, SourceFailure,
};
use avouch_wire::UnixTime;
use futures_util::future::BoxFuture;

use crate::clock::ManualClock;
use crate::minted::anchors;

/// A source in memory: what it has, what it was asked for and when, how long it takes.
pub(crate) struct Scripted {
    name: Arc<str>,
    budget: Budget,
    clock: Arc<ManualClock>,
    script: Mutex<Script>,
}

#[derive(Default)]
struct Script {
    things: HashMap<EndorsementName, Published>,
    failure: Option<SourceFailure>,
    takes: Duration,
    unchanged: bool,
    panics: bool,
    asked: Vec<(EndorsementName, Duration)>,
}

pub(crate) fn generous() -> Budget {
    Budget {
        burst: NonZeroU32::new(1_000_000).unwrap(),
        pause: Duration::from_millis(1),
        wait_max: Duration::from_secs(600),
    }
}

impl Scripted {
    pub(crate) fn new(name: &str, clock: &Arc<ManualClock>, budget: Budget) -> Arc<Self> {
        let (name, clock) = (name.into(), Arc::clone(clock));
        Arc::new(Self { name, budget, clock, script: Mutex::default() })
    }

    pub(crate) fn has(&self, things: impl IntoIterator<Item = Published>) {
        let mut script = self.script.lock().unwrap();
        for thing in things {
            script.things.insert(thing.name, thing);
        }
    }

    /// Gives something else than it is asked for.
    pub(crate) fn gives(&self, name: EndorsementName, other: &Published) {
        let other = Published { name, ..other.clone() };
        self.script.lock().unwrap().things.insert(name, other);
    }

    pub(crate) fn fails(&self, failure: impl Into<Option<SourceFailure>>) {
        self.script.lock().unwrap().failure = failure.into();
    }

    pub(crate) fn takes(&self, time: Duration) {
        self.script.lock().unwrap().takes = time;
    }

    pub(crate) fn says_unchanged(&self, unchanged: bool) {
        self.script.lock().unwrap().unchanged = unchanged;
    }

    pub(crate) fn panics(&self, panics: bool) {
        self.script.lock().unwrap().panics = panics;
    }

    pub(crate) fn asked(&self) -> Vec<EndorsementName> {
        self.script.lock().unwrap().asked.iter().map(|(name, _)| *name).collect()
    }

    /// Seconds at which it was asked.
    pub(crate) fn moments(&self) -> Vec<u64> {
        self.script.lock().unwrap().asked.iter().map(|(_, moment)| moment.as_secs()).collect()
    }
}

impl Source for Scripted {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn budget(&self) -> Budget {
        self.budget
    }

    fn serves(&self, _: &EndorsementName) -> bool {
        true
    }

    fn fetch<'a>(
        &'a self,
        name: EndorsementName,
        kept: Option<&'a Published>,
        at: UnixTime,
    ) -> BoxFuture<'a, Result<Answer, SourceError>> {
        use avouch_endorsements::Clock as _;
        Box::pin(async move {
            let (takes, panics) = {
                let mut script = self.script.lock().unwrap();
                script.asked.push((name, self.clock.elapsed()));
                (script.takes, script.panics)
            };
            assert!(!panics, "the source panics");
            if !takes.is_zero() {
                self.clock.sleep(takes).await;
            }
            let script = self.script.lock().unwrap();
            let error = |failure| SourceError {
                source_name: Arc::clone(&self.name),
                path: format!("/{name}"),
                failure,
            };
            if let Some(failure) = &script.failure {
                return Err(error(failure.clone()));
            }
            if kept.is_some() && script.unchanged {
                return Ok(Answer::Unchanged(None));
            }
            let absent = || error(SourceFailure::Absent { status: 404 });
            let thing = script.things.get(&name).ok_or_else(absent)?.clone();
            let source = Arc::clone(&self.name);
            Ok(Answer::Found(Published { source, fetched_at: at, ..thing }, None))
        })
    }
}

/// A shelf in memory.
#[derive(Default)]
pub(crate) struct MemoryShelf {
    pub(crate) things: Mutex<HashMap<EndorsementName, Published>>,
    pub(crate) is_broken: Mutex<bool>,
}

impl MemoryShelf {
    fn check(&self) -> Result<(), ShelfError> {
        let broken = *self.is_broken.lock().unwrap();
        if broken { Err(ShelfError("the disk is full".to_owned())) } else { Ok(()) }
    }
}

impl Shelf for MemoryShelf {
    fn load(&self) -> BoxFuture<'_, Result<Vec<Published>, ShelfError>> {
        Box::pin(async {
            self.check()?;
            Ok(self.things.lock().unwrap().values().cloned().collect())
        })
    }

    fn find<'a>(
        &'a self,
        name: &'a EndorsementName,
    ) -> BoxFuture<'a, Result<Option<Published>, ShelfError>> {
        Box::pin(async {
            self.check()?;
            Ok(self.things.lock().unwrap().get(name).cloned())
        })
    }

    fn save<'a>(&'a self, published: &'a Published) -> BoxFuture<'a, Result<(), ShelfError>> {
        Box::pin(async {
            self.check()?;
            self.things.lock().unwrap().insert(published.name, published.clone());
            Ok(())
        })
    }

    fn forget<'a>(&'a self, names: &'a [EndorsementName]) -> BoxFuture<'a, Result<(), ShelfError>> {
        Box::pin(async {
            self.check()?;
            self.things.lock().unwrap().retain(|name, _| !names.contains(name));
            Ok(())
        })
    }
}

/// What those who judge have, as the keeper tells it; and how often it told.
#[derive(Default)]
pub(crate) struct Snapshot {
    pub(crate) things: Mutex<HashMap<EndorsementName, Published>>,
    pub(crate) changes: Mutex<usize>,
    pub(crate) panics: Mutex<bool>,
}

impl Snapshot {
    fn change(&self, change: Change) {
        assert!(!std::mem::take(&mut *self.panics.lock().unwrap()), "the snapshot panics");
        *self.changes.lock().unwrap() += 1;
        let mut things = self.things.lock().unwrap();
        let came = match change {
            Change::Added(came) => came,
            Change::All(all) => {
                things.clear();
                all
            }
        };
        things.extend(came.into_iter().map(|thing| (thing.name, thing)));
    }

    pub(crate) fn has(&self, name: &EndorsementName) -> bool {
        self.things.lock().unwrap().contains_key(name)
    }

    pub(crate) fn body(&self, name: &EndorsementName) -> Arc<[u8]> {
        Arc::clone(&self.things.lock().unwrap()[name].body)
    }
}

/// A keeper with its clock, shelf and listener.
pub(crate) struct Bench {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) shelf: Arc<MemoryShelf>,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) settings: KeeperSettings,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            clock: ManualClock::new(),
            shelf: Arc::default(),
            snapshot: Arc::default(),
            settings: KeeperSettings::default(),
        }
    }

    pub(crate) fn source(&self, name: &str) -> Arc<Scripted> {
        Scripted::new(name, &self.clock, generous())
    }

    pub(crate) async fn keeper(&self, sources: &[&Arc<Scripted>]) -> Keeper {
        let sources = sources.iter().map(|source| Arc::clone(source) as Arc<dyn Source>);
        self.keeper_of(sources.collect()).await
    }

    pub(crate) async fn keeper_of(&self, sources: Vec<Arc<dyn Source>>) -> Keeper {
        let snapshot = Arc::clone(&self.snapshot);
        self.keeper_that_tells(sources, Box::new(move |change| snapshot.change(change))).await
    }

    pub(crate) async fn keeper_that_tells(
        &self,
        sources: Vec<Arc<dyn Source>>,
        on_change: Box<dyn Fn(Change) + Send + Sync>,
    ) -> Keeper {
        Keeper::open(KeeperParts {
            anchors: Arc::new(anchors()),
            sources,
            settings: self.settings.clone(),
            clock: self.clock.clone(),
            chance: Box::new(|| 0.0),
            shelf: self.shelf.clone(),
            on_change,
        })
        .await
    }
}

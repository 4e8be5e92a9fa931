//! One name being fetched, from whichever source has it.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::failures::spread;
use super::kept::{self, Held, is_one_of_few};
use super::{
    Asked, Change, FetchError, FetchFailure, Inner, Landing, ShelfError, State, Want, issuer_name,
    landed,
};
use crate::{Answer, EndorsementName, Proven, Published, SourceError, SourceFailure, prove};

/// How long a source is left alone that is busy and does not say for how long.
const BUSY_PAUSE: Duration = Duration::from_secs(30);

impl Inner {
    /// At hand, on its way, or not to be had for now.
    pub(super) fn want(self: &Arc<Self>, name: EndorsementName) -> Want {
        let mut state = self.state();
        if state.kept.get(&name).is_some_and(|held| held.serves(self.clock.now())) {
            return Want::AtHand;
        }
        if let Some(over) = state.flights.get(&name) {
            return Want::UnderWay(over.clone());
        }
        if let Some(error) = state.failures.standing(&name, self.clock.elapsed()) {
            return Want::Failed(Arc::clone(error));
        }
        if !self.sources.iter().any(|asked| asked.source.serves(&name)) {
            return Want::Failed(Arc::new(FetchError { name, reason: FetchFailure::NoSource }));
        }
        let limit = self.settings.waiting_max;
        if state.flights.len() >= limit && !is_one_of_few(&name) {
            let reason = FetchFailure::Crowded { limit };
            return Want::Failed(Arc::new(FetchError { name, reason }));
        }
        Want::UnderWay(self.launch(&mut state, name))
    }

    /// Whether wanting it would make somebody be asked.
    pub(super) fn is_new(&self, name: &EndorsementName) -> bool {
        let state = self.state();
        let serves = state.kept.get(name).is_some_and(|held| held.serves(self.clock.now()));
        let is_known = serves
            || state.flights.contains_key(name)
            || state.failures.standing(name, self.clock.elapsed()).is_some();
        !is_known && self.sources.iter().any(|asked| asked.source.serves(name))
    }

    /// Begins to fetch a name that nobody fetches. Goes on whoever waits for it or not.
    pub(super) fn launch(
        self: &Arc<Self>,
        state: &mut State,
        name: EndorsementName,
    ) -> watch::Receiver<Landing> {
        let (end, over) = watch::channel(Landing::default());
        state.flights.insert(name, over.clone());
        let inner = Arc::clone(self);
        tokio::spawn(async move {
            let flying = Arc::clone(&inner);
            // A task of its own, so that its panic is an outcome too.
            let flight = tokio::spawn(async move { flying.fly(name).await }).await;
            let outcome = flight.unwrap_or_else(|error| {
                Err(FetchError { name, reason: FetchFailure::Ended(error.to_string()) })
            });
            let news = inner.land(name, outcome, &end);
            inner.put_on_shelf(news).await;
        });
        over
    }

    /// The flight is over: whoever waits learns how. Gives what is to be put on the shelf.
    fn land(
        &self,
        name: EndorsementName,
        outcome: Result<News, FetchError>,
        end: &watch::Sender<Landing>,
    ) -> News {
        let mut state = self.state();
        state.flights.remove(&name);
        let (landing, news) = match outcome {
            Ok(news) => {
                state.failures.remove(&name);
                (Ok(()), news)
            }
            // Others were before it: that is no fault of the name's.
            Err(error) if error.is_of_budget() => (Err(Arc::new(error)), News::default()),
            Err(error) => {
                tracing::warn!(%error, "an endorsement could not be fetched");
                let error = Arc::new(error);
                let (chance, now) = ((self.chance)(), self.clock.elapsed());
                state.failures.add(Arc::clone(&error), &self.settings, chance, now);
                (Err(error), News::default())
            }
        };
        end.send_replace(Landing(Some(landing)));
        news
    }

    async fn put_on_shelf(&self, news: News) {
        let mut outcome = Ok(());
        if let Some(published) = &news.came {
            outcome = self.save(published).await;
        }
        if !news.went.is_empty() {
            outcome = outcome.and(self.shelf.forget(&news.went).await);
        }
        match outcome {
            Ok(()) if news.came.is_some() => self.state().shelf_failure = None,
            Ok(()) => {}
            Err(error) => self.shelf_failed(&error),
        }
    }

    /// Puts this on the shelf, unless another who uses it has put something newer there.
    async fn save(&self, published: &Published) -> Result<(), ShelfError> {
        let is_one_of_many = kept::is_vcek(&published.name);
        let before = if is_one_of_many { None } else { self.shelf.find(&published.name).await? };
        if before.is_some_and(|before| self.is_newer(&before, published)) {
            return Ok(());
        }
        self.shelf.save(published).await
    }

    /// Whether what is on the shelf is genuine and newer than this.
    fn is_newer(&self, kept: &Published, than: &Published) -> bool {
        let proven = |one: &Published| prove(one, &[], &self.anchors, one.fetched_at);
        let is_other = || (&kept.body, &kept.issuer_chain) != (&than.body, &than.issuer_chain);
        is_other()
            && proven(kept).is_ok_and(|kept| {
                proven(than).is_ok_and(|than| !than.may_replace(&kept, self.clock.now()))
            })
    }

    async fn fly(self: &Arc<Self>, name: EndorsementName) -> Result<News, FetchError> {
        let kept = self.state().kept.get(&name).map(|held| held.published.clone());
        let mut errors = Vec::new();
        for asked in self.sources.iter().filter(|asked| asked.source.serves(&name)) {
            match self.ask(asked, name, kept.as_ref()).await {
                Ok(Some(news)) => return Ok(news),
                Ok(None) => {
                    let limit = self.settings.bytes_max;
                    return Err(FetchError { name, reason: FetchFailure::NoRoom { limit } });
                }
                Err(failure) => errors.push(failure),
            }
        }
        let none = errors.is_empty();
        let reason = if none { FetchFailure::NoSource } else { FetchFailure::Sources(errors) };
        Err(FetchError { name, reason })
    }

    /// Asks one source, in its turn; nothing if there is no room for what it gave.
    async fn ask(
        self: &Arc<Self>,
        asked: &Asked,
        name: EndorsementName,
        kept: Option<&Published>,
    ) -> Result<Option<News>, SourceError> {
        let error = |failure| SourceError {
            source_name: Arc::clone(asked.source.name()),
            path: name.to_string(),
            failure,
        };
        let is_few = is_one_of_few(&name);
        if !is_few {
            let wait = asked.of_late().turns.take(self.clock.elapsed()).map_err(error)?;
            if !wait.is_zero() {
                self.clock.sleep(wait).await;
            }
        }
        // It may have been told to rest while we waited.
        asked.of_late().turns.check_rest(is_few, self.clock.elapsed()).map_err(error)?;
        let outcome = match asked.source.fetch(name, kept, self.clock.now()).await {
            Ok(Answer::Found(published, fresh_for)) => {
                self.judge_and_keep(published, fresh_for).await.map_err(error)
            }
            Ok(Answer::Unchanged(fresh_for)) => {
                self.confirm(name, asked.source.name(), fresh_for).map(Some).map_err(error)
            }
            Err(error) => Err(error),
        };
        self.note(asked, outcome.as_ref().err());
        outcome
    }

    fn note(&self, asked: &Asked, error: Option<&SourceError>) {
        let (now, pause) = (self.clock.elapsed(), spread(BUSY_PAUSE, (self.chance)()));
        let mut of_late = asked.of_late();
        of_late.asked = of_late.asked.saturating_add(1);
        match error {
            None => of_late.turns.after_success(),
            Some(error) => {
                of_late.failed = of_late.failed.saturating_add(1);
                of_late.last_failure = Some(error.to_string());
                of_late.turns.after_failure(&error.failure, now, pause);
            }
        }
    }

    async fn judge_and_keep(
        self: &Arc<Self>,
        published: Published,
        fresh_for: Option<Duration>,
    ) -> Result<Option<News>, SourceFailure> {
        let proven = self.judge(&published).await?;
        self.keep(published, proven, fresh_for)
    }

    /// Proves what a source gave. The chain above a VCEK is fetched where it is needed.
    async fn judge(self: &Arc<Self>, published: &Published) -> Result<Proven, SourceFailure> {
        let above = issuer_name(&published.name);
        let issuer = || {
            let state = self.state();
            above.and_then(|name| state.kept.get(&name)).map(|held| held.published.clone())
        };
        let prove_now = |issuer: Option<Published>| {
            prove(published, issuer.as_ref().as_slice(), &self.anchors, self.clock.now())
        };
        match prove_now(issuer()) {
            Err(error) if error.lacks_issuer() => {
                if let Some(Want::UnderWay(over)) = above.map(|name| self.want(name)) {
                    landed(over).await;
                }
                Ok(prove_now(issuer())?)
            }
            outcome => Ok(outcome?),
        }
    }

    fn keep(
        &self,
        published: Published,
        proven: Proven,
        fresh_for: Option<Duration>,
    ) -> Result<Option<News>, SourceFailure> {
        let mut state = self.state();
        let at = self.clock.now();
        let before = state.kept.get(&published.name);
        if before.is_some_and(|before| !proven.may_replace(&before.proven, at)) {
            return Err(SourceFailure::Older);
        }
        let is_same = before.is_some_and(|before| {
            let Published { body, issuer_chain, .. } = &before.published;
            !before.withdrawn && (body, issuer_chain) == (&published.body, &published.issuer_chain)
        });
        let held = Held::new(published.clone(), proven, fresh_for, &self.settings, (self.chance)());
        let room = state.kept.put(held, self.settings.bytes_max);
        if !room.gone.is_empty() {
            let all = Change::All(state.kept.serving());
            state.changes.push_back(all);
        } else if room.found && !is_same {
            state.changes.push_back(Change::Added(vec![published.clone()]));
        }
        drop(state);
        self.tell();
        Ok(room.found.then_some(News { came: Some(published), went: room.gone }))
    }

    /// A source says that what it gave before is still its newest.
    fn confirm(
        &self,
        name: EndorsementName,
        source: &Arc<str>,
        fresh_for: Option<Duration>,
    ) -> Result<News, SourceFailure> {
        let at = self.clock.now();
        let mut state = self.state();
        let held = state.kept.get(&name).filter(|held| held.published.source == *source);
        let Some(held) = held.filter(|held| held.proven.window().check(at).is_ok()) else {
            let reason = "it has nothing newer than what is not at hand or not in force";
            return Err(SourceFailure::Content(reason.to_owned()));
        };
        let (published, was_withdrawn) =
            (Published { fetched_at: at, ..held.published.clone() }, held.withdrawn);
        let held = Held::new(
            published.clone(),
            held.proven.clone(),
            fresh_for,
            &self.settings,
            (self.chance)(),
        );
        state.kept.put(held, self.settings.bytes_max);
        if was_withdrawn {
            state.changes.push_back(Change::Added(vec![published.clone()]));
        }
        drop(state);
        self.tell();
        Ok(News { came: Some(published), went: Vec::new() })
    }
}

/// What the shelf is to learn of a flight.
#[derive(Debug, Default)]
pub(super) struct News {
    came: Option<Published>,
    went: Vec<EndorsementName>,
}

impl Asked {
    pub(super) fn of_late(&self) -> std::sync::MutexGuard<'_, super::OfLate> {
        self.of_late.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

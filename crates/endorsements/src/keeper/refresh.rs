//! The task that refreshes what is at hand, and the one that watches over it.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};

use super::kept::is_one_of_few;
use super::{Change, Inner, status};
use crate::EndorsementName;

/// How often it is looked what is due. Short, since the clock may be set.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Most fetches that one look begins.
const AT_ONCE_MAX: usize = 16;
/// Wait before the task is begun again after its end.
const RESTART_PAUSE: Duration = Duration::from_secs(10);

/// The refreshing of a keeper, until this is dropped.
#[derive(Debug)]
pub struct Running {
    watching: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

pub(super) fn start(inner: Arc<Inner>) -> Running {
    Running { watching: tokio::spawn(watch_over(inner)) }
}

/// Refreshes for ever; an end is a mistake of this program, is seen, and is not for good.
async fn watch_over(inner: Arc<Inner>) {
    loop {
        let mut task = JoinSet::new();
        task.spawn(refresh(Arc::clone(&inner)));
        inner.state().refresher.is_running = true;
        let end = match task.join_next().await {
            Some(Err(error)) => error.to_string(),
            Some(Ok(())) | None => "it ended".to_owned(),
        };
        tracing::error!(%end, "the refreshing of endorsements ended and begins again");
        {
            let refresher = &mut inner.state().refresher;
            refresher.is_running = false;
            refresher.ends = refresher.ends.saturating_add(1);
            refresher.last_end = Some(end);
        }
        inner.clock.sleep(RESTART_PAUSE).await;
    }
}

async fn refresh(inner: Arc<Inner>) {
    loop {
        inner.look();
        inner.clock.sleep(LOOK_EVERY).await;
    }
}

impl Inner {
    /// Withdraws what is too old, begins to fetch what is due, and tells what is about to expire.
    fn look(self: &Arc<Self>) {
        let (at, now) = (self.clock.now(), self.clock.elapsed());
        let mut state = self.state();
        let mut is_changed = false;
        for held in state.kept.iter_mut() {
            let is_too_old = held.is_too_old(&self.settings, at);
            is_changed |= is_too_old != held.withdrawn;
            held.withdrawn = is_too_old;
        }
        if is_changed {
            let all = Change::All(state.kept.serving());
            state.changes.push_back(all);
        }
        let is_free = |name: &EndorsementName| {
            !state.flights.contains_key(name) && state.failures.standing(name, now).is_none()
        };
        // Whatever strangers want, what is at hand has some room to be refreshed.
        let room = self.settings.waiting_max.saturating_add(AT_ONCE_MAX);
        let mut room = room.saturating_sub(state.flights.len());
        let mut due: Vec<_> = state
            .kept
            .iter()
            .filter(|held| held.is_due(at) && is_free(&held.published.name))
            .map(|held| {
                let name = held.published.name;
                (!is_one_of_few(&name), held.proven.window().not_after, name)
            })
            .collect();
        due.sort_unstable();
        for (is_one_of_many, _, name) in due.into_iter().take(AT_ONCE_MAX) {
            if is_one_of_many && room == 0 {
                break;
            }
            let _over = self.launch(&mut state, name);
            room = room.saturating_sub(1);
        }
        let alerts = status::alerts(&state, &self.settings, at);
        for alert in alerts.iter().filter(|alert| !state.alerted.contains(&alert.name)) {
            let (name, not_after) = (alert.name, alert.not_after);
            tracing::warn!(%name, %not_after, "{}", alert.what);
        }
        state.alerted = alerts.into_iter().map(|alert| alert.name).collect();
        drop(state);
        self.tell();
    }
}

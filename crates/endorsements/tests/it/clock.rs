//! A clock that stands still until it is told to go on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use avouch_endorsements::Clock;
use avouch_wire::UnixTime;
use futures_util::future::{BoxFuture, ready};
use tokio::sync::oneshot;

use crate::minted::at;

#[derive(Default)]
pub(crate) struct ManualClock {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    elapsed: Duration,
    /// By how much the clock on the wall was set, in seconds.
    stepped: i64,
    sleepers: Vec<(Duration, oneshot::Sender<()>)>,
}

impl ManualClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Sets the clock on the wall; no time passes.
    pub(crate) fn step(&self, seconds: i64) {
        self.state.lock().unwrap().stepped += seconds;
    }

    /// Lets time pass: whoever sleeps wakes at their moment, one after the other.
    pub(crate) async fn advance(&self, time: Duration) {
        settle().await;
        let target = self.elapsed() + time;
        loop {
            let next = {
                let mut state = self.state.lock().unwrap();
                let due = state.sleepers.iter().enumerate();
                let due = due.filter(|(_, sleeper)| sleeper.0 <= target);
                let next = due.min_by_key(|(_, sleeper)| sleeper.0).map(|(index, _)| index);
                next.map(|index| {
                    let (moment, wake) = state.sleepers.remove(index);
                    state.elapsed = moment.max(state.elapsed);
                    wake
                })
            };
            let Some(wake) = next else { break };
            if wake.send(()).is_ok() {
                yields(40).await;
            }
        }
        self.state.lock().unwrap().elapsed = target;
        settle().await;
    }
}

/// Lets every task run until nothing more happens without time or network.
pub(crate) async fn settle() {
    yields(500).await;
}

/// Every task that can runs once for each.
async fn yields(count: usize) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixTime {
        let state = self.state.lock().unwrap();
        let passed = i64::try_from(state.elapsed.as_secs()).unwrap();
        at().saturating_add_seconds(passed + state.stepped)
    }

    fn elapsed(&self) -> Duration {
        self.state.lock().unwrap().elapsed
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        if time.is_zero() {
            return Box::pin(ready(()));
        }
        let (wake, woken) = oneshot::channel();
        let mut state = self.state.lock().unwrap();
        let moment = state.elapsed + time;
        state.sleepers.push((moment, wake));
        Box::pin(async move {
            let _ = woken.await;
        })
    }
}

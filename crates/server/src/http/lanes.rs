//! Connections of addresses that take little processor time do not wait behind the others.
//!
//! A runtime takes its tasks in turns: with hundreds of connections that always have something to
//! do, whoever has one small request waits for a turn of each. So the connections of heavy
//! addresses run on threads of their own, and the system divides the processors among threads.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::AbortHandle;

use super::addresses::Address;
use crate::processor::{Weight, be_nice, taken};

thread_local! {
    /// The lane that this thread belongs to.
    static LANE: Cell<Weight> = const { Cell::new(Weight::Light) };
}

/// The lane of this thread: of its runtime too, if it has one.
pub(super) fn here() -> Weight {
    LANE.get()
}

/// A runtime that is given a deadline sooner than all that it has wakes itself up, by a system call. Each
/// request has deadlines; this one is sooner.
const TICK: Duration = Duration::from_millis(500);

async fn tick() {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
    }
}

/// Where connections run: here while their address is light, else on other threads.
#[derive(Debug)]
pub(super) struct Lanes {
    /// Some until it is dropped.
    heavy: Option<Runtime>,
    /// Of the runtime for light ones.
    ticks: AbortHandle,
}

impl Lanes {
    /// Starts the threads for heavy addresses, as many as there are processors, beside the runtime for
    /// light ones.
    pub(super) fn start(light: &Handle) -> std::io::Result<Self> {
        let mut heavy = Builder::new_multi_thread();
        heavy.enable_all().thread_name("heavy").on_thread_start(|| {
            LANE.set(Weight::Heavy);
            be_nice();
        });
        let heavy = heavy.build()?;
        heavy.spawn(tick());
        Ok(Self { heavy: Some(heavy), ticks: light.spawn(tick()).abort_handle() })
    }

    /// Runs the task of a connection, in the runtime of the caller or on the other threads.
    pub(super) fn run(
        &self,
        address: Arc<Address>,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let Some(heavy) = &self.heavy else { return };
        let lanes = [Handle::current(), heavy.handle().clone()];
        let weight = address.spent.weight(Instant::now());
        Ride { task: Some(Box::pin(task)), address, lanes, weight }.start();
    }
}

impl Drop for Lanes {
    /// Whoever ends the service has waited for the connections.
    fn drop(&mut self) {
        self.ticks.abort();
        if let Some(heavy) = self.heavy.take() {
            heavy.shutdown_background();
        }
    }
}

/// A task on one of the lanes, which changes it with the weight of its address.
struct Ride {
    task: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    address: Arc<Address>,
    /// For light and heavy addresses.
    lanes: [Handle; 2],
    weight: Weight,
}

impl Ride {
    fn start(self) {
        let [light, heavy] = &self.lanes;
        let lane = match self.weight {
            Weight::Light => light,
            Weight::Heavy => heavy,
        };
        lane.clone().spawn(self);
    }
}

impl Future for Ride {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(task) = &mut self.task else { return Poll::Ready(()) };
        let begun = Instant::now();
        let ended = task.as_mut().poll(context).is_ready();
        let now = Instant::now();
        let weight = self.address.spent.add(taken(begun, now), now);
        if ended {
            return Poll::Ready(());
        }
        if weight == self.weight {
            return Poll::Pending;
        }
        // It is looked at again there, so that whatever it waits for wakes it there.
        let (address, lanes) = (Arc::clone(&self.address), self.lanes.clone());
        Ride { task: self.task.take(), address, lanes, weight }.start();
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use tokio::runtime::Handle;

    use super::Lanes;
    use crate::http::Limits;
    use crate::http::addresses::Addresses;
    use crate::processor::Weight;

    fn thread() -> Option<String> {
        std::thread::current().name().map(str::to_owned)
    }

    #[tokio::test]
    async fn a_task_moves_to_other_threads_when_its_address_takes_much_and_back() {
        let addresses = Arc::new(Addresses::new(Limits::default()));
        let place = addresses.connect(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
        let (address, here) = (place.address(), thread());
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let task = {
            let address = Arc::clone(&address);
            async move {
                let _ = told.send(thread());
                address.spent.add(Duration::from_millis(50), Instant::now());
                tokio::task::yield_now().await;
                let _ = told.send(thread());
                while address.spent.weight(Instant::now()) == Weight::Heavy {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                tokio::task::yield_now().await;
                let _ = told.send(thread());
            }
        };
        let lanes = Lanes::start(&Handle::current()).unwrap();
        lanes.run(address, task);
        let mut seen = Vec::new();
        while let Some(thread) = heard.recv().await {
            seen.push(thread);
        }
        assert_eq!(seen, [here.clone(), Some("heavy".to_owned()), here]);
    }

    #[tokio::test]
    async fn connections_of_an_address_that_is_heavy_begin_on_the_other_threads() {
        let addresses = Arc::new(Addresses::new(Limits::default()));
        let place = addresses.connect(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
        place.address().spent.add(Duration::from_secs(1), Instant::now());
        let (told, heard) = tokio::sync::oneshot::channel();
        let lanes = Lanes::start(&Handle::current()).unwrap();
        lanes.run(place.address(), async move { told.send(thread()).unwrap() });
        assert_eq!(heard.await.unwrap().as_deref(), Some("heavy"));
    }
}

//! Threads for what takes processor time: reading bodies, appraisal, policies, signatures.
//!
//! The async workers accept, read and answer, and are never kept from it: probes and published keys
//! do not wait behind evidence. What waits for a thread is bounded, fair among senders, and given up
//! at its deadline. Work that has begun is not interrupted: so that whoever takes little does not wait
//! for it, some threads do work of such senders alone.

mod queue;

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use queue::FairQueue;
use tokio::sync::oneshot;

use crate::error::Fault;
use crate::processor::{Spent, Weight, be_nice, taken};

/// How much work there may be at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkLimits {
    /// Threads for all work.
    pub threads: usize,
    /// Threads beside them, for work of senders that take little processor time.
    pub light_threads: usize,
    /// Pieces of work that wait for a thread.
    pub waiting_max: usize,
    /// Of them, those of one address (of IPv6, one /64 network).
    pub waiting_per_address_max: usize,
    /// The longest that a piece of work may wait and run, in seconds.
    pub seconds_max: u64,
}

impl Default for WorkLimits {
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().map_or(2, NonZeroUsize::get),
            light_threads: 1,
            waiting_max: 1024,
            waiting_per_address_max: 256,
            seconds_max: 10,
        }
    }
}

/// Who a piece of work is done for.
#[derive(Debug, Clone)]
pub struct Source {
    address: IpAddr,
    connection: u64,
    spent: Arc<Spent>,
}

impl Source {
    /// The sender at an address, on the connection of this number, and the processor time that the
    /// address has taken. Of an IPv6 address the first 64 bits count: the others are for whoever has
    /// the network to choose.
    #[must_use]
    pub fn new(address: IpAddr, connection: u64, spent: Arc<Spent>) -> Self {
        Self { address: crate::http::sender(address), connection, spent }
    }
}

/// A piece of work; dropping it undone tells whoever waits for it.
type Job = Box<dyn FnOnce() + Send>;

/// A fixed number of threads and a bounded queue before them.
#[derive(Debug)]
pub struct WorkPool {
    shared: Arc<Shared>,
    deadline: Duration,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
}

type Guard<'a> = MutexGuard<'a, State>;

#[derive(Debug)]
struct State {
    queue: FairQueue<Job>,
    /// The threads for all work that rest.
    resting: Resting,
    /// The threads for light work that rest.
    resting_light: Resting,
    /// Threads for light work that have none, or that have not yet come to what they were woken for.
    idle_light: usize,
    closed: bool,
}

/// Threads that rest. The one that rested last is woken first: what it works with is still near
/// its processor.
#[derive(Debug, Default)]
struct Resting(Vec<Thread>);

impl Resting {
    /// The thread to wake, by [`wake`] and not under the lock.
    fn next(&mut self) -> Option<Thread> {
        self.0.pop()
    }

    /// Rests until it is woken, now and then sooner; gives the lock away meanwhile.
    fn rest<'a>(shared: &'a Shared, mut state: Guard<'a>, weight: Weight) -> Guard<'a> {
        let this = thread::current();
        let id = this.id();
        state.resting(weight).0.push(this);
        drop(state);
        thread::park();
        let mut state = shared.lock();
        state.resting(weight).0.retain(|other| other.id() != id);
        state
    }
}

fn wake(thread: Option<Thread>) {
    if let Some(thread) = thread {
        thread.unpark();
    }
}

impl State {
    const fn resting(&mut self, weight: Weight) -> &mut Resting {
        match weight {
            Weight::Light => &mut self.resting_light,
            Weight::Heavy => &mut self.resting,
        }
    }
}

impl WorkPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// What the system says if it gives none.
    pub fn start(limits: WorkLimits) -> std::io::Result<Self> {
        let queue = FairQueue::new(limits.waiting_max, limits.waiting_per_address_max);
        let (resting, resting_light) = (Resting::default(), Resting::default());
        let state = State { queue, resting, resting_light, idle_light: 0, closed: false };
        let shared = Arc::new(Shared { state: Mutex::new(state) });
        // Made first: should a thread fail to start, dropping this ends the others.
        let deadline = Duration::from_secs(limits.seconds_max);
        let pool = Self { shared: Arc::clone(&shared), deadline };
        for number in 0..limits.threads.max(1) {
            let shared = Arc::clone(&shared);
            start_thread(format!("work-{number}"), move || {
                be_nice();
                shared.work(Weight::Heavy);
            })?;
        }
        for number in 0..limits.light_threads {
            let shared = Arc::clone(&shared);
            start_thread(format!("light-{number}"), move || shared.work(Weight::Light))?;
        }
        Ok(pool)
    }

    /// How many pieces of work wait for a thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.lock().queue.len()
    }

    /// Does `work` on one of the threads.
    ///
    /// Work that has begun is not interrupted: what it may cost is for it to bound. Work that has
    /// not when its deadline passes, or when nobody waits for it any more, is never begun.
    ///
    /// # Errors
    /// What `work` gives; 503 if too much else waits, or if it is not done by its deadline; 500 if
    /// it panicked.
    pub async fn run<T: Send + 'static, E: From<Fault> + Send + 'static>(
        &self,
        source: Source,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.run_within(self.deadline, source, work).await
    }

    async fn run_within<T: Send + 'static, E: From<Fault> + Send + 'static>(
        &self,
        deadline: Duration,
        source: Source,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let (answer, mut answered) = oneshot::channel();
        let spent = Arc::clone(&source.spent);
        let job = Box::new(move || {
            if answer.is_closed() {
                return;
            }
            let begun = Instant::now();
            let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
                tracing::error!("a piece of work panicked");
                Err(Fault::internal().into())
            });
            let now = Instant::now();
            spent.add(taken(begun, now), now);
            // Nobody may wait any more.
            let _ = answer.send(done);
        });
        self.shared.push(&source, job)?;
        match tokio::time::timeout(deadline, &mut answered).await {
            Ok(Ok(done)) => done,
            // Dropped undone: another sender had fewer waiting.
            Ok(Err(_)) => Err(busy().into()),
            Err(_) => Err(Fault::unavailable("The request took too long; try again.").into()),
        }
    }
}

fn start_thread(name: String, run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name).spawn(run).map(drop)
}

impl Drop for WorkPool {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        for weight in [Weight::Light, Weight::Heavy] {
            while let Some(thread) = state.resting(weight).next() {
                thread.unpark();
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> Guard<'_> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, source: &Source, job: Job) -> Result<(), Fault> {
        let is_light = source.spent.weight(Instant::now()) == Weight::Light;
        let mut state = self.lock();
        let pushed = state.queue.push(source.address, source.connection, &source.spent, job);
        let enough_light = state.queue.len() <= state.idle_light;
        // The threads for light work go first on a busy processor.
        let light = is_light.then(|| state.resting_light.next()).flatten();
        let any = (!is_light || !enough_light).then(|| state.resting.next()).flatten();
        // What is pushed out is dropped after the lock.
        drop(state);
        wake(light);
        wake(any);
        pushed.map(drop).map_err(|_job| busy())
    }

    /// Does work of senders that weigh so much or less, until the pool is gone.
    fn work(&self, weight_max: Weight) {
        while let Some(job) = self.next(weight_max) {
            job();
        }
    }

    /// The next piece of such work, or none when the pool is gone.
    fn next(&self, weight_max: Weight) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(job) = state.queue.pop(Instant::now(), weight_max) {
                // Who was heavy when it came may be light by now.
                let light = (state.queue.len() > 0).then(|| state.resting_light.next()).flatten();
                drop(state);
                wake(light);
                return Some(job);
            }
            state = self.wait(state, weight_max);
        }
    }

    fn wait<'a>(&'a self, mut state: Guard<'a>, weight_max: Weight) -> Guard<'a> {
        if weight_max == Weight::Heavy {
            return Resting::rest(self, state, weight_max);
        }
        if state.queue.len() > 0 {
            // Who was light when it came is heavy by now.
            wake(state.resting.next());
        }
        state.idle_light = state.idle_light.saturating_add(1);
        let mut state = Resting::rest(self, state, weight_max);
        state.idle_light = state.idle_light.saturating_sub(1);
        state
    }
}

fn busy() -> Fault {
    Fault::unavailable("The service is busy; try again later.")
}

/// A request's way to the pool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work<'a> {
    pool: &'a WorkPool,
    source: &'a Source,
}

impl<'a> Work<'a> {
    pub(crate) const fn new(pool: &'a WorkPool, source: &'a Source) -> Self {
        Self { pool, source }
    }

    /// The sender's address; of IPv6 its network.
    pub(crate) const fn sender(self) -> IpAddr {
        self.source.address
    }

    /// As [`WorkPool::run`], for the request's sender.
    ///
    /// # Errors
    /// As [`WorkPool::run`].
    pub(crate) async fn run<T: Send + 'static, E: From<Fault> + Send + 'static>(
        self,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.pool.run(self.source.clone(), work).await
    }
}

#[cfg(test)]
mod tests;

//! Processor time, and who takes much of it.

use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Processor time that somebody may take at once beyond its part.
const AT_ONCE: Duration = Duration::from_millis(40);
/// No more than so many times that is ever owed.
const OWED_MAX: u32 = 8;
/// How much nicer the threads are that do what takes much: the less they get of a busy processor.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Whether somebody takes much processor time; light is less than heavy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Within the part of a processor that everybody may take.
    Light,
    /// Beyond it.
    Heavy,
}

/// The processor time that somebody has taken lately.
///
/// Everybody may take one part of so many of one processor for as long as it likes: what is taken
/// is owed so many times, and waiting pays. Who owes more than [`AT_ONCE`] is worth is heavy until
/// no more than half of that is left: also who takes much at once and then rests for a second.
/// More than [`OWED_MAX`] times that is forgiven.
#[derive(Debug)]
pub struct Spent {
    /// So many parts of one processor.
    parts: u32,
    debt: Mutex<Debt>,
}

#[derive(Debug, Default)]
struct Debt {
    /// When all is paid.
    paid_at: Option<Instant>,
    is_heavy: bool,
}

impl Debt {
    fn owed(&self, now: Instant) -> Duration {
        self.paid_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now))
    }
}

impl Spent {
    /// Nothing yet, by somebody who may take one of so many parts of a processor.
    #[must_use]
    pub fn new(parts: u32) -> Self {
        Self { parts, debt: Mutex::default() }
    }

    /// Adds what was taken until now, and says how it weighs from now on.
    pub fn add(&self, taken: Duration, now: Instant) -> Weight {
        let limit = AT_ONCE.saturating_mul(self.parts);
        let mut debt = self.lock();
        let owed = debt.owed(now).saturating_add(taken.saturating_mul(self.parts));
        let owed = owed.min(limit.saturating_mul(OWED_MAX));
        debt.paid_at = now.checked_add(owed);
        let half = AT_ONCE.saturating_mul(self.parts / 2);
        debt.is_heavy = owed > if debt.is_heavy { half } else { limit };
        if debt.is_heavy { Weight::Heavy } else { Weight::Light }
    }

    /// How it weighs now.
    pub fn weight(&self, now: Instant) -> Weight {
        self.add(Duration::ZERO, now)
    }

    /// The time until all is paid.
    #[must_use]
    pub fn owed(&self, now: Instant) -> Duration {
        self.lock().owed(now)
    }

    fn lock(&self) -> MutexGuard<'_, Debt> {
        self.debt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

thread_local! {
    /// The processor time of this thread when it was last asked for.
    static LAST_READ: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// What lasts no longer by the wall clock is not measured by the thread's.
const SHORT: Duration = Duration::from_micros(50);

/// The processor time that this thread took for what it began and ended at these moments. Time that a
/// thread waits for a processor is nobody's.
///
/// The thread's clock is a system call, so it is read once, at the end, and only for what lasted: what
/// the thread did since it was last read, and was not told of, counts too, at most as long as this lasted.
#[must_use]
pub fn taken(begun: Instant, ended: Instant) -> Duration {
    let lasted = ended.saturating_duration_since(begun);
    if lasted <= SHORT {
        // It is told already, and shall not be told again with what is measured next.
        LAST_READ.set(LAST_READ.get().map(|last| last.saturating_add(lasted)));
        return lasted;
    }
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let time = Duration::try_from(time).unwrap_or_default();
    LAST_READ.replace(Some(time)).map_or(lasted, |last| time.saturating_sub(last).min(lasted))
}

/// Lets other threads go first. On Linux each thread has a niceness of its own.
pub(crate) fn be_nice() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "a thread keeps its priority");
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{AT_ONCE, OWED_MAX, SHORT, Spent, Weight, taken};

    const PART: u32 = 8;

    #[test]
    fn who_takes_its_part_stays_light_and_who_takes_twice_that_does_not() {
        for (each_ms, weight) in [(1, Weight::Light), (2, Weight::Heavy)] {
            let (spent, begun) = (Spent::new(PART), Instant::now());
            let mut seen = Weight::Light;
            for turn in 0..1000 {
                let now = begun + Duration::from_millis(1) * PART * turn;
                seen = spent.add(Duration::from_millis(each_ms), now);
            }
            assert_eq!(seen, weight, "{each_ms} ms of {PART}");
        }
    }

    #[test]
    fn a_burst_is_taken_and_more_is_heavy_until_half_of_it_is_paid() {
        let (spent, begun) = (Spent::new(PART), Instant::now());
        assert_eq!(spent.add(AT_ONCE, begun), Weight::Light);
        assert_eq!(spent.add(Duration::from_millis(1), begun), Weight::Heavy);
        let half = AT_ONCE * PART / 2 + Duration::from_millis(1) * PART;
        assert_eq!(spent.weight(begun + half - Duration::from_millis(1)), Weight::Heavy);
        assert_eq!(spent.weight(begun + half), Weight::Light);
        assert_eq!(spent.weight(begun + half), Weight::Light);
    }

    #[test]
    fn what_is_short_is_taken_and_waiting_is_not() {
        let begun = Instant::now();
        let long = |ms| begun + Duration::from_millis(ms);
        assert_eq!(taken(begun, long(1)), Duration::from_millis(1), "never read before");
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(taken(begun, begun + SHORT), SHORT);
        let waited = taken(begun, long(50));
        assert!(waited < Duration::from_millis(25), "{waited:?}");
        let until = Instant::now() + Duration::from_millis(5);
        while Instant::now() < until {}
        let just_over = SHORT + Duration::from_nanos(1);
        assert_eq!(taken(begun, begun + just_over), just_over, "no more than it lasted");
    }

    #[test]
    fn what_was_told_as_short_is_not_told_again() {
        let begun = Instant::now();
        assert_eq!(taken(begun, begun + SHORT * 2), SHORT * 2, "never read before");
        let until = Instant::now() + Duration::from_millis(40);
        while Instant::now() < until {}
        let told = SHORT * 4000;
        for _ in 0..4000 {
            assert_eq!(taken(begun, begun + SHORT), SHORT);
        }
        let rest = taken(begun, begun + Duration::from_millis(200));
        assert_eq!(rest, Duration::ZERO, "{told:?} were told of some 40 ms");
    }

    #[test]
    fn what_is_owed_has_a_limit() {
        let (spent, begun) = (Spent::new(PART), Instant::now());
        assert_eq!(spent.add(Duration::from_secs(1000), begun), Weight::Heavy);
        let nearly = AT_ONCE * PART * (OWED_MAX - 1);
        assert_eq!(spent.weight(begun + nearly), Weight::Heavy);
        assert_eq!(spent.owed(begun + nearly), AT_ONCE * PART);
        assert_eq!(spent.weight(begun + nearly + AT_ONCE * PART / 2), Weight::Light);
        assert_eq!(spent.owed(begun + nearly + AT_ONCE * PART), Duration::ZERO);
    }
}

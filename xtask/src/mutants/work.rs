//! A list of work shared among threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Does the work of each item on `jobs` threads; the first error ends all.
///
/// # Errors
/// The first error.
pub(crate) fn for_each<T: Sync>(
    jobs: usize,
    items: &[T],
    work: impl Fn(usize, &T) -> Result<(), String> + Sync,
) -> Result<(), String> {
    let queue = Mutex::new(items.iter());
    let is_over = AtomicBool::new(false);
    let next = || queue.lock().ok().and_then(|mut queue| queue.next());
    let worker = |number: usize| -> Result<(), String> {
        while !is_over.load(Ordering::Relaxed) {
            let Some(item) = next() else { break };
            if let Err(error) = work(number, item) {
                is_over.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok(())
    };
    let worker = &worker;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs).map(|n| scope.spawn(move || worker(n))).collect();
        let mut outcome = Ok(());
        for thread in threads {
            let ended = thread.join().unwrap_or_else(|_| Err("a worker panicked".to_owned()));
            outcome = outcome.and(ended);
        }
        outcome
    })
}

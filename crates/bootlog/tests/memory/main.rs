//! Memory: logs and lists are judged within twice what was sent, at their worst, counted by the
//! allocator of this program.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod ccel;
mod ima;
mod tcg;
mod windows;

use std::sync::{Mutex, MutexGuard, PoisonError};

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What anything takes whatever its length: facts of bounded number, messages.
const FREE_BYTES: usize = 128 << 10;

/// The allocator counts for the whole program: a test that measures runs alone, from its first line, since
/// others make their logs of the same memory.
fn alone() -> MutexGuard<'static, ()> {
    static RUNNING: Mutex<()> = Mutex::new(());
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What it takes to read an input, and all that is made of it, beyond the input itself.
fn peak(read: impl FnOnce()) -> usize {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    read();
    ALLOCATOR.peak_usage() - before
}

/// Reading takes no more than the input did.
fn check(name: &str, input: &[u8], read: impl FnOnce(&[u8])) {
    let peak = peak(|| read(input));
    println!("{name}: {} bytes, {peak} more at most", input.len());
    assert!(peak <= input.len() + FREE_BYTES, "{name}: {peak} for {}", input.len());
}

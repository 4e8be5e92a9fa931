//! Memory: logs and lists are judged within twice what was sent, at their worst, counted by the
//! allocator of this program.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod ccel;
mod ima;
mod tcg;
mod windows;

use std::sync::{Mutex, PoisonError};

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What anything takes whatever its length: facts of bounded number, messages.
const FREE_BYTES: usize = 128 << 10;

/// One is measured at a time.
static MEASURING: Mutex<()> = Mutex::new(());

/// What it takes to read an input, and all that is made of it, beyond the input itself.
fn peak(read: impl FnOnce()) -> usize {
    let _alone = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
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

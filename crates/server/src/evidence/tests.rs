#![cfg(test)]

use super::{Counts, WAITING_BYTES_MAX};

#[test]
fn what_waits_to_be_written_is_bounded_in_bytes() {
    let counts = Counts::default();
    assert!(counts.reserve(WAITING_BYTES_MAX / 2));
    assert!(counts.reserve(WAITING_BYTES_MAX / 2));
    assert!(!counts.reserve(1));
    assert!(!counts.reserve(usize::MAX));
    assert!(!counts.release(1), "giving back is never taking");
    assert!(counts.reserve(1));
    assert!(!counts.reserve(1));
}

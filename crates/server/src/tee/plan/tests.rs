#![cfg(test)]

use std::time::Duration;

use avouch_wire::UnixTime;

use super::{is_due, pause};

#[test]
fn evidence_is_made_anew_when_it_is_old_and_before_it_ends() {
    let at = |seconds| UnixTime::from_seconds(1_000_000 + seconds).unwrap();
    let day = 86_400;
    for (holds, age, expected) in [
        (None, day - 1, false),
        (None, day, true),
        (Some(365 * day), day - 1, false),
        (Some(365 * day), day, true),
        // Half of a short life.
        (Some(day), day / 2 - 1, false),
        (Some(day), day / 2, true),
        // However short it is, the TEE is not asked all the time.
        (Some(10), 59, false),
        (Some(10), 60, true),
    ] {
        let due = is_due(at(0), holds.map(at), day, at(age));
        assert_eq!(due, expected, "{holds:?} {age}");
    }
}

#[test]
fn a_tee_that_fails_is_asked_less_and_less_often() {
    let seconds = [1, 2, 3, 9, 10, u32::MAX].map(|failed| pause(failed).as_secs());
    assert_eq!(seconds, [1, 2, 4, 256, 300, 300]);
    assert_eq!(pause(0), Duration::from_secs(1));
}

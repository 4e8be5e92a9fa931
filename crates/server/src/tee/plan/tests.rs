#![cfg(test)]

use std::time::Duration;

use avouch_wire::UnixTime;

use super::{OWN_BYTES_MAX, SHARED_BYTES_MAX, is_due, pause, with_room};

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
        // The clock was ahead.
        (None, -1, true),
        (None, 0, false),
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

#[test]
fn evidence_is_for_the_first_keys_while_key_sets_have_room() {
    let keys =
        [("a", None), ("b", Some(1)), ("c", None), ("d", None), ("e", Some(1)), ("f", Some(2))];
    let found = |largest: usize, known: &[(&str, usize)]| {
        let bytes_of = |kid: &str| known.iter().find(|(name, _)| *name == kid).map(|one| one.1);
        let found = with_room(keys, bytes_of, largest);
        keys.iter().map(|(kid, _)| *kid).filter(|kid| found.contains(kid)).collect::<String>()
    };
    assert_eq!(found(0, &[]), "abcdef", "nothing is known");
    assert_eq!(found(SHARED_BYTES_MAX / 2, &[]), "ac", "too large for a provider's own");
    assert_eq!(found(OWN_BYTES_MAX / 2, &[]), "abcdef");
    assert_eq!(found(OWN_BYTES_MAX / 2 + 1, &[]), "abcdf");
    // After the first that has no room none has.
    assert_eq!(found(0, &[("c", SHARED_BYTES_MAX + 1)]), "abef");
    assert_eq!(found(0, &[("a", SHARED_BYTES_MAX), ("c", 1)]), "abef");
    // With 256 keys of the largest kind, under certificates, readers still take the whole set.
    const KEY_BYTES: usize = 2800;
    let evidence = (SHARED_BYTES_MAX + OWN_BYTES_MAX).div_ceil(3) * 4;
    assert!(evidence + 256 * KEY_BYTES <= 1024 * 1024, "{evidence}");
}

//! The rate bound, with made-up time, and how claims give roles.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{FETCH_PAUSE, FETCHES_AT_ONCE, Keys, has_value};

fn keys(now: Instant) -> Keys {
    Keys { known: None, fetches_left: FETCHES_AT_ONCE, growing_since: now }
}

#[test]
fn a_burst_of_fetches_ends_and_one_more_comes_with_each_pause() {
    let start = Instant::now();
    let mut keys = keys(start);
    let burst = (0..100).filter(|_| keys.may_fetch(start)).count();
    assert_eq!(burst, FETCHES_AT_ONCE as usize);
    assert!(!keys.may_fetch(start + FETCH_PAUSE - Duration::from_millis(1)));
    assert!(keys.may_fetch(start + FETCH_PAUSE));
    assert!(!keys.may_fetch(start + FETCH_PAUSE));
    assert!(keys.may_fetch(start + 2 * FETCH_PAUSE));
}

#[test]
fn rights_to_fetch_do_not_grow_beyond_a_burst() {
    let start = Instant::now();
    let mut keys = keys(start);
    assert!(keys.may_fetch(start));
    let later = start + 1000 * FETCH_PAUSE;
    let burst = (0..100).filter(|_| keys.may_fetch(later)).count();
    assert_eq!(burst, FETCHES_AT_ONCE as usize);
    assert!(!keys.may_fetch(later + FETCH_PAUSE / 2));
}

#[test]
fn a_claim_has_a_value_as_text_among_words_or_among_elements() {
    for claim in [json!("admins"), json!("read admins"), json!(["a", "admins"])] {
        assert!(has_value(&claim, "admins"), "{claim}");
    }
    let others = [
        json!("administrators"),
        json!("Admins"),
        json!(["administrators"]),
        json!([["admins"]]),
        json!({"admins": true}),
        json!(null),
        json!(true),
    ];
    for claim in others {
        assert!(!has_value(&claim, "admins"), "{claim}");
    }
}

//! The rate bound, with made-up time, and how claims give roles.

use std::time::{Duration, Instant};

use serde_json::json;

use super::has_value;
use super::keys::{Budget, FETCH_PAUSE, FETCHES_AT_ONCE};

fn budget(now: Instant) -> Budget {
    Budget { fetches_left: FETCHES_AT_ONCE, growing_since: now }
}

#[test]
fn a_burst_of_fetches_ends_and_one_more_comes_with_each_pause() {
    let start = Instant::now();
    let mut budget = budget(start);
    let burst = (0..100).filter(|_| budget.take(start)).count();
    assert_eq!(burst, FETCHES_AT_ONCE as usize);
    assert!(!budget.take(start + FETCH_PAUSE - Duration::from_millis(1)));
    assert!(budget.take(start + FETCH_PAUSE));
    assert!(!budget.take(start + FETCH_PAUSE));
    assert!(budget.take(start + 2 * FETCH_PAUSE));
}

#[test]
fn rights_to_fetch_do_not_grow_beyond_a_burst() {
    let start = Instant::now();
    let mut budget = budget(start);
    assert!(budget.take(start));
    let later = start + 1000 * FETCH_PAUSE;
    let burst = (0..100).filter(|_| budget.take(later)).count();
    assert_eq!(burst, FETCHES_AT_ONCE as usize);
    assert!(!budget.take(later + FETCH_PAUSE / 2));
}

#[test]
fn a_claim_has_a_value_as_text_among_elements_or_among_the_words_of_a_scope() {
    for (name, claim) in [
        ("groups", json!("admins")),
        ("groups", json!(["a", "admins"])),
        ("scp", json!("read admins")),
        ("scope", json!("admins")),
    ] {
        assert!(has_value(name, &claim, "admins"), "{name} {claim}");
    }
    let others = [
        json!("administrators"),
        json!("Admins"),
        json!("Bob admins"),
        json!(["administrators"]),
        json!(["Bob admins"]),
        json!([["admins"]]),
        json!({"admins": true}),
        json!(null),
        json!(true),
    ];
    for claim in others {
        assert!(!has_value("name", &claim, "admins"), "{claim}");
    }
    assert!(!has_value("scp", &json!("administrators"), "admins"));
}

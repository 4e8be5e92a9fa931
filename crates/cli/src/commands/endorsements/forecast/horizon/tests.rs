#![cfg(test)]

use std::collections::BTreeMap;

use avouch_engine::{Outcome, Verdict, Why};
use avouch_wire::{Hex, UnixTime};

use super::{Seen, first_refusal};

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(seconds).unwrap()
}

/// What is in force in these spans (both ends count), and is refused from a moment on.
fn judge(spans: &[(i64, i64)], refused_from: i64, moment: UnixTime) -> Seen {
    let now = moment.seconds();
    let span = spans.iter().find(|(begin, end)| (*begin..=*end).contains(&now));
    let why = || Why { check: "x".to_owned(), message: "y".to_owned() };
    let verdict = match span {
        Some(_) if now < refused_from => Verdict::Permitted { claims_sha256: Hex::ZERO },
        Some(_) => Verdict::Refused(why()),
        None => Verdict::Unverified(why()),
    };
    Seen {
        outcome: Outcome { verdict, machine: BTreeMap::new(), endorsements: BTreeMap::new() },
        outdated: Vec::new(),
        in_force_until: span.map(|(_, end)| at(*end)),
    }
}

/// The first refused moment from 0 on, and how often was asked.
fn found(spans: &[(i64, i64)], refused_from: i64, until: i64) -> (Option<i64>, usize) {
    let mut asked = 0_usize;
    let mut judge = |moment| {
        asked = asked.saturating_add(1);
        judge(spans, refused_from, moment)
    };
    let first = judge(at(0));
    let refused = first_refusal((at(0), first), at(until), &mut judge);
    (refused.map(|(moment, _)| moment.seconds()), asked)
}

#[test]
fn a_verdict_ends_with_the_window_that_nothing_follows() {
    assert_eq!(found(&[(0, 1000)], i64::MAX, 10_000), (Some(1001), 3));
    assert_eq!(found(&[(0, 1000), (1001, 2000)], i64::MAX, 10_000).0, Some(2001));
    // A gap between two windows counts.
    assert_eq!(found(&[(0, 1000), (1500, 2000)], i64::MAX, 10_000).0, Some(1001));
}

#[test]
fn what_is_refused_within_a_window_is_found_to_the_second_by_halving() {
    for refused_from in [1, 2, 499, 500, 501, 99_999, 100_000] {
        let (moment, asked) = found(&[(0, 100_000)], refused_from, 1_000_000);
        assert_eq!(moment, Some(refused_from));
        assert!(asked < 25, "{asked}");
    }
}

#[test]
fn what_lies_behind_the_horizon_is_not_told() {
    assert_eq!(found(&[(0, 1000)], i64::MAX, 1000).0, None);
    assert_eq!(found(&[(0, 1000)], 900, 899).0, None);
    assert_eq!(found(&[(0, 1000)], 900, 900).0, Some(900));
}

use std::time::Duration;

use super::{Outcome, Schedule};

const MINUTE: u64 = 60;

#[test]
fn after_a_token_or_a_refusal_it_waits_for_the_interval_less_some_jitter() {
    let mut schedule = Schedule::new(MINUTE, 10);
    for outcome in [Outcome::Attested, Outcome::Refused] {
        assert_eq!(schedule.next(outcome, 0), Duration::from_secs(60));
        assert_eq!(schedule.next(outcome, 10_000), Duration::from_secs(50));
        assert_eq!(schedule.next(outcome, 10_001), Duration::from_secs(60));
        assert_eq!(schedule.next(outcome, 2_500), Duration::from_millis(57_500));
    }
}

#[test]
fn failures_are_retried_ever_more_slowly_up_to_the_interval() {
    let mut schedule = Schedule::new(MINUTE, 0);
    let mut longest = || schedule.next(Outcome::Failed, 0).as_secs();
    assert_eq!([(); 6].map(|()| longest()), [5, 10, 20, 40, 60, 60]);
    assert_eq!(schedule.next(Outcome::Failed, 30_000), Duration::from_secs(30), "at least half");
    for _ in 0..100 {
        assert_eq!(schedule.next(Outcome::Failed, 0), Duration::from_secs(60));
    }
    schedule.next(Outcome::Attested, 0);
    assert_eq!(schedule.next(Outcome::Failed, 0), Duration::from_secs(5), "it began anew");
}

#[test]
fn a_jitter_is_at_most_half_the_interval_and_an_interval_at_least_a_second() {
    let mut schedule = Schedule::new(MINUTE, 100);
    assert_eq!(schedule.next(Outcome::Attested, 30_000), Duration::from_secs(30));
    assert_eq!(schedule.next(Outcome::Attested, 30_001), Duration::from_secs(60));
    let mut schedule = Schedule::new(0, 100);
    assert_eq!(schedule.next(Outcome::Attested, 1_000), Duration::from_secs(1));
}

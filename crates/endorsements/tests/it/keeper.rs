//! What the keeper does with made-up sources, a clock of ours and a shelf in memory.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use avouch_dcap::TeeType;
use avouch_endorsements::{
    Budget, Clock as _, EndorsementName, EndorsementSet, FetchFailure, HttpSource, Keeper,
    KeeperSettings, Published, Source, SourceConfig, SourceFailure, SourceKind, TcbEvaluation,
    VcekId,
};
use avouch_mint::Options;
use avouch_mint::snp::SnpProduct;
use avouch_wire::Hex;
use futures_util::future::join_all;

use crate::bench::{Bench, Scripted, generous};
use crate::clock::settle;
use crate::fake::{Fake, Manner, Reply, intel_answer, intel_service, kds};
use crate::minted::{DAY, amd, at, days, intel, sgx, tcb_info};

const NO_WAIT: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_secs(1_000_000);

fn names(things: &[Published]) -> Vec<EndorsementName> {
    things.iter().map(|thing| thing.name).collect()
}

async fn got(keeper: &Keeper, names: &[EndorsementName]) -> bool {
    let fetched = keeper.fetch(names, LONG).await;
    fetched.failed.is_empty() && fetched.under_way.is_empty() && fetched.got.len() == names.len()
}

async fn reason(keeper: &Keeper, name: EndorsementName) -> FetchFailure {
    keeper.fetch(&[name], LONG).await.failed.remove(0).reason.clone()
}

fn source_failures(reason: &FetchFailure) -> Vec<SourceFailure> {
    match reason {
        FetchFailure::Sources(errors) => errors.iter().map(|one| one.failure.clone()).collect(),
        other => panic!("{other}"),
    }
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

#[tokio::test]
async fn what_is_wanted_is_fetched_once_then_serves_at_once_and_whoever_judges_has_it_first() {
    let bench = Bench::new();
    let source = bench.source("pcs");
    source.has(sgx());
    let keeper = bench.keeper(&[&source]).await;
    assert!(got(&keeper, &names(&sgx())).await);
    assert!(sgx().iter().all(|thing| bench.snapshot.has(&thing.name)));
    assert_eq!(source.asked().len(), 4);
    // At hand: nobody is asked, and not even a wait of no length is begun.
    source.takes(hours(1));
    let fetched = keeper.fetch(&names(&sgx()), NO_WAIT).await;
    assert_eq!((fetched.got.len(), source.asked().len()), (4, 4));
}

#[tokio::test]
async fn a_thousand_who_want_fifty_platforms_cause_fifty_fetches() {
    let bench = Bench::new();
    let source = bench.source("pcs");
    let things: Vec<Published> = (0..50).map(|number| tcb_info([number; 6], 0, 17)).collect();
    source.has(things.clone());
    source.takes(Duration::from_secs(1));
    let keeper = bench.keeper(&[&source]).await;
    let wants = (0..1000).map(|number| {
        let (keeper, name) = (keeper.clone(), things[number % 50].name);
        tokio::spawn(async move { keeper.fetch(&[name], LONG).await.got.len() })
    });
    let wants: Vec<_> = wants.collect();
    bench.clock.advance(Duration::from_secs(2)).await;
    let outcomes = join_all(wants).await;
    assert!(outcomes.into_iter().all(|outcome| outcome.unwrap() == 1));
    let asked = source.asked();
    assert_eq!((asked.len(), asked.iter().collect::<BTreeSet<_>>().len()), (50, 50));
}

#[tokio::test]
async fn over_http_too_a_thousand_wants_of_fifty_platforms_cause_fifty_requests() {
    let bench = Bench::new();
    let things: Vec<Published> = (0..50).map(|number| tcb_info([number; 6], 0, 17)).collect();
    let fake = Fake::start(intel_service(things.clone(), Manner::Pcs)).await;
    let mut config = SourceConfig::new("pcs", SourceKind::Pcs, &fake.url);
    config.budget = generous();
    let source: Arc<dyn Source> = Arc::new(HttpSource::new(&config).unwrap());
    let keeper = bench.keeper_of(vec![source]).await;
    let wants = (0..1000).map(|number| {
        let (keeper, name) = (keeper.clone(), things[number % 50].name);
        tokio::spawn(async move { keeper.fetch(&[name], LONG).await.got.len() })
    });
    let outcomes = join_all(wants.collect::<Vec<_>>()).await;
    assert!(outcomes.into_iter().all(|outcome| outcome.unwrap() == 1));
    assert_eq!(fake.count(), 50);
}

#[tokio::test]
async fn a_restart_is_warm_and_asks_nobody() {
    let bench = Bench::new();
    let source = bench.source("pcs");
    let things: Vec<Published> = sgx().into_iter().chain(amd(SnpProduct::Milan)).collect();
    source.has(things.clone());
    assert!(got(&bench.keeper(&[&source]).await, &names(&things)).await);
    settle().await;
    let second = bench.source("pcs");
    let again = Bench { shelf: bench.shelf.clone(), ..Bench::new() };
    let keeper = again.keeper(&[&second]).await;
    let _running = keeper.start();
    again.clock.advance(hours(1)).await;
    assert!(got(&keeper, &names(&things)).await);
    assert!(second.asked().is_empty(), "{:?}", second.asked());
    assert!(things.iter().all(|thing| again.snapshot.has(&thing.name)));
}

#[tokio::test]
async fn what_the_shelf_holds_is_proven_again_and_a_forgery_is_named() {
    let bench = Bench::new();
    let mut forged = sgx().remove(0);
    let at_signature = forged.body.len() - 10;
    let mut body = forged.body.to_vec();
    body[at_signature] = if body[at_signature] == b'0' { b'1' } else { b'0' };
    forged.body = body.into();
    bench.shelf.things.lock().unwrap().insert(forged.name, forged.clone());
    let source = bench.source("pcs");
    let keeper = bench.keeper(&[&source]).await;
    assert!(!bench.snapshot.has(&forged.name));
    let status = keeper.status();
    assert_eq!((status.kept_count, status.refused_at_start.len()), (0, 1));
    assert!(status.refused_at_start[0].contains("signature"), "{status:?}");
}

#[tokio::test]
async fn a_shelf_that_does_not_work_is_seen_and_stops_nobody() {
    let bench = Bench::new();
    *bench.shelf.is_broken.lock().unwrap() = true;
    let source = bench.source("pcs");
    source.has(sgx());
    let keeper = bench.keeper(&[&source]).await;
    assert_eq!(keeper.status().shelf_failure.as_deref(), Some("the disk is full"));
    assert!(got(&keeper, &names(&sgx())[..1]).await);
    *bench.shelf.is_broken.lock().unwrap() = false;
    assert!(got(&keeper, &names(&sgx())).await);
    settle().await;
    assert_eq!(keeper.status().shelf_failure, None);
}

#[tokio::test]
async fn whatever_one_source_does_wrong_the_next_is_asked() {
    let swapped = tcb_info([9; 6], 0, 17);
    for failure in [
        SourceFailure::Connection("refused".to_owned()),
        SourceFailure::TimedOut("slow".to_owned()),
        SourceFailure::BrokeOff("cut".to_owned()),
        SourceFailure::Redirect { status: 302 },
        SourceFailure::Absent { status: 404 },
        SourceFailure::Busy { status: 429, retry_after: None },
        SourceFailure::Status { status: 500 },
        SourceFailure::TooLong { limit: 1 },
        SourceFailure::Content("html".to_owned()),
    ] {
        let bench = Bench::new();
        let (first, second) = (bench.source("first"), bench.source("second"));
        first.fails(failure);
        second.has(sgx());
        let keeper = bench.keeper(&[&first, &second]).await;
        assert!(got(&keeper, &names(&sgx())).await);
        assert_eq!(&*keeper.published()[0].source, "second");
    }
    let bench = Bench::new();
    let (first, second) = (bench.source("first"), bench.source("second"));
    first.gives(sgx()[0].name, &swapped);
    second.has(sgx());
    let keeper = bench.keeper(&[&first, &second]).await;
    assert!(got(&keeper, &names(&sgx())[..1]).await);
    assert_eq!(&*bench.snapshot.body(&sgx()[0].name), &*sgx()[0].body);
    // Alone, it is told that it gave something else.
    let alone = Bench::new();
    let keeper = alone.keeper(&[&first]).await;
    let failures = source_failures(&reason(&keeper, sgx()[0].name).await);
    assert!(matches!(failures[..], [SourceFailure::Unproven(_)]), "{failures:?}");
    assert!(!alone.snapshot.has(&sgx()[0].name));
}

#[tokio::test]
async fn a_slow_source_delays_nobody_for_what_is_at_hand_and_goes_on_when_the_wait_is_over() {
    let bench = Bench::new();
    let source = bench.source("pcs");
    source.has(sgx());
    let keeper = bench.keeper(&[&source]).await;
    let (known, unknown) = (sgx()[0].name, sgx()[1].name);
    assert!(got(&keeper, &[known]).await);
    source.takes(Duration::from_secs(60));
    let waiting = {
        let keeper = keeper.clone();
        tokio::spawn(async move { keeper.fetch(&[known, unknown], Duration::from_secs(5)).await })
    };
    settle().await;
    // No time passes here.
    assert_eq!(keeper.fetch(&[known], LONG).await.got, [known]);
    assert_eq!(keeper.status().under_way, [unknown]);
    bench.clock.advance(Duration::from_secs(5)).await;
    let fetched = waiting.await.unwrap();
    assert_eq!((fetched.got, fetched.under_way), (vec![known], vec![unknown]));
    assert!(fetched.failed.is_empty());
    bench.clock.advance(Duration::from_secs(60)).await;
    assert_eq!(keeper.fetch(&[unknown], NO_WAIT).await.got, [unknown]);
    assert_eq!(source.asked().len(), 2);
}

#[tokio::test]
async fn a_source_is_asked_no_more_often_than_its_budget_allows() {
    let bench = Bench::new();
    let budget = Budget {
        burst: NonZeroU32::new(2).unwrap(),
        pause: Duration::from_secs(10),
        wait_max: Duration::from_secs(30),
    };
    let source = Scripted::new("kds", &bench.clock, budget);
    let things: Vec<Published> = (0..8).map(|number| tcb_info([number; 6], 0, 17)).collect();
    source.has(things.clone());
    let keeper = bench.keeper(&[&source]).await;
    let wanted = names(&things);
    let fetched = {
        let keeper = keeper.clone();
        tokio::spawn(async move { keeper.fetch(&wanted, LONG).await })
    };
    bench.clock.advance(Duration::from_secs(100)).await;
    let fetched = fetched.await.unwrap();
    assert_eq!(source.moments(), [0, 0, 10, 20, 30]);
    assert_eq!((fetched.got.len(), fetched.failed.len()), (5, 3));
    for error in fetched.failed {
        let failures = source_failures(&error.reason);
        assert!(matches!(failures[..], [SourceFailure::Budget(_)]), "{error}");
    }
}

#[tokio::test]
async fn a_flood_of_names_of_chips_keeps_no_crl_from_being_fetched_or_refreshed() {
    let settings = KeeperSettings { waiting_max: 3, ..KeeperSettings::default() };
    let bench = Bench { settings, ..Bench::new() };
    let pause = Duration::from_secs(10);
    let budget =
        Budget { burst: NonZeroU32::MIN, pause, wait_max: Duration::from_secs(100_000_000) };
    let source = Scripted::new("kds", &bench.clock, budget);
    let milan = amd(SnpProduct::Milan);
    source.has(milan.clone());
    let keeper = bench.keeper(&[&source]).await;
    let EndorsementName::Vcek(product, id) = milan[2].name else { panic!() };
    let flood = |round: u8| {
        let chips = (0..20).map(move |number| {
            let chip_id = Hex([number + 20 * (round % 10) + 1; 64]);
            EndorsementName::Vcek(product, VcekId { chip_id, ..id })
        });
        chips.collect::<Vec<_>>()
    };
    keeper.fetch(&flood(0), NO_WAIT).await;
    // No time passes: neither the places nor the turns that the flood took are needed.
    assert!(got(&keeper, &names(&milan)[..2]).await);
    let _running = keeper.start();
    for round in 1..50 {
        let wants = keeper.clone();
        let chips = flood(round);
        tokio::spawn(async move { wants.fetch(&chips, NO_WAIT).await });
        bench.clock.advance(hours(1)).await;
    }
    let crl = keeper.status().kept.into_iter().find(|kept| kept.name == milan[1].name).unwrap();
    assert!(crl.fetched_at.seconds() > at().seconds() + DAY, "{}", crl.fetched_at);
}

#[tokio::test]
async fn a_storm_of_429_leaves_the_source_alone_for_as_long_as_it_asks() {
    let bench = Bench::new();
    let source = bench.source("pcs");
    let things: Vec<Published> = (0..50).map(|number| tcb_info([number; 6], 0, 17)).collect();
    source.has(things.clone());
    let retry_after = Some(Duration::from_secs(120));
    source.fails(SourceFailure::Busy { status: 429, retry_after });
    let keeper = bench.keeper(&[&source]).await;
    reason(&keeper, things[0].name).await;
    for thing in &things {
        let failures = source_failures(&reason(&keeper, thing.name).await);
        assert_eq!(failures.len(), 1);
    }
    assert_eq!(source.asked().len(), 1);
    assert_eq!(keeper.status().sources[0].rests_seconds, 120);
    source.fails(None);
    bench.clock.advance(Duration::from_secs(119)).await;
    assert!(!got(&keeper, &[things[1].name]).await);
    assert_eq!(source.asked().len(), 1);
    bench.clock.advance(Duration::from_secs(1)).await;
    assert!(got(&keeper, &names(&things)).await);
    assert_eq!(source.asked().len(), 51);
}

#[tokio::test]
async fn a_name_that_fails_is_tried_again_after_pauses_that_double() {
    let bench = Bench::new();
    let source = bench.source("pcs");
    source.fails(SourceFailure::Status { status: 500 });
    let keeper = bench.keeper(&[&source]).await;
    let name = sgx()[0].name;
    for _ in 0..200 {
        reason(&keeper, name).await;
        bench.clock.advance(Duration::from_secs(10)).await;
    }
    assert_eq!(source.moments()[..8], [0, 10, 30, 70, 150, 310, 630, 1230]);
    source.fails(None);
    source.has(sgx());
    bench.clock.advance(Duration::from_secs(600)).await;
    assert!(got(&keeper, &[name]).await);
    assert_eq!(keeper.status().failures_count, 0);
}

#[tokio::test]
async fn what_no_source_has_is_remembered_for_a_while_and_a_bounded_number_of_such() {
    let settings = KeeperSettings { failures_max: 5, ..KeeperSettings::default() };
    let bench = Bench { settings, ..Bench::new() };
    let source = bench.source("pcs");
    let keeper = bench.keeper(&[&source]).await;
    let name = |number: u8| tcb_name(number);
    for _ in 0..3 {
        let failures = source_failures(&reason(&keeper, name(0)).await);
        assert_eq!(failures, [SourceFailure::Absent { status: 404 }]);
    }
    assert_eq!(source.asked().len(), 1);
    bench.clock.advance(Duration::from_secs(599)).await;
    reason(&keeper, name(0)).await;
    assert_eq!(source.asked().len(), 1);
    bench.clock.advance(Duration::from_secs(1)).await;
    reason(&keeper, name(0)).await;
    assert_eq!(source.asked().len(), 2);
    for number in 0..100 {
        reason(&keeper, name(number)).await;
    }
    assert_eq!(keeper.status().failures_count, 5);
}

fn tcb_name(number: u8) -> EndorsementName {
    let evaluation = TcbEvaluation::Standard;
    EndorsementName::TcbInfo { tee: TeeType::Sgx, fmspc: Hex([number; 6]), evaluation }
}

#[tokio::test]
async fn no_more_is_under_way_than_may_be() {
    let settings = KeeperSettings { waiting_max: 3, ..KeeperSettings::default() };
    let bench = Bench { settings, ..Bench::new() };
    let source = bench.source("pcs");
    source.takes(hours(1));
    let keeper = bench.keeper(&[&source]).await;
    let wanted: Vec<_> = (0..10).map(tcb_name).collect();
    let fetching = keeper.clone();
    let fetched =
        tokio::spawn(async move { fetching.fetch(&wanted, Duration::from_secs(1)).await });
    bench.clock.advance(Duration::from_secs(1)).await;
    let fetched = fetched.await.unwrap();
    assert_eq!((fetched.under_way.len(), fetched.failed.len()), (3, 7));
    let crowded = FetchFailure::Crowded { limit: 3 };
    assert!(fetched.failed.iter().all(|error| error.reason == crowded));
    // That is nobody's fault, and not held against a name.
    assert_eq!(keeper.status().failures_count, 0);
}

#[tokio::test]
async fn whatever_expires_is_fetched_anew_long_before_and_serves_meanwhile() {
    let bench = Bench::new();
    let source = bench.source("pcs");
    let fmspc = [3; 6];
    let old = tcb_info(fmspc, 0, 17);
    source.has([old.clone()]);
    let keeper = bench.keeper(&[&source]).await;
    assert!(got(&keeper, &[old.name]).await);
    let _running = keeper.start();
    let new = tcb_info(fmspc, 2, 18);
    source.has([new.clone()]);
    bench.clock.advance(hours(5)).await;
    assert_eq!(source.asked().len(), 1);
    // Not in force before tomorrow: what is at hand serves.
    bench.clock.advance(hours(2)).await;
    assert!(source.asked().len() > 1);
    assert_eq!(bench.snapshot.body(&old.name), old.body);
    bench.clock.advance(hours(24)).await;
    assert_eq!(bench.snapshot.body(&old.name), new.body);
    assert_eq!(keeper.status().kept[0].evaluation_data_number, Some(18));
    // In two months of a source that keeps up, it is never without.
    for day in 3..60 {
        source.has([tcb_info(fmspc, day, 18)]);
        bench.clock.advance(hours(24)).await;
        assert_eq!(keeper.fetch(&[old.name], NO_WAIT).await.got, [old.name], "day {day}");
    }
}

#[tokio::test]
async fn while_no_source_answers_what_is_in_force_serves_with_an_alert_and_then_no_longer() {
    let bench = Bench::new();
    let source = bench.source("pcs");
    let thing = sgx().remove(0);
    source.has([thing.clone()]);
    let keeper = bench.keeper(&[&source]).await;
    assert!(got(&keeper, &[thing.name]).await);
    let _running = keeper.start();
    source.fails(SourceFailure::TimedOut("dead".to_owned()));
    let not_after = keeper.status().kept[0].not_after;
    let left = u64::try_from(not_after.seconds() - at().seconds()).unwrap();
    bench.clock.advance(Duration::from_secs(left) - hours(80)).await;
    assert!(keeper.status().alerts.is_empty());
    bench.clock.advance(hours(10)).await;
    let status = keeper.status();
    assert_eq!(status.alerts.len(), 1);
    let what = &status.alerts[0].what;
    assert!(what.contains("expires at") && what.contains("dead"), "{what}");
    assert_eq!(keeper.fetch(&[thing.name], NO_WAIT).await.got, [thing.name]);
    bench.clock.advance(hours(70) + Duration::from_secs(1)).await;
    assert!(keeper.status().alerts[0].what.contains("not in force"));
    assert!(!got(&keeper, &[thing.name]).await);
    // It comes back with the source.
    source.fails(None);
    source.has([tcb_info(Options::new(at()).platform.fmspc, 30, 17)]);
    bench.clock.advance(hours(1)).await;
    assert!(got(&keeper, &[thing.name]).await);
    assert!(keeper.status().alerts.is_empty());
}

#[tokio::test]
async fn an_older_crl_never_takes_the_place_of_a_newer_one() {
    let bench = Bench::new();
    let source = bench.source("pcs");
    let crl = |number: u64, later: i64| {
        let mut options = Options::new(days(later));
        options.platform.crl_number = number;
        intel(TeeType::Sgx, &options, TcbEvaluation::Standard).remove(2)
    };
    let (new, old) = (crl(8, 0), crl(7, 0));
    source.has([new.clone()]);
    let keeper = bench.keeper(&[&source]).await;
    assert!(got(&keeper, &[new.name]).await);
    let _running = keeper.start();
    source.has([old]);
    bench.clock.advance(hours(7)).await;
    assert!(source.asked().len() > 1);
    assert_eq!(bench.snapshot.body(&new.name), new.body);
    let status = keeper.status();
    let failure = status.kept[0].last_failure.as_deref().unwrap();
    assert!(failure.contains("older than what is at hand"), "{failure}");
    let newer = crl(9, 1);
    source.has([newer.clone()]);
    bench.clock.advance(hours(48)).await;
    assert_eq!(bench.snapshot.body(&new.name), newer.body);
}

#[tokio::test]
async fn a_clock_that_is_set_wrong_loses_nothing() {
    let bench = Bench::new();
    let source = bench.source("pcs");
    source.has(sgx());
    let keeper = bench.keeper(&[&source]).await;
    assert!(got(&keeper, &names(&sgx())).await);
    let _running = keeper.start();
    settle().await;
    for step in [400 * DAY, -400 * DAY] {
        bench.clock.step(step);
        bench.clock.advance(Duration::from_secs(60)).await;
        let asked = source.asked().len();
        assert!(!got(&keeper, &names(&sgx())).await, "set by {step}");
        assert!(!keeper.status().alerts.is_empty());
        bench.clock.step(-step);
        assert!(got(&keeper, &names(&sgx())).await, "set back by {step}");
        assert_eq!(keeper.published().len(), 4);
        assert!(source.asked().len() <= asked + 8);
        bench.clock.advance(Duration::from_secs(1200)).await;
    }
    // Set to before it was fetched, it is asked for again soon and not in six hours.
    let asked = source.asked().len();
    bench.clock.step(-3600);
    bench.clock.advance(Duration::from_secs(60)).await;
    assert!(source.asked().len() > asked);
}

#[tokio::test]
async fn what_no_source_has_confirmed_for_too_long_is_withdrawn_until_one_does() {
    let settings = KeeperSettings { age_max: Some(hours(48)), ..KeeperSettings::default() };
    let bench = Bench { settings, ..Bench::new() };
    let source = bench.source("pcs");
    let milan = amd(SnpProduct::Milan);
    let (thing, vcek) = (sgx().remove(0), milan[2].clone());
    source.has([thing.clone()].into_iter().chain(milan));
    let keeper = bench.keeper(&[&source]).await;
    assert!(got(&keeper, &[thing.name, vcek.name]).await);
    let _running = keeper.start();
    source.fails(SourceFailure::Status { status: 500 });
    bench.clock.advance(hours(47)).await;
    assert!(bench.snapshot.has(&thing.name));
    bench.clock.advance(hours(2)).await;
    assert!(!bench.snapshot.has(&thing.name));
    // What a key is certified for never changes.
    assert!(bench.snapshot.has(&vcek.name));
    assert!(keeper.status().alerts.iter().any(|alert| alert.what.contains("confirmed")));
    assert!(!got(&keeper, &[thing.name]).await);
    source.fails(None);
    source.says_unchanged(true);
    bench.clock.advance(hours(1)).await;
    assert!(bench.snapshot.has(&thing.name));
    assert!(got(&keeper, &[thing.name]).await);
}

#[tokio::test]
async fn what_was_confirmed_too_long_ago_does_not_serve_after_a_restart_either() {
    let source_bench = Bench::new();
    let source = source_bench.source("pcs");
    source.has(sgx());
    assert!(got(&source_bench.keeper(&[&source]).await, &names(&sgx())).await);
    settle().await;
    let settings = KeeperSettings { age_max: Some(hours(48)), ..KeeperSettings::default() };
    let bench = Bench { settings, shelf: source_bench.shelf.clone(), ..Bench::new() };
    bench.clock.advance(hours(49)).await;
    let keeper = bench.keeper(&[]).await;
    assert!(keeper.published().is_empty() && !bench.snapshot.has(&sgx()[0].name));
    assert_eq!(keeper.status().kept_count, 4);
}

#[tokio::test]
async fn what_a_source_confirms_changes_nothing_for_those_who_judge() {
    let bench = Bench::new();
    let source = bench.source("pcs");
    source.has(sgx());
    source.says_unchanged(true);
    let keeper = bench.keeper(&[&source]).await;
    assert!(got(&keeper, &names(&sgx())).await);
    let changes = *bench.snapshot.changes.lock().unwrap();
    let _running = keeper.start();
    bench.clock.advance(hours(24)).await;
    assert!(source.asked().len() >= 4 * 4);
    source.says_unchanged(false);
    bench.clock.advance(hours(24)).await;
    assert_eq!(*bench.snapshot.changes.lock().unwrap(), changes);
    let confirmed = keeper.status().kept[0].fetched_at;
    assert!(confirmed.seconds() > at().seconds() + DAY, "{confirmed}");
    settle().await;
    let stored = bench.shelf.things.lock().unwrap()[&sgx()[0].name].fetched_at;
    assert!(stored.seconds() > at().seconds() + DAY, "{stored}");
}

#[tokio::test]
async fn memory_is_bounded_and_crls_stay() {
    let crl = sgx().remove(2);
    let each = bytes_of(&[tcb_info([0; 6], 0, 17)]).await;
    let settings = KeeperSettings { bytes_max: 10 * each, ..KeeperSettings::default() };
    let bench = Bench { settings, ..Bench::new() };
    let source = bench.source("pcs");
    let things: Vec<Published> = (0..40).map(|number| tcb_info([number; 6], 0, 17)).collect();
    source.has(things.clone());
    source.has([crl.clone()]);
    let keeper = bench.keeper(&[&source]).await;
    assert!(got(&keeper, &[crl.name]).await);
    for thing in &things {
        bench.clock.advance(Duration::from_secs(1)).await;
        assert!(got(&keeper, &[thing.name]).await);
        assert!(keeper.status().kept_bytes <= 10 * each);
    }
    settle().await;
    assert!(bench.snapshot.has(&crl.name) && bench.snapshot.has(&things[39].name));
    assert!(!bench.snapshot.has(&things[0].name));
    let kept: BTreeSet<_> = names(&keeper.published()).into_iter().collect();
    let told: BTreeSet<_> = bench.snapshot.things.lock().unwrap().keys().copied().collect();
    let stored: BTreeSet<_> = bench.shelf.things.lock().unwrap().keys().copied().collect();
    assert!(kept == told && told == stored && kept.len() >= 6, "{kept:?}");
}

/// What a keeper counts for these.
async fn bytes_of(things: &[Published]) -> usize {
    let bench = Bench::new();
    let source = bench.source("any");
    source.has(things.to_vec());
    let keeper = bench.keeper(&[&source]).await;
    assert!(got(&keeper, &names(things)).await);
    keeper.status().kept_bytes
}

#[tokio::test]
async fn memory_is_counted_as_what_those_who_judge_hold_and_not_as_what_was_sent() {
    let many = (0..20).map(|number| tcb_info([number; 6], 0, 17));
    let things: Vec<Published> =
        sgx().into_iter().chain(amd(SnpProduct::Milan)).chain(many).collect();
    let held = EndorsementSet::default().with(things.clone()).bytes();
    assert!(bytes_of(&things).await >= held, "{held}");
    let milan = amd(SnpProduct::Milan);
    let held = EndorsementSet::default().with(milan[2..].to_vec()).bytes();
    let counted = bytes_of(&milan).await - bytes_of(&milan[..2]).await;
    assert!(counted >= held, "{counted} for {held}");
}

#[tokio::test]
async fn nothing_goes_for_what_finds_no_room_anyway() {
    let kept = amd(SnpProduct::Milan);
    let large = amd(SnpProduct::Genoa).remove(0);
    let room = bytes_of(&kept).await - bytes_of(&kept[..2]).await;
    assert!(bytes_of(std::slice::from_ref(&large)).await > room, "it needs more than the VCEK");
    let settings = KeeperSettings { bytes_max: bytes_of(&kept).await, ..KeeperSettings::default() };
    let bench = Bench { settings, ..Bench::new() };
    let source = bench.source("any");
    source.has(kept.clone());
    source.has([large.clone()]);
    let keeper = bench.keeper(&[&source]).await;
    assert!(got(&keeper, &names(&kept)).await);
    assert!(matches!(reason(&keeper, large.name).await, FetchFailure::NoRoom { .. }));
    assert_eq!(keeper.published().len(), kept.len());
}

#[tokio::test]
async fn what_finds_no_room_at_the_start_is_let_go_on_the_shelf_too() {
    let before = Bench::new();
    let source = before.source("pcs");
    let things: Vec<Published> = (0..8).map(|number| tcb_info([number; 6], 0, 17)).collect();
    source.has(things.clone());
    assert!(got(&before.keeper(&[&source]).await, &names(&things)).await);
    settle().await;
    let bytes_max = 3 * bytes_of(&things[..1]).await;
    let settings = KeeperSettings { bytes_max, ..KeeperSettings::default() };
    let bench = Bench { settings, shelf: before.shelf.clone(), ..Bench::new() };
    let keeper = bench.keeper(&[]).await;
    let kept: BTreeSet<_> = names(&keeper.published()).into_iter().collect();
    let stored: BTreeSet<_> = bench.shelf.things.lock().unwrap().keys().copied().collect();
    assert!(kept == stored && !kept.is_empty() && kept.len() <= 3, "{kept:?} {stored:?}");
}

#[tokio::test]
async fn a_replica_that_knows_something_older_leaves_the_newer_on_the_shelf() {
    let fmspc = Options::new(at()).platform.fmspc;
    let (old, new) = (tcb_info(fmspc, 0, 17), tcb_info(fmspc, 0, 18));
    for says_unchanged in [true, false] {
        let first = Bench::new();
        let second = Bench { shelf: first.shelf.clone(), ..Bench::new() };
        let (behind, ahead) = (first.source("behind"), second.source("ahead"));
        behind.has([old.clone()]);
        ahead.has([new.clone()]);
        let keeper = first.keeper(&[&behind]).await;
        assert!(got(&keeper, &[old.name]).await);
        settle().await;
        // Another instance begins without a word of the first, and is told of something newer.
        let shelf = std::mem::take(&mut *first.shelf.things.lock().unwrap());
        let other = second.keeper(&[&ahead]).await;
        first.shelf.things.lock().unwrap().extend(shelf);
        assert!(got(&other, &[new.name]).await);
        settle().await;
        let stored = || first.shelf.things.lock().unwrap()[&new.name].body.clone();
        assert_eq!(stored(), new.body);
        behind.says_unchanged(says_unchanged);
        let asked = behind.asked().len();
        let _running = keeper.start();
        first.clock.advance(hours(24)).await;
        settle().await;
        assert!(behind.asked().len() > asked);
        assert_eq!(stored(), new.body, "unchanged: {says_unchanged}");
    }
}

#[tokio::test]
async fn whoever_is_told_of_a_change_finds_nothing_locked() {
    let bench = Bench::new();
    let source = bench.source("pcs");
    source.has(sgx());
    let (place, answers) = (Arc::new(OnceLock::<Keeper>::new()), Arc::new(Mutex::new(Vec::new())));
    let (asks, hears) = (Arc::clone(&place), Arc::clone(&answers));
    let tell = move |_| {
        let Some(keeper) = asks.get().cloned() else { return };
        let (end, over) = std::sync::mpsc::channel();
        std::thread::spawn(move || end.send(keeper.status().kept_count));
        hears.lock().unwrap().push(over.recv_timeout(Duration::from_secs(5)).is_ok());
    };
    let sources: Vec<Arc<dyn Source>> = vec![source.clone()];
    let keeper = bench.keeper_that_tells(sources, Box::new(tell)).await;
    place.set(keeper.clone()).unwrap();
    assert!(got(&keeper, &names(&sgx())).await);
    assert_eq!(*answers.lock().unwrap(), [true; 4]);
}

#[tokio::test]
async fn what_is_larger_than_all_memory_is_refused_by_name() {
    let settings = KeeperSettings { bytes_max: 600, ..KeeperSettings::default() };
    let bench = Bench { settings, ..Bench::new() };
    let source = bench.source("pcs");
    source.has(sgx());
    let keeper = bench.keeper(&[&source]).await;
    let reason = reason(&keeper, sgx()[0].name).await;
    assert_eq!(reason, FetchFailure::NoRoom { limit: 600 });
    assert!(keeper.published().is_empty() && !bench.snapshot.has(&sgx()[0].name));
}

#[tokio::test]
async fn a_vcek_brings_the_chain_above_it() {
    for product in SnpProduct::ALL {
        let bench = Bench::new();
        let things = amd(product);
        let fake = Fake::start(kds(things.clone())).await;
        let config = SourceConfig::new("kds", SourceKind::Kds, &fake.url);
        let source: Arc<dyn Source> = Arc::new(HttpSource::new(&config).unwrap());
        let keeper = bench.keeper_of(vec![source]).await;
        assert!(got(&keeper, &[things[2].name]).await);
        assert!(bench.snapshot.has(&things[0].name));
        assert_eq!(fake.count(), 2);
    }
}

#[tokio::test]
async fn a_source_that_panics_is_an_outcome_and_the_name_is_not_stuck() {
    let bench = Bench::new();
    let source = bench.source("pcs");
    source.panics(true);
    let keeper = bench.keeper(&[&source]).await;
    let name = sgx()[0].name;
    assert!(matches!(reason(&keeper, name).await, FetchFailure::Ended(_)));
    source.panics(false);
    source.has(sgx());
    bench.clock.advance(Duration::from_secs(11)).await;
    assert!(got(&keeper, &[name]).await);
}

#[tokio::test]
async fn the_end_of_the_refreshing_task_is_seen_and_not_for_good() {
    let settings = KeeperSettings { age_max: Some(hours(1)), ..KeeperSettings::default() };
    let bench = Bench { settings, ..Bench::new() };
    let source = bench.source("pcs");
    source.has(sgx());
    let keeper = bench.keeper(&[&source]).await;
    assert!(got(&keeper, &names(&sgx())).await);
    let running = keeper.start();
    settle().await;
    assert!(keeper.status().refresher.is_running);
    *bench.snapshot.panics.lock().unwrap() = true;
    bench.clock.advance(hours(1) + Duration::from_secs(65)).await;
    let refresher = keeper.status().refresher;
    assert_eq!(refresher.ends, 1);
    assert!(refresher.last_end.is_some_and(|end| end.contains("panic")));
    bench.clock.advance(Duration::from_secs(60)).await;
    assert!(keeper.status().refresher.is_running);
    drop(running);
    settle().await;
    let asked = source.asked().len();
    bench.clock.advance(hours(240)).await;
    assert_eq!(source.asked().len(), asked, "it stops with who holds it");
}

#[tokio::test]
async fn the_status_says_in_json_what_is_at_hand_and_what_fails() {
    let bench = Bench::new();
    let source = bench.source("pcs");
    source.has(sgx());
    let keeper = bench.keeper(&[&source]).await;
    let mut wanted = names(&sgx());
    wanted.push(tcb_name(77));
    keeper.fetch(&wanted, LONG).await;
    let status = serde_json::to_value(keeper.status()).unwrap();
    assert_eq!((&status["kept_count"], &status["failures_count"]), (&4.into(), &1.into()));
    let rows = status["kept"].as_array().unwrap();
    let root_crl = rows.iter().find(|row| row["name"] == "intel/root-ca-crl").unwrap();
    assert_eq!((&root_crl["source"], &root_crl["serves"]), (&"pcs".into(), &true.into()));
    assert_eq!(root_crl["fetched_at"], bench.clock.now().to_string());
    assert_eq!(status["failures"][0]["name"], tcb_name(77).to_string());
    assert_eq!(status["failures"][0]["retry_seconds"], 600);
    assert_eq!(
        (&status["sources"][0]["asked"], &status["sources"][0]["failed"]),
        (&5.into(), &1.into())
    );
}

#[tokio::test]
async fn half_open_connections_and_cut_bodies_fall_through_to_the_next_service() {
    let bench = Bench::new();
    let silent = Fake::start(|_| Reply::Silence).await;
    let cut = Fake::start(|_| intel_answer(&sgx()[0], Manner::Pcs).truncated()).await;
    let swapped = Fake::start(|_| intel_answer(&tcb_info([9; 6], 0, 17), Manner::Pcs)).await;
    let good = Fake::start(intel_service(sgx(), Manner::Pcs)).await;
    let sources = [&silent, &cut, &swapped, &good].map(|fake| {
        let mut config = SourceConfig::new(&fake.url, SourceKind::Pcs, &fake.url);
        let is_silent = std::ptr::eq(fake, &silent);
        config.timeout = Duration::from_millis(if is_silent { 50 } else { 60_000 });
        Arc::new(HttpSource::new(&config).unwrap()) as Arc<dyn Source>
    });
    let keeper = bench.keeper_of(sources.into()).await;
    assert!(got(&keeper, &names(&sgx())[..1]).await);
    assert_eq!(&*keeper.published()[0].source, good.url);
    let failures: Vec<String> =
        keeper.status().sources.into_iter().filter_map(|one| one.last_failure).collect();
    assert_eq!(failures.len(), 3, "{failures:?}");
    assert!(failures[0].contains("in time"), "{failures:?}");
    assert!(failures[2].contains("was asked for, this is"), "{failures:?}");
}

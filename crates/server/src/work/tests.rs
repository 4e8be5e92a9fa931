use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use super::{Resting, Source, WorkLimits, WorkPool};
use crate::error::{ApiError, Fault};
use crate::processor::Spent;

/// Work that has this result.
fn done<T>(value: T) -> Result<T, Fault> {
    Ok(value)
}

fn source(last: u8) -> Source {
    Source::new(IpAddr::from([192, 0, 2, last]), u64::from(last), Arc::new(Spent::new(1)))
}

fn pool(waiting_max: usize) -> Arc<WorkPool> {
    pool_with(waiting_max, 0)
}

/// One thread for all work, and others for light work.
fn pool_with(waiting_max: usize, light_threads: usize) -> Arc<WorkPool> {
    let waiting_per_address_max = waiting_max;
    let limits = WorkLimits {
        threads: 1,
        light_threads,
        waiting_max,
        waiting_per_address_max,
        seconds_max: 600,
    };
    Arc::new(WorkPool::start(limits).unwrap())
}

/// Somebody whose work is heavy.
fn heavy_source(last: u8) -> Source {
    let source = source(last);
    source.spent.add(Duration::from_secs(60), std::time::Instant::now());
    source
}

/// Occupies the only thread for heavy work until the sender is dropped.
async fn occupy(pool: &Arc<WorkPool>) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let pool = Arc::clone(pool);
    tokio::spawn(async move {
        let work = move || {
            let _ = begun.send(());
            let _ = released.recv();
            done(())
        };
        let _ = pool.run(heavy_source(200), work).await;
    });
    has_begun.await.unwrap();
    release
}

async fn until_waiting(pool: &WorkPool, wanted: usize) {
    while pool.waiting() != wanted {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn work_is_done_elsewhere_and_its_outcome_comes_back() {
    let pool = pool(8);
    let here = std::thread::current().id();
    let there = pool.run(source(1), || done(std::thread::current().id())).await.unwrap();
    assert_ne!(here, there);
    let refused = pool.run(source(1), || Err::<(), _>(Fault::not_found("no"))).await;
    assert_eq!(refused.unwrap_err().status(), 404);
}

#[tokio::test]
async fn a_panic_is_500_and_the_thread_goes_on() {
    let pool = pool(8);
    let panicked = pool.run(source(1), || -> Result<(), Fault> { panic!("as tests do") }).await;
    assert_eq!(panicked.unwrap_err().status(), 500);
    assert_eq!(pool.run(source(1), || done(7)).await, Ok(7));
}

#[tokio::test]
async fn over_the_length_of_the_queue_work_is_refused_with_a_time_to_come_back() {
    let pool = pool(2);
    let release = occupy(&pool).await;
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.run(source(1), || done(())).await })
        })
        .collect();
    until_waiting(&pool, 2).await;
    let refused = pool.run(source(1), || done(())).await.unwrap_err();
    assert_eq!(refused.status(), 503);
    assert!(ApiError::from(refused).into_response().headers().contains_key("retry-after"));
    // Another sender has fewer waiting: one of the first sender's gives way.
    let other = Arc::clone(&pool);
    let other = tokio::spawn(async move { other.run(source(2), || done(())).await });
    let mut outcomes = Vec::new();
    let mut waiting = waiting.into_iter();
    outcomes.push(waiting.next().unwrap().await.unwrap().map_err(|error| error.status()));
    assert_eq!(outcomes[0].map_err(|status| status.as_u16()), Err(503));
    drop(release);
    assert_eq!(other.await.unwrap(), Ok(()));
    assert_eq!(waiting.next().unwrap().await.unwrap(), Ok(()));
}

#[tokio::test]
async fn who_takes_little_does_not_wait_for_heavy_work_that_has_begun() {
    let pool = pool_with(8, 1);
    let release = occupy(&pool).await;
    let waiting = {
        let pool = Arc::clone(&pool);
        tokio::spawn(async move { pool.run(heavy_source(1), || done(())).await })
    };
    until_waiting(&pool, 1).await;
    assert_eq!(pool.run(source(2), || done(7)).await, Ok(7));
    assert_eq!(pool.waiting(), 1);
    drop(release);
    assert_eq!(waiting.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn work_of_a_sender_that_becomes_heavy_while_it_waits_is_done_by_the_other_threads() {
    let pool = pool_with(8, 1);
    for _ in 0..200 {
        let sender = source(1);
        let spent = Arc::clone(&sender.spent);
        let done = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { pool.run(sender, || done(())).await }
        });
        tokio::task::yield_now().await;
        spent.add(Duration::from_secs(60), std::time::Instant::now());
        let done = tokio::time::timeout(Duration::from_secs(60), done).await;
        assert_eq!(done.unwrap().unwrap(), Ok(()));
    }
}

#[tokio::test]
async fn work_past_its_deadline_is_answered_503_and_never_begun() {
    let pool = pool(8);
    let release = occupy(&pool).await;
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let work = move || {
        count.fetch_add(1, Ordering::SeqCst);
        done(())
    };
    let late = pool.run_within(Duration::ZERO, source(1), work).await;
    assert_eq!(late.unwrap_err().status(), 503);
    drop(release);
    // The thread comes past it on its way to this.
    assert_eq!(pool.run(source(1), || done(())).await, Ok(()));
    assert_eq!(begun.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn work_that_nobody_waits_for_any_more_is_not_begun() {
    let pool = pool(8);
    let release = occupy(&pool).await;
    let begun = Arc::new(AtomicUsize::new(0));
    let (count, gone) = (Arc::clone(&begun), Arc::clone(&pool));
    let waiting = tokio::spawn(async move {
        let work = move || {
            count.fetch_add(1, Ordering::SeqCst);
            done(())
        };
        gone.run(source(1), work).await
    });
    until_waiting(&pool, 1).await;
    waiting.abort();
    let _ = waiting.await;
    drop(release);
    assert_eq!(pool.run(source(2), || done(())).await, Ok(()));
    assert_eq!(begun.load(Ordering::SeqCst), 0);
}

#[test]
fn an_ipv6_network_is_one_sender_and_a_mapped_address_the_one_it_maps() {
    let of = |text: &str| Source::new(text.parse().unwrap(), 1, Arc::new(Spent::new(1))).address;
    assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
    assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
}

#[test]
fn the_thread_that_rested_last_is_woken_first() {
    let threads: Vec<_> = (0..3)
        .map(|_| std::thread::spawn(std::thread::current))
        .map(|it| it.join().unwrap())
        .collect();
    let mut resting = Resting(threads.clone());
    for thread in threads.iter().rev() {
        assert_eq!(resting.next().map(|woken| woken.id()), Some(thread.id()));
    }
    assert!(resting.next().is_none());
}

//! The rate bound, and how long keys serve, with made-up time; and how claims give roles.

use std::sync::Arc;
use std::time::{Duration, Instant};

use avouch_token::{Jwks, KeySpec, PublishedKey, SigningKey, jwks_document};
use futures_util::FutureExt as _;
use serde_json::json;

use super::fetch::Fetcher;
use super::has_value;
use super::keys::{Budget, FETCH_PAUSE, FETCHES_AT_ONCE, IssuerKeys, Known};
use crate::config::IssuerConfig;

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

/// Keys that were fetched at a moment, of an issuer that takes connections and never answers.
fn keys_of_a_hanging_issuer(fetched_at: Instant) -> (IssuerKeys, std::net::TcpListener) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = IssuerConfig {
        issuer: format!("http://{}", listener.local_addr().unwrap()),
        audiences: vec!["a".to_owned()],
        algorithms: Vec::new(),
        ca_file: None,
        roles: Vec::new(),
    };
    let keys = IssuerKeys::new(Fetcher::new(&config).unwrap(), fetched_at);
    let key = SigningKey::generate(KeySpec::P256).unwrap();
    let document = jwks_document([&PublishedKey::new(&key, &[] as &[&[u8]])]);
    let known = Known { keys: Arc::new(Jwks::parse(document.as_bytes()).unwrap()), fetched_at };
    keys.known.store(Some(Arc::new(known)));
    (keys, listener)
}

#[tokio::test]
async fn known_keys_serve_at_once_for_a_day_while_the_issuer_hangs() {
    let start = Instant::now();
    let (keys, _issuer) = keys_of_a_hanging_issuer(start);
    let hour = Duration::from_secs(3600);
    for age in [hour / 2, hour + hour / 2, 23 * hour, 24 * hour - Duration::from_secs(1)] {
        let found = keys.get(None, start + age).now_or_never();
        assert!(found.is_some_and(|found| found.is_ok()), "waits at an age of {age:?}");
    }
    // Older ones are believed no longer, and who needs others than these waits.
    assert!(keys.get(None, start + 24 * hour).now_or_never().is_none());
    let known = keys.get(None, start).await.unwrap();
    assert!(keys.get(Some(&known), start).now_or_never().is_none());
}

//! Keys that are fetched when they are due, and no more often.
#![cfg(test)]

mod support;

use std::cell::{Cell, RefCell};

use avouch_client::{Fetch, FetchError, KeyCache, KeyCacheBounds, KeyCacheError};
use avouch_token::{
    KeySpec, PublishedKey, Signer as _, SigningKey, jwks_document, openid_metadata,
    provider_certificate,
};
use support::{ISSUER, at};

const BOUNDS: KeyCacheBounds =
    KeyCacheBounds { refresh_seconds: 300, keep_seconds: 1000, retry_seconds: 30 };

/// A service that rotates its keys, or is down, and counts who asks for its keys.
#[derive(Default)]
struct Published {
    keys: RefCell<String>,
    metadata: RefCell<String>,
    down: Cell<bool>,
    asked: Cell<u32>,
}

impl Published {
    fn new(key: &SigningKey) -> Self {
        let this = Self::default();
        this.publish(&[key]);
        this.name(ISSUER);
        this
    }

    fn publish(&self, keys: &[&SigningKey]) {
        let published: Vec<PublishedKey> = keys
            .iter()
            .map(|key| {
                PublishedKey::new(*key, &[provider_certificate(*key, ISSUER, None).unwrap()])
            })
            .collect();
        *self.keys.borrow_mut() = jwks_document(&published);
    }

    fn name(&self, issuer: &str) {
        *self.metadata.borrow_mut() = openid_metadata(issuer, &[avouch_token::Algorithm::Es256]);
    }
}

impl Fetch for Published {
    fn get(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        if self.down.get() {
            return Err(FetchError { url: url.to_owned(), reason: "down".to_owned() });
        }
        if url == format!("{ISSUER}/certs") {
            self.asked.update(|asked| asked.saturating_add(1));
            return Ok(self.keys.borrow().clone().into_bytes());
        }
        assert_eq!(url, format!("{ISSUER}/.well-known/openid-configuration"));
        Ok(self.metadata.borrow().clone().into_bytes())
    }
}

fn key() -> SigningKey {
    SigningKey::generate(KeySpec::P256).unwrap()
}

fn after(seconds: i64) -> avouch_wire::UnixTime {
    at().saturating_add_seconds(seconds)
}

fn has(cache: &mut KeyCache, service: &Published, kid: &str, seconds: i64) -> bool {
    let keys = cache.keys_for(Some(kid), service, after(seconds)).unwrap();
    keys.keys().iter().any(|key| key.kid() == Some(kid))
}

#[test]
fn keys_are_fetched_once_until_they_are_due() {
    let key = key();
    let service = Published::new(&key);
    let mut cache = KeyCache::new(ISSUER, BOUNDS);
    for seconds in [0, 1, 299] {
        assert!(has(&mut cache, &service, key.kid(), seconds));
        assert_eq!(service.asked.get(), 1);
    }
    assert!(has(&mut cache, &service, key.kid(), 300));
    assert_eq!(service.asked.get(), 2);
    // A clock that went back does not make old keys new.
    assert!(has(&mut cache, &service, key.kid(), 200));
    assert_eq!(service.asked.get(), 3);
}

#[test]
fn a_new_key_is_fetched_at_once_and_made_up_ones_cost_no_more_than_one_request_in_a_while() {
    let (old, new) = (key(), key());
    let service = Published::new(&old);
    let mut cache = KeyCache::new(ISSUER, BOUNDS);
    assert!(has(&mut cache, &service, old.kid(), 0));
    service.publish(&[&new, &old]);
    assert!(has(&mut cache, &service, new.kid(), 30));
    assert_eq!(service.asked.get(), 2);
    for made_up in 0..100 {
        assert!(!has(&mut cache, &service, &made_up.to_string(), 59));
        assert_eq!(service.asked.get(), 2);
    }
    assert!(!has(&mut cache, &service, "made up", 60));
    assert_eq!(service.asked.get(), 3);
    assert!(has(&mut cache, &service, old.kid(), 60) && has(&mut cache, &service, new.kid(), 60));
}

#[test]
fn a_withdrawn_key_is_believed_no_longer_than_the_bounds_say() {
    let (old, new) = (key(), key());
    let service = Published::new(&old);
    let mut cache = KeyCache::new(ISSUER, BOUNDS);
    assert!(has(&mut cache, &service, old.kid(), 0));
    service.publish(&[&new]);
    assert!(has(&mut cache, &service, old.kid(), 299), "until the keys are due");
    assert!(!has(&mut cache, &service, old.kid(), 300));
}

#[test]
fn keys_serve_on_while_the_service_is_down_and_not_for_ever() {
    let key = key();
    let service = Published::new(&key);
    let mut cache = KeyCache::new(ISSUER, BOUNDS);
    assert!(has(&mut cache, &service, key.kid(), 0));
    service.down.set(true);
    for seconds in [300, 301, 999] {
        assert!(has(&mut cache, &service, key.kid(), seconds), "{seconds}");
    }
    let error = cache.keys_for(Some(key.kid()), &service, after(1000)).unwrap_err();
    assert!(matches!(error, KeyCacheError::Waiting { .. }), "{error}");
    let error = cache.keys_for(Some(key.kid()), &service, after(1029)).unwrap_err();
    assert!(matches!(error, KeyCacheError::Fetch(_)), "{error}");
    service.down.set(false);
    assert!(has(&mut cache, &service, key.kid(), 1059));
    assert_eq!(cache.issuer(), ISSUER);
}

#[test]
fn keys_serve_no_longer_than_they_are_kept_however_seldom_they_are_fetched() {
    let (old, new) = (key(), key());
    let bounds = KeyCacheBounds { refresh_seconds: 86_400, keep_seconds: 60, retry_seconds: 0 };
    let service = Published::new(&old);
    let mut cache = KeyCache::new(ISSUER, bounds);
    assert!(has(&mut cache, &service, old.kid(), 0));
    service.publish(&[&new]);
    assert!(has(&mut cache, &service, old.kid(), 59));
    assert!(!has(&mut cache, &service, old.kid(), 60), "kept for a minute");
    assert_eq!(service.asked.get(), 2);
    service.down.set(true);
    assert!(has(&mut cache, &service, new.kid(), 119));
    let error = cache.keys_for(Some(new.kid()), &service, after(120)).unwrap_err();
    assert!(matches!(error, KeyCacheError::Fetch(_)), "{error}");

    // Kept for no time at all, they are fetched for each token.
    let bounds = KeyCacheBounds { keep_seconds: 0, ..bounds };
    service.down.set(false);
    let mut cache = KeyCache::new(ISSUER, bounds);
    for asked in 3..6 {
        assert!(has(&mut cache, &service, new.kid(), 0));
        assert_eq!(service.asked.get(), asked);
    }
    let mut cache = KeyCache::new(ISSUER, KeyCacheBounds { retry_seconds: 30, ..bounds });
    assert!(has(&mut cache, &service, new.kid(), 0));
    let error = cache.keys_for(Some(new.kid()), &service, after(29)).unwrap_err();
    assert!(matches!(error, KeyCacheError::Waiting { .. }), "{error}");
}

#[test]
fn a_service_that_answers_as_another_is_not_believed_by_what_it_said_before() {
    let key = key();
    let service = Published::new(&key);
    let mut cache = KeyCache::new(ISSUER, BOUNDS);
    assert!(has(&mut cache, &service, key.kid(), 0));
    service.name("https://other.example");
    assert!(has(&mut cache, &service, key.kid(), 299), "until the keys are due");
    assert!(!has(&mut cache, &service, "unknown", 299), "they are as fresh as they were");
    // However soon it is asked again.
    for seconds in [300, 328, 330, 331, 359, 360, 361] {
        let error = cache.keys_for(Some(key.kid()), &service, after(seconds)).unwrap_err();
        assert!(matches!(error, KeyCacheError::Refused(_)), "{seconds}: {error}");
    }
    // Nor is it believed where it does not answer at all afterwards.
    service.down.set(true);
    let error = cache.keys_for(Some(key.kid()), &service, after(390)).unwrap_err();
    assert!(matches!(error, KeyCacheError::Fetch(_)), "{error}");
    let error = cache.keys_for(Some(key.kid()), &service, after(391)).unwrap_err();
    assert!(matches!(error, KeyCacheError::Refused(_)), "{error}");
    service.down.set(false);
    service.name(ISSUER);
    assert!(has(&mut cache, &service, key.kid(), 420));
    // Then all is as before: without an answer, its keys serve for a while.
    service.down.set(true);
    assert!(has(&mut cache, &service, key.kid(), 720));
    assert!(has(&mut cache, &service, key.kid(), 721));
}

#[test]
fn a_service_under_another_name_is_not_the_one_that_was_chosen() {
    let key = key();
    let service = Published::new(&key);
    for other in ["https://other.example", "https://attest.example/"] {
        service.name(other);
        let mut cache = KeyCache::new(ISSUER, BOUNDS);
        let error = cache.keys_for(Some(key.kid()), &service, at()).unwrap_err();
        assert!(
            matches!(&error, KeyCacheError::Refused(check) if check.name == "provider-issuer"),
            "{error}"
        );
    }
    // Keys that lie elsewhere are not the service's.
    let metadata = format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"https://other.example/certs"}}"#);
    *service.metadata.borrow_mut() = metadata;
    let mut cache = KeyCache::new(ISSUER, BOUNDS);
    let error = cache.keys_for(None, &service, at()).unwrap_err();
    assert!(
        matches!(&error, KeyCacheError::Refused(check) if check.name == "provider-keys-url"),
        "{error}"
    );
    service.name(ISSUER);
    *service.keys.borrow_mut() = "<html>".to_owned();
    let mut cache = KeyCache::new(ISSUER, BOUNDS);
    let error = cache.keys_for(None, &service, at()).unwrap_err();
    assert!(
        matches!(&error, KeyCacheError::Refused(check) if check.name == "provider-keys"),
        "{error}"
    );
}

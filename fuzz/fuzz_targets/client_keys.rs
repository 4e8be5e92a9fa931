//! Metadata and key sets that a service answers with, and tokens that ask for keys: no panic, no key under another name
//! than the one that was chosen, and no more questions than the bounds say.
//!
//! An input is a program: a byte for what is done, one for how much later, one for the length of what follows.
#![no_main]

use std::cell::Cell;

use avouch_client::{Discovered, FetchError, KeyCache, KeyCacheBounds, KeyCacheError};
use avouch_wire::UnixTime;
use libfuzzer_sys::fuzz_target;

const ISSUER: &str = "https://a.example";
const METADATA: &str =
    r#"{"issuer":"https://a.example","jwks_uri":"https://a.example/certs"}"#;
const BOUNDS: KeyCacheBounds =
    KeyCacheBounds { refresh_seconds: 300, keep_seconds: 1000, retry_seconds: 30 };

fuzz_target!(|bytes: &[u8]| {
    let mut cache = KeyCache::new(ISSUER, BOUNDS);
    let mut at = UnixTime::from_seconds(1_800_000_000).unwrap();
    let (mut metadata, mut keys) = (METADATA.as_bytes().to_vec(), Vec::new());
    let mut is_down = false;
    let mut asked_at = None::<UnixTime>;
    let mut rest = bytes;
    while let [what, later, length, behind @ ..] = rest {
        let (text, behind) = behind.split_at(usize::from(*length).min(behind.len()));
        rest = behind;
        at = at.saturating_add_seconds(i64::from(*later) * 5);
        match what % 6 {
            0 => metadata = text.to_vec(),
            1 => metadata = METADATA.as_bytes().to_vec(),
            // The rest of the input, which may be long.
            2 => {
                keys = rest.to_vec();
                rest = &[];
            }
            3 => keys = text.to_vec(),
            4 => is_down = !is_down,
            _ => {}
        }
        let judged = Discovered::judge(&metadata, &keys, ISSUER).into_keys();
        let questions = Cell::new(0_u32);
        let fetch = |url: &str| {
            questions.set(questions.get() + 1);
            if is_down {
                return Err(FetchError { url: url.to_owned(), reason: "down".to_owned() });
            }
            match url.strip_prefix(ISSUER) {
                Some("/certs") => Ok(keys.clone()),
                Some("/.well-known/openid-configuration") => Ok(metadata.clone()),
                _ => panic!("asked elsewhere: {url}"),
            }
        };
        let kid = std::str::from_utf8(text).ok();
        match cache.keys_for(kid, &fetch, at) {
            Ok(found) => {
                assert!(found.keys().len() + found.unusable().len() <= 256);
                // What was just fetched is what is given.
                if questions.get() == 2 && !is_down && judged.is_ok() {
                    assert_eq!(found.keys().len(), judged.unwrap().keys().len());
                }
            }
            Err(KeyCacheError::Refused(check)) => assert!(!check.name.is_empty()),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        if questions.get() > 0 {
            assert!(questions.get() <= 2);
            assert!(asked_at.is_none_or(|before| before.saturating_add_seconds(30) <= at));
            asked_at = Some(at);
        }
    }
});

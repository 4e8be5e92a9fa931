//! Metadata and key sets that a service answers with, and tokens that ask for keys: no panic, no key under another
//! name than the one that was chosen, none for longer than it may serve, and no more questions than the bounds say.
//!
//! An input is a program: a byte for what is done, one for how much later, one for the length of what follows.
#![no_main]

use std::cell::Cell;

use avouch_client::{Discovered, FetchError, KeyCache, KeyCacheBounds, KeyCacheError};
use avouch_token::Jwks;
use avouch_wire::UnixTime;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const ISSUER: &str = "https://a.example";
const METADATA: &str = r#"{"issuer":"https://a.example","jwks_uri":"https://a.example/certs"}"#;
const BOUNDS: KeyCacheBounds =
    KeyCacheBounds { refresh_seconds: 300, keep_seconds: 1000, retry_seconds: 30 };
const KEYS_MAX: usize = 256;

/// What the service said last as itself.
struct Said {
    keys: Vec<String>,
    at: UnixTime,
    /// How long it serves from then on; shorter once another answered in its name.
    seconds: u32,
}

fuzz_target!(|bytes: &[u8]| {
    let mut cache = KeyCache::new(ISSUER, BOUNDS);
    let mut at = UnixTime::from_seconds(1_800_000_000).unwrap();
    let (mut metadata, mut keys) = (METADATA.as_bytes().to_vec(), Vec::new());
    let mut is_down = false;
    let (mut asked_at, mut said) = (None::<UnixTime>, None::<Said>);
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
        let found = cache.keys_for(kid, &fetch, at).map(told);
        if questions.get() == 2 {
            match Discovered::judge(&metadata, &keys, ISSUER).into_keys() {
                Ok(keys) => {
                    assert!(is_of_issuer(&metadata));
                    said = Some(Said { keys: told(&keys), at, seconds: BOUNDS.keep_seconds });
                }
                Err(_) => said.iter_mut().for_each(|said| said.seconds = BOUNDS.refresh_seconds),
            }
        }
        match found {
            Ok(found) => {
                let said = said.as_ref().expect("keys that nobody said");
                assert!(found == said.keys && found.len() <= KEYS_MAX);
                assert!(at < said.at.saturating_add_seconds(said.seconds.into()));
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

/// Whether a document calls itself the service's own, by another reader.
fn is_of_issuer(metadata: &[u8]) -> bool {
    let read: Value = serde_json::from_slice(metadata).unwrap();
    read["issuer"] == ISSUER && read["jwks_uri"] == format!("{ISSUER}/certs")
}

/// What a set says of each of its keys.
fn told(keys: &Jwks) -> Vec<String> {
    let good = keys.keys().iter().map(|key| format!("{:?} {:?}", key.kid(), key.key()));
    good.chain(keys.unusable().iter().map(|key| format!("{key:?}"))).collect()
}

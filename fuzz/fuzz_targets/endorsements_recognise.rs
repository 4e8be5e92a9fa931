//! Any bytes as a file of endorsements, taken apart: what is recognised has its own name, reads again
//! the same when it is put under it, and a set never holds more than a bounded multiple of the input.
#![no_main]

use std::sync::Arc;

use avouch_endorsements::{EndorsementSet, recognise};
use avouch_wire::FailedCheck as _;
use libfuzzer_sys::fuzz_target;

/// What a set may hold for one byte of input, beside what it holds for each thing.
const BYTES_PER_BYTE: usize = 64;
const BYTES_PER_THING: usize = 16 * 1024;

fuzz_target!(|bytes: &[u8]| {
    let source: Arc<str> = "fuzz".into();
    let found = match recognise(bytes, &source) {
        Ok(found) => found,
        Err(error) => {
            assert!(!error.check().is_empty() && !error.to_string().is_empty());
            return;
        }
    };
    let mut file = EndorsementSet::default();
    if file.add(bytes).is_err() {
        assert!(!found.is_endorsement());
        return;
    }
    let things = file.iter().count() + 8;
    assert!(file.bytes() <= bytes.len() * BYTES_PER_BYTE + things * BYTES_PER_THING);
    // Each thing is what its name says, and is found by it.
    let all: Vec<_> = file.iter().map(|one| (**one).clone()).collect();
    // What a bundle calls by the name of another thing is left out and told.
    let taken = found.published.iter().filter(|_| file.ignored().is_empty());
    for one in taken {
        assert!(all.iter().any(|other| other.name == one.name && other.body == one.body));
    }
    let again = EndorsementSet::default().with(all.clone());
    assert!(again.ignored().is_empty(), "{:?}", again.ignored());
    for one in &all {
        assert!(again.published(&one.name).is_some());
        assert_eq!(one.name.to_string().parse(), Ok(one.name));
    }
});

//! Any bytes as a bundle of endorsements: of what is taken there is one file only, and of what is refused a
//! named check.
#![no_main]

use avouch_endorsements::{Bundle, BundleDiff};
use avouch_wire::{FailedCheck as _, UnixTime};
use libfuzzer_sys::fuzz_target;

/// What a fuzzer does not find by itself.
const HEAD: &[u8] = b"{\"format\":\"avouch-endorsements\",\"version\":1,";

fuzz_target!(|bytes: &[u8]| {
    for bytes in [bytes.to_vec(), [HEAD, bytes].concat()] {
        match Bundle::read(&bytes, "fuzz", UnixTime::EPOCH) {
            Ok(bundle) => {
                assert_eq!(bundle.write().expect("it was read"), bytes);
                let again = bundle.things().iter().rev().map(|thing| thing.published.clone());
                assert_eq!(Bundle::new(again).expect("it was read"), bundle);
                assert!(BundleDiff::of(&bundle, &bundle).is_empty());
            }
            Err(error) => assert!(!error.check().is_empty() && !error.to_string().is_empty()),
        }
    }
});

//! Any bytes as the extension of a PCK certificate: no panic, and one reading only: the same value
//! never parses with a byte added or taken away.

#![no_main]

use avouch_dcap::PckExtension;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if PckExtension::parse(bytes).is_err() {
        return;
    }
    let longer = [bytes, &[0]].concat();
    assert!(PckExtension::parse(&longer).is_err());
    let shorter = bytes.split_last().map_or(bytes, |(_, rest)| rest);
    assert!(PckExtension::parse(shorter).is_err());
});

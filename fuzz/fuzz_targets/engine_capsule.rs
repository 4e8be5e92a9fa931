//! Evidence capsules: no panic, and what is read is written as the same bytes, under the same name.
#![no_main]

use avouch_engine::Capsule;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(capsule) = Capsule::read(bytes) else { return };
    let text = capsule.to_json();
    assert_eq!(text.as_bytes(), bytes.strip_suffix(b"\n").unwrap_or(bytes));
    let again = Capsule::read(text.as_bytes()).unwrap();
    assert_eq!(again.id(), capsule.id());
    assert_eq!(again, capsule);
    let _ = capsule.policy();
});

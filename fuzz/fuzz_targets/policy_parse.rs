//! Any bytes are a policy or a list of mistakes with places inside of the text.
#![no_main]

use avouch_policy::{Limits, Policy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Policy::compile_bytes(bytes, &Limits::default()) {
        Ok(policy) => assert_eq!(policy.text().trim_start_matches('\u{feff}'), policy.text()),
        Err(errors) => {
            let first = errors.first().expect("a refusal has a reason");
            assert!(first.position.line >= 1 && first.position.column >= 1);
            assert!(!errors.render("policy.txt").is_empty());
            for diagnostic in errors.diagnostics() {
                assert!(!diagnostic.message.is_empty());
                assert!(!diagnostic.maa_message().is_empty());
            }
        }
    }
});

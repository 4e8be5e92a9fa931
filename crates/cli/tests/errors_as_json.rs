//! Errors are for programs too, where JSON is asked for. How they read is in `refusals.txt`.
#![cfg(test)]

mod support;

use serde_json::Value;
use support::avouch_json;

#[test]
fn errors_are_one_json_document_where_json_is_asked_for() {
    for (arguments, check) in [
        (&["inspect", "/nonexistent"][..], "read"),
        (&["inspect"], "usage"),
        (&["mint", "sev"], "usage"),
        (&["verify", "/nonexistent", "--jwks", "/nonexistent"], "read"),
    ] {
        let report: Value = avouch_json(arguments.iter().copied()).expect_status(2).json();
        assert_eq!(report["error"]["check"], check, "{report}");
        assert!(!report["error"]["message"].as_str().unwrap().is_empty());
    }
}

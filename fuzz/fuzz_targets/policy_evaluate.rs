//! Evaluating stays within its limits, is the same each time, and is the same when watched.
//!
//! Input: a policy, the byte 0x1e, claims as JSON. Without claims, some fixed ones.
#![no_main]

use avouch_policy::{Claim, Limits, Policy, corpus, token};
use libfuzzer_sys::fuzz_target;

const DOCUMENT: &str = r#"{"Events":[{"EventSeq":0,"PcrIndex":12,"x":[true,null,1.5]},{"a":"b"}]}"#;

fuzz_target!(|input: &str| {
    let limits =
        Limits { claims: 2_000, steps: 400_000, memory_bytes: 4 << 20, ..Limits::default() };
    let (text, claims) = input.split_once('\u{1e}').unwrap_or((input, ""));
    let Ok(policy) = Policy::compile(text, &limits) else { return };
    let claims = match corpus::claims_from_json(claims) {
        Ok((_, claims)) => claims,
        Err(_) => vec![
            Claim::service("a", 1),
            Claim::service("a", "x"),
            Claim::service("events", DOCUMENT),
            Claim::service("pcrs", "[1,2]").read_only(),
            Claim::service("flag", true),
        ],
    };
    let result = policy.evaluate(&claims, &limits);
    let explanation = policy.evaluate_explained(&claims, &limits);
    match (&result, &explanation.outcome) {
        (Ok(outcome), Ok(explained)) => {
            assert_eq!(outcome.decision, explained.decision);
            assert_eq!(outcome.outgoing, explained.outgoing);
            assert_eq!(outcome.added, explained.added);
            // Configuration rules have a sixteenth to themselves.
            assert!(outcome.cost.steps <= limits.steps + limits.steps / 16);
            assert!(outcome.decision.is_permit() || outcome.outgoing.is_empty());
            let contribution = token::contribution(&outcome.outgoing);
            assert_eq!(contribution.is_empty(), outcome.outgoing.is_empty());
        }
        (Err(error), Err(explained)) => assert_eq!(error, explained),
        _ => panic!("watching changed the outcome"),
    }
    assert!(!explanation.to_string().is_empty());
});

//! What was charged bounds what was done: bytes asked of the allocator and how often it was
//! asked, for every operation at its worst and for random policies.
//!
//! Processor time is measured by `cargo bench -p avouch-policy --bench worst`, not here.
#![cfg(test)]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a test stops at the first surprise"
)]

#[path = "../it/generate.rs"]
mod generate;
mod refusals;
mod worst;

use std::alloc::System;
use std::sync::Mutex;

use avouch_policy::{Claim, Cost, Limits, Policy, print};
use generate::Random;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The counters are those of the process.
static ALONE: Mutex<()> = Mutex::new(());

/// Bytes allocated for each byte charged, at most; growing lists are copied.
const BYTES_FACTOR: u64 = 2;
/// What may be allocated whatever is charged: messages, the parts of an empty program.
const BYTES_FREE: u64 = 64 << 10;
/// Calls of the allocator free of charge; all others cost a step at least.
const CALLS_FREE: u64 = 1_000;

/// What was asked of the allocator: bytes, and calls as steps.
fn measured<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let region = Region::new(ALLOCATOR);
    let result = work();
    let change = region.change();
    let moved = change.bytes_reallocated.unsigned_abs();
    let calls = change.allocations + change.reallocations;
    (result, Cost { steps: calls as u64, memory_bytes: (change.bytes_allocated + moved) as u64 })
}

fn assert_paid(what: &str, done: Cost, charged: Cost) {
    let bytes_allowed = BYTES_FREE + charged.memory_bytes * BYTES_FACTOR;
    assert!(done.memory_bytes <= bytes_allowed, "{what}: {done:?} for {charged:?}");
    assert!(done.steps <= CALLS_FREE + charged.steps, "{what}: {done:?} for {charged:?}");
}

/// Compiles and evaluates as a draft, and compares at each stage.
fn run_as_draft(what: &str, text: &str, claims: &[Claim]) {
    let limits = Limits::draft();
    let allowed = Cost { steps: limits.steps, memory_bytes: limits.memory_bytes };
    let (compiled, done) = measured(|| Policy::compile(text, &limits));
    let Ok(policy) = compiled else {
        return assert_paid(&format!("{what}, refused"), done, allowed);
    };
    let own = Cost { steps: allowed.steps / 16, memory_bytes: allowed.memory_bytes / 16 };
    assert_paid(&format!("{what}, compiled"), done, policy.cost().saturating_add(own));
    let left = limits.without(policy.cost());
    let (outcome, done) = measured(|| policy.evaluate(claims, &left));
    match outcome {
        Ok(outcome) => assert_paid(what, done, outcome.cost),
        Err(error) => assert_paid(&format!("{what}, {error}"), done, allowed),
    }
}

#[test]
fn every_operation_at_its_worst_is_paid_for() {
    let _alone = ALONE.lock().unwrap();
    for case in worst::cases() {
        run_as_draft(case.name, &case.policy, &case.claims);
    }
}

/// Copies of a policy's text that an explanation of a refusal may print.
const COPIES: u64 = 64;

#[test]
fn explaining_a_refusal_costs_no_more_than_the_evaluation_and_some_copies_of_the_text() {
    let _alone = ALONE.lock().unwrap();
    for (what, rules) in refusals::all() {
        let text = format!("version=1.2;\nauthorizationrules {{\n{rules}\n}};");
        let policy = Policy::compile(&text, &Limits::default()).unwrap();
        let claims = [Claim::service("a", true), Claim::service("b", "x".repeat(100_000))];
        for limits in [Limits::draft(), Limits::default()] {
            let spent = match policy.evaluate(&claims, &limits) {
                Ok(outcome) => outcome.cost,
                Err(_) => Cost { steps: limits.steps, memory_bytes: limits.memory_bytes },
            };
            let copies = COPIES * text.len() as u64;
            let charged = spent.saturating_add(Cost { steps: 2_000, memory_bytes: copies });
            let (why, done) = measured(|| policy.explain_refusal(&claims, &limits));
            assert_paid(&format!("{what}, explained"), done, charged);
            let shown = why.map_or(0, |why| why.len());
            assert!(shown <= 64 << 10, "{what}: {shown} bytes");
        }
        assert!(policy.explain_refusal(&claims, &Limits::default()).is_some(), "{what}");
    }
}

#[test]
fn every_function_is_among_the_worst_cases() {
    let _alone = ALONE.lock().unwrap();
    let all: String = worst::cases().iter().map(|case| case.policy.as_str()).collect();
    for name in avouch_policy::jmespath::function_names() {
        assert!(all.contains(&format!("{name}(")), "{name}");
    }
    for function in avouch_policy::ast::Function::ALL {
        assert!(all.contains(&format!("{}(", function.name())), "{}", function.name());
    }
}

#[test]
fn random_policies_are_paid_for() {
    let _alone = ALONE.lock().unwrap();
    let mut random = Random::new(0x0c05_7ab1);
    for round in 0..4_000 {
        let text = print::print(&random.policy());
        // Some claims many times over, so that sets and combinations grow.
        let mut claims = random.claims();
        for copy in 0..random.below(30) {
            for claim in random.claims() {
                let grown = match &claim.value {
                    avouch_policy::Value::String(text) if random.chance(20) => {
                        format!("{text}{}", "y".repeat(copy * 50)).into()
                    }
                    avouch_policy::Value::Integer(value) => (*value + copy as i64).into(),
                    value => value.clone(),
                };
                claims.push(Claim { value: grown, ..claim });
            }
        }
        run_as_draft(&format!("round {round}: {text}"), &text, &claims);
    }
}

#[test]
fn what_is_remembered_of_a_document_does_not_change_what_it_costs() {
    let _alone = ALONE.lock().unwrap();
    let text = "version=1.2; authorizationrules { => permit(); }; issuancerules {
        d:[type==\"doc\"] => add(type=\"o\", value=JmesPath(d.value, \"length(@)\")); };";
    let policy = Policy::compile(text, &Limits::default()).unwrap();
    let claims = [Claim::service("doc", format!("[{}1]", "1,".repeat(5_000)))];
    let first = policy.evaluate(&claims, &Limits::default()).unwrap();
    let second = policy.evaluate(&claims, &Limits::default()).unwrap();
    assert_eq!(first.cost, second.cost);
}

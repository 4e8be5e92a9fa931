//! The engine against the reference evaluator.

use std::collections::BTreeMap;

use avouch_policy::ast::Ast;
use avouch_policy::{Claim, Decision, Limits, Policy, Value, print};

use crate::generate::Random;
use crate::reference::{self, C, Result_, Val};

const PAIRS: usize = 120_000;

fn val(value: &Value) -> Val {
    match value {
        Value::String(text) => Val::Str(text.to_string()),
        Value::Integer(value) => Val::Int(*value),
        Value::Boolean(value) => Val::Bool(*value),
    }
}

fn claim(claim: &Claim) -> C {
    C {
        name: claim.claim_type.to_string(),
        value: val(&claim.value),
        issuer: claim.issuer.name().to_owned(),
        read_only: claim.read_only,
    }
}

fn engine(policy: &Policy, claims: &[Claim]) -> Result<Result_, &'static str> {
    let outcome = policy.evaluate(claims, &Limits::default()).map_err(|e| e.slug.name())?;
    let map = |properties: &avouch_policy::Properties| -> BTreeMap<String, Val> {
        properties.iter().map(|(name, value)| (name.to_owned(), val(value))).collect()
    };
    Ok(Result_ {
        decision: match outcome.decision {
            Decision::Permit => "permit",
            Decision::Deny(reason) => reason.name(),
        },
        outgoing: outcome.outgoing.iter().map(claim).collect(),
        added: outcome.added.iter().map(claim).collect(),
        configuration: map(&outcome.configuration),
        properties: map(&outcome.properties),
    })
}

fn compiled(ast: &Ast) -> Policy {
    let text = print::print(ast);
    match Policy::compile(&text, &Limits::default()) {
        Ok(policy) => policy,
        Err(errors) => panic!("the generator made a wrong policy\n{}", errors.render("generated")),
    }
}

#[test]
fn the_engine_agrees_with_the_reference_evaluator() {
    let mut random = Random::new(0x00a7_0c4d);
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    let mut pairs = 0;
    while pairs < PAIRS {
        let ast = random.policy();
        let policy = compiled(&ast);
        for _ in 0..4 {
            let claims = random.claims();
            let simple: Vec<C> = claims.iter().map(claim).collect();
            let expected = reference::evaluate(policy.ast(), &simple);
            let found = engine(&policy, &claims);
            assert_eq!(expected, found, "\n{}\n{simple:#?}", policy.text());
            *tally.entry(found.map_or_else(|slug| slug, |result| result.decision)).or_default() +=
                1;
            pairs += 1;
        }
    }
    println!("{pairs} pairs: {tally:?}");
    // The generator must reach every way in which an evaluation can end.
    for ending in [
        "permit",
        "no-permit",
        "deny-issued",
        "invalid-json",
        "invalid-jmespath",
        "jmespath-runtime-error",
        "json-object",
        "json-nested-array",
        "function-argument-type",
        "function-argument-not-single",
        "comparison-not-single",
        "read-only-claim-issued",
        "invalid-type",
        "value-type-mismatch",
        "wrong-property-type",
    ] {
        assert!(tally.get(ending).is_some_and(|count| *count >= 20), "{ending}: {tally:?}");
    }
    assert!(tally["permit"] * 4 > pairs, "{tally:?}");
}

#[test]
fn watching_an_evaluation_does_not_change_it() {
    let mut random = Random::new(7);
    for _ in 0..3_000 {
        let policy = compiled(&random.policy());
        let claims = random.claims();
        let limits = Limits::default();
        let explained = policy.evaluate_explained(&claims, &limits);
        assert_eq!(policy.evaluate(&claims, &limits), explained.outcome);
    }
}

#[test]
fn parsing_what_was_printed_gives_the_tree_back() {
    let mut random = Random::new(99);
    for _ in 0..5_000 {
        let ast = random.policy();
        assert_eq!(compiled(&ast).ast().clone().without_places(), ast);
    }
}

//! What claims meet which conditions, and what the key's owner is told.
#![cfg(test)]

mod support;

use avouch_release::{Found, ReleasePolicy};
use serde_json::{Map, Value, json};
use support::{ISSUER, OTHER_ISSUER, attested, claims, policy, policy_of};

fn with(name: &str, value: Value) -> Map<String, Value> {
    let mut claims = claims();
    claims.insert(name.to_owned(), value);
    claims
}

/// Whether claims meet a policy; what is explained says the same.
fn is_met(policy: &ReleasePolicy, claims: &Map<String, Value>) -> bool {
    let token = attested(claims);
    let is_met = policy.is_met_by(&token);
    assert_eq!(policy.explain(&token).is_met, is_met);
    is_met
}

/// Whether the claim `a` of that value meets `{"claim":"a", operator: wanted}`.
fn holds(found: &Value, operator: &str, wanted: &Value) -> bool {
    is_met(&policy_of(&json!([{"claim": "a", operator: wanted}])), &with("a", found.clone()))
}

#[test]
fn a_boolean_equals_its_text_and_an_integer_its_digits() {
    for (found, wanted) in [
        (json!(false), json!("false")),
        (json!(true), json!("true")),
        (json!(false), json!(false)),
        (json!(0), json!("0")),
        (json!(-7), json!("-7")),
        (json!(u64::MAX), json!("18446744073709551615")),
        (json!(u64::MAX), json!(u64::MAX)),
        (json!(7), json!(7)),
        (json!("x"), json!("x")),
        (json!(""), json!("")),
    ] {
        assert!(holds(&found, "equals", &wanted), "{found} {wanted}");
    }
}

#[test]
fn nothing_else_is_coerced() {
    for (found, wanted) in [
        (json!(false), json!("False")),
        (json!(false), json!("0")),
        (json!(false), json!(0)),
        (json!(false), json!("")),
        (json!("false"), json!(false)),
        (json!(true), json!("1")),
        (json!(0), json!("00")),
        (json!(0), json!("-0")),
        (json!(0), json!("")),
        (json!(0), json!(false)),
        (json!(7), json!("7.0")),
        (json!(7), json!("+7")),
        (json!("7"), json!(7)),
        (json!(7.0), json!(7)),
        (json!(7.0), json!("7.0")),
        (json!(7.5), json!("7.5")),
        (json!("x"), json!("X")),
        (json!("x"), json!("x ")),
        (json!("\u{e4}"), json!("a\u{308}")),
        (json!(null), json!("null")),
        (json!(null), json!("")),
        (json!([]), json!("[]")),
        (json!(["x"]), json!("x")),
        (json!({}), json!("{}")),
    ] {
        assert!(!holds(&found, "equals", &wanted), "{found} {wanted}");
    }
}

#[test]
fn a_claim_that_is_missing_makes_its_condition_false() {
    for operator in
        ["equals", "notEquals", "less", "lessOrEquals", "greater", "greaterOrEquals", "exists"]
    {
        let wanted = if operator == "exists" { json!(true) } else { json!(7) };
        let policy = policy_of(&json!([{"claim": "a", operator: wanted}]));
        assert!(!is_met(&policy, &claims()), "{operator}");
    }
}

#[test]
fn not_equals_wants_another_scalar() {
    assert!(holds(&json!("x"), "notEquals", &json!("y")));
    assert!(holds(&json!(true), "notEquals", &json!("false")));
    assert!(holds(&json!("7"), "notEquals", &json!(7)));
    assert!(!holds(&json!("x"), "notEquals", &json!("x")));
    assert!(!holds(&json!(false), "notEquals", &json!("false")));
    for found in [json!(null), json!([]), json!({}), json!(1.5)] {
        assert!(!holds(&found, "notEquals", &json!("x")), "{found}");
    }
}

#[test]
fn integers_are_ordered_and_nothing_else_is() {
    let operators = ["less", "lessOrEquals", "greater", "greaterOrEquals"];
    let orders = |found: i64| operators.map(|operator| holds(&json!(found), operator, &json!("3")));
    assert_eq!(orders(2), [true, true, false, false]);
    assert_eq!(orders(3), [false, true, false, true]);
    assert_eq!(orders(4), [false, false, true, true]);
    assert!(holds(&json!(u64::MAX), "greater", &json!(i64::MAX)));
    assert!(holds(&json!(-1), "less", &json!(u64::MAX)));
    for found in [json!("2"), json!(2.5), json!(true), json!(null), json!([2])] {
        for operator in operators {
            assert!(!holds(&found, operator, &json!(3)), "{found} {operator}");
        }
    }
}

#[test]
fn exists_takes_all_but_null() {
    for found in [json!(0), json!(false), json!(""), json!([]), json!({}), json!(0.5)] {
        assert!(holds(&found, "exists", &json!(true)), "{found}");
    }
    assert!(!holds(&json!(null), "exists", &json!(true)));
}

#[test]
fn dots_walk_objects() {
    let condition = |claim: &str| policy_of(&json!([{"claim": claim, "equals": "7"}]));
    assert!(is_met(&condition("x-ms-isolation-tee.level.value"), &claims()));
    for claim in [
        "x-ms-isolation-tee.level",
        "x-ms-isolation-tee.level.value.more",
        "x-ms-isolation-tee.Level.value",
        "level.value",
        "x-ms-runtime.keys.0",
    ] {
        assert!(!is_met(&condition(claim), &claims()), "{claim}");
    }
}

#[test]
fn a_claim_with_a_dotted_name_is_never_found() {
    let policy = policy_of(&json!([
        {"claim": "x-ms-isolation-tee.x-ms-compliance-status", "equals": "azure-compliant-cvm"},
    ]));
    let dotted = "x-ms-isolation-tee.x-ms-compliance-status";
    // At the top, where an attestation policy can issue it, and within an object.
    assert!(!is_met(&policy, &with(dotted, json!("azure-compliant-cvm"))));
    let mut within = claims();
    within.insert("a".to_owned(), json!({"b.c": "x"}));
    assert!(!is_met(&policy_of(&json!([{"claim": "a.b.c", "equals": "x"}])), &within));
    // Nor does it hide the one that the service made.
    let mut both = with(dotted, json!("forged"));
    both["x-ms-isolation-tee"]["x-ms-compliance-status"] = json!("azure-compliant-cvm");
    assert!(is_met(&policy, &both));
}

#[test]
fn nested_groups_hold_as_they_say() {
    let policy = policy_of(&json!([
        {"claim": "x-ms-compliance-status", "equals": "azure-compliant-uvm"},
        {"anyOf": [
            {"claim": "tier", "equals": "a"},
            {"allOf": [{"claim": "tier", "equals": "b"}, {"claim": "level", "equals": "2"}]},
        ]},
    ]));
    let tried = |tier: &str, level: u8| {
        let mut claims = with("tier", json!(tier));
        claims.insert("level".to_owned(), json!(level));
        is_met(&policy, &claims)
    };
    assert!(tried("a", 1) && tried("a", 2) && tried("b", 2));
    assert!(!tried("b", 1) && !tried("c", 2));
    let mut other = with("tier", json!("a"));
    other.remove("x-ms-compliance-status");
    assert!(!is_met(&policy, &other));
}

#[test]
fn one_rule_of_the_tokens_authority_is_enough() {
    let hold = json!({"claim": "x-ms-sevsnpvm-vmpl", "equals": "0"});
    let fail = json!({"claim": "x-ms-sevsnpvm-vmpl", "equals": "1"});
    let rule = |issuer: &str, condition: &Value| json!({"authority": issuer, "allOf": [condition]});
    let met = |rules: Value| is_met(&policy(&json!({"anyOf": rules})), &claims());
    assert!(met(json!([rule(ISSUER, &fail), rule(ISSUER, &hold)])));
    assert!(met(json!([rule(OTHER_ISSUER, &fail), rule(ISSUER, &hold)])));
    assert!(!met(json!([rule(OTHER_ISSUER, &hold), rule(ISSUER, &fail)])));
    assert!(!met(json!([rule(OTHER_ISSUER, &hold)])));
}

#[test]
fn an_explanation_names_each_condition_that_failed_with_both_sides() {
    let policy = policy(&json!({"anyOf": [
        {"authority": OTHER_ISSUER, "allOf": [{"claim": "a", "equals": "1"}]},
        {"authority": ISSUER, "allOf": [
            {"claim": "x-ms-sevsnpvm-vmpl", "equals": "0"},
            {"claim": "x-ms-sevsnpvm-is-debuggable", "equals": "true"},
            {"claim": "x-ms-isolation-tee.missing.deep", "equals": 1},
            {"anyOf": [
                {"claim": "x-ms-isolation-tee", "equals": "x"},
                {"claim": "x-ms-attestation-type", "equals": "tdxvm"},
            ]},
            {"anyOf": [
                {"claim": "x-ms-sevsnpvm-vmpl", "equals": "3"},
                {"claim": "x-ms-sevsnpvm-vmpl", "equals": "0"},
            ]},
        ]},
    ]}));
    let explained = policy.explain(&attested(&claims()));
    assert!(!explained.is_met);
    let expected = "\
a token of https://tenant.attest.example does not meet the release policy
anyOf[0]: is for tokens of https://other.attest.example
anyOf[1].allOf[1]: claim \"x-ms-sevsnpvm-is-debuggable\" is false, expected equals \"true\"
anyOf[1].allOf[2]: claim \"x-ms-isolation-tee.missing.deep\" is missing: there is no \
\"x-ms-isolation-tee.missing\", expected equals 1
anyOf[1].allOf[3].anyOf[0]: claim \"x-ms-isolation-tee\" is an object, expected equals \"x\"
anyOf[1].allOf[3].anyOf[1]: claim \"x-ms-attestation-type\" is \"sevsnpvm\", expected equals \
\"tdxvm\"";
    assert_eq!(explained.to_string(), expected);
    let failed = &explained.rules[1].failed[1];
    assert_eq!(failed.found, Found::Missing("x-ms-isolation-tee.missing".to_owned()));
    assert_eq!(explained.rules[0].failed, []);
}

#[test]
fn an_explanation_shows_of_a_long_text_its_beginning() {
    let long = "x".repeat(10_000);
    let policy = policy_of(&json!([{"claim": "a", "equals": "y"}]));
    let explained = policy.explain(&attested(&with("a", json!(long)))).to_string();
    assert!(explained.len() < 600, "{explained}");
    // A digest is shown whole.
    let digest = "0123456789abcdef".repeat(6);
    let explained = policy.explain(&attested(&with("a", json!(digest)))).to_string();
    assert!(explained.contains(&format!("is \"{digest}\"")), "{explained}");
}

//! What holds of every policy and every token.
#![cfg(test)]

mod support;

use avouch_release::{Authority, Operators, ReleasePolicy};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use support::{ISSUER, OTHER_ISSUER, attested};

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        (-2_i64..3).prop_map(Value::from),
        prop_oneof![Just("true"), Just("false"), Just("0"), Just("1"), Just("x")]
            .prop_map(Value::from),
    ]
}

const OPERATORS: [&str; 5] = ["equals", "notEquals", "less", "greaterOrEquals", "exists"];

/// Names and values out of few, so that conditions hold often enough.
fn claim_condition() -> impl Strategy<Value = Value> {
    let path = prop_oneof![Just("a"), Just("b"), Just("o.a"), Just("o.p.a"), Just("missing")];
    (path, proptest::sample::select(&OPERATORS[..]), scalar(), -2_i64..3).prop_map(
        |(path, operator, value, integer)| {
            let value = match operator {
                "equals" | "notEquals" => value,
                "exists" => json!(true),
                _ => json!(integer),
            };
            json!({"claim": path, operator: value})
        },
    )
}

fn condition() -> impl Strategy<Value = Value> {
    claim_condition().prop_recursive(4, 24, 3, |inner| {
        (any::<bool>(), proptest::collection::vec(inner, 1..4)).prop_map(|(all, members)| {
            let name = if all { "allOf" } else { "anyOf" };
            json!({name: members})
        })
    })
}

fn policy() -> impl Strategy<Value = Value> {
    let conditions = proptest::collection::vec(condition(), 1..4);
    let rule = (any::<bool>(), any::<bool>(), conditions).prop_map(|(other, all, conditions)| {
        let name = if all { "allOf" } else { "anyOf" };
        json!({"authority": if other { OTHER_ISSUER } else { ISSUER }, name: conditions})
    });
    proptest::collection::vec(rule, 1..4).prop_map(|rules| json!({"anyOf": rules}))
}

fn claims() -> impl Strategy<Value = Map<String, Value>> {
    (scalar(), scalar(), scalar(), scalar()).prop_map(|(a, b, c, d)| {
        let claims = json!({"a": a, "b": b, "o": {"a": c, "p": {"a": d}}, "o.a": true});
        claims.as_object().unwrap().clone()
    })
}

/// The meaning of conditions, written down once more and with nothing shared.
fn holds(condition: &Value, claims: &Map<String, Value>) -> bool {
    let (name, value) = condition.as_object().unwrap().iter().find(|(n, _)| *n != "claim").unwrap();
    match name.as_str() {
        "allOf" => value.as_array().unwrap().iter().all(|one| holds(one, claims)),
        "anyOf" => value.as_array().unwrap().iter().any(|one| holds(one, claims)),
        operator => {
            let pointer = format!("/{}", condition["claim"].as_str().unwrap().replace('.', "/"));
            let claims = Value::Object(claims.clone());
            let Some(found) = claims.pointer(&pointer) else { return false };
            let text = |value: &Value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let equal = if value.is_string() { text(found) == text(value) } else { found == value };
            match (operator, found.as_i64(), value.as_i64()) {
                ("exists", ..) => true,
                ("equals", ..) => equal,
                ("notEquals", ..) => !equal,
                ("less", Some(found), Some(value)) => found < value,
                ("greaterOrEquals", Some(found), Some(value)) => found >= value,
                _ => false,
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_policy_means_what_is_written(policy in policy(), claims in claims()) {
        let text = policy.to_string();
        let read = ReleasePolicy::parse(text.as_bytes(), Operators::All).unwrap();
        let token = attested(&claims);
        let expected = policy["anyOf"].as_array().unwrap().iter().any(|rule| {
            let mut group = rule.as_object().unwrap().clone();
            let authority = group.remove("authority").unwrap();
            authority == ISSUER && holds(&Value::Object(group), &claims)
        });
        prop_assert_eq!(read.is_met_by(&token), expected);
        let explained = read.explain(&token);
        prop_assert_eq!(explained.is_met, expected);
        // A rule of the token's authority that is not met has a condition that failed.
        for rule in &explained.rules {
            prop_assert!(expected || !rule.is_issuer || !rule.failed.is_empty());
        }
    }

    #[test]
    fn what_is_printed_is_read_as_the_same(policy in policy()) {
        let read = ReleasePolicy::parse(policy.to_string().as_bytes(), Operators::All).unwrap();
        let printed = read.to_json();
        let again = ReleasePolicy::parse(printed.as_bytes(), Operators::All).unwrap();
        prop_assert_eq!(&again, &read);
        prop_assert_eq!(again.to_json(), printed);
        let _ = read.lint();
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in ".{0,64}") {
        let _ = ReleasePolicy::parse(text.as_bytes(), Operators::All);
        if let Ok(authority) = Authority::parse(&text) {
            prop_assert_eq!(Authority::parse(authority.as_str()).unwrap(), authority);
        }
    }
}

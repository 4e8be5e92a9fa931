//! `avouch release-policy`, through the binary.
#![cfg(test)]

mod support;

use avouch_wire::base64url;
use serde_json::{Value, json};
use support::{Folder, avouch, avouch_json, avouch_with_input};

fn policy(conditions: &Value) -> Value {
    json!({"version": "1.0.0", "anyOf": [
        {"authority": "https://tenant.attest.example/", "allOf": conditions},
    ]})
}

fn good() -> Value {
    policy(&json!([{"claim": "x-ms-compliance-status", "equals": "azure-compliant-uvm"}]))
}

#[test]
fn check_accepts_a_policy_bare_and_in_its_envelope() {
    let own = Folder::new("release-policy");
    let bare = own.write("bare.json", good().to_string()).display().to_string();
    let envelope = json!({"data": base64url::encode(good().to_string()), "immutable": true});
    let envelope = own.write("envelope.json", envelope.to_string()).display().to_string();
    let run = avouch(["release-policy", "check", &bare, &envelope, "--strict"]).expect_status(0);
    assert_eq!(run.stdout.matches(": valid, no warnings").count(), 2, "{}", run.stdout);

    let report = avouch_json(["release-policy", "check", &bare, &envelope]).expect_status(0).json();
    assert_eq!(report[0]["policy"], report[1]["policy"]);
    let authority = &report[0]["policy"]["anyOf"][0]["authority"];
    assert_eq!(authority, "https://tenant.attest.example");
    let run = avouch_with_input(["release-policy", "check", "-"], good().to_string().as_bytes());
    run.expect_status(0);
}

#[test]
fn check_says_where_each_mistake_is() {
    let own = Folder::new("release-policy-bad");
    let bad = policy(&json!([{"claim": "a..b", "equals": 1}, {"claim": "c", "notEquals": 1}]));
    let bad = own.write("bad.json", bad.to_string()).display().to_string();
    let run = avouch(["release-policy", "check", &bad]).expect_status(1);
    for said in [
        "error[release-policy-claim]: anyOf[0].allOf[0].claim: claim \"a..b\" is not names",
        "error[release-policy-operator]: anyOf[0].allOf[1].notEquals: operator notEquals is not",
        ": refused, 2 errors",
    ] {
        assert!(run.stdout.contains(said), "{}", run.stdout);
    }
    let report = avouch_json(["release-policy", "check", &bad]).expect_status(1).json();
    assert_eq!(report[0]["errors"][1]["place"], "anyOf[0].allOf[1].notEquals");
    let all = ["release-policy", "check", &bad, "--all-operators"];
    let report = avouch_json(all).expect_status(1).json();
    assert_eq!(report[0]["errors"].as_array().unwrap().len(), 1, "{report}");

    for (text, check) in [
        ("", "release-policy-json"),
        ("[]", "release-policy-json"),
        (r#"{"data": "+"}"#, "release-policy-envelope"),
        (r#"{"data": "e30"}"#, "release-policy-member"),
    ] {
        let file = own.write("other.json", text).display().to_string();
        let report = avouch_json(["release-policy", "check", &file]).expect_status(1).json();
        assert_eq!(report[0]["errors"][0]["check"], check, "{report}");
    }
}

#[test]
fn check_warns_of_a_policy_that_every_genuine_chip_meets_and_refuses_it_only_if_strict() {
    let own = Folder::new("release-policy-lint");
    let weak = policy(&json!([{"claim": "x-ms-attestation-type", "equals": "sevsnpvm"}]));
    let weak = own.write("weak.json", weak.to_string()).display().to_string();
    let run = avouch(["release-policy", "check", &weak]).expect_status(0);
    assert!(run.stdout.contains("warning[release-no-workload]: anyOf[0]: "), "{}", run.stdout);
    assert!(run.stdout.contains("every owner of a genuine chip"), "{}", run.stdout);
    assert!(run.stdout.contains(": valid, 1 warning"), "{}", run.stdout);
    avouch(["release-policy", "check", &weak, "--strict"]).expect_status(1);
    let report = avouch_json(["release-policy", "check", &weak]).expect_status(0).json();
    assert_eq!(report[0]["warnings"][0]["slug"], "release-no-workload");
    avouch(["explain", "release-no-workload"]).expect_status(0);
}

//! How long a decision takes, each beside the same decision written in Rego.
//!
//! `cargo bench -p avouch-policy`. Policies are compiled and claims are in memory beforehand on
//! both sides; for Rego the input is set for each evaluation, as a server would have to.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a benchmark stops at the first surprise"
)]

use std::fmt::Write as _;

use avouch_policy::json::Json;
use avouch_policy::{Claim, Limits, Outcome, Policy, Value, defaults};
use divan::Bencher;
use serde_json::json;

fn main() {
    divan::main();
}

/// A policy, claims, and the same in Rego.
struct Subject {
    policy: Policy,
    text: String,
    claims: Vec<Claim>,
    rego: String,
    input: serde_json::Value,
    query: &'static str,
}

impl Subject {
    fn new(text: String, claims: Vec<Claim>, rego: String, query: &'static str) -> Self {
        let policy = Policy::compile(&text, &Limits::default()).unwrap();
        let input = claims
            .iter()
            .map(|claim| {
                let value = match &claim.value {
                    Value::String(text) if text.as_str().starts_with('{') => {
                        serde_json::from_str(text.as_str()).unwrap()
                    }
                    value => value.to_json(),
                };
                (claim.claim_type.to_string(), value)
            })
            .collect();
        let subject = Self { policy, text, claims, rego, input, query };
        let outcome = subject.decide();
        assert!(outcome.decision.is_permit());
        subject
    }

    fn decide(&self) -> Outcome {
        self.policy.evaluate(&self.claims, &Limits::default()).unwrap()
    }

    fn engine(&self) -> regorus::Engine {
        let mut engine = regorus::Engine::new();
        engine.add_policy("policy.rego".into(), self.rego.clone()).unwrap();
        engine
    }

    fn input(&self) -> regorus::Value {
        regorus::Value::from_json_str(&self.input.to_string()).unwrap()
    }

    fn decide_in_rego(&self, engine: &mut regorus::Engine, input: &regorus::Value) {
        engine.set_input(input.clone());
        let found = engine.eval_rule(self.query.into()).unwrap();
        assert_ne!(found, regorus::Value::Undefined);
        divan::black_box(found);
    }
}

fn default_sgx() -> Subject {
    let mut claims = vec![
        Claim::service("x-ms-ver", "1.0"),
        Claim::service("x-ms-attestation-type", "sgx"),
        Claim::service("x-ms-sgx-is-debuggable", false),
        Claim::service("x-ms-sgx-product-id", 1),
        Claim::service("x-ms-sgx-svn", 3),
        Claim::service("x-ms-sgx-mrsigner", "ab".repeat(32)),
        Claim::service("x-ms-sgx-mrenclave", "cd".repeat(32)),
    ];
    for name in ["$is-debuggable", "$product-id", "$sgx-mrsigner", "$sgx-mrenclave", "$svn"] {
        claims.push(Claim::service(name, 1));
    }
    let rego = r#"package p
import rego.v1
decision := {"permit": true, "claims": claims}
claims["is-debuggable"] := input["x-ms-sgx-is-debuggable"]
claims["sgx-mrsigner"] := input["x-ms-sgx-mrsigner"]
claims["sgx-mrenclave"] := input["x-ms-sgx-mrenclave"]
claims["product-id"] := input["x-ms-sgx-product-id"]
claims["svn"] := input["x-ms-sgx-svn"]
claims["tee"] := input["x-ms-attestation-type"]
"#;
    Subject::new(defaults::SGX.into(), claims, rego.into(), "data.p.decision")
}

fn hundred_rules() -> Subject {
    let mut text =
        String::from("version=1.0;\nauthorizationrules {\n    => permit();\n};\nissuancerules {\n");
    let mut rego = String::from(
        "package p\nimport rego.v1\ndecision := {\"permit\": true, \"claims\": claims}\n",
    );
    for rule in 0..99 {
        let (first, second) = (rule % 60, (rule * 7) % 60);
        let least = rule % 5;
        writeln!(
            text,
            "    c:[type==\"claim-{first}\", issuer==\"AttestationService\", value >= {least}] && \
             [type==\"claim-{second}\", value >= 0] => issue(type=\"out-{rule}\", value=c.value);"
        )
        .unwrap();
        writeln!(
            rego,
            "claims[\"out-{rule}\"] := input[\"claim-{first}\"] if {{ input[\"claim-{first}\"] >= {least}; \
             input[\"claim-{second}\"] >= 0 }}"
        )
        .unwrap();
    }
    text.push_str("};\n");
    let claims = (0..60).map(|n| Claim::service(format!("claim-{n}"), n % 7)).collect();
    Subject::new(text, claims, rego, "data.p.decision")
}

fn events(count: usize) -> serde_json::Value {
    let event = |seq: usize| {
        let data = json!({"EVENT_TRUSTBOUNDARY": {
        "EVENT_CODEINTEGRITY": true, "EVENT_BOOTDEBUGGING": false, "EVENT_TESTSIGNING": false,
        "EVENT_BITLOCKER_UNLOCK": {"String": "CACHED", "Value": seq},
        "EVENT_LOADEDMODULE_AGGREGATION": [
            {"EVENT_FILEPATH": format!("\\Windows\\System32\\drivers\\driver{seq}.sys"), "EVENT_IMAGEVALIDATED": true}
        ]}});
        let kind = if seq.is_multiple_of(2) { "EV_EVENT_TAG" } else { "EV_EFI_VARIABLE_BOOT" };
        json!({"EventSeq": seq, "EventType": 6, "EventTypeString": kind, "PcrIndex": 10 + seq % 5, "ProcessedData": data})
    };
    json!({"Events": (0..count).map(event).collect::<Vec<_>>()})
}

fn tpm() -> Subject {
    let text = r#"version=1.2;
authorizationrules {
    e:[type=="events", issuer=="AttestationService"] => add(type="boundary", value=JmesPath(e.value, "Events[?EventTypeString == 'EV_EVENT_TAG' && (PcrIndex == `12` || PcrIndex == `13`)].ProcessedData.EVENT_TRUSTBOUNDARY"));
    b:[type=="boundary", issuer=="AttestationPolicy"] => add(type="ci", value=JsonToClaimValue(JmesPath(b.value, "[*].EVENT_CODEINTEGRITY")));
    b:[type=="boundary", issuer=="AttestationPolicy"] => add(type="dbg", value=JsonToClaimValue(JmesPath(b.value, "[*].EVENT_BOOTDEBUGGING")));
    b:[type=="boundary", issuer=="AttestationPolicy"] => add(type="test", value=JsonToClaimValue(JmesPath(b.value, "[*].EVENT_TESTSIGNING")));
    c:[type=="ci"] => add(type="ciOk", value=ContainsOnlyValue(c.value, true));
    c:[type=="dbg"] => add(type="dbgOff", value=ContainsOnlyValue(c.value, false));
    c:[type=="test"] => add(type="testOff", value=ContainsOnlyValue(c.value, false));
    [type=="ciOk", value==true] && [type=="dbgOff", value==true] && [type=="testOff", value==true] => permit();
};
issuancerules {
    b:[type=="boundary", issuer=="AttestationPolicy"] => issue(type="bitlocker", value=JsonToClaimValue(JmesPath(b.value, "[*].EVENT_BITLOCKER_UNLOCK | @[?Value != `0`].Value | @[0]")));
    b:[type=="boundary", issuer=="AttestationPolicy"] => issue(type="modules", value=JsonToClaimValue(JmesPath(b.value, "length([*].EVENT_LOADEDMODULE_AGGREGATION[] | [?EVENT_IMAGEVALIDATED == `true`])")));
};
"#;
    let rego = r#"package p
import rego.v1
boundary := [e.ProcessedData.EVENT_TRUSTBOUNDARY | some e in input.events.Events; e.EventTypeString == "EV_EVENT_TAG"; e.PcrIndex in {12, 13}]
permit if {
    every b in boundary { b.EVENT_CODEINTEGRITY == true; b.EVENT_BOOTDEBUGGING == false; b.EVENT_TESTSIGNING == false }
    count(boundary) > 0
}
bitlocker := [v | some b in boundary; v := b.EVENT_BITLOCKER_UNLOCK.Value; v != 0][0]
modules := count([m | some b in boundary; some m in b.EVENT_LOADEDMODULE_AGGREGATION; m.EVENT_IMAGEVALIDATED == true])
decision := {"bitlocker": bitlocker, "modules": modules} if permit
"#;
    let claims = vec![
        Claim::service("aikValidated", true),
        Claim::service("events", Json::from(&events(500))),
    ];
    Subject::new(text.into(), claims, rego.into(), "data.p.decision")
}

const SUBJECTS: [&str; 3] = ["default SGX policy", "100 rules, 60 claims", "1.2 TPM, 500 events"];

fn subject(name: &str) -> Subject {
    match name {
        "default SGX policy" => default_sgx(),
        "100 rules, 60 claims" => hundred_rules(),
        _ => tpm(),
    }
}

#[divan::bench(args = SUBJECTS)]
fn avouch(bencher: Bencher<'_, '_>, name: &str) {
    let subject = subject(name);
    bencher.bench(|| subject.decide());
}

/// Claims made anew for each decision, so that no document is parsed or printed beforehand.
#[divan::bench(args = SUBJECTS)]
fn avouch_from_text(bencher: Bencher<'_, '_>, name: &str) {
    let subject = subject(name);
    let text = |claim: &Claim| match &claim.value {
        Value::String(text) => Claim::service(&*claim.claim_type, text.as_str()),
        _ => claim.clone(),
    };
    bencher
        .with_inputs(|| subject.claims.iter().map(text).collect::<Vec<_>>())
        .bench_values(|claims| subject.policy.evaluate(&claims, &Limits::default()).unwrap());
}

#[divan::bench(args = SUBJECTS)]
fn avouch_explained(bencher: Bencher<'_, '_>, name: &str) {
    let subject = subject(name);
    bencher.bench(|| subject.policy.evaluate_explained(&subject.claims, &Limits::default()));
}

#[divan::bench(args = SUBJECTS)]
fn avouch_compile(bencher: Bencher<'_, '_>, name: &str) {
    let subject = subject(name);
    bencher.bench(|| Policy::compile(&subject.text, &Limits::default()).unwrap());
}

#[divan::bench(args = SUBJECTS)]
fn rego(bencher: Bencher<'_, '_>, name: &str) {
    let subject = subject(name);
    let mut engine = subject.engine();
    let input = subject.input();
    bencher.bench_local(|| subject.decide_in_rego(&mut engine, &input));
}

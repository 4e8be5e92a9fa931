//! The interface that other crates use: decisions, messages, tokens, settings, explanations.

use std::path::Path;

use avouch_policy::explain::Explanation;
use avouch_policy::json::Json;
use avouch_policy::{
    Claim, Decision, DenyReason, EvalSlug, Limits, Policy, Value, corpus, defaults, token,
};

fn policy(text: &str) -> Policy {
    Policy::compile(text, &Limits::default()).unwrap_or_else(|e| panic!("{}", e.render("policy")))
}

fn sgx_claims() -> Vec<Claim> {
    vec![
        Claim::service("x-ms-attestation-type", "sgx"),
        Claim::service("x-ms-sgx-is-debuggable", false),
        Claim::service("x-ms-sgx-product-id", 1),
        Claim::service("x-ms-sgx-svn", 3),
        Claim::service("x-ms-sgx-mrsigner", "ab".repeat(32)),
        Claim::service("x-ms-sgx-mrenclave", "cd".repeat(32)),
    ]
}

#[test]
fn own_corpus_passes_and_every_rule_of_it_fires() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus"));
    let cases: Vec<_> =
        corpus::read_directory(folder).unwrap().into_iter().map(|case| case.unwrap()).collect();
    assert!(cases.len() >= 12, "{}", cases.len());
    let report = corpus::run(&cases, &Limits::default());
    assert_eq!(report.failed, 0, "{report}");
    assert!(report.to_string().ends_with(&format!("{} passed, 0 failed\n", cases.len())));
    assert!(serde_json::to_value(&report).unwrap()["coverage"]["rules"].as_u64() > Some(5));
}

#[test]
fn a_wrong_expectation_fails_and_says_how() {
    let case = corpus::Case::parse(
        "wrong",
        defaults::CONFIDENTIAL_VM.as_bytes(),
        r#"{"claims":[]}"#,
        r#"{"result":"permit","token":{"a":1},"properties":{}}"#,
    )
    .unwrap();
    let report = corpus::run_case(&case, &Limits::default());
    assert!(!report.passed);
    assert!(report.differences[0].starts_with("token: expected"), "{:?}", report.differences);
    let case = corpus::Case {
        expectation: corpus::Expectation { result: "deny".into(), ..Default::default() },
        ..case
    };
    let report = corpus::run_case(&case, &Limits::default());
    assert_eq!(report.differences, ["result: expected deny, found permit"]);
}

#[test]
fn claims_of_another_form_are_refused() {
    for (text, words) in [
        ("{}", "`claims` is missing"),
        ("[{\"value\":1}]", "`type` is not a string"),
        ("[{\"type\":\"\",\"value\":1}]", "`type` is empty"),
        ("[{\"type\":\"a\"}]", "`value` is missing"),
        ("[{\"type\":\"a\",\"value\":1.5}]", "unsuitable number"),
        ("[{\"type\":\"a\",\"value\":null}]", "unsuitable null"),
        ("[{\"type\":\"a\",\"value\":1,\"valueType\":\"String\"}]", "`value` is no String"),
        ("[{\"type\":\"a\",\"value\":1,\"issuer\":\"me\"}]", "no such `issuer`"),
        ("[{\"type\":\"a\",\"value\":1,\"readonly\":true}]", "unknown member `readonly`"),
        ("[{\"type\":\"a\",\"value\":1,\"valueJson\":1}]", "both"),
        ("not json", "not JSON"),
    ] {
        let error = corpus::claims_from_json(text).expect_err(text).to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
    let (kind, claims) = corpus::claims_from_json(
        r#"{"attestationType":"tpm","claims":[{"type":"a","valueJson":{"b": [1, "π"]}}]}"#,
    )
    .unwrap();
    assert_eq!(kind.as_deref(), Some("tpm"));
    assert_eq!(claims, [Claim::new("a", r#"{"b":[1,"π"]}"#, avouch_policy::Issuer::CustomClaim)]);
}

#[test]
fn the_default_policy_issues_the_old_names() {
    let outcome = policy(defaults::SGX).evaluate(&sgx_claims(), &Limits::default()).unwrap();
    assert_eq!(outcome.decision, Decision::Permit);
    let token = token::contribution(&outcome.outgoing);
    let text = serde_json::to_string(&token).unwrap();
    let expected = format!(
        r#"{{"is-debuggable":false,"sgx-mrsigner":"{}","sgx-mrenclave":"{}","product-id":1,"svn":3,"tee":"sgx"}}"#,
        "ab".repeat(32),
        "cd".repeat(32)
    );
    assert_eq!(text, expected);
    assert!(
        policy(defaults::CONFIDENTIAL_VM)
            .evaluate(&[], &Limits::default())
            .unwrap()
            .decision
            .is_permit()
    );
}

#[test]
fn refusals_carry_the_services_sentences() {
    let refuse = |rules: &str| {
        let text = format!(
            "version=1.0; authorizationrules {{ {rules} }}; issuancerules {{ => issue(type=\"a\", value=1); }};"
        );
        policy(&text).evaluate(&sgx_claims(), &Limits::default()).unwrap()
    };
    let none = refuse("");
    assert_eq!(none.decision, Decision::Deny(DenyReason::NoPermit));
    assert_eq!(
        DenyReason::NoPermit.maa_message(),
        "No Permit claim was issued in the authorizationrules section, authorization failed."
    );
    let both = refuse("=> deny(); => permit();");
    assert_eq!(both.decision, Decision::Deny(DenyReason::DenyIssued));
    assert_eq!(
        DenyReason::DenyIssued.maa_message(),
        "A Deny claim was issued, authorization failed."
    );
    assert!(none.outgoing.is_empty() && both.outgoing.is_empty());
}

#[test]
fn configuration_runs_before_there_is_evidence() {
    let text = "version=1.2; configurationrules {
        => issueproperty(type=\"require_valid_aik_cert\", value=NegateBool(true));
        => issueproperty(type=\"required_pcr_mask\", value=15);
        => issueproperty(type=\"x-ms-sgx-tcbidentifier\", value=\"11\"); };
        authorizationrules { [type==\"required_pcr_mask\", value==15, issuer==\"AttestationPolicy\"] => permit(); };";
    let policy = policy(text);
    let settings = policy.configuration().unwrap();
    assert!(!settings.require_valid_aik_cert());
    assert_eq!(settings.required_pcr_mask(), 15);
    assert_eq!(settings.sgx_tcb_identifier(), "11");
    let outcome = policy.evaluate(&[], &Limits::default()).unwrap();
    assert!(outcome.decision.is_permit());
    assert_eq!(&outcome.configuration, settings);
    let sgx = crate::language::policy(defaults::SGX);
    let defaults = sgx.configuration().unwrap();
    assert!(defaults.is_empty() && defaults.require_valid_aik_cert() && !defaults.omit_x5c());
    assert_eq!(
        (defaults.required_pcr_mask(), defaults.sgx_tcb_identifier()),
        (0x00ff_ffff, "azuredefault")
    );
    assert_eq!(defaults.report_validity_in_minutes(), None);
}

#[test]
fn computed_settings_are_checked_when_they_run() {
    for (name, value, slug) in [
        ("AppendString(\"required_\", \"pcr_mask\")", "16777216", EvalSlug::PropertyOutOfRange),
        ("AppendString(\"required_\", \"pcr_mask\")", "\"1\"", EvalSlug::WrongPropertyType),
        ("AppendString(\"required_\", \"mask\")", "1", EvalSlug::UnknownConfigurationProperty),
        ("\"required_pcr_mask\"", "JsonToClaimValue(\"-1\")", EvalSlug::PropertyOutOfRange),
    ] {
        let text = format!(
            "version=1.2; configurationrules {{ => issueproperty(type={name}, value={value}); }}; authorizationrules {{ => permit(); }};"
        );
        let policy = policy(&text);
        let error = policy.configuration().unwrap_err();
        assert_eq!(error.slug, slug, "{text}");
        assert_eq!((error.position.line, error.section.name()), (1, "configurationrules"));
    }
}

#[test]
fn reserved_names_do_not_reach_the_token() {
    let issued = [
        Claim::service("iss", "evil"),
        Claim::service("x-ms-sgx-mrenclave", "00"),
        Claim::service("level", 1),
        Claim::service("level", "1"),
        Claim::service("level", 1),
        Claim::service("ver", "2.0"),
    ];
    let mut token = token::contribution(&issued);
    let dropped = token.drop_reserved(["ver"]);
    let names: Vec<_> = dropped.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["iss", "ver"]);
    assert_eq!(token.to_json(), serde_json::json!({"x-ms-sgx-mrenclave": "00", "level": [1, "1"]}));
    assert_eq!(token.drop_if(token::is_service_space).len(), 1);
    assert_eq!(token.to_json(), serde_json::json!({"level": [1, "1"]}));
}

/// Names by which consumers tell whom a token is for, whom it names and who acts: each is taken away by itself,
/// whatever the service says in that token.
#[test]
fn no_policy_says_whom_a_token_is_for_or_names() {
    for name in ["aud", "sub", "azp", "act", "may_act", "client_id", "scope", "scp"] {
        let other = format!("{name}x");
        let issued = [Claim::service(name, "evil"), Claim::service(other.as_str(), "good")];
        let mut token = token::contribution(&issued);
        let dropped = token.drop_reserved([]);
        assert_eq!(dropped, [(name.to_owned(), serde_json::json!("evil"))], "{name}");
        assert_eq!(token.to_json(), serde_json::json!({ (other): "good" }), "{name}");
    }
}

#[test]
fn documents_may_come_in_parsed() {
    let document = Json::from(&serde_json::json!({"Events": [{"PcrIndex": 12}]}));
    let text = "version=1.2; authorizationrules { => permit(); }; issuancerules {
        c:[type==\"events\"] => issue(type=\"n\", value=JsonToClaimValue(JmesPath(c.value, \"length(Events)\")));
        c:[type==\"events\", value==\"{\\\"Events\\\":[{\\\"PcrIndex\\\":12}]}\"] => issue(type=\"same\", value=true); };";
    let claims = [Claim::service("events", Value::from(document))];
    let outcome = policy(text).evaluate(&claims, &Limits::default()).unwrap();
    assert_eq!(
        token::contribution(&outcome.outgoing).to_json(),
        serde_json::json!({"n": 1, "same": true})
    );
}

fn explain(text: &str) -> Explanation {
    policy(text).evaluate_explained(&sgx_claims(), &Limits::default())
}

const EXPLAINED: &str = "version=1.0;
authorizationrules {
    c:[type==\"x-ms-sgx-svn\", value >= 5] => permit();
    [type==\"x-ms-sgx-is-debuggable\", value==false] && [type==\"x-ms-sgx-mrsignr\"] => permit();
    c:[type==\"x-ms-sgx-svn\", value >= 1] => add(type=\"seen\", value=c.value);
};
";

#[test]
fn an_explanation_reads_as_reviewed() {
    let expected = "\
deny (no-permit): No Permit claim was issued in the authorizationrules section, authorization failed.

authorizationrules
  rule 1 at 3:5: did not fire
    c:[type==\"x-ms-sgx-svn\", value >= 5] => permit()
    condition 1 does not hold: c:[type==\"x-ms-sgx-svn\", value >= 5]
      fails value >= 5: x-ms-sgx-svn = 3 (Integer, AttestationService)
  rule 2 at 4:5: did not fire
    [type==\"x-ms-sgx-is-debuggable\", value==false] && [type==\"x-ms-sgx-mrsignr\"] => permit()
    condition 1 holds: [type==\"x-ms-sgx-is-debuggable\", value==false]
      matches: x-ms-sgx-is-debuggable = false (Boolean, AttestationService)
    condition 2 does not hold: [type==\"x-ms-sgx-mrsignr\"]
      there is no claim of this type
  rule 3 at 5:5: fired
    c:[type==\"x-ms-sgx-svn\", value >= 1] => add(type=\"seen\", value=c.value)
    condition 1 holds: c:[type==\"x-ms-sgx-svn\", value >= 1]
      matches: x-ms-sgx-svn = 3 (Integer, AttestationService)
    add: seen = 3 (Integer, AttestationPolicy)
";
    assert_eq!(explain(EXPLAINED).to_string(), expected);
}

#[test]
fn an_explanation_serialises() {
    let json = serde_json::to_value(explain(EXPLAINED)).unwrap();
    assert_eq!(json["result"], "deny");
    assert_eq!(json["reason"], "no-permit");
    assert_eq!(json["rules"][0]["line"], 3);
    assert_eq!(json["rules"][0]["conditions"][0]["bindings_before"], 1);
    assert_eq!(json["rules"][0]["conditions"][0]["bindings_after"], 0);
    assert_eq!(json["rules"][0]["conditions"][0]["failed"][0]["test"], "value >= 5");
    assert_eq!(json["rules"][0]["conditions"][0]["failed"][0]["claim"]["value"], 3);
    assert_eq!(json["rules"][2]["made"][0]["claim"]["valueType"], "Integer");
}

#[test]
fn an_explanation_shows_which_rule_failed() {
    let text = "version=1.2; authorizationrules { => permit(); }; issuancerules {
    => add(type=\"ok\", value=1);
    c:[type==\"x-ms-sgx-svn\"] => issue(type=\"a\", value=NegateBool(c.value)); };";
    let explanation = explain(text);
    assert_eq!((explanation.result, explanation.reason), ("error", Some("function-argument-type")));
    let last = explanation.rules.last().unwrap();
    assert_eq!((last.position.line, last.rule), (3, 2));
    let said = "argument 1 of `NegateBool` is of valueType Integer, not Boolean";
    assert_eq!(last.error.as_deref(), Some(said));
    let error = explanation.outcome.unwrap_err();
    let sentence = format!("function-argument-type: {said} (rule at 3:5 in issuancerules)");
    assert_eq!(error.to_string(), sentence);
}

#[test]
fn joins_show_the_claims_they_were_tried_with() {
    let text = "version=1.0; authorizationrules { a:[type==\"x-ms-sgx-svn\"] && [type==\"x-ms-sgx-product-id\", value > a.value] => permit(); };";
    let said = explain(text).to_string();
    let expected = "fails value > a.value: x-ms-sgx-product-id = 1 (Integer, AttestationService), \
                    with x-ms-sgx-svn = 3 (Integer, AttestationService)";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn coverage_names_what_no_case_exercised() {
    let text = "version=1.0; authorizationrules { [type==\"a\", value==1] => permit(); [type==\"b\"] && [type==\"c\"] => deny(); };";
    let case = |claims: &str| {
        corpus::Case::parse("one", text.as_bytes(), claims, r#"{"result":"permit"}"#).unwrap()
    };
    let report = corpus::run(&[case(r#"[{"type":"a","value":1}]"#)], &Limits::default());
    let what: Vec<_> =
        report.coverage.policies[0].uncovered.iter().map(|u| (u.what, u.text.as_str())).collect();
    assert_eq!(
        what,
        [
            ("condition-never-failed", "[type==\"a\", value==1]"),
            ("rule-never-fired", "[type==\"b\"] && [type==\"c\"] => deny()"),
            ("condition-never-held", "[type==\"b\"]"),
            ("condition-never-reached", "[type==\"c\"]"),
        ]
    );
    assert_eq!((report.coverage.rules, report.coverage.rules_fired), (2, 1));
}

#[test]
fn policies_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    shared(&policy(defaults::SGX));
}

/// Beyond a few claims of a type, equal ones are found by hash, and long texts by their length.
#[test]
fn equal_claims_are_one_to_conditions_however_many_and_long_they_are() {
    let rule = |condition: &str| {
        policy(&format!(
            "version=1.2; authorizationrules {{ => permit(); }}; \
             issuancerules {{ c:[{condition}] => issue(claim=c); }};"
        ))
    };
    let (named, any) =
        (rule("type==\"many\""), rule("issuer==\"AttestationService\", value!=\"none\""));
    for count in [1, 7, 8, 9, 10, 20] {
        for length in [4, 255, 256, 257, 300] {
            let text = |n: usize| Claim::service("many", format!("{n:0length$}"));
            // Last ones first, so that each of the first is met again behind all others.
            let claims: Vec<Claim> = (0..count).chain((0..count).rev()).map(text).collect();
            for policy in [&named, &any] {
                let outcome = policy.evaluate(&claims, &Limits::default()).unwrap();
                let issued: Vec<Claim> = outcome
                    .outgoing
                    .iter()
                    .map(|claim| Claim::service(&*claim.claim_type, claim.value.clone()))
                    .collect();
                assert_eq!(issued, claims[..count], "{count} of {length}");
            }
        }
    }
    // What differs in kind, issuer or mark is another claim.
    let mut mixed: Vec<Claim> = (0..9).map(|n| Claim::service("many", n)).collect();
    mixed.push(Claim::service("many", "1"));
    mixed.push(Claim::service("many", true));
    mixed.push(Claim::service("many", false));
    mixed.push(Claim { issuer: avouch_policy::Issuer::CustomClaim, ..mixed[1].clone() });
    mixed.push(Claim { issuer: avouch_policy::Issuer::CustomClaim, ..mixed[9].clone() });
    let seen = policy(
        "version=1.2; authorizationrules { => permit(); }; \
         issuancerules { c:[type==\"many\"] => add(type=\"o\", value=c.valueType); };",
    );
    let twice = [mixed.clone(), mixed.clone()].concat();
    let outcome = seen.evaluate(&twice, &Limits::default()).unwrap();
    assert_eq!(outcome.added.len(), mixed.len());
    mixed.iter_mut().for_each(|claim| claim.read_only = true);
    let outcome = seen.evaluate(&[twice, mixed.clone()].concat(), &Limits::default()).unwrap();
    assert_eq!(outcome.added.len(), 2 * mixed.len());
}

#[test]
fn properties_of_two_claims_are_compared_as_texts() {
    let claims = [
        Claim::service("a", 1),
        Claim { issuer: avouch_policy::Issuer::CustomClaim, ..Claim::service("b", "a") },
        Claim::service("c", 1),
    ];
    for (first, test, found) in [
        ("a", "type==x.type", &["a"][..]),
        ("a", "type!=x.type", &["b", "c"]),
        ("a", "issuer==x.issuer", &["a", "c"]),
        ("a", "issuer!=x.issuer", &["b"]),
        ("a", "valueType==x.valueType", &["a", "c"]),
        ("a", "valueType!=x.valueType", &["b"]),
        ("a", "value==x.type", &["b"]),
        ("a", "value!=x.type", &["a", "c"]),
        ("b", "type==x.value", &["a"]),
        ("b", "type!=x.value", &["b", "c"]),
        ("a", "value==x.value", &["a", "c"]),
    ] {
        let policy = policy(&format!(
            "version=1.2; authorizationrules {{ => permit(); }}; issuancerules {{ \
             x:[type==\"{first}\"] && y:[{test}] => add(type=\"o\", value=AppendString(y.type, \"\")); }};"
        ));
        let outcome = policy.evaluate(&claims, &Limits::default()).unwrap();
        let named: Vec<Value> = outcome.added.into_iter().map(|claim| claim.value).collect();
        let expected: Vec<Value> = found.iter().map(|name| Value::from(*name)).collect();
        assert_eq!(named, expected, "{test}");
    }
}

//! Every way in which an evaluation can fail: its name, its words, the rule that it points at.

use avouch_policy::{Claim, Decision, DenyReason, EvalError, EvalSlug, Limits, Policy};

fn policy(rules: &str) -> Policy {
    let text = format!(
        "version=1.2;\nauthorizationrules {{ => permit(); }};\nissuancerules {{\n{rules}\n}};\n"
    );
    Policy::compile(&text, &Limits::default()).unwrap_or_else(|e| panic!("{}", e.render("policy")))
}

fn claims() -> Vec<Claim> {
    let with = |name, value: &str| Claim::service(name, value);
    let mut client = Claim::service("client", "theirs");
    client.read_only = true;
    vec![
        Claim::service("a", 1),
        Claim::service("a", 2),
        Claim::service("flag", true),
        with("empty", ""),
        with("text", "word"),
        with("fraction", "[1.5]"),
        with("large", "123456789012345678901234567890"),
        with("object", "{}"),
        with("nested", "[[1]]"),
        client,
    ]
}

#[test]
fn each_failure_has_a_name_and_says_what_is_wrong() {
    for (rule, slug, message) in [
        (
            "=> add(type=\"o\", value=JsonToClaimValue(\"{\"));",
            EvalSlug::InvalidJson,
            "the argument of `JsonToClaimValue` is ",
        ),
        (
            "c:[type==\"text\"] => add(type=\"o\", value=JmesPath(c.value, \"@\"));",
            EvalSlug::InvalidJson,
            "the argument of `JmesPath` is ",
        ),
        (
            "c:[type==\"fraction\"] => add(type=\"o\", value=JsonToClaimValue(c.value));",
            EvalSlug::JsonFraction,
            "the JSON number 1.5 has a fraction",
        ),
        (
            "c:[type==\"large\"] => add(type=\"o\", value=JsonToClaimValue(c.value));",
            EvalSlug::IntegerOutOfRange,
            "the JSON number 123456789012345678901234567890 does not fit into 64 bits",
        ),
        (
            "c:[type==\"object\"] => add(type=\"o\", value=JsonToClaimValue(c.value));",
            EvalSlug::JsonObject,
            "`JsonToClaimValue` cannot make a claim of an object",
        ),
        (
            "c:[type==\"nested\"] => add(type=\"o\", value=JsonToClaimValue(c.value));",
            EvalSlug::JsonNestedArray,
            "`JsonToClaimValue` cannot make a claim of an array inside an array",
        ),
        (
            "c:[type==\"text\"] => add(type=\"o\", value=JmesPath(\"1\", AppendString(c.value, \"(\")));",
            EvalSlug::InvalidJmespath,
            "",
        ),
        (
            "=> add(type=\"o\", value=JmesPath(\"1\", \"length(@)\"));",
            EvalSlug::JmespathRuntimeError,
            "",
        ),
        (
            "c:[type==\"flag\"] => add(type=\"o\", value=AppendString(c.value, \"x\"));",
            EvalSlug::FunctionArgumentType,
            "argument 1 of `AppendString` is of valueType Boolean, not String",
        ),
        (
            "c:[type==\"flag\"] => add(type=\"o\", value=AppendString(\"x\", c.value));",
            EvalSlug::FunctionArgumentType,
            "argument 2 of `AppendString` is of valueType Boolean, not String",
        ),
        (
            "c:[type==\"flag\"] => add(type=\"o\", value=JmesPath(c.value, \"@\"));",
            EvalSlug::FunctionArgumentType,
            "argument 1 of `JmesPath` is of valueType Boolean, not String",
        ),
        (
            "c:[type==\"flag\"] => add(type=\"o\", value=JmesPath(\"1\", c.value));",
            EvalSlug::FunctionArgumentType,
            "argument 2 of `JmesPath` is of valueType Boolean, not String",
        ),
        (
            "c:[type==\"flag\"] => add(type=\"o\", value=JsonToClaimValue(c.value));",
            EvalSlug::FunctionArgumentType,
            "argument 1 of `JsonToClaimValue` is of valueType Boolean, not String",
        ),
        (
            "c:[type==\"text\"] => add(type=\"o\", value=NegateBool(c.value));",
            EvalSlug::FunctionArgumentType,
            "argument 1 of `NegateBool` is of valueType String, not Boolean",
        ),
        (
            "=> add(type=\"o\", value=ContainsOnlyValue(1, JsonToClaimValue(\"[1,2]\")));",
            EvalSlug::FunctionArgumentNotSingle,
            "the second argument of `ContainsOnlyValue` has 2 values, not 1",
        ),
        (
            "c:[type==\"text\"] && [type==\"a\", value==JsonToClaimValue(\"[1,2,3]\")] \
             => add(type=\"o\", value=1);",
            EvalSlug::ComparisonNotSingle,
            "`value` is compared with 3 values",
        ),
        (
            "c:[type==\"client\"] => issue(claim=c);",
            EvalSlug::ReadOnlyClaimIssued,
            "the value of `client` is read-only and cannot be issued",
        ),
        (
            "c:[type==\"client\"] => issueproperty(type=\"mine\", value=c.value);",
            EvalSlug::ReadOnlyClaimIssued,
            "the value of `mine` is read-only and cannot be issued",
        ),
        (
            "c:[type==\"empty\"] => add(type=c.value, value=1);",
            EvalSlug::InvalidType,
            "a claim type is empty",
        ),
        (
            "c:[type==\"flag\"] => add(type=c.value, value=1);",
            EvalSlug::InvalidType,
            "a claim type is of valueType Boolean",
        ),
        (
            "=> add(type=JsonToClaimValue(\"null\"), value=1);",
            EvalSlug::InvalidType,
            "a claim type has no value",
        ),
        (
            "=> add(type=JsonToClaimValue(\"[\\\"a\\\",\\\"b\\\"]\"), value=1);",
            EvalSlug::InvalidType,
            "a claim type has 2 values",
        ),
        (
            "c:[type==\"flag\"] => add(type=\"o\", value=c.value, valueType=\"String\");",
            EvalSlug::ValueTypeMismatch,
            "the value is of valueType Boolean, the rule says String",
        ),
        (
            "=> issueproperty(type=\"omit_x5c\", value=JsonToClaimValue(\"1\"));",
            EvalSlug::WrongPropertyType,
            "`omit_x5c` is a Boolean, not an Integer",
        ),
        (
            "=> issueproperty(type=\"report_validity_in_minutes\", value=JsonToClaimValue(\"0\"));",
            EvalSlug::PropertyOutOfRange,
            "`report_validity_in_minutes` must be from 1 to 525600, not 0",
        ),
    ] {
        // The second rule of its section, on the fifth line.
        let rules = format!("=> add(type=\"first\", value=1);\n{rule}");
        let error = policy(&rules).evaluate(&claims(), &Limits::default()).expect_err(rule);
        assert_eq!(error.slug, slug, "{rule}: {error}");
        assert!(error.message.starts_with(message), "{rule}: {error}");
        assert_eq!(error.section.name(), "issuancerules");
        assert_eq!((error.rule, error.position.line, error.position.column), (1, 5, 1));
    }
}

#[test]
fn names_of_failures_are_stable() {
    for (slug, name) in [
        (EvalSlug::InvalidJson, "invalid-json"),
        (EvalSlug::InvalidJmespath, "invalid-jmespath"),
        (EvalSlug::JmespathRuntimeError, "jmespath-runtime-error"),
        (EvalSlug::JsonFraction, "json-fraction"),
        (EvalSlug::JsonObject, "json-object"),
        (EvalSlug::JsonNestedArray, "json-nested-array"),
        (EvalSlug::IntegerOutOfRange, "integer-out-of-range"),
        (EvalSlug::FunctionArgumentType, "function-argument-type"),
        (EvalSlug::FunctionArgumentNotSingle, "function-argument-not-single"),
        (EvalSlug::ComparisonNotSingle, "comparison-not-single"),
        (EvalSlug::ReadOnlyClaimIssued, "read-only-claim-issued"),
        (EvalSlug::InvalidType, "invalid-type"),
        (EvalSlug::ValueTypeMismatch, "value-type-mismatch"),
        (EvalSlug::WrongPropertyType, "wrong-property-type"),
        (EvalSlug::PropertyOutOfRange, "property-out-of-range"),
        (EvalSlug::UnknownConfigurationProperty, "unknown-configuration-property"),
        (EvalSlug::LimitExceeded, "limit-exceeded"),
    ] {
        assert_eq!(slug.name(), name);
        assert_eq!(serde_json::to_value(slug).unwrap(), name);
    }
    for (decision, name) in [
        (Decision::Permit, "permit"),
        (Decision::Deny(DenyReason::NoPermit), "deny"),
        (Decision::Deny(DenyReason::DenyIssued), "deny"),
    ] {
        assert_eq!((decision.name(), decision.is_permit()), (name, name == "permit"));
        assert_eq!(serde_json::to_value(decision).unwrap(), name);
    }
    for (reason, name) in
        [(DenyReason::NoPermit, "no-permit"), (DenyReason::DenyIssued, "deny-issued")]
    {
        assert_eq!(reason.name(), name);
        assert_eq!(serde_json::to_value(reason).unwrap(), name);
    }
}

/// What no rule is to blame for is said of the first place of the policy.
#[test]
fn claims_beyond_the_limits_are_no_fault_of_a_rule() {
    let refused = |claims: &[Claim], limits: Limits| -> EvalError {
        let error = policy("").evaluate(claims, &limits).unwrap_err();
        assert_eq!(error.slug, EvalSlug::LimitExceeded);
        assert_eq!(error.section.name(), "authorizationrules");
        assert_eq!((error.rule, error.position.line, error.position.column), (0, 1, 1));
        error
    };
    let claims = claims();
    let few = Limits { claims: claims.len() - 1, ..Limits::default() };
    assert_eq!(refused(&claims, few).message, "limit `claims` of 9 exceeded");
    let poor = Limits { steps: 0, ..Limits::default() };
    assert_eq!(refused(&claims, poor).message, "limit `steps` of 0 exceeded");
}

#[test]
fn as_many_claims_as_allowed_are_added_and_issued() {
    let rules = |verb: &str| format!("=> {verb}(type=\"o\", value=JsonToClaimValue(\"[1,2,3]\"));");
    let run = |verb: &str, claims: usize| {
        let limits = Limits { claims, ..Limits::default() };
        policy(&rules(verb)).evaluate(&[], &limits).map(|outcome| outcome.outgoing.len())
    };
    assert_eq!(run("add", 3), Ok(0));
    assert_eq!(run("issue", 3), Ok(3));
    for verb in ["add", "issue"] {
        assert_eq!(run(verb, 2).unwrap_err().message, "limit `claims` of 2 exceeded");
    }
}

#[test]
fn a_document_is_as_deep_as_allowed_and_no_deeper() {
    // What is found is not deep itself, which would be refused for its own sake.
    let rule = "c:[type==\"doc\"] => add(type=\"n\", value=JmesPath(c.value, \"length(@)\"));";
    let run = |depth: usize, json_nesting: usize| {
        let doc = Claim::service("doc", "[".repeat(depth) + &"]".repeat(depth));
        let limits = Limits { json_nesting, ..Limits::default() };
        policy(rule).evaluate(&[doc], &limits).map(drop)
    };
    run(7, 7).unwrap();
    assert_eq!(run(8, 7).unwrap_err().message, "limit `json-nesting` of 7 exceeded");
    run(128, usize::MAX).unwrap();
    assert_eq!(run(129, usize::MAX).unwrap_err().message, "limit `json-nesting` of 128 exceeded");
}

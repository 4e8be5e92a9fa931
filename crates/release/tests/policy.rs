//! The grammar of release policies: what is read, what is refused, and where.
#![cfg(test)]
#![allow(
    clippy::arithmetic_side_effects,
    reason = "tests over known data; a failed one may stop anywhere"
)]

mod support;

use avouch_release::{
    Authority, AuthorityError, EnvelopeError, LintSlug, Operator, Operators, POLICY_BYTES_MAX,
    PolicyEnvelope, PolicyErrors, PolicyIsImmutable, Problem, ReleasePolicy,
};
use avouch_wire::{FailedCheck as _, base64url};
use serde_json::{Value, json};
use support::{ISSUER, envelope_of, usual_policy};

fn read(policy: &Value) -> Result<ReleasePolicy, PolicyErrors> {
    ReleasePolicy::parse(policy.to_string().as_bytes(), Operators::EqualsOnly)
}

/// A policy with one condition.
fn with(condition: &Value) -> Value {
    json!({"anyOf": [{"authority": ISSUER, "allOf": [condition]}]})
}

fn claim(name: &str) -> Value {
    json!({"claim": name, "equals": "x"})
}

/// The only error of a policy: where it is and its check.
#[track_caller]
fn refused(policy: &Value) -> (String, Problem) {
    let errors = read(policy).unwrap_err();
    assert_eq!(errors.all().len(), 1, "{errors}");
    (errors.all()[0].place.clone(), errors.all()[0].problem.clone())
}

#[track_caller]
fn assert_refused(policy: &Value, place: &str, problem: Problem) {
    assert_eq!(refused(policy), (place.to_owned(), problem));
}

#[test]
fn the_policies_that_scripts_write_are_read() {
    read(&usual_policy()).unwrap();
    for version in [json!("1.0.0"), json!("0.2")] {
        let mut policy = usual_policy();
        policy["version"] = version;
        read(&policy).unwrap();
    }
    let mut without = usual_policy();
    without.as_object_mut().unwrap().remove("version");
    read(&without).unwrap();
}

#[test]
fn another_version_is_refused() {
    for version in ["1.0", "2.0.0", ""] {
        let mut policy = usual_policy();
        policy["version"] = json!(version);
        assert_refused(&policy, "version", Problem::Version(version.to_owned()));
    }
}

#[test]
fn names_of_members_are_read_in_any_case() {
    let lower = json!({"Version": "1.0.0", "anyof": [{"AUTHORITY": ISSUER, "allof": [
        {"Claim": "a", "EQUALS": 1},
        {"ANYOF": [{"claim": "b", "Equals": true}]},
    ]}]});
    let camel = json!({"version": "1.0.0", "anyOf": [{"authority": ISSUER, "allOf": [
        {"claim": "a", "equals": 1},
        {"anyOf": [{"claim": "b", "equals": true}]},
    ]}]});
    assert_eq!(read(&lower).unwrap(), read(&camel).unwrap());
    assert_eq!(read(&lower).unwrap().to_json(), camel_in_order());
}

fn camel_in_order() -> String {
    format!(
        "{{\"version\":\"1.0.0\",\"anyOf\":[{{\"authority\":\"{ISSUER}\",\"allOf\":[\
         {{\"claim\":\"a\",\"equals\":1}},{{\"anyOf\":[{{\"claim\":\"b\",\"equals\":true}}]}}]}}]}}"
    )
}

#[test]
fn a_member_in_two_spellings_is_refused() {
    let policy = json!({"anyOf": [{"authority": ISSUER, "allOf": [
        {"claim": "a", "equals": 1, "Equals": 2},
    ]}]});
    assert_refused(&policy, "anyOf[0].allOf[0]", Problem::MemberTwice("equals"));
    let twice = format!("{{\"anyOf\":[{{\"authority\":\"{ISSUER}\",\"allOf\":[],\"allOf\":[]}}]}}");
    let errors = ReleasePolicy::parse(twice.as_bytes(), Operators::All).unwrap_err();
    assert_eq!(errors.all()[0].problem.check(), "release-policy-json");
}

#[test]
fn members_that_the_grammar_does_not_have_are_refused() {
    let unknown = |name: &str| Problem::UnknownMember(name.to_owned());
    let mut policy = usual_policy();
    policy["allOf"] = json!([]);
    assert_refused(&policy, "policy", unknown("allOf"));
    let mut policy = usual_policy();
    policy["anyOf"][0]["issuer"] = json!(ISSUER);
    assert_refused(&policy, "anyOf[0]", unknown("issuer"));
    let condition = json!({"claim": "a", "equals": 1, "authority": ISSUER});
    assert_refused(&with(&condition), "anyOf[0].allOf[0]", unknown("authority"));
    let group = json!({"anyOf": [claim("a")], "claim": "b"});
    assert_refused(&with(&group), "anyOf[0].allOf[0]", unknown("claim"));
}

#[test]
fn an_authority_with_both_groups_is_refused() {
    let mut policy = usual_policy();
    policy["anyOf"][0]["anyOf"] = json!([claim("a")]);
    assert_refused(&policy, "anyOf[0]", Problem::BothGroups);
    let group = json!({"anyOf": [claim("a")], "allOf": [claim("b")]});
    assert_refused(&with(&group), "anyOf[0].allOf[0]", Problem::BothGroups);
}

#[test]
fn an_authority_without_a_group_is_refused() {
    let policy = json!({"anyOf": [{"authority": ISSUER}]});
    assert_refused(&policy, "anyOf[0]", Problem::Missing("allOf or anyOf"));
}

#[test]
fn empty_arrays_are_refused() {
    assert_refused(&json!({"anyOf": []}), "anyOf", Problem::Empty);
    for group in ["allOf", "anyOf"] {
        let policy = json!({"anyOf": [{"authority": ISSUER, group: []}]});
        assert_refused(&policy, &format!("anyOf[0].{group}"), Problem::Empty);
        let place = format!("anyOf[0].allOf[0].{group}");
        assert_refused(&with(&json!({group: []})), &place, Problem::Empty);
    }
}

#[test]
fn what_must_be_there_must_be_there() {
    assert_refused(&json!({}), "policy", Problem::Missing("anyOf"));
    let policy = json!({"anyOf": [{"allOf": [claim("a")]}]});
    assert_refused(&policy, "anyOf[0]", Problem::Missing("authority"));
    let place = "anyOf[0].allOf[0]";
    assert_refused(&with(&json!({"equals": 1})), place, Problem::Missing("claim"));
    assert_refused(&with(&json!({"claim": "a"})), place, Problem::NoOperator);
}

#[test]
fn values_of_another_kind_are_refused() {
    let kind = |expected, found| Problem::Kind { expected, found };
    let errors = ReleasePolicy::parse(b"[]", Operators::All).unwrap_err();
    assert_eq!(errors.all()[0].problem.check(), "release-policy-json");
    assert_refused(&json!({"anyOf": {}}), "anyOf", kind("an array", "an object"));
    assert_refused(&json!({"anyOf": [1]}), "anyOf[0]", kind("an object", "a number"));
    let policy = json!({"version": 1, "anyOf": [{"authority": ISSUER, "allOf": [claim("a")]}]});
    assert_refused(&policy, "version", kind("a string", "a number"));
    let policy = json!({"anyOf": [{"authority": null, "allOf": [claim("a")]}]});
    assert_refused(&policy, "anyOf[0].authority", kind("a string", "null"));
    let scalar = "a string, an integer, true or false";
    for (value, found) in [(json!({}), "an object"), (json!([]), "an array"), (json!(null), "null")]
    {
        let condition = json!({"claim": "a", "equals": value});
        assert_refused(&with(&condition), "anyOf[0].allOf[0].equals", kind(scalar, found));
    }
    let condition = json!({"claim": 1, "equals": 1});
    assert_refused(&with(&condition), "anyOf[0].allOf[0].claim", kind("a string", "a number"));
    assert_refused(&with(&json!(true)), "anyOf[0].allOf[0]", kind("an object", "a boolean"));
}

#[test]
fn numbers_are_integers_of_64_bits() {
    for number in ["0", "-1", "9223372036854775807", "18446744073709551615"] {
        let text = with(&json!({"claim": "a", "equals": 0})).to_string();
        let text = text.replace("\"equals\":0", &format!("\"equals\":{number}"));
        let policy = ReleasePolicy::parse(text.as_bytes(), Operators::EqualsOnly).unwrap();
        assert!(policy.to_json().contains(number));
    }
    for number in ["1.0", "0.5", "1e2", "-0", "18446744073709551616", "1e400"] {
        let text = with(&json!({"claim": "a", "equals": 0})).to_string();
        let text = text.replace("\"equals\":0", &format!("\"equals\":{number}"));
        let errors = ReleasePolicy::parse(text.as_bytes(), Operators::EqualsOnly).unwrap_err();
        let check = errors.all()[0].problem.check();
        assert!(matches!(check, "release-policy-value" | "release-policy-json"), "{errors}");
    }
}

#[test]
fn claims_are_paths_of_names() {
    for path in ["a", "x-ms-isolation-tee.x-ms-compliance-status", "a.b.c.d"] {
        read(&with(&claim(path))).unwrap();
    }
    for path in ["", ".", "a.", ".a", "a..b"] {
        let problem = Problem::Claim(path.to_owned());
        assert_refused(&with(&claim(path)), "anyOf[0].allOf[0].claim", problem);
    }
}

#[test]
fn operators_beyond_equals_are_refused_at_import_unless_enabled() {
    for operator in Operator::ALL {
        let value = if operator == Operator::Exists { json!(true) } else { json!(3) };
        let policy = with(&json!({"claim": "a", operator.name(): value}));
        let text = policy.to_string();
        let enabled = ReleasePolicy::parse(text.as_bytes(), Operators::All).unwrap();
        assert!(enabled.to_json().contains(&format!("\"{operator}\":")));
        if operator == Operator::Equals {
            read(&policy).unwrap();
        } else {
            let place = format!("anyOf[0].allOf[0].{operator}");
            assert_refused(&policy, &place, Problem::NotEnabled(operator));
        }
    }
}

#[test]
fn a_condition_has_one_operator() {
    let condition = json!({"claim": "a", "equals": 1, "notEquals": 2});
    assert_refused(&with(&condition), "anyOf[0].allOf[0]", Problem::SeveralOperators(2));
}

#[test]
fn operators_take_only_what_they_compare() {
    let read = |operator: Operator, value: Value| {
        let policy = with(&json!({"claim": "a", operator.name(): value}));
        ReleasePolicy::parse(policy.to_string().as_bytes(), Operators::All)
            .map(|policy| policy.to_json())
            .map_err(|errors| errors.all()[0].problem.clone())
    };
    for operator in
        [Operator::Less, Operator::LessOrEquals, Operator::Greater, Operator::GreaterOrEquals]
    {
        let typed = read(operator, json!(-5)).unwrap();
        assert_eq!(read(operator, json!("-5")).unwrap(), typed);
        for value in [json!("05"), json!("+5"), json!("5 "), json!("a"), json!(""), json!(true)] {
            assert_eq!(read(operator, value), Err(Problem::NotInteger(operator)));
        }
    }
    let exists = read(Operator::Exists, json!(true)).unwrap();
    assert_eq!(read(Operator::Exists, json!("true")).unwrap(), exists);
    for value in [json!(false), json!("false"), json!(1), json!("yes")] {
        assert_eq!(read(Operator::Exists, value), Err(Problem::ExistsNotTrue));
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once_in_the_order_of_the_text() {
    let policy = json!({"anyOf": [
        {"authority": "http://a", "allOf": [{"claim": "", "equals": 1}, {"claim": "b"}]},
        {"authority": ISSUER, "anyOf": []},
    ]});
    let errors = read(&policy).unwrap_err();
    let places: Vec<&str> = errors.all().iter().map(|error| error.place.as_str()).collect();
    let expected =
        ["anyOf[0].authority", "anyOf[0].allOf[0].claim", "anyOf[0].allOf[1]", "anyOf[1].anyOf"];
    assert_eq!(places, expected);
    assert!(errors.to_string().starts_with("anyOf[0].authority: authority \"http://a\" is not an"));
}

#[test]
fn policies_are_bounded_in_bytes_depth_and_conditions() {
    let nested = |levels: usize| {
        let innermost = json!({"claim": "a", "equals": 1});
        (1..levels).fold(innermost, |inner, _| json!({"allOf": [inner]}))
    };
    read(&with(&nested(8))).unwrap();
    let errors = read(&with(&nested(9))).unwrap_err();
    assert_eq!(
        errors.all().iter().map(|e| e.problem.clone()).collect::<Vec<_>>(),
        [Problem::TooDeep]
    );

    let many = |count: usize| {
        let conditions: Vec<Value> = vec![json!({"claim": "a", "equals": 1}); count];
        json!({"anyOf": [{"authority": ISSUER, "anyOf": conditions}]})
    };
    read(&many(256)).unwrap();
    assert_refused(&many(257), "anyOf[0].anyOf[256]", Problem::TooMany);
    assert_refused(&many(400), "anyOf[0].anyOf[256]", Problem::TooMany);

    let mut long = usual_policy().to_string();
    long.push_str(&" ".repeat(POLICY_BYTES_MAX - long.len()));
    ReleasePolicy::parse(long.as_bytes(), Operators::EqualsOnly).unwrap();
    long.push(' ');
    let errors = ReleasePolicy::parse(long.as_bytes(), Operators::EqualsOnly).unwrap_err();
    assert_eq!(errors.all()[0].problem.check(), "release-policy-json");
    let deep = "[".repeat(POLICY_BYTES_MAX);
    ReleasePolicy::parse(deep.as_bytes(), Operators::EqualsOnly).unwrap_err();
}

#[test]
fn authorities_are_compared_without_one_slash_and_the_case_of_the_host() {
    let same =
        ["https://a.example", "https://a.example/", "HTTPS://A.Example/", "https://A.EXAMPLE"];
    for text in same {
        assert_eq!(Authority::parse(text).unwrap().as_str(), "https://a.example");
    }
    for other in [
        "https://b.example",
        "https://a.example/x",
        "https://a.example:443",
        "https://a.example.",
        "https://xa.example",
    ] {
        let other = Authority::parse(other).unwrap();
        assert_ne!(other.as_str(), "https://a.example");
        assert!(!other.is_issuer("https://a.example"));
    }
    let path = Authority::parse("https://a.example:8443/Tenant/x/").unwrap();
    assert_eq!(path.as_str(), "https://a.example:8443/Tenant/x");
    assert!(!path.is_issuer("https://a.example:8443/tenant/x"));
    assert!(path.is_issuer("https://A.example:8443/Tenant/x"));
    assert!(!path.is_issuer("https://a.example:8443/Tenant/x//"));
}

#[test]
fn what_is_no_https_url_is_no_authority() {
    let class = |text: &str| match Authority::parse(text) {
        Ok(_) => "read",
        Err(AuthorityError::TooLong { .. }) => "long",
        Err(AuthorityError::NotHttps(_)) => "scheme",
        Err(AuthorityError::Host(_)) => "host",
        Err(AuthorityError::Path(_)) => "path",
    };
    for (text, expected) in [
        ("", "scheme"),
        ("a.example", "scheme"),
        ("http://a.example", "scheme"),
        ("ftp://a.example", "scheme"),
        ("https:/a.example", "scheme"),
        (" https://a.example", "scheme"),
        ("https://", "host"),
        ("https:///", "host"),
        ("https:///x", "host"),
        ("https://user@a.example", "host"),
        ("https://a.example?x", "host"),
        ("https://a.example#x", "host"),
        ("https://a.example\\x", "host"),
        ("https://a b", "host"),
        ("https://ä.example", "host"),
        ("https://a.example:", "host"),
        ("https://a.example:x", "host"),
        ("https://a.example:+1", "host"),
        ("https://a.example:65536", "host"),
        ("https://[::1", "host"),
        ("https://[a]", "host"),
        ("https://a.example/x?y", "path"),
        ("https://a.example/x#y", "path"),
        ("https://a.example//", "path"),
        ("https://a.example/x//y", "path"),
        ("https://a.example/../x", "path"),
        ("https://a.example/./x", "path"),
        ("https://a.example/x y", "path"),
        ("https://a.example/\u{e4}", "path"),
        ("https://[::1]:8443/x", "read"),
        ("https://127.0.0.1", "read"),
        ("https://a_b.example/x%20y", "read"),
    ] {
        assert_eq!(class(text), expected, "{text}");
    }
    assert_eq!(class(&format!("https://a.example/{}", "x".repeat(1006))), "read");
    assert_eq!(class(&format!("https://a.example/{}", "x".repeat(1007))), "long");
}

#[test]
fn an_envelope_keeps_the_text_of_its_policy() {
    let text = format!(" {}\n", usual_policy());
    let data = base64url::encode(&text);
    let envelope = json!({"contentType": "application/json", "data": data, "immutable": true});
    let read = PolicyEnvelope::parse(&envelope, Operators::EqualsOnly).unwrap();
    assert_eq!(read.data(), text.as_bytes());
    assert_eq!(read.to_json(), envelope);
    assert!(read.is_immutable());
    assert_eq!(read.policy().to_json(), envelope_of(&usual_policy(), false).policy().to_json());

    let least = PolicyEnvelope::parse(&json!({"data": data}), Operators::EqualsOnly).unwrap();
    let expected = json!({
        "contentType": "application/json; charset=utf-8",
        "data": data,
        "immutable": false,
    });
    assert_eq!(least.to_json(), expected);
}

#[test]
fn what_is_no_envelope_is_refused() {
    let data = base64url::encode(usual_policy().to_string());
    let refused =
        |envelope: &Value| PolicyEnvelope::parse(envelope, Operators::EqualsOnly).unwrap_err();
    assert_eq!(refused(&json!("x")), EnvelopeError::NotObject);
    assert_eq!(refused(&json!({})), EnvelopeError::NoData);
    let unknown = refused(&json!({"data": data, "policy": "x"}));
    assert_eq!(unknown, EnvelopeError::UnknownMember("policy".to_owned()));
    for wrong in [
        json!({"data": 1}),
        json!({"data": data, "immutable": "true"}),
        json!({"data": data, "contentType": 1}),
    ] {
        assert!(matches!(refused(&wrong), EnvelopeError::Kind { .. }), "{wrong}");
    }
    for content_type in
        ["text/json", "", "application/json; charset=utf-16", "application/json; a=b"]
    {
        let wrong = refused(&json!({"data": data, "contentType": content_type}));
        assert_eq!(wrong, EnvelopeError::ContentType(content_type.to_owned()));
    }
    assert!(matches!(refused(&json!({"data": "+"})), EnvelopeError::Base64(_)));
    let empty = refused(&json!({"data": ""}));
    assert_eq!(empty.check(), "release-policy-json");
    let long = base64url::encode(vec![b' '; 40_000]);
    assert_eq!(refused(&json!({"data": long})).check(), "release-policy-json");
    let policy = base64url::encode(json!({"anyOf": []}).to_string());
    assert_eq!(refused(&json!({"data": policy})).check(), "release-policy-group");
}

#[test]
fn an_immutable_policy_is_never_changed() {
    let other = {
        let mut policy = usual_policy();
        policy["anyOf"][0]["allOf"][0]["equals"] = json!("00");
        policy
    };
    let fixed = || envelope_of(&usual_policy(), true);
    assert_eq!(fixed().replaced_by(envelope_of(&other, true)), Err(PolicyIsImmutable));
    assert_eq!(fixed().replaced_by(envelope_of(&other, false)), Err(PolicyIsImmutable));
    assert_eq!(fixed().replaced_by(envelope_of(&usual_policy(), false)), Err(PolicyIsImmutable));
    assert_eq!(fixed().replaced_by(fixed()), Ok(fixed()));
    let open = || envelope_of(&usual_policy(), false);
    assert_eq!(open().replaced_by(envelope_of(&other, true)), Ok(envelope_of(&other, true)));
    assert_eq!(open().replaced_by(fixed()), Ok(fixed()));
}

fn lints(conditions: &Value) -> Vec<(LintSlug, String)> {
    let policy = json!({"anyOf": [{"authority": ISSUER, "allOf": conditions}]});
    let policy = ReleasePolicy::parse(policy.to_string().as_bytes(), Operators::All).unwrap();
    policy.lint().into_iter().map(|lint| (lint.slug, lint.place)).collect()
}

fn equals(claim: &str, value: &str) -> Value {
    json!({"claim": claim, "equals": value})
}

#[test]
fn a_policy_that_names_no_workload_is_remarked_on() {
    let rule = "anyOf[0]".to_owned();
    let kata = json!([equals("x-ms-attestation-type", "sevsnpvm")]);
    assert_eq!(lints(&kata), [(LintSlug::NoWorkload, rule.clone())]);
    let debug = json!([equals("x-ms-sevsnpvm-is-debuggable", "false")]);
    assert_eq!(lints(&debug), [(LintSlug::NoWorkload, rule.clone())]);
    // One way to meet the policy names a workload, the other does not.
    let either = json!([{"anyOf": [
        equals("x-ms-compliance-status", "azure-compliant-uvm"),
        equals("x-ms-attestation-type", "sevsnpvm"),
    ]}]);
    assert_eq!(lints(&either), [(LintSlug::NoWorkload, rule.clone())]);
    // That it is not some measurement, or is there, names nothing.
    for operator in ["notEquals", "exists"] {
        let condition = json!([{"claim": "x-ms-sevsnpvm-hostdata", operator: "true"}]);
        assert_eq!(lints(&condition), [(LintSlug::NoWorkload, rule.clone())]);
    }
    for named in [
        json!([equals("x-ms-compliance-status", "azure-compliant-uvm")]),
        json!([equals("x-ms-isolation-tee.x-ms-compliance-status", "azure-compliant-cvm")]),
        json!([equals("x-ms-policy.edge-compliant-cvm", "true")]),
        json!([{"anyOf": [
            equals("x-ms-compliance-status", "azure-compliant-uvm"),
            {"allOf": [
                equals("x-ms-sgx-mrenclave", "00"),
                equals("x-ms-sgx-is-debuggable", "false"),
            ]},
        ]}]),
    ] {
        assert_eq!(lints(&named), [], "{named}");
    }
}

/// Software other than the owner's brings these to any value, on any genuine chip.
#[test]
fn identifiers_of_the_starter_and_registers_that_are_extended_name_no_workload() {
    for claim in [
        "x-ms-sgx-config-id",
        "tdx_mrconfigid",
        "tdx_mrowner",
        "tdx_mrownerconfig",
        "tdx_rtmr0",
        "tdx_rtmr1",
        "tdx_rtmr2",
        "tdx_rtmr3",
    ] {
        let alone = lints(&json!([equals(claim, "00")]));
        assert_eq!(alone, [(LintSlug::NoWorkload, "anyOf[0]".to_owned())], "{claim}");
        let off = equals("tdx_td_attributes_debug", "false");
        let beside = json!([equals(claim, "00"), equals("tdx_mrtd", "00"), off]);
        assert_eq!(lints(&beside), [], "{claim}");
    }
    let off = equals("x-ms-sgx-is-debuggable", "false");
    for claim in [
        "x-ms-sevsnpvm-launchmeasurement",
        "x-ms-sevsnpvm-idkeydigest",
        "x-ms-sevsnpvm-authorkeydigest",
        "x-ms-sgx-mrenclave",
        "x-ms-sgx-mrsigner",
        "tdx_mrtd",
    ] {
        assert_eq!(lints(&json!([equals(claim, "00"), off])), [], "{claim}");
    }
}

/// A claim of the right name in the wrong place is the workload's own, or its starter's.
#[test]
fn a_measurement_counts_at_the_top_or_within_the_isolation_alone() {
    let claim = "x-ms-sevsnpvm-launchmeasurement";
    for (place, is_one) in [
        ("", true),
        ("x-ms-isolation-tee.", true),
        ("x-ms-inittime.", false),
        ("x-ms-isolation-tee.x-ms-runtime.", false),
        ("a.x-ms-isolation-tee.", false),
        ("a.", false),
    ] {
        for claim in [claim, "x-ms-compliance-status", "x-ms-sevsnpvm-hostdata"] {
            let found = lints(&json!([equals(&format!("{place}{claim}"), "00")]));
            let names = found.iter().all(|(slug, _)| *slug != LintSlug::NoWorkload);
            assert_eq!(names, is_one, "{place}{claim}: {found:?}");
        }
        let debug = equals(&format!("{place}x-ms-sevsnpvm-is-debuggable"), "false");
        let found = lints(&json!([equals(claim, "00"), debug]));
        assert_eq!(found.is_empty(), is_one, "{place}: {found:?}");
    }
}

/// Host data names a workload, as the software that was measured may hold to it; alone it is anybody's.
#[test]
fn host_data_alone_is_remarked_on() {
    let hostdata = equals("x-ms-sevsnpvm-hostdata", "00");
    let off = equals("x-ms-sevsnpvm-is-debuggable", "false");
    let found = [(LintSlug::HostDataAlone, "anyOf[0]".to_owned())];
    assert_eq!(lints(&json!([hostdata, off])), found);
    let measured = equals("x-ms-sevsnpvm-launchmeasurement", "00");
    assert_eq!(lints(&json!([hostdata, measured, off])), []);
    let compliant = equals("x-ms-compliance-status", "azure-compliant-uvm");
    assert_eq!(lints(&json!([hostdata, compliant])), []);
    // One of two ways to meet the policy is by host data alone.
    let either = json!([off, {"anyOf": [hostdata, measured]}]);
    assert_eq!(lints(&either), found);
}

/// The hardware's half of a token may be another machine's, unless the authority knows the paravisor.
#[test]
fn isolation_that_may_be_another_machines_is_remarked_on() {
    let found = [(LintSlug::IsolationUnknown, "anyOf[0]".to_owned())];
    let of_isolation = |claim: &str, value| equals(&format!("x-ms-isolation-tee.{claim}"), value);
    let off = of_isolation("x-ms-sevsnpvm-is-debuggable", "false");
    let measured = of_isolation("x-ms-sevsnpvm-launchmeasurement", "00");
    assert_eq!(lints(&json!([measured, off])), found);
    // Beside claims of the machine's TPM it joins two machines.
    assert_eq!(lints(&json!([measured, off, equals("secureboot", "true")])), found);
    let known = |value: Value| json!({"claim": "avouch-paravisor-known", "equals": value});
    assert_eq!(lints(&json!([measured, off, known(json!(true))])), []);
    assert_eq!(lints(&json!([measured, off, known(json!("true"))])), []);
    assert_eq!(lints(&json!([measured, off, known(json!(false))])), found);
    let elsewhere = of_isolation("avouch-paravisor-known", "true");
    assert_eq!(lints(&json!([measured, off, elsewhere])), found);
    let compliant = of_isolation("x-ms-compliance-status", "azure-compliant-cvm");
    assert_eq!(lints(&json!([measured, off, compliant])), []);
    // One of two ways to meet the policy does without.
    let either =
        json!([measured, off, {"anyOf": [known(json!(true)), equals("secureboot", "true")]}]);
    assert_eq!(lints(&either), found);
    // Evidence that comes alone is the machine's own.
    let alone = json!([
        equals("x-ms-sevsnpvm-launchmeasurement", "00"),
        equals("x-ms-sevsnpvm-is-debuggable", "false"),
    ]);
    assert_eq!(lints(&alone), []);
    let hostdata = of_isolation("x-ms-sevsnpvm-hostdata", "00");
    let slugs: Vec<_> = lints(&json!([hostdata, off])).into_iter().map(|lint| lint.0).collect();
    assert_eq!(slugs, [LintSlug::HostDataAlone, LintSlug::IsolationUnknown]);
}

#[test]
fn a_measurement_that_a_debugger_may_have_too_is_remarked_on() {
    let measured = equals("x-ms-sevsnpvm-launchmeasurement", "00");
    let debug = |value: Value| json!({"claim": "x-ms-sevsnpvm-is-debuggable", "equals": value});
    let found = [(LintSlug::Debuggable, "anyOf[0]".to_owned())];
    assert_eq!(lints(&json!([measured])), found);
    assert_eq!(lints(&json!([measured, debug(json!("true"))])), found);
    assert_eq!(lints(&json!([measured, debug(json!("false"))])), []);
    assert_eq!(lints(&json!([measured, debug(json!(false))])), []);
    assert_eq!(lints(&json!([measured, equals("x-ms-compliance-status", "x")])), []);
    let hostdata = json!([equals("x-ms-sevsnpvm-hostdata", "00")]);
    let slugs: Vec<_> = lints(&hostdata).into_iter().map(|lint| lint.0).collect();
    assert_eq!(slugs, [LintSlug::HostDataAlone, LintSlug::Debuggable]);
}

#[test]
fn a_claim_that_the_workload_writes_is_remarked_on() {
    for claim in
        ["x-ms-runtime.version", "x-ms-runtime", "nonce", "x-ms-runtime.x-ms-compliance-status"]
    {
        let compliant = equals("x-ms-compliance-status", "azure-compliant-uvm");
        let found = lints(&json!([compliant, equals(claim, "1")]));
        assert_eq!(found, [(LintSlug::ClaimOfWorkload, "anyOf[0].allOf[1]".to_owned())], "{claim}");
        // Nor does it name a workload, whatever it is called.
        let slugs: Vec<_> = lints(&json!([equals(claim, "1")])).into_iter().map(|l| l.0).collect();
        assert_eq!(slugs, [LintSlug::NoWorkload, LintSlug::ClaimOfWorkload], "{claim}");
    }
}

#[test]
fn conditions_that_cannot_hold_together_are_remarked_on() {
    let compliant = equals("x-ms-compliance-status", "azure-compliant-uvm");
    let both = json!([compliant, equals("x-ms-compliance-status", "azure-compliant-cvm")]);
    assert_eq!(lints(&both), [(LintSlug::NeverMet, "anyOf[0].allOf[1]".to_owned())]);
    let either = json!([{"anyOf": both}]);
    assert_eq!(lints(&either), []);
    let typed = json!([compliant, equals("a", "1"), {"claim": "a", "equals": 1}]);
    assert_eq!(lints(&typed), []);
}

#[test]
fn a_policy_is_printed_in_one_form_and_read_back() {
    let policy = support::policy(&json!({"anyOf": [
        {"authority": "https://A.example/", "anyOf": [
            {"claim": "a.b", "lessOrEquals": "7"},
            {"allOf": [{"claim": "c", "notEquals": "\"\u{e4}\n"}, {"claim": "d", "exists": "true"}]},
        ]},
    ]}));
    let printed = policy.to_json();
    let expected = concat!(
        r#"{"anyOf":[{"authority":"https://a.example","anyOf":[{"claim":"a.b","lessOrEquals":7},"#,
        r#"{"allOf":[{"claim":"c","notEquals":"\"ä\n"},{"claim":"d","exists":true}]}]}]}"#,
    );
    assert_eq!(printed, expected);
    assert_eq!(ReleasePolicy::parse(printed.as_bytes(), Operators::All).unwrap(), policy);
}

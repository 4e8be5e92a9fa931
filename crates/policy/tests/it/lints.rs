//! Each lint fires where it should, and not on its sound sibling.

use avouch_policy::lint::{LintSlug, Vocabulary, lint, render};
use avouch_policy::{Limits, Policy};

use crate::vocabulary;

fn lints(text: &str, kind: Option<&Vocabulary>) -> Vec<(LintSlug, String)> {
    let policy = Policy::compile(text, &Limits::default())
        .unwrap_or_else(|errors| panic!("{}", errors.render("policy.txt")));
    let found = lint(&policy, kind.unwrap_or(&Vocabulary::default()));
    assert!(found.iter().all(|lint| !lint.help.is_empty() && lint.position.line > 0));
    assert_eq!(render(&policy, &found, "policy.txt").is_empty(), found.is_empty());
    found.into_iter().map(|lint| (lint.slug, format!("{}; {}", lint.message, lint.help))).collect()
}

fn rules(authorization: &str, issuance: &str) -> String {
    format!(
        "version=1.2;\nauthorizationrules {{\n{authorization}\n}};\nissuancerules {{\n{issuance}\n}};\n"
    )
}

/// The lint is found, and its text contains `words`.
fn warns(text: &str, kind: Option<&Vocabulary>, slug: LintSlug, words: &str) {
    let found = lints(text, kind);
    assert!(found.iter().any(|(s, t)| *s == slug && t.contains(words)), "{text}\n{found:#?}");
}

fn silent(text: &str, kind: Option<&Vocabulary>, slug: LintSlug) {
    let found = lints(text, kind);
    assert!(found.iter().all(|(s, _)| *s != slug), "{text}\n{found:#?}");
}

const SERVICE: &str = ", issuer==\"AttestationService\"";

#[test]
fn warns_of_rules_that_can_never_fire() {
    for selector in [
        "[type==\"a\", type==\"b\"]",
        "[type==\"a\", value==1, value==2]",
        "[type==\"a\", value > 5, value < 3]",
        "[type==\"a\", value > 5, value < 6]",
        "[type==\"a\", value==1, value==\"1\"]",
        "[type==\"a\", value==\"x\", value >= 1]",
        "[type==\"a\", issuer==\"AttestationServce\"]",
        "[type==\"a\", valueType==\"Int\"]",
    ] {
        warns(&rules(&format!("{selector} => permit();"), ""), None, LintSlug::NeverTrue, "");
    }
    for selector in ["[type==\"a\", value > 5, value < 7]", "[type==\"a\", value!=1, value!=2]"] {
        silent(&rules(&format!("{selector} => permit();"), ""), None, LintSlug::NeverTrue);
    }
}

#[test]
fn warns_of_conditions_that_always_hold() {
    warns(&rules("![type==\"a\", type==\"b\"] => permit();", ""), None, LintSlug::AlwaysTrue, "");
    let text = rules("[type==\"a\", issuer!=\"Service\"] => permit();", "");
    warns(&text, None, LintSlug::AlwaysTrue, "no issuer");
    silent(&rules("![type==\"a\"] => permit();", ""), None, LintSlug::AlwaysTrue);
}

#[test]
fn warns_of_claims_that_nothing_makes_and_names_the_nearest() {
    let sgx = vocabulary::sgx();
    let sgx = Some(&sgx);
    let text = rules("[type==\"x-ms-sgx-is-debugable\", value==false] => permit();", "");
    warns(&text, sgx, LintSlug::UnknownClaim, "did you mean \"x-ms-sgx-is-debuggable\"?");
    warns(&text, Some(&vocabulary::tpm()), LintSlug::UnknownClaim, "for tpm");
    silent(&text, Some(&vocabulary::of_any()), LintSlug::UnknownClaim);
    silent(&text, None, LintSlug::UnknownClaim);
    let text = rules("[type==\"x-ms-sgx-is-debuggable\", value==false] => permit();", "");
    silent(&text, sgx, LintSlug::UnknownClaim);
    // Made by a rule, but only behind the test.
    let late = rules(
        "[type==\"ok\", issuer==\"AttestationPolicy\"] => permit(); => add(type=\"ok\", value=1);",
        "",
    );
    warns(&late, None, LintSlug::UnknownClaim, "no rule before this one");
    let early = rules(
        "=> add(type=\"ok\", value=1); [type==\"ok\", issuer==\"AttestationPolicy\"] => permit();",
        "",
    );
    silent(&early, sgx, LintSlug::UnknownClaim);
    let custom = rules("[type==\"mine\", issuer==\"CustomClaim\"] => permit();", "");
    silent(&custom, sgx, LintSlug::UnknownClaim);
}

#[test]
fn warns_of_selectors_that_any_claim_or_any_client_can_satisfy() {
    let text = rules("[value==true] => permit();", "");
    warns(&text, None, LintSlug::SelectorWithoutType, "any claim");
    let text = rules("[type==\"a\", value==true] => permit();", "");
    warns(&text, None, LintSlug::SelectorWithoutIssuer, "client");
    silent(&text, None, LintSlug::SelectorWithoutType);
    let text = rules(&format!("[type==\"a\"{SERVICE}, value==true] => permit();"), "");
    silent(&text, None, LintSlug::SelectorWithoutIssuer);
}

#[test]
fn warns_of_upper_case_hex_and_quoted_scalars() {
    let digest = "ABCDEF0123456789ABCDEF0123456789";
    let text = rules(&format!("[type==\"a\", value==\"{digest}\"] => permit();"), "");
    warns(&text, None, LintSlug::UpperCaseHex, &digest.to_lowercase());
    silent(&text.replace(digest, &digest.to_lowercase()), None, LintSlug::UpperCaseHex);
    let text = rules("[type==\"a\", value==\"5\"] => permit();", "");
    warns(&text, None, LintSlug::QuotedScalar, "without quotes");
    silent(&text.replace("\"5\"", "5"), None, LintSlug::QuotedScalar);
}

#[test]
fn warns_of_comments_that_swallow_rules() {
    let text = rules("=> permit(); // debug off [type==\"debug\", value==true] => deny();", "");
    warns(&text, None, LintSlug::CommentSwallowsRule, "");
    silent(&rules("=> permit(); // always", ""), None, LintSlug::CommentSwallowsRule);
    for out in ["// => deny();", "  \t// [type==\"a\"] => deny();", "// one\n// => deny();"] {
        let text = rules(&format!("=> permit();\n{out}\n"), "");
        silent(&text, None, LintSlug::CommentSwallowsRule);
        silent(&format!("{out}\n{text}"), None, LintSlug::CommentSwallowsRule);
    }
}

#[test]
fn asks_for_an_issuer_only_where_clients_send_claims() {
    let text = rules("[type==\"x-ms-ver\", value==\"1.0\"] => permit();", "");
    let slug = LintSlug::SelectorWithoutIssuer;
    for of_clients in [vocabulary::tpm(), vocabulary::of_any(), Vocabulary::default()] {
        warns(&text, Some(&of_clients), slug, "client");
    }
    silent(&text, Some(&vocabulary::sgx()), slug);
}

#[test]
fn warns_of_values_that_no_claim_can_have() {
    let slug = LintSlug::ImpossibleValue;
    let test = |name: &str, value: &str| {
        rules(&format!("[type==\"{name}\"{SERVICE}, value==\"{value}\"] => permit();"), "")
    };
    for left in ["$CCE_POLICY_HASH", "${hash}", "{{ .Values.hash }}", "<MRSIGNER>", "%HASH%"] {
        warns(&test("x-ms-sevsnpvm-hostdata", left), None, slug, "placeholder");
        warns(&test("mine", left), None, slug, "placeholder");
    }
    for value in ["$is-debuggable", "100%", "<", "{}", "a<b>"] {
        silent(&test("mine", value), None, slug);
    }
    let (any, sgx, tpm) = (vocabulary::of_any(), vocabulary::sgx(), vocabulary::tpm());
    let hash = "sWQ4Y_".repeat(7) + "A";
    silent(&test("x-ms-policy-hash", &hash), Some(&any), slug);
    for (value, words) in
        [(&hash[1..], "has 43 characters"), (&*hash.replace('_', "/"), "'/' is none")]
    {
        warns(&test("x-ms-policy-hash", value), Some(&any), slug, words);
        silent(&test("x-ms-policy-hash", value), None, slug);
    }
    let digits = |count: usize| "ab".repeat(count / 2);
    for (name, count) in [("x-ms-sgx-mrsigner", 64), ("x-ms-sgx-report-data", 128)] {
        for vocabulary in [&any, &sgx] {
            silent(&test(name, &digits(count)), Some(vocabulary), slug);
            warns(&test(name, &digits(count - 2)), Some(vocabulary), slug, "this has");
            warns(&test(name, &digits(count + 2)), Some(vocabulary), slug, "this has");
            let base64 = format!("{}+", digits(count - 2));
            warns(&test(name, &base64), Some(vocabulary), slug, "'+' is none");
        }
    }
    let kind = "x-ms-attestation-type";
    silent(&test(kind, "SgxEnclave"), None, slug);
    silent(&test(kind, "sgx"), Some(&any), slug);
    silent(&test(kind, "sgx"), Some(&sgx), slug);
    warns(&test(kind, "SgxEnclave"), Some(&any), slug, "the types are sgx, tpm");
    warns(&test(kind, "sgx"), Some(&tpm), slug, "write \"tpm\"");
}

#[test]
fn warns_of_wrong_and_suspicious_queries() {
    let query = |query: &str| {
        rules(
            "=> permit();",
            &format!(
                "c:[type==\"events\"] => add(type=\"x\", value=JmesPath(c.value, \"{query}\"));"
            ),
        )
    };
    for (text, words) in [
        ("vm-configuration", "every request"),
        ("", "every request"),
        ("lenght(@)", "write `length`"),
        ("length(a, b)", "takes 1 argument"),
    ] {
        warns(&query(text), None, LintSlug::InvalidQuery, words);
    }
    for (text, words) in [
        ("a == true", "a bare `true`"),
        ("null != a", "a bare `null`"),
        ("PcrIndex == '20'", "equals no number"),
        ("events[*].n", "`Events`"),
        ("Events[?a] != `null`", "empty list"),
        ("Events[?a].b | @ != `null`", "empty list"),
        ("a < 'x'", "no order"),
    ] {
        warns(&query(text), None, LintSlug::SuspiciousQuery, words);
    }
    for text in ["Events[?a == `true`].n", "length(Events[?a]) == `0`", "a == `20`", "a == 'on'"] {
        silent(&query(text), None, LintSlug::SuspiciousQuery);
        silent(&query(text), None, LintSlug::InvalidQuery);
    }
}

#[test]
fn warns_of_permits_that_a_missing_claim_reaches() {
    let deny = "[type==\"debug\", value==true] => deny();";
    warns(
        &rules(&format!("{deny} => permit();"), ""),
        None,
        LintSlug::PermitAfterDenies,
        "missing",
    );
    let sound = format!("{deny} [type==\"debug\", value==false] => permit();");
    silent(&rules(&sound, ""), None, LintSlug::PermitAfterDenies);
    silent(
        &rules("![type==\"ok\"] => deny(); => permit();", ""),
        None,
        LintSlug::PermitAfterDenies,
    );
}

#[test]
fn warns_when_nothing_can_be_permitted() {
    warns(&rules("", ""), None, LintSlug::NothingPermits, "no rule permits");
    warns(&rules("=> permit(); => deny();", ""), None, LintSlug::NothingPermits, "always denies");
    silent(&rules("=> permit();", ""), None, LintSlug::NothingPermits);
}

#[test]
fn warns_of_names_that_belong_to_the_service() {
    for (name, found) in
        [("iss", true), ("x-ms-policy-hash", true), ("x-ms-sgx-mrenclave", true), ("level", false)]
    {
        let text = rules("=> permit();", &format!("=> issue(type=\"{name}\", value=1);"));
        if found {
            warns(&text, None, LintSlug::ReservedName, name);
        } else {
            silent(&text, None, LintSlug::ReservedName);
        }
    }
}

#[test]
fn warns_of_settings_without_effect() {
    let setting = |name: &str, value: &str| {
        rules("=> permit();", &format!("=> issueproperty(type=\"{name}\", value={value});"))
    };
    warns(&setting("report_validity", "60"), None, LintSlug::IneffectiveProperty, "no property");
    let text = setting("report_validity_in_minutes", "60");
    warns(&text, Some(&vocabulary::sgx()), LintSlug::IneffectiveProperty, "for sgx");
    silent(&text, None, LintSlug::IneffectiveProperty);
    let text = "version=1.1;\nconfigurationrules { => issueproperty(type=\"required_pcr_mask\", value=0); };\n\
                authorizationrules { => permit(); };";
    warns(text, Some(&vocabulary::tpm()), LintSlug::IneffectiveProperty, "mask of 0");
    let text = "version=1.2;\nconfigurationrules { => issueproperty(type=\"x-ms-sgx-tcbidentifier\", value=\"17\"); };\n\
                authorizationrules { => permit(); };";
    silent(text, Some(&vocabulary::sgx()), LintSlug::IneffectiveProperty);
    warns(text, Some(&vocabulary::tpm()), LintSlug::IneffectiveProperty, "for tpm");
}

#[test]
fn warns_of_issue_that_only_adds_and_of_json_text() {
    let text = rules("=> issue(type=\"a\", value=1); => permit();", "");
    warns(&text, None, LintSlug::IssueInAuthorization, "does not reach the token");
    let text = rules(
        "=> permit();",
        "c:[type==\"events\"] => issue(type=\"n\", value=JmesPath(c.value, \"a\"));",
    );
    warns(&text, None, LintSlug::JsonTextIssued, "JsonToClaimValue");
    let text =
        text.replace("JmesPath(c.value, \"a\")", "JsonToClaimValue(JmesPath(c.value, \"a\"))");
    silent(&text, None, LintSlug::JsonTextIssued);
}

#[test]
fn warns_of_one_range_in_two_selectors() {
    let text = rules("[type==\"n\", value >= 3] && [type==\"n\", value <= 7] => permit();", "");
    warns(&text, None, LintSlug::SplitSelector, "one selector");
    let text = rules("a:[type==\"n\"] && [type==\"n\", value > a.value] => permit();", "");
    silent(&text, None, LintSlug::SplitSelector);
}

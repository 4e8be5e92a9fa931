//! What a body may be, and what is said of one that may not.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Fixture, path};
use crate::support::policy::PolicyKey;

/// A creation with this member of `properties`.
fn with(name: &str, value: Value) -> String {
    json!({"location": "westus", "properties": {name: value}}).to_string()
}

fn with_keys(keys: Value) -> String {
    with("policySigningCertificates", json!({ "keys": keys }))
}

#[tokio::test]
async fn a_body_that_does_not_hold_is_400_with_what_is_wrong_and_makes_nothing() {
    let fixture = Fixture::new().await;
    let (good, useless) = (PolicyKey::new("signer"), PolicyKey::useless("plain"));
    let der = good.certificate.der();
    let standard = avouch_wire::base64url::encode_standard;
    let key = json!({"kty": "EC", "x5c": [standard(der)]});
    let mut broken = der.to_vec();
    broken[10] ^= 0xff;
    let tags = |tags: Value| json!({"location": "x", "properties": {}, "tags": tags}).to_string();
    let many: serde_json::Map<String, Value> =
        (0..51).map(|n| (format!("t{n}"), json!(""))).collect();
    let cases = [
        (String::new(), "no body"),
        ("{".to_owned(), "request-body"),
        ("[]".to_owned(), "request-body"),
        ("\"x\"".to_owned(), "request-body"),
        (r#"{"location":"a","location":"b","properties":{}}"#.to_owned(), "location"),
        (r#"{"location":"a","Location":"b","properties":{}}"#.to_owned(), "location"),
        (json!({"properties": {}}).to_string(), "location"),
        (json!({"location": "", "properties": {}}).to_string(), "location"),
        (json!({"location": " ", "properties": {}}).to_string(), "location"),
        (json!({"location": null, "properties": {}}).to_string(), "location"),
        (json!({"location": 5, "properties": {}}).to_string(), "location"),
        (json!({"location": "x".repeat(513), "properties": {}}).to_string(), "location"),
        (json!({"location": "a\nb", "properties": {}}).to_string(), "location"),
        (json!({"location": "westus"}).to_string(), "properties"),
        (json!({"location": "westus", "properties": []}).to_string(), "properties"),
        (
            r#"{"location":"a","properties":{"publicNetworkAccess":"Enabled","PublicNetworkAccess":"Disabled"}}"#
                .to_owned(),
            "publicnetworkaccess",
        ),
        (tags(json!([])), "tags"),
        (tags(json!({"a": 1})), "\"a\""),
        (tags(json!({"a": null})), "\"a\""),
        (tags(json!({"a": "1", "A": "2"})), "more than once"),
        (tags(json!({"": "1"})), "tag name"),
        (tags(json!({"x".repeat(513): "1"})), "tag name"),
        (tags(json!({"a": "x".repeat(257)})), "tag value"),
        (tags(Value::Object(many)), "tags of one provider"),
        (with("publicNetworkAccess", json!("On")), "publicNetworkAccess"),
        (with("publicNetworkAccess", json!(true)), "publicNetworkAccess"),
        (with("tpmAttestationAuthentication", json!("")), "tpmAttestationAuthentication"),
        (with("attestationPolicy", json!("x")), "attestationPolicy"),
        (with("policySigningCertificates", json!([])), "policySigningCertificates"),
        // Who sends a set wants an Isolated provider: without keys it must not become another.
        (with("policySigningCertificates", json!({})), "keys: a list is missing"),
        (with("policySigningCertificates", json!({"key": [key]})), "keys: a list is missing"),
        (with("policySigningCertificates", json!({"keys": null})), "keys: a list is missing"),
        (with_keys(json!([{"x5c": [standard(useless.certificate.der())]}])), "not flagged CA"),
        (with_keys(json!([key, {"x5c": [standard(useless.certificate.der())]}])), "keys[1]: x5c[0]"),
        (with_keys(json!({})), "keys"),
        (with_keys(json!(["x"])), "keys[0]"),
        (with_keys(json!([key, {}])), "keys[1]: x5c: no certificate"),
        (with_keys(json!([key, {"kty": "EC", "x5c": []}])), "keys[1]: x5c: no certificate"),
        (with_keys(json!([key, key, {"x5c": "x"}])), "keys[2]: x5c"),
        (with_keys(json!([{"x5c": [5]}])), "keys[0]: x5c[0]"),
        (with_keys(json!([{"x5c": ["*"]}])), "keys[0]: x5c[0]: not base64"),
        (with_keys(json!([{"x5c": [standard(&broken)]}])), "keys[0]: x5c[0]"),
        (with_keys(json!([{"x5c": [standard(&der[..der.len() - 1])]}])), "keys[0]: x5c[0]"),
        (with_keys(json!(vec![key; 65])), "over the limit of 64"),
    ];
    for (body, words) in cases {
        let answer = fixture.send(Method::PUT, &path("group", "contoso"), &body).await;
        answer.refused(400, "InvalidRequestContent", words);
        assert!(fixture.store.provider("contoso").await.unwrap().is_none(), "{body}");
    }
}

#[tokio::test]
async fn members_that_nobody_knows_are_ignored_and_names_of_members_have_any_case() {
    let fixture = Fixture::new().await;
    let body = json!({
        "Location": "westus", "identity": {"type": "None"}, "id": 5,
        "PROPERTIES": {"PublicNetworkAccess": "Disabled", "new": [1]}, "Tags": {"Team": "A"},
    });
    let made = fixture.create("group", "contoso", &body).await.done(201);
    assert_eq!(made["location"], "westus");
    assert_eq!(made["properties"]["publicNetworkAccess"], "Disabled");
    assert_eq!(made["tags"], json!({"Team": "A"}));
}

#[tokio::test]
async fn only_the_first_certificate_of_a_key_counts() {
    let fixture = Fixture::new().await;
    let (first, second) = (PolicyKey::new("first"), PolicyKey::new("second"));
    let text = |key: &PolicyKey| avouch_wire::base64url::encode_standard(key.certificate.der());
    let body = with_keys(json!([{"kty": "EC", "x5c": [text(&first), text(&second)]}]));
    let answer = fixture.send(Method::PUT, &path("group", "contoso"), body).await;
    answer.done(201);
    let id = fixture.store.provider("contoso").await.unwrap().unwrap().id;
    let stored = fixture.store.policy_certificates(id).await.unwrap().certificates;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].der, first.certificate.der());
}

#[tokio::test]
async fn a_patch_that_does_not_hold_is_400_and_changes_nothing() {
    let fixture = Fixture::new().await;
    let body = json!({"location": "westus", "properties": {}, "tags": {"a": "1"}});
    let before = fixture.create("group", "contoso", &body).await.done(201);
    for (body, words) in [
        ("", "no body"),
        ("[]", "request-body"),
        (r#"{"tags":5}"#, "tags"),
        (r#"{"tags":{"a":{}}}"#, "\"a\""),
        (r#"{"properties":5}"#, "properties"),
        (r#"{"properties":{"publicNetworkAccess":"x"}}"#, "publicNetworkAccess"),
        (r#"{"tags":{"b":"2"},"properties":{"tpmAttestationAuthentication":1}}"#, "tpm"),
    ] {
        let answer = fixture.send(Method::PATCH, &path("group", "contoso"), body).await;
        answer.refused(400, "InvalidRequestContent", words);
    }
    assert_eq!(fixture.get("group", "contoso").await.done(200), before);
}

#[tokio::test]
async fn a_name_outside_the_rules_is_400_for_every_operation() {
    let fixture = Fixture::new().await;
    let body = json!({"location": "westus", "properties": {}});
    let long = "x".repeat(25);
    let names = ["ab", &long, "a_b", "a.b", "-abc", "abc-", "ab--c", "a%20b", "caf%C3%A9"];
    // Cyrillic a, full-width a, a dotless i.
    let homoglyphs = ["cont%D0%BEso", "%EF%BD%81bc", "f%C4%B1n"];
    for name in names.into_iter().chain(homoglyphs) {
        for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
            let answer = fixture.send(method, &path("group", name), &body).await;
            answer.refused(400, "InvalidResourceName", "provider name");
        }
    }
    for name in ["admin", "Console", "shared"] {
        let answer = fixture.create("group", name, &body).await;
        answer.refused(400, "InvalidResourceName", "reserved");
    }
    for group in ["a.", "a%20b", "a*b", &"x".repeat(91)] {
        let answer = fixture.create(group, "contoso", &body).await;
        answer.refused(400, "InvalidResourceName", "resource group name");
    }
    assert_eq!(fixture.store.provider_count().await.unwrap(), 1);
}

//! What SDKs expect of a vault besides its keys.

use avouch_wire::base64url;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::VAULT_HOST;
use crate::{Fixture, OFFICER, READER, RELEASE, envelope};

/// The SDKs' first request has neither token nor body.
#[tokio::test]
async fn the_first_call_is_answered_with_a_challenge_that_sdks_take() {
    let fixture = Fixture::with(|setup| {
        setup.config.cloud.login_endpoint = Some("https://login.example.org".to_owned());
        setup.config.cloud.tenant = "tenant".to_owned();
    })
    .await;
    let port = fixture.service.address().port();
    for (method, path) in [(Method::POST, "/keys/disk//release"), (Method::GET, "/keys")] {
        let answer = fixture.request(method, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        let challenge = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
        let expected = format!(
            "Bearer authorization=\"https://login.example.org/tenant\", \
             resource=\"https://attest.localhost:{port}\""
        );
        assert_eq!(challenge, expected);
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], "Unauthorized");
    }
}

/// The SDKs' rule: the vault's host ends with a dot and the resource's, and has the same port.
#[tokio::test]
async fn the_resource_is_a_host_above_the_vaults_and_never_the_same() {
    let fixture = Fixture::new().await;
    let answer = fixture.request(Method::GET, "/keys").send().await.unwrap();
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
    let resource = challenge.split("resource=\"").nth(1).unwrap().split('"').next().unwrap();
    let host = resource.strip_prefix("https://").unwrap();
    let own = fixture.url.strip_prefix("https://").unwrap();
    assert!(own.ends_with(&format!(".{host}")), "{own} {host}");
    assert_ne!(own, host);
    // Not more than two parameters, and no value with an equals sign: parsers of SDKs drop those.
    assert_eq!(challenge.matches('=').count(), 2, "{challenge}");
}

#[tokio::test]
async fn a_wrong_token_is_challenged_again() {
    let fixture = Fixture::new().await;
    let unknown = "x".repeat(40);
    let request = fixture.request(Method::GET, "/keys").bearer_auth(unknown);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(answer.headers()["www-authenticate"].to_str().unwrap().contains("authorization="));
}

#[tokio::test]
async fn what_key_vault_does_besides_is_told_from_what_nobody_does() {
    let fixture = Fixture::new().await;
    let version = "0".repeat(32);
    for (method, path, expected) in [
        (Method::POST, format!("/keys/disk/{version}/decrypt"), StatusCode::NOT_IMPLEMENTED),
        (Method::POST, format!("/keys/disk/{version}/wrapkey"), StatusCode::NOT_IMPLEMENTED),
        (Method::POST, "/keys/disk/backup".to_owned(), StatusCode::NOT_IMPLEMENTED),
        (Method::POST, "/keys/disk/rotate".to_owned(), StatusCode::NOT_IMPLEMENTED),
        (Method::GET, "/keys/disk/rotationpolicy".to_owned(), StatusCode::NOT_IMPLEMENTED),
        (Method::GET, "/secrets/a".to_owned(), StatusCode::NOT_IMPLEMENTED),
        (Method::GET, "/certificates".to_owned(), StatusCode::NOT_IMPLEMENTED),
        (Method::GET, "/nothing".to_owned(), StatusCode::NOT_FOUND),
        (Method::GET, "/certs".to_owned(), StatusCode::NOT_FOUND),
        (Method::POST, "/attest/SevSnpVm".to_owned(), StatusCode::NOT_FOUND),
        (Method::GET, "/keys/disk/x/y/z".to_owned(), StatusCode::NOT_FOUND),
        (Method::POST, "/keys".to_owned(), StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let (status, answer) = fixture.call(OFFICER, method, &path, &json!({})).await;
        assert_eq!(status, expected, "{path}: {answer}");
        assert!(answer["error"]["code"].is_string(), "{path}");
    }
}

/// Under the hosts of providers there is no vault, and nothing else is under its own.
#[tokio::test]
async fn the_vault_answers_under_its_own_host_alone() {
    let fixture = Fixture::new().await;
    let path = format!("/keys?{}", crate::VERSION);
    let request = fixture.service.request(Method::GET, &path).bearer_auth(OFFICER);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::NOT_FOUND);
    let upper = VAULT_HOST.to_ascii_uppercase();
    for (host, expected) in [(VAULT_HOST, 200), (&upper, 200), ("x.attest.localhost", 404)] {
        let client = fixture.service.client(|builder| {
            builder.resolve(&host.to_ascii_lowercase(), fixture.service.address()).http1_only()
        });
        let url = format!("https://{}:{}{path}", host, fixture.service.address().port());
        let answer = client.get(url).bearer_auth(OFFICER).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), expected, "{host}");
    }
}

#[tokio::test]
async fn every_version_that_sdks_name_is_answered_and_releases_need_7_3() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &fixture.conditions()).await;
    let body = json!({ "target": fixture.token().await }).to_string();
    for (version, releases) in [
        ("2016-10-01", false),
        ("7.0-preview", false),
        ("7.0", false),
        ("7.1-preview", false),
        ("7.1", false),
        ("7.2-preview", false),
        ("7.2", false),
        ("7.3-preview", true),
        ("7.3", true),
        ("7.4-preview.1", true),
        ("7.4", true),
        ("7.5-preview.1", true),
        ("7.5", true),
        ("7.6-preview.1", true),
        ("7.6-preview.2", true),
        ("7.6", true),
        ("2025-07-01", true),
    ] {
        let ask = |method: Method, path: &str, who: &str| {
            let url = format!("{}{path}?api-version={version}", fixture.url);
            fixture.client.request(method, url).bearer_auth(who).body(body.clone()).send()
        };
        let status = ask(Method::GET, "/keys/disk", READER).await.unwrap().status();
        assert_eq!(status, StatusCode::OK, "{version}");
        let status = ask(Method::POST, "/keys/disk//release", RELEASE).await.unwrap().status();
        assert_eq!(status.is_success(), releases, "{version}");
    }
}

#[tokio::test]
async fn random_bytes_are_as_many_as_asked_for_and_other_ones_each_time() {
    let fixture = Fixture::new().await;
    let mut seen = Vec::new();
    for count in [1, 32, 128] {
        let answer = fixture.done(Method::POST, "/rng", &json!({ "count": count })).await;
        let bytes = base64url::decode(answer["value"].as_str().unwrap()).unwrap();
        assert_eq!(bytes.len(), count);
        seen.push(bytes);
    }
    let again = fixture.done(Method::POST, "/rng", &json!({"count": 32})).await;
    assert_ne!(base64url::decode(again["value"].as_str().unwrap()).unwrap(), seen[1]);
    let (status, _) = fixture.call(OFFICER, Method::POST, "/rng", &json!({"count": 129})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

/// A token has at most 64 KiB, and so a body little more, whatever the service takes elsewhere.
#[tokio::test]
async fn bodies_are_bounded_by_what_they_need() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &fixture.conditions()).await;
    for (path, who, limit) in [
        ("/keys/disk//release", RELEASE, avouch_release::REQUEST_BYTES_MAX),
        ("/keys/disk/create", OFFICER, 160 * 1024),
    ] {
        for (length, expected) in
            [(limit, StatusCode::BAD_REQUEST), (limit + 1, StatusCode::PAYLOAD_TOO_LARGE)]
        {
            let body = format!("{{\"target\":\"{}\"}}", "a".repeat(length - 13));
            assert_eq!(body.len(), length);
            let request = fixture.request(Method::POST, path).bearer_auth(who);
            let answer = request.body(body).send().await.unwrap();
            assert_eq!(answer.status(), expected, "{path} {length}");
        }
    }
}

/// The longest policy and as many tags as there may be, in the widest way that a JSON writer has: all of
/// that is one request of an SDK.
#[tokio::test]
async fn the_largest_key_that_there_may_be_is_imported() {
    let fixture = Fixture::new().await;
    let mut policy = json!({"anyOf": [{"authority": fixture.service.url, "allOf": [
        {"claim": "a", "equals": ""},
    ]}]});
    let room = avouch_release::POLICY_BYTES_MAX - policy.to_string().len();
    policy["anyOf"][0]["allOf"][0]["equals"] = "b".repeat(room).into();
    let wide = |letter: char| format!("{}{letter}", "\u{1f511}".repeat(255));
    let tags: serde_json::Map<String, serde_json::Value> =
        ('a'..='o').map(|letter| (wide(letter), wide(letter).into())).collect();
    let key = avouch_release::KeyMaterial::generate(avouch_release::MaterialSpec::Rsa4096).unwrap();
    let mut key = serde_json::Value::Object(key.to_private_jwk().unwrap());
    key["key_ops"] = json!(["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]);
    let body = json!({
        "key": key,
        "attributes": {"exportable": true},
        "tags": tags,
        "release_policy": envelope(&policy),
    });
    // As SDKs write what is not ASCII.
    let escaped = body.to_string().replace('\u{1f511}', "\\ud83d\\udd11");
    assert!(escaped.len() > 110 * 1024, "{}", escaped.len());
    let request = fixture.request(Method::PUT, "/keys/large").bearer_auth(OFFICER).body(escaped);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
    let shown = fixture.done(Method::GET, "/keys/large", &json!({})).await;
    assert_eq!(shown["tags"], body["tags"]);
}

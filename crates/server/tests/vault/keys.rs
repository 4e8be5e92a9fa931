//! Keys from creation to purge.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{Fixture, OFFICER, READER};

fn version(made: &Value) -> String {
    made["key"]["kid"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_is_shown_as_it_was_made_and_never_with_its_secret() {
    let fixture = Fixture::new().await;
    let policy = fixture.policy(&fixture.conditions());
    let body = json!({
        "kty": "RSA-HSM",
        "key_size": 2048,
        "key_ops": ["wrapKey", "unwrapKey"],
        "attributes": {"enabled": true, "nbf": 5, "exp": 4_000_000_000_u64, "exportable": true},
        "tags": {"purpose": "test"},
        "release_policy": policy,
    });
    let made = fixture.done(Method::POST, "/keys/Disk-1/create", &body).await;
    let version = version(&made);
    assert_eq!(version.len(), 32);
    assert_eq!(made["key"]["kid"], format!("{}/keys/Disk-1/{version}", fixture.url));
    assert_eq!(made["key"]["kty"], "RSA-HSM");
    assert_eq!(made["key"]["key_ops"], json!(["wrapKey", "unwrapKey"]));
    assert_eq!(made["tags"], json!({"purpose": "test"}));
    assert_eq!(made["release_policy"]["data"], policy["data"]);
    assert_eq!(made["release_policy"]["immutable"], false);
    let attributes = &made["attributes"];
    assert_eq!((&attributes["nbf"], &attributes["exp"]), (&json!(5), &json!(4_000_000_000_u64)));
    assert_eq!((&attributes["enabled"], &attributes["exportable"]), (&json!(true), &json!(true)));
    assert_eq!(attributes["recoverableDays"], 90);
    let mut names: Vec<&String> = made["key"].as_object().unwrap().keys().collect();
    names.sort_unstable();
    assert_eq!(names, ["e", "key_ops", "kid", "kty", "n"]);
    for path in ["/keys/disk-1", "/keys/disk-1/", &format!("/keys/DISK-1/{version}")] {
        let (status, found) = fixture.call(READER, Method::GET, path, &json!({})).await;
        assert_eq!((status, &found), (StatusCode::OK, &made), "{path}");
    }
    for path in ["/keys/other", "/keys/disk-1/00000000000000000000000000000000"] {
        let (status, answer) = fixture.call(READER, Method::GET, path, &json!({})).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer["error"]["code"], "KeyNotFound");
    }
}

#[tokio::test]
async fn lists_come_in_pages_that_follow_each_other() {
    let fixture = Fixture::new().await;
    for name in ["a", "b", "c", "a"] {
        fixture.done(Method::POST, &format!("/keys/{name}/create"), &json!({"kty": "oct"})).await;
    }
    let all = async |path: &str| {
        let (mut kids, mut next) = (Vec::new(), Some(format!("{path}?maxresults=2")));
        while let Some(path) = next {
            let page = fixture.done(Method::GET, &path, &json!({})).await;
            let items = page["value"].as_array().unwrap();
            assert!(items.len() <= 2 && items.iter().all(|item| item.get("key").is_none()));
            kids.extend(items.iter().map(|item| item["kid"].as_str().unwrap().to_owned()));
            next = page["nextLink"].as_str().map(str::to_owned);
        }
        kids
    };
    let keys = |names: &[&str]| -> Vec<String> {
        names.iter().map(|name| format!("{}/keys/{name}", fixture.url)).collect()
    };
    assert_eq!(all("/keys").await, keys(&["b", "c", "a"]));
    assert_eq!(all("/keys/a/versions").await.len(), 2);
    fixture.done(Method::DELETE, "/keys/b", &json!({})).await;
    assert_eq!(all("/keys").await, keys(&["c", "a"]));
    assert_eq!(all("/deletedkeys").await, keys(&["b"]));
    for query in ["maxresults=0", "maxresults=26", "maxresults=x", "$skiptoken=x"] {
        let path = format!("/keys?{query}");
        let (status, _) = fixture.call(READER, Method::GET, &path, &json!({})).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
    }
    let path = "/keys/none/versions";
    assert_eq!(fixture.call(READER, Method::GET, path, &json!({})).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_change_changes_what_it_names_of_the_version_that_it_names() {
    let fixture = Fixture::new().await;
    let first = fixture.create("disk", &fixture.conditions()).await;
    let second = fixture.create("disk", &fixture.conditions()).await;
    let body = json!({"tags": {"a": "b"}, "attributes": {"enabled": false}, "key_ops": ["export"]});
    let path = format!("/keys/disk/{}", version(&first));
    let changed = fixture.done(Method::PATCH, &path, &body).await;
    assert_eq!((&changed["tags"], &changed["key"]["key_ops"]), (&body["tags"], &body["key_ops"]));
    assert_eq!(changed["attributes"]["enabled"], false);
    assert_eq!(changed["release_policy"], first["release_policy"]);
    let current = fixture.done(Method::GET, "/keys/disk", &json!({})).await;
    assert_eq!(current, second);
    let refused = json!({"attributes": {"exportable": false}});
    let (status, _) = fixture.call(OFFICER, Method::PATCH, "/keys/disk/", &refused).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_policy_is_replaced_unless_it_is_immutable() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &json!([{"claim": "a", "equals": "b"}])).await;
    let target = json!({ "target": fixture.token().await });
    assert_eq!(fixture.release("disk", &target).await.0, StatusCode::FORBIDDEN);
    let mut policy = fixture.policy(&fixture.conditions());
    policy["immutable"] = true.into();
    let body = json!({ "release_policy": policy });
    let changed = fixture.done(Method::PATCH, "/keys/disk/", &body).await;
    assert_eq!(changed["release_policy"]["immutable"], true);
    // The key was wrapped for another policy, and is wrapped anew for this one.
    assert_eq!(fixture.release("disk", &target).await.0, StatusCode::OK);
    let mut mutable = policy.clone();
    mutable["immutable"] = false.into();
    let other = fixture.policy(&json!([{"claim": "a", "equals": "b"}]));
    for policy in [mutable, other] {
        let body = json!({ "release_policy": policy });
        let (status, answer) = fixture.call(OFFICER, Method::PATCH, "/keys/disk/", &body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains("immutable"), "{message}");
    }
    // Naming it again changes nothing, and everything else may change.
    fixture.done(Method::PATCH, "/keys/disk/", &body).await;
    fixture.done(Method::PATCH, "/keys/disk/", &json!({"tags": {"x": "y"}})).await;
    assert_eq!(fixture.release("disk", &target).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_deleted_key_is_recovered_or_purged() {
    let fixture = Fixture::new().await;
    let made = fixture.create("disk", &fixture.conditions()).await;
    let target = json!({ "target": fixture.token().await });
    let deleted = fixture.done(Method::DELETE, "/keys/disk", &json!({})).await;
    assert_eq!(deleted["recoveryId"], format!("{}/deletedkeys/disk", fixture.url));
    let days =
        deleted["scheduledPurgeDate"].as_i64().unwrap() - deleted["deletedDate"].as_i64().unwrap();
    assert_eq!(days, 90 * 86_400);
    assert_eq!(deleted["key"], made["key"]);
    let shown = fixture.done(Method::GET, "/deletedkeys/disk", &json!({})).await;
    assert_eq!(shown, deleted);
    assert_eq!(fixture.release("disk", &target).await.0, StatusCode::NOT_FOUND);
    let body = json!({"kty": "oct"});
    let (status, answer) = fixture.call(OFFICER, Method::POST, "/keys/disk/create", &body).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(answer["error"]["innererror"]["code"], "ObjectIsDeletedButRecoverable");

    let recovered = fixture.done(Method::POST, "/deletedkeys/disk/recover", &json!({})).await;
    assert_eq!(recovered["key"], made["key"]);
    assert_eq!(fixture.release("disk", &target).await.0, StatusCode::OK);

    fixture.done(Method::DELETE, "/keys/disk", &json!({})).await;
    let path = "/deletedkeys/disk";
    let (status, _) = fixture.call(OFFICER, Method::DELETE, path, &json!({})).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    for (method, path) in [
        (Method::GET, "/deletedkeys/disk"),
        (Method::DELETE, "/deletedkeys/disk"),
        (Method::POST, "/deletedkeys/disk/recover"),
        (Method::DELETE, "/keys/disk"),
    ] {
        let (status, _) = fixture.call(OFFICER, method, path, &json!({})).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let again = fixture.create("disk", &fixture.conditions()).await;
    assert_ne!(again["key"]["kid"], made["key"]["kid"]);
}

#[tokio::test]
async fn names_are_of_letters_digits_and_hyphens() {
    let fixture = Fixture::new().await;
    let long = "a".repeat(128);
    for name in ["a_b", "a.b", &long] {
        let path = format!("/keys/{name}/create");
        let (status, answer) =
            fixture.call(OFFICER, Method::POST, &path, &json!({"kty": "oct"})).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name}: {answer}");
    }
}

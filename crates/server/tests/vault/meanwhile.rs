//! What happens between the judgement of a token and the release: nothing that was withdrawn leaves.

use avouch_store::testing::run_script;
use avouch_store::{Store, limits};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Setup, now};
use crate::{Fixture, RELEASE};

/// Where no more tokens can be remembered, nobody is to blame, and the owner is told why.
#[tokio::test]
async fn a_full_memory_of_tokens_is_no_fault_of_the_caller() {
    let folder = tempfile::tempdir().unwrap();
    let location = folder.path().join("avouch.db").display().to_string();
    let store = Store::open(&location, now()).await.unwrap();
    let fixture = Fixture::with(|setup: &mut Setup| {
        setup.config.vault.token_single_use = true;
        setup.store = store;
    })
    .await;
    fixture.create("disk", &fixture.conditions()).await;
    let most = limits::VAULT_TOKEN_USES_MAX;
    let fill = format!("update store_state set value = {most} where name = 'vault_token_uses'");
    run_script(&location, &fill).await.unwrap();
    let body = json!({ "target": fixture.token().await });
    let path = fixture.url_of("/keys/disk//release");
    let send = async |who: &str| {
        let request = fixture.client.post(&path).bearer_auth(who).body(body.to_string());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()["retry-after"], "60");
        answer.text().await.unwrap()
    };
    let stranger = send(RELEASE).await;
    assert!(stranger.contains("cannot be released just now"), "{stranger}");
    assert!(!stranger.contains("served"), "{stranger}");
    let owner = send(&fixture.key_owner()).await;
    assert!(owner.contains("token-single-use: ") && owner.contains("have served"), "{owner}");
    // It was none's use: with room again the same token serves.
    let empty = "update store_state set value = 0 where name = 'vault_token_uses'";
    run_script(&location, empty).await.unwrap();
    let (status, answer) = fixture.release("disk", &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

/// Whoever was answered that a key is deleted may rely on it: no release comes after that in the trail, and
/// so no key leaves.
#[tokio::test]
async fn no_release_comes_after_a_deletion() {
    let fixture = Fixture::new().await;
    let body = json!({ "target": fixture.token().await });
    for round in 0..8 {
        let name = format!("disk-{round}");
        fixture.create(&name, &fixture.conditions()).await;
        let releases = (0..6).map(|_| fixture.release(&name, &body));
        let path = format!("/keys/{name}");
        let nothing = json!({});
        let delete = fixture.call(crate::OFFICER, Method::DELETE, &path, &nothing);
        let (answers, deleted) = tokio::join!(futures_util::future::join_all(releases), delete);
        assert_eq!(deleted.0, StatusCode::OK);
        for (status, answer) in answers {
            let is_known = matches!(status, StatusCode::OK | StatusCode::NOT_FOUND);
            assert!(is_known, "{status} {answer}");
        }
        let trail = fixture.trail().await;
        let of_name = trail
            .iter()
            .filter(|entry| entry.details.get("name").is_some_and(|named| *named == name.as_str()));
        let kept: Vec<&str> = of_name
            .filter(|entry| entry.outcome == avouch_store::AuditOutcome::Succeeded)
            .map(|entry| entry.action.as_str())
            .collect();
        assert_eq!(kept.last(), Some(&"vault-key-delete"), "{kept:?}");
    }
}

/// What was read of a key serves the next release only as long as the database has the same: here each
/// change comes between two releases, and once by another program's hand.
#[tokio::test]
async fn what_is_kept_of_a_key_counts_only_while_it_is_so() {
    let folder = tempfile::tempdir().unwrap();
    let location = folder.path().join("avouch.db").display().to_string();
    let store = Store::open(&location, now()).await.unwrap();
    let fixture = Fixture::with(|setup: &mut Setup| setup.store = store).await;
    let first = fixture.create("disk", &fixture.conditions()).await;
    let body = json!({ "target": fixture.token().await });
    let released = async || {
        let (status, answer) = fixture.release("DISK", &body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        crate::open(&answer)
    };
    let (secret, shown) = released().await;
    assert_eq!(released().await.0, secret);
    assert_eq!(shown["request"]["kid"], first["key"]["kid"]);

    // Tags are another revision, and the same key.
    fixture.done(Method::PATCH, "/keys/disk", &json!({"key_ops": ["export"]})).await;
    let (again, shown) = released().await;
    assert_eq!((again, &shown["response"]["key"]["key"]["key_ops"]), (secret, &json!(["export"])));

    // A newer version is the current one from now on.
    let second = fixture.create("disk", &fixture.conditions()).await;
    let (other, shown) = released().await;
    assert_eq!(shown["request"]["kid"], second["key"]["kid"]);
    assert_eq!(released().await.0, other);

    // Disabled, enabled, under a policy that is not met, and under one that is.
    let refused = async |check: &str| {
        let path = "/keys/disk//release";
        let (status, answer) = fixture.call(&fixture.key_owner(), Method::POST, path, &body).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(check), "{message}");
    };
    let set = async |change: serde_json::Value| {
        fixture.done(Method::PATCH, "/keys/disk", &change).await;
    };
    set(json!({"attributes": {"enabled": false}})).await;
    refused("key-enabled: ").await;
    set(json!({"attributes": {"enabled": true}})).await;
    released().await;
    let unmet = fixture.policy(&json!([{"claim": "a", "equals": "b"}]));
    set(json!({ "release_policy": unmet })).await;
    refused("release-policy-met: ").await;
    set(json!({ "release_policy": fixture.policy(&fixture.conditions()) })).await;
    released().await;

    // The number of a revision that comes again, as after a failover, is not the same key.
    let swap = "update vault_key_versions set wrapped_material = x'00' \
                where made = (select max(made) from vault_key_versions)";
    run_script(&location, swap).await.unwrap();
    let (status, answer) = fixture.release("disk", &body).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{answer}");

    fixture.done(Method::DELETE, "/keys/disk", &json!({})).await;
    let (status, answer) = fixture.release("disk", &body).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
}

//! How old a token may be, how often it serves, and how often a caller may ask.

use avouch_token::TokenTimes;
use reqwest::StatusCode;
use serde_json::json;

use crate::support::now;
use crate::{Fixture, part};

const NO_TOKEN: &str = "the attestation token is not accepted";

#[tokio::test]
async fn a_stale_token_is_refused_where_an_age_is_set() {
    let fixture = Fixture::with(|setup| setup.config.vault.token_age_seconds_max = Some(300)).await;
    fixture.create("disk", &fixture.conditions()).await;
    let fresh = fixture.token().await;
    let claims = part(&fresh, 1);
    let stale = TokenTimes::attestation(now().saturating_add_seconds(-302));
    let stale = fixture.signed(&claims, stale);
    fixture.refused("disk", &stale, NO_TOKEN, "token-age", "older than 300 s").await;
    let (status, _) = fixture.release("disk", &json!({ "target": fresh })).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_that_serves_once_serves_once_and_a_refused_release_uses_none_up() {
    let fixture = Fixture::with(|setup| setup.config.vault.token_single_use = true).await;
    fixture.create("disk", &fixture.conditions()).await;
    fixture.create("other", &json!([{"claim": "a", "equals": "b"}])).await;
    let token = fixture.token().await;
    let body = json!({ "target": token });
    let (status, _) = fixture.release("other", &body).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, answer) = fixture.release("disk", &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    fixture.refused("disk", &token, NO_TOKEN, "token-single-use", "has served").await;
    // Of many who ask at once with one token one is served.
    let body = json!({ "target": fixture.token().await });
    let asks = (0..8).map(|_| fixture.release("disk", &body));
    let answers = futures_util::future::join_all(asks).await;
    let served = answers.iter().filter(|(status, _)| *status == StatusCode::OK).count();
    assert_eq!(served, 1, "{answers:?}");
}

#[tokio::test]
async fn a_token_serves_again_where_nobody_asks_for_more() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &fixture.conditions()).await;
    let body = json!({ "target": fixture.token().await });
    for _ in 0..2 {
        assert_eq!(fixture.release("disk", &body).await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_caller_asks_for_so_many_releases_in_a_minute_and_is_told_when_to_come_again() {
    let fixture = Fixture::with(|setup| setup.config.vault.releases_per_minute_max = 3).await;
    fixture.create("disk", &fixture.conditions()).await;
    let body = json!({ "target": fixture.token().await });
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(fixture.release("disk", &body).await.0.as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 429]);
    let path = fixture.url_of("/keys/disk//release");
    let request = fixture.client.post(path).bearer_auth(crate::RELEASE).body(body.to_string());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["retry-after"], "20");
}

//! Lists by subscription and resource group, whole and in pages.

use avouch_store::{Actor, ActorKind, Edit, NewProvider, ProviderName, ResourceScope, Store};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Fixture, SUBSCRIPTION, VERSION, token_of};
use crate::support::now;

fn by_subscription(subscription: &str) -> String {
    format!(
        "/subscriptions/{subscription}/providers/Microsoft.Attestation/attestationProviders\
         ?{VERSION}"
    )
}

fn by_group(group: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.Attestation/\
         attestationProviders?{VERSION}"
    )
}

fn names(list: &Value) -> Vec<String> {
    let items = list["value"].as_array().unwrap();
    items.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

/// Puts providers straight into the store.
async fn fill(fixture: &Fixture, subscription: &str, group: &str, names: &[&str]) {
    let actor = Actor::new(ActorKind::User, "test").unwrap();
    for name in names {
        let scope = ResourceScope::parse(subscription, group).unwrap();
        let new = NewProvider::new(ProviderName::parse(name).unwrap(), scope, "here");
        fixture.store.create_provider(&new, &Edit::new(&actor, now())).await.unwrap();
    }
}

#[tokio::test]
async fn a_list_holds_what_is_in_the_subscription_or_group_and_nothing_else() {
    let fixture = Fixture::new().await;
    fill(&fixture, SUBSCRIPTION, "One", &["aaa", "bbb"]).await;
    fill(&fixture, SUBSCRIPTION, "Two", &["ccc"]).await;
    fill(&fixture, "cccccccc", "One", &["ddd"]).await;
    let list = async |path: String| {
        let body = fixture.send(Method::GET, &path, "").await.done(200);
        assert!(body.get("nextLink").is_none());
        names(&body)
    };
    assert_eq!(list(by_subscription(SUBSCRIPTION)).await, ["aaa", "bbb", "ccc"]);
    assert_eq!(list(by_subscription(&SUBSCRIPTION.to_uppercase())).await, ["aaa", "bbb", "ccc"]);
    assert_eq!(list(by_subscription("cccccccc")).await, ["ddd"]);
    assert_eq!(list(by_subscription("dddddddd")).await, [""; 0]);
    assert_eq!(list(by_group("one")).await, ["aaa", "bbb"]);
    assert_eq!(list(by_group("TWO")).await, ["ccc"]);
    assert_eq!(list(by_group("three")).await, [""; 0]);
    let zero = "00000000-0000-0000-0000-000000000000";
    assert_eq!(list(by_subscription(zero)).await, ["default"]);
    let bad = fixture.send(Method::GET, &by_subscription("a%20b"), "").await;
    bad.refused(400, "InvalidResourceName", "subscription name");
    let bad = fixture.send(Method::GET, &by_group("a*"), "").await;
    bad.refused(400, "InvalidResourceName", "resource group name");
}

/// Follows next links to the end.
async fn pages(fixture: &Fixture, token: &str, first: String) -> Vec<Vec<String>> {
    let (mut pages, mut path) = (Vec::new(), first);
    loop {
        let body = fixture.send_as(token, Method::GET, &path, "").await.done(200);
        pages.push(names(&body));
        let Some(next) = body.get("nextLink") else { return pages };
        let next = next.as_str().unwrap();
        path = next.strip_prefix(&fixture.service.url).unwrap().to_owned();
    }
}

#[tokio::test]
async fn a_page_leads_to_the_next_and_the_last_to_none() {
    let fixture = Fixture::new().await;
    let group = "gr\u{fc}n_(1)";
    fill(&fixture, SUBSCRIPTION, group, &["aaa", "bbb", "ccc", "ddd", "eee"]).await;
    fill(&fixture, SUBSCRIPTION, "other", &["fff"]).await;
    let first = format!("{}&$top=2", by_group("GR%C3%9CN_(1)"));
    let found = pages(&fixture, "t", first).await;
    assert_eq!(found, [vec!["aaa", "bbb"], vec!["ccc", "ddd"], vec!["eee"]]);
    let all = pages(&fixture, "t", format!("{}&%24TOP=4", by_subscription(SUBSCRIPTION))).await;
    assert_eq!(all.concat(), ["aaa", "bbb", "ccc", "ddd", "eee", "fff"]);
    for query in ["$top=0", "$top=x", "$top=-1", "$top=1&$top=2", "$skipToken=x", "$top="] {
        let path = format!("{}&{query}", by_subscription(SUBSCRIPTION));
        let answer = fixture.send(Method::GET, &path, "").await;
        answer.refused(400, "InvalidRequestContent", "$");
    }
}

#[tokio::test]
async fn a_whole_list_longer_than_what_is_read_at_once_is_complete() {
    let fixture = Fixture::new().await;
    let all: Vec<String> = (0..1203).map(|n| format!("tenant-{n}")).collect();
    let refs: Vec<&str> = all.iter().map(String::as_str).collect();
    fill(&fixture, SUBSCRIPTION, "group", &refs).await;
    let body = fixture.send(Method::GET, &by_subscription(SUBSCRIPTION), "").await.done(200);
    assert_eq!(names(&body), all);
    let found = pages(&fixture, "t", format!("{}&$top=5000", by_group("group"))).await;
    assert_eq!(found.concat(), all);
    assert!(found.iter().all(|page| page.len() <= 500));
}

#[tokio::test]
async fn a_list_holds_only_what_its_caller_may_read() {
    let rows: [(&str, &str, &[&str]); 3] = [
        ("one", "Reader", &["bbb"]),
        ("two", "Owner", &["ccc", "aaa", "none"]),
        ("all", "Reader", &[]),
    ];
    let fixture = Fixture::with_tokens(&rows).await;
    fill(&fixture, SUBSCRIPTION, "group", &["aaa", "bbb", "ccc", "ddd"]).await;
    let list = async |name: &str, path: String| {
        let answer = fixture.send_as(&token_of(name), Method::GET, &path, "").await;
        names(&answer.done(200))
    };
    assert_eq!(list("one", by_subscription(SUBSCRIPTION)).await, ["bbb"]);
    assert_eq!(list("one", by_group("other")).await, [""; 0]);
    assert_eq!(list("two", by_group("GROUP")).await, ["aaa", "ccc"]);
    assert_eq!(list("all", by_group("group")).await, ["aaa", "bbb", "ccc", "ddd"]);
    let zero = by_subscription("00000000-0000-0000-0000-000000000000");
    assert_eq!(list("one", zero).await, ["default"]);
    let found = pages(&fixture, &token_of("two"), format!("{}&$top=1", by_group("group"))).await;
    assert_eq!(found, [["aaa"], ["ccc"]]);
    for path in [by_subscription(SUBSCRIPTION), by_group("group")] {
        for token in ["", "x", &token_of("three")] {
            let answer = fixture.send_as(token, Method::GET, &path, "").await;
            answer.refused(401, "Unauthorized", "");
        }
    }
    let body = json!({"value": []});
    assert_eq!(
        body,
        fixture.send_as(&token_of("one"), Method::GET, &by_group("none"), "").await.done(200)
    );
}

#[tokio::test]
async fn a_list_that_breaks_off_is_an_error_and_no_shorter_list() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("database");
    let location = file.to_str().unwrap();
    let fixture = Fixture::over(Store::open(location, now()).await.unwrap()).await;
    // More than are read at once.
    let all: Vec<String> = (0..520).map(|number| format!("p{number:04}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    fill(&fixture, SUBSCRIPTION, "one", &all).await;
    let list = fixture.send(Method::GET, &by_subscription(SUBSCRIPTION), "").await.done(200);
    assert_eq!(names(&list), all);
    let damage = "UPDATE providers SET tags = 'x{' WHERE name = 'p0510'";
    avouch_store::testing::run_script(location, damage).await.unwrap();
    let broken = fixture.send(Method::GET, &by_subscription(SUBSCRIPTION), "").await;
    assert!(broken.status.is_server_error(), "{}", broken.status);
    assert_eq!(broken.body["error"]["code"], "InternalError");
}

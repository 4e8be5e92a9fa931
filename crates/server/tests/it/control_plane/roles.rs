//! Who may do what, and what those learn who may not.

use reqwest::Method;
use serde_json::json;

use super::{Fixture, SUBSCRIPTION, VERSION, below, path, token_of};

const ROWS: [(&str, &str, &[&str]); 6] = [
    ("reader", "Reader", &[]),
    ("contributor", "Contributor", &[]),
    ("owner", "Owner", &[]),
    ("reader-of-a", "Reader", &["tenant-a"]),
    ("owner-of-a", "Owner", &["tenant-a", "tenant-new"]),
    ("owner-of-b", "Owner", &["tenant-b"]),
];

fn creation() -> String {
    json!({"location": "westus", "properties": {}}).to_string()
}

/// Providers `tenant-a` and `tenant-b`.
async fn fixture() -> Fixture {
    let fixture = Fixture::with_tokens(&ROWS).await;
    for name in ["tenant-a", "tenant-b"] {
        let path = path("group", name);
        fixture.send_as(&token_of("owner"), Method::PUT, &path, creation()).await.done(201);
    }
    fixture
}

#[tokio::test]
async fn each_operation_needs_its_role_at_the_provider_that_it_names() {
    let fixture = fixture().await;
    let everyone = ["reader", "contributor", "owner", "reader-of-a", "owner-of-a", "owner-of-b"];
    let readers = ["reader", "contributor", "owner", "reader-of-a", "owner-of-a"];
    let owners = ["owner", "owner-of-a"];
    let connection = below("group", "tenant-a", "/privateEndpointConnections/pec");
    let state = json!({"properties": {"privateLinkServiceConnectionState": {}}}).to_string();
    let prefix = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Attestation");
    let cases: [(Method, String, String, &[&str]); 11] = [
        (Method::GET, path("group", "tenant-a"), String::new(), &readers),
        (
            Method::GET,
            below("group", "tenant-a", "/privateEndpointConnections"),
            String::new(),
            &readers,
        ),
        (Method::GET, below("group", "tenant-a", "/privateLinkResources"), String::new(), &readers),
        (Method::PUT, path("group", "tenant-a"), creation(), &owners),
        (Method::PATCH, path("group", "tenant-a"), "{}".to_owned(), &owners),
        (Method::PUT, connection.clone(), state, &owners),
        (Method::GET, connection.clone(), String::new(), &readers),
        (Method::DELETE, connection, String::new(), &owners),
        (Method::GET, format!("{prefix}/defaultProviders?{VERSION}"), String::new(), &everyone),
        (
            Method::GET,
            format!("{prefix}/locations/West%20US/defaultProvider?{VERSION}"),
            String::new(),
            &everyone,
        ),
        (
            Method::GET,
            format!("/providers/Microsoft.Attestation/operations?{VERSION}"),
            String::new(),
            &everyone,
        ),
    ];
    for (method, path, body, allowed) in cases {
        for name in everyone {
            let answer = fixture.send_as(&token_of(name), method.clone(), &path, &body).await;
            if allowed.contains(&name) {
                assert!(
                    answer.status.is_success() || path.contains("Connections/"),
                    "{name} {method} {path}: {answer:?}"
                );
                assert_ne!(answer.status, 401, "{name} {method} {path}");
            } else {
                answer.refused(401, "Unauthorized", "role");
            }
        }
        for token in ["", "no such token", &token_of("nobody")] {
            let answer = fixture.send_as(token, method.clone(), &path, &body).await;
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
            answer.refused(401, "Unauthorized", "");
        }
    }
}

#[tokio::test]
async fn an_owner_of_a_name_may_create_it_and_delete_it_and_no_other() {
    let fixture = fixture().await;
    let owner = token_of("owner-of-a");
    for name in ["tenant-c", "tenant-b"] {
        let answer = fixture.send_as(&owner, Method::PUT, &path("group", name), creation()).await;
        answer.refused(401, "Unauthorized", "Owner");
        let answer = fixture.send_as(&owner, Method::DELETE, &path("group", name), "").await;
        answer.refused(401, "Unauthorized", "Owner");
    }
    let path = path("group", "Tenant-New");
    fixture.send_as(&owner, Method::PUT, &path, creation()).await.done(201);
    for name in ["reader", "contributor", "reader-of-a", "owner-of-b"] {
        let answer = fixture.send_as(&token_of(name), Method::DELETE, &path, "").await;
        answer.refused(401, "Unauthorized", "Owner");
    }
    fixture.send_as(&owner, Method::DELETE, &path, "").await.done(200);
    assert!(fixture.store.provider("tenant-b").await.unwrap().is_some());
}

#[tokio::test]
async fn who_may_not_read_a_provider_cannot_tell_whether_it_exists() {
    let fixture = fixture().await;
    let stranger = token_of("owner-of-b");
    for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
        let mut answers = Vec::new();
        for (group, name) in [("group", "tenant-a"), ("other", "tenant-a"), ("group", "tenant-x")] {
            let path = path(group, name);
            let answer = fixture.send_as(&stranger, method.clone(), &path, creation()).await;
            answers.push((answer.status, answer.body));
        }
        assert_eq!(answers[0].0, 401, "{method}");
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{method}: {answers:?}");
    }
}

//! Clients that lose the path of their provider, and what meets them at the root.

use avouch_server::Config;
use reqwest::{Method, StatusCode};

use crate::support::{Running, Setup};

const POLICY: &str = "/policies/SgxEnclave?api-version=2022-08-01";
/// An unsigned policy that denies nobody.
const JWS: &str = "eyJhbGciOiJub25lIn0.eyJBdHRlc3RhdGlvblBvbGljeSI6ICJkbVZ5YzJsdmJqMHhMakE3SUdGMWRHaHZjbWw2WVhScGIyNXlkV3hsYzNzOVBpQndaWEp0YVhRb0tUdDlPeUJwYzNOMVlXNWpaWEoxYkdWemUzMDcifQ.";

/// A service with a provider `contoso` and something at its root.
async fn service(root: &str) -> Running {
    let text = format!("[server]\nroot_provider = \"{root}\"");
    let setup = Setup { config: Config::parse(&text, "test", []).unwrap(), ..Setup::new().await };
    let service = setup.serve().await;
    let path = "/subscriptions/prod/resourceGroups/g/providers/Microsoft.Attestation/\
        attestationProviders/contoso?api-version=2021-06-01";
    let body = r#"{"location": "here", "properties": {}}"#;
    assert_eq!(service.send(Method::PUT, path, "t", body).await.0, StatusCode::CREATED);
    service
}

#[tokio::test]
async fn a_policy_that_lost_its_path_does_not_land_at_a_root_that_is_read_only() {
    let service = service("read-only").await;
    let before = service.request(Method::GET, POLICY).bearer_auth("t").send().await.unwrap();
    assert_eq!(before.status(), StatusCode::OK);
    for (method, path) in [
        (Method::PUT, POLICY),
        (Method::POST, "/policies/SgxEnclave:reset?api-version=2022-08-01"),
        (Method::POST, "/certificates:add?api-version=2022-08-01"),
        (Method::POST, "/certificates:remove?api-version=2022-08-01"),
    ] {
        let (status, body) = service.send(method, path, "t", JWS).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(body["error"]["code"], "InvalidOperation");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("root-provider: "), "{message}");
    }
    let there = format!("/providers/contoso{POLICY}");
    assert_eq!(service.send(Method::PUT, &there, "t", JWS).await.0, StatusCode::OK);
    // Who may not write learns that first.
    let refused = service.request(Method::PUT, POLICY).body(JWS).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(service.status("/certs").await, 200);
}

#[tokio::test]
async fn where_the_root_has_no_provider_nothing_of_one_is_found_there() {
    let service = service("absent").await;
    for path in ["/certs", "/.well-known/openid-configuration"] {
        assert_eq!(service.status(path).await, 404, "{path}");
        assert_eq!(service.status(&format!("/providers/contoso{path}")).await, 200, "{path}");
    }
    let (status, body) = service.send(Method::PUT, POLICY, "t", JWS).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body["error"]["message"].as_str().unwrap().contains("drop the path"), "{body}");
    assert_eq!(service.attest_sgx("{}").await.0, StatusCode::NOT_FOUND);
    assert_eq!(service.status("/healthz").await, 200);
    let default = "/subscriptions/prod/providers/Microsoft.Attestation/locations/x/defaultProvider\
        ?api-version=2021-06-01";
    let there = service.request(Method::GET, default).bearer_auth("t").send().await.unwrap();
    assert_eq!(there.status(), StatusCode::NOT_FOUND);
    let all = default.replace("locations/x/defaultProvider", "defaultProviders");
    let there = service.request(Method::GET, &all).bearer_auth("t").send().await.unwrap();
    assert_eq!(there.text().await.unwrap(), r#"{"value":[]}"#);
}

#[tokio::test]
async fn a_root_is_served_like_any_other_provider_unless_it_is_set_otherwise() {
    assert_eq!(Config::default().server.root_provider, service("served").await.state.root_provider);
    let service = service("served").await;
    assert_eq!(service.send(Method::PUT, POLICY, "t", JWS).await.0, StatusCode::OK);
    let error = Config::parse("[server]\nroot_provider = \"none\"", "test", []).unwrap_err();
    assert!(error.to_string().contains("root_provider"), "{error}");
}

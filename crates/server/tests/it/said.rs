//! What is said of a request, to its sender and to the log: bounded, and findable by its id.
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use avouch_mint::{Options, mint};
use avouch_wire::EvidenceKind;
use reqwest::Method;
use serde_json::json;

use crate::support::log::log;
use crate::support::{Running, now};

/// The most that an answer to garbage, or a line of the log, may have.
const BYTES_MAX: usize = 8 * 1024;
/// Length of the garbage.
const LENGTH: usize = 900_000;

fn routes() -> Vec<(Method, String)> {
    let at = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/\
              Microsoft.Attestation/attestationProviders/p";
    let arm = "api-version=2021-06-01";
    let kinds = ["SgxEnclave", "OpenEnclave", "TdxVm", "SevSnpVm", "Tpm"];
    let mut routes = vec![
        (Method::POST, "/certificates:add?api-version=2022-08-01".to_owned()),
        (Method::POST, "/certificates:remove?api-version=2022-08-01".to_owned()),
        (Method::PUT, format!("{at}?{arm}")),
        (Method::PATCH, format!("{at}?{arm}")),
        (Method::PUT, format!("{at}/privateEndpointConnections/c?{arm}")),
    ];
    for kind in kinds {
        routes.push((Method::POST, format!("/attest/{kind}?api-version=2022-08-01")));
        routes.push((Method::POST, format!("/attest/{kind}?api-version=2018-09-01-preview")));
        routes.push((Method::PUT, format!("/policies/{kind}?api-version=2022-08-01")));
        routes.push((Method::POST, format!("/policies/{kind}:reset?api-version=2022-08-01")));
    }
    routes
}

/// Garbage in every place of a body where a sender may put a text.
fn bodies() -> Vec<String> {
    let encoded = |text: &str| avouch_wire::base64url::encode(text.as_bytes());
    let mut bodies = Vec::new();
    for piece in ["x", "\u{7}", "\"", "\u{202e}"] {
        let long = piece.repeat(LENGTH / 8 / piece.len());
        bodies.push(long.clone());
        bodies.push(json!({ &long: 1 }).to_string());
        bodies.push(format!("{{{0}:1,{0}:1}}", json!(long)));
        for member in [
            "quote",
            "report",
            "nonce",
            "draftPolicyForAttestation",
            "Quote",
            "EnclaveHeldData",
            "location",
            "tags",
            "properties",
        ] {
            bodies.push(json!({"quote": "AAAA", "report": "AAAA", member: long}).to_string());
            bodies.push(json!({"quote": "AAAA", member: {&long: 1}}).to_string());
        }
        for data in [
            json!({"data": long, "dataType": "JSON"}),
            json!({"data": "AA", "dataType": long}),
            json!({"data": encoded(&json!({&long: 1}).to_string()), "dataType": "JSON"}),
            json!({"data": encoded(&format!("{{{0}:1,{0}:1}}", json!(long))), "dataType": "JSON"}),
        ] {
            let body = json!({"quote": "AAAA", "report": "AAAA", "runtimeData": data});
            bodies.push(body.to_string());
        }
        bodies.push(json!({"location": "x", "tags": {&long: 1}}).to_string());
        let switches = json!({"publicNetworkAccess": long, "tpmAttestationAuthentication": long});
        bodies.push(json!({"location": "x", "properties": switches}).to_string());
        let state = json!({"privateLinkServiceConnectionState": {"status": long}});
        bodies.push(json!({"properties": state}).to_string());
        for header in [
            json!({"alg": long}),
            json!({"alg": "none", &long: 1}),
            json!({"alg": "RS256", "x5c": [long]}),
            json!({"alg": "RS256", "jwk": {"kty": long}}),
        ] {
            let header = encoded(&header.to_string());
            bodies.push(format!("{header}.{}.AAAA", encoded("{}")));
        }
        let policy = encoded(&json!({"AttestationPolicy": encoded(&long)}).to_string());
        bodies.push(format!("{}.{policy}.", encoded("{\"alg\":\"none\"}")));
        let names = encoded(&json!({&long: 1}).to_string());
        bodies.push(format!("{}.{names}.", encoded("{\"alg\":\"none\"}")));
    }
    let draft = format!(
        "version=1.0; authorizationrules {{ c:[type==\"{}\"] => permit(); }};",
        "x".repeat(200_000)
    );
    bodies.push(json!({"quote": "AAAA", "draftPolicyForAttestation": draft}).to_string());
    bodies.retain(|body| body.len() <= 1 << 20);
    bodies
}

#[tokio::test]
async fn garbage_of_any_length_is_answered_and_logged_in_few_words() {
    let log = log();
    let service = Running::start().await;
    for body in bodies() {
        for (method, path) in routes() {
            let request = service.request(method.clone(), &path).bearer_auth("t");
            let answer = request.body(body.clone()).send().await.unwrap();
            let status = answer.status();
            let text = answer.text().await.unwrap();
            let begins: String = body.chars().take(60).collect();
            assert!(status.is_client_error(), "{method} {path} {begins}: {status}");
            assert!(text.len() <= BYTES_MAX, "{method} {path} {begins}: {} bytes", text.len());
        }
    }
    let longest = log.lines().iter().map(String::len).max().unwrap();
    assert!(longest <= BYTES_MAX, "a line of {longest} bytes");
}

#[tokio::test]
async fn heads_of_any_content_are_answered_and_logged_in_few_words() {
    let log = log();
    let service = Running::start().await;
    let long = "x".repeat(7000);
    let method = Method::from_bytes(long.as_bytes()).unwrap();
    let query = format!("/policies/SgxEnclave?api-version={long}");
    let jwt = format!("{0}.{0}.{0}", avouch_wire::base64url::encode(long.as_bytes()));
    for request in [
        service.request(method, "/healthz"),
        service.request(Method::GET, &format!("/{long}")),
        service.request(Method::GET, &format!("/providers/{long}/certs")),
        service.request(Method::GET, &format!("/policies/{long}?api-version=2022-08-01")),
        service.request(Method::GET, &query),
        service
            .request(Method::GET, "/policies/SgxEnclave?api-version=2022-08-01")
            .bearer_auth(jwt),
        service.request(Method::GET, "/nowhere").header("x-ms-client-request-id", &long),
        service.request(Method::GET, "/nowhere").header("traceparent", &long),
    ] {
        let answer = request.send().await.unwrap();
        let head: usize =
            answer.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        assert!(head <= 2048, "{:?}", answer.headers());
        assert!(answer.text().await.unwrap().len() <= BYTES_MAX);
    }
    let longest = log.lines().iter().map(String::len).max().unwrap();
    assert!(longest <= BYTES_MAX, "a line of {longest} bytes");
}

#[tokio::test]
async fn each_request_has_one_line_that_its_id_finds() {
    let log = log();
    let minted = mint(EvidenceKind::Sgx, &Options::new(now())).unwrap();
    let service = Running::start_for(&minted).await;
    let attest = "/attest/SgxEnclave?api-version=2022-08-01";
    let policy = "/policies/SgxEnclave?api-version=2022-08-01";
    for (method, path, body, status, route, check) in [
        (Method::POST, attest, minted.request.as_str(), 200, "attest", None),
        (Method::POST, attest, "{", 400, "attest", Some("request-body")),
        (Method::GET, policy, "", 401, "policy-get", None),
        (Method::GET, "/healthz", "", 200, "healthz", None),
        (Method::GET, "/nowhere", "", 404, "", None),
    ] {
        let request = service.request(method.clone(), path).body(body.to_owned());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        let id = answer.headers()["x-ms-request-id"].to_str().unwrap().to_owned();
        let lines = log.of(&id);
        assert_eq!(lines.len(), 1, "{path}: {lines:?}");
        let line = &lines[0];
        assert_eq!(line["status"], status, "{line}");
        assert_eq!(line["method"], format!("\"{method}\""), "{line}");
        assert_eq!(line["address"], "127.0.0.1", "{line}");
        assert_eq!(line["route"], route, "{line}");
        assert_eq!(line["check"].as_str(), check, "{line}");
        assert_eq!(line["error"].is_string(), status >= 400, "{line}");
        assert!(line["microseconds"].is_u64(), "{line}");
        let has_provider = matches!(route, "attest" | "policy-get");
        assert_eq!(line["provider"].as_str(), has_provider.then_some("default"), "{line}");
        assert_eq!(line["level"], if route == "healthz" { "DEBUG" } else { "INFO" }, "{line}");
    }
}

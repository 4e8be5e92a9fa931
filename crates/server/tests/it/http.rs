//! The service over TLS on loopback: what it answers to good and to bad requests.
#![allow(clippy::string_slice, reason = "a test fails by panicking")]

use avouch_mint::{Options, mint};
use avouch_token::{Expectations, Jwks, verify_token};
use avouch_wire::EvidenceKind;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Running, now};

const VERSIONS: [&str; 7] = [
    "2018-09-01-preview",
    "2020-10-01",
    "2022-08-01",
    "2022-09-01-preview",
    "2023-04-01-preview",
    "2025-06-01",
    "2026-03-11-preview",
];

#[tokio::test]
async fn every_kind_is_attested_under_every_api_version_and_path_case() {
    // A TPM is answered in several messages, a guest under a seal: they have tests of their own.
    let answers_token =
        |kind: &EvidenceKind| !kind.answers_challenge() && *kind != EvidenceKind::AzureGuest;
    for kind in EvidenceKind::appraised().filter(answers_token) {
        let minted = mint(kind, &Options::new(now())).unwrap();
        let service = Running::start_for(&minted).await;
        let route = kind.policy_name();
        for version in VERSIONS {
            for path in [route.to_owned(), route.to_lowercase(), format!("{route}/")] {
                let path = format!("/attest/{path}?api-version={version}");
                let (status, body) = service.post(&path, minted.request.clone()).await;
                assert_eq!(status, StatusCode::OK, "{path}: {body}");
                let token = body["token"].as_str().unwrap();
                assert_eq!(service.claims(token).await["iss"], service.url);
            }
        }
    }
}

#[tokio::test]
async fn tokens_verify_under_the_published_keys_and_no_others() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(now())).unwrap();
    let (service, other) = (Running::start_for(&minted).await, Running::start_for(&minted).await);
    let (_, body) = service.attest_sgx(&minted.request).await;
    let token = body["token"].as_str().unwrap();
    let mut expectations = Expectations::at(now());
    expectations.issuer = Some(service.url.clone());
    let keys = |text: String| Jwks::parse(text.as_bytes()).unwrap();
    let own = keys(service.get_text("/certs").await);
    let verified = verify_token(token, &own, &expectations).into_verified().unwrap();
    assert_eq!(verified.claims()["x-ms-attestation-type"], "sgx");
    let foreign = keys(other.get_text("/certs").await);
    assert!(verify_token(token, &foreign, &expectations).into_verified().is_err());
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_the_content_type_of_the_service() {
    let service = Running::start().await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for path in ["/certs", "/certs/", "/.well-known/openid-configuration", "/readyz", "/nowhere"] {
        let answer = service.request(Method::GET, path).send().await.unwrap();
        let id = answer.headers()["x-ms-request-id"].to_str().unwrap().to_owned();
        assert_eq!((id.len(), &id[..3], &id[35..]), (55, "00-", "-0000000000000000-00"), "{path}");
        assert_eq!(answer.headers()["content-type"], "application/json; charset=utf-8", "{path}");
        assert!(answer.headers().contains_key("x-ms-maa-service-version"));
        let answer =
            service.request(Method::GET, path).header("traceparent", parent).send().await.unwrap();
        assert_eq!(answer.headers()["x-ms-request-id"], parent, "{path}");
    }
}

#[tokio::test]
async fn published_keys_and_metadata_have_what_clients_need() {
    let service = Running::start().await;
    let certs = service.get("/certs").await;
    for key in certs["keys"].as_array().unwrap() {
        for member in ["x5c", "kid", "kty", "n", "e", "alg", "use"] {
            assert!(!key[member].is_null(), "{member}");
        }
        assert_eq!(key["kty"], "RSA");
    }
    let metadata = service.get("/.well-known/openid-configuration").await;
    assert_eq!(metadata["issuer"], service.url);
    assert_eq!(metadata["jwks_uri"], format!("{}/certs", service.url));
    assert_eq!(metadata["response_types_supported"], json!(["token", "none"]));
}

/// Each bad request, the status and code it gets, and a word that its message must hold.
#[tokio::test]
async fn bad_requests_get_a_clear_answer_that_names_what_was_wrong() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(now())).unwrap();
    let service = Running::start_for(&minted).await;
    let good: Value = serde_json::from_str(&minted.request).unwrap();
    let with = |member: &str, value: Value| {
        let mut body = good.clone();
        body[member] = value;
        body.to_string()
    };
    let quote = good["quote"].as_str().unwrap();
    let cases: Vec<(&str, String, &str, &str)> = vec![
        ("empty body", String::new(), "InvalidParameter", "no body"),
        ("white space", " \n".into(), "InvalidParameter", "no body"),
        ("not JSON", "{".into(), "InvalidParameter", "line 1"),
        ("not an object", "[]".into(), "InvalidParameter", "expected an object"),
        ("no quote", "{}".into(), "InvalidParameter", "quote: the evidence is missing"),
        (
            "null quote",
            with("quote", Value::Null),
            "InvalidParameter",
            "quote: the evidence is missing",
        ),
        (
            "empty quote",
            with("quote", json!("")),
            "InvalidParameter",
            "quote: the evidence is missing",
        ),
        (
            "numeric quote",
            with("quote", json!(1)),
            "InvalidParameter",
            "quote: a string is expected",
        ),
        ("not base64", with("quote", json!("a*b")), "InvalidParameter", "character 1 ('*')"),
        ("both alphabets", with("quote", json!("+_+/")), "InvalidParameter", "character 1 ('_')"),
        ("wrong padding", with("quote", json!("+/+/=")), "InvalidParameter", "not base64url"),
        ("hex", with("quote", json!("03".repeat(40))), "InvalidParameter", "hex digits"),
        (
            "hex with 0x",
            with("quote", json!(format!("0x{}", "03".repeat(40)))),
            "InvalidParameter",
            "hex digits",
        ),
        ("truncated", with("quote", json!(&quote[..400])), "InvalidParameter", "at byte"),
        ("one byte", with("quote", json!("AA")), "InvalidParameter", "at byte"),
        ("no known quote", with("quote", json!("w".repeat(8000))), "InvalidParameter", "at byte"),
        (
            "member twice",
            format!("{{\"quote\":\"{quote}\",\"quote\":\"AA\"}}"),
            "InvalidParameter",
            "named twice",
        ),
        (
            "member in two cases",
            format!("{{\"quote\":\"{quote}\",\"Quote\":\"AA\"}}"),
            "InvalidParameter",
            "more than once",
        ),
        (
            "runtime data no object",
            with("runtimeData", json!("x")),
            "InvalidParameter",
            "runtimeData: an object",
        ),
        (
            "unknown data type",
            with("runtimeData", json!({"data": "AA", "dataType": "XML"})),
            "InvalidParameter",
            "runtimeData.dataType",
        ),
        (
            "other runtime data",
            with("runtimeData", json!({"data": "AA", "dataType": "Binary"})),
            "InvalidParameter",
            "runtime-data",
        ),
        ("nonce no string", with("nonce", json!([1])), "InvalidParameter", "nonce"),
        ("nonce with fraction", with("nonce", json!(1.5)), "InvalidParameter", "nonce"),
        (
            "draft no string",
            with("draftPolicyForAttestation", json!(7)),
            "InvalidParameter",
            "draftPolicyForAttestation",
        ),
        (
            "draft that does not parse",
            with("draftPolicyForAttestation", json!("version=1.0")),
            "PolicyParsingError",
            "Line",
        ),
        (
            "draft that denies",
            with(
                "draftPolicyForAttestation",
                json!("version=1.0; authorizationrules{=> deny();};"),
            ),
            "PolicyEvaluationError",
            "A Deny claim was issued",
        ),
    ];
    for (name, body, code, words) in cases {
        let (status, answer) = service.attest_sgx(&body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name}: {answer}");
        assert_eq!(answer["error"]["code"], code, "{name}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{name}: {message}");
        assert_eq!(answer["error"]["innererror"]["code"], code, "{name}");
    }
}

#[tokio::test]
async fn a_quote_of_another_kind_is_refused_on_every_route() {
    let options = Options::new(now());
    let sgx = mint(EvidenceKind::Sgx, &options).unwrap();
    let tdx = mint(EvidenceKind::Tdx, &options).unwrap();
    let service = Running::start_for(&sgx).await;
    for (route, body, words) in [
        ("TdxVm", &sgx.request, "tee-type"),
        ("SgxEnclave", &tdx.request, "tee-type"),
        ("SevSnpVm", &sgx.request, "report: the evidence is missing"),
        ("OpenEnclave", &sgx.request, "report: the evidence is missing"),
    ] {
        let path = format!("/attest/{route}?api-version=2025-06-01");
        let (status, answer) = service.post(&path, body.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{route}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(words), "{answer}");
    }
}

#[tokio::test]
async fn unknown_routes_wrong_methods_and_versions_are_told_apart() {
    let service = Running::start().await;
    let cases = [
        (Method::GET, "/attest/SgxEnclave?api-version=2020-10-01", 405),
        (Method::PUT, "/attest/SgxEnclave?api-version=2020-10-01", 405),
        (Method::POST, "/certs", 405),
        (Method::DELETE, "/policies/SgxEnclave?api-version=2020-10-01", 405),
        (Method::POST, "/attest/Nothing?api-version=2020-10-01", 404),
        (Method::GET, "/", 404),
        (Method::GET, "/attest", 404),
        (Method::GET, "/certs/x", 404),
        (Method::GET, "//certs", 404),
        (Method::GET, "/x%2fcerts", 404),
        (Method::GET, "/providers/nobody/certs", 404),
        (Method::GET, "/providers/nobody/healthz", 404),
        (Method::POST, "/attest/SgxEnclave", 400),
        (Method::POST, "/attest/SgxEnclave?api-version=2019-01-01", 400),
        (Method::POST, "/attest/SgxEnclave?api-version=2020-10-01&api-version=2020-10-01", 400),
    ];
    for (method, path, status) in cases {
        let answer = service.request(method.clone(), path).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
        assert_eq!(answer.headers().contains_key("allow"), status == 405, "{method} {path}");
        let body: Value = answer.json().await.unwrap();
        assert!(body["error"]["message"].is_string(), "{method} {path}");
    }
}

#[tokio::test]
async fn policies_need_a_token_and_an_unknown_type_is_400() {
    let service = Running::start().await;
    let path = "/policies/SgxEnclave?api-version=2020-10-01";
    let answer = service.request(Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(answer.headers()["www-authenticate"], "Bearer");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["code"], "Unauthorized");

    for kind in ["SgxEnclave", "openenclave", "TdxVm", "SevSnpVm"] {
        let path = format!("/policies/{kind}?api-version=2022-08-01");
        let answer = service.request(Method::GET, &path).bearer_auth("t").send().await.unwrap();
        let body: Value = answer.json().await.unwrap();
        let claims = service.claims(body["token"].as_str().unwrap()).await;
        let jws = claims["x-ms-policy"].as_str().unwrap();
        assert!(jws.starts_with("eyJhbGciOiJub25lIn0.") && jws.ends_with('.'), "{jws}");
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    }

    let path = "/policies/VbsEnclave?api-version=2020-10-01";
    let answer = service.request(Method::GET, path).bearer_auth("t").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["code"], "Bad request");
    assert!(body["error"]["innererror"].is_null());
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_whether_its_length_is_declared_or_not() {
    let service = Running::start().await;
    let path = "/attest/SgxEnclave?api-version=2020-10-01";
    let (status, answer) = service.post(path, "x".repeat(1024 * 1024 + 1)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer["error"]["code"], "RequestEntityTooLarge");

    let chunks = (0..40).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 64 * 1024]));
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    let answer = service.request(Method::POST, path).body(body).send().await;
    // The server may close before it has taken everything; if it answers, it answers 413.
    if let Ok(answer) = answer {
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
}

#[tokio::test]
async fn plain_http_1_and_http_2_both_work_over_tls() {
    let service = Running::start().await;
    for client in [service.client(|builder| builder.http1_only()), service.client(|b| b)] {
        let answer = client.get(format!("{}/healthz", service.url)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
}

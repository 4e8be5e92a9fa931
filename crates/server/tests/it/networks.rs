//! The two switches of a provider: who reaches it, and who sends it TPM evidence.

use avouch_mint::{Options, mint};
use avouch_server::Config;
use avouch_wire::EvidenceKind;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::policy::{MINIMAL, unsigned};
use crate::support::tokens::{Token, access};
use crate::support::{Running, Setup, now};

const CREATION: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Attestation/\
                        attestationProviders/contoso?api-version=2021-06-01";

async fn create(service: &Running, token: &str, properties: Value) {
    let body = json!({"location": "here", "properties": properties}).to_string();
    let (status, answer) = service.send(Method::PUT, CREATION, token, body).await;
    assert!(status.is_success(), "{answer}");
}

#[tokio::test]
async fn a_provider_that_is_not_public_answers_private_networks_only() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(now())).unwrap();
    let version = "api-version=2022-08-01";
    let routes = [
        (Method::POST, format!("attest/SgxEnclave?{version}"), minted.request.clone(), 200),
        (Method::POST, format!("attest/Tpm?{version}"), "{}".to_owned(), 400),
        (Method::GET, format!("policies/SgxEnclave?{version}"), String::new(), 200),
        (Method::PUT, format!("policies/SgxEnclave?{version}"), unsigned(MINIMAL), 200),
        (
            Method::POST,
            format!("policies/SgxEnclave:reset?{version}"),
            "eyJhbGciOiJub25lIn0..".to_owned(),
            200,
        ),
        (Method::GET, format!("certificates?{version}"), String::new(), 200),
        (Method::POST, format!("certificates:add?{version}"), "\"x\"".to_owned(), 400),
        (Method::POST, format!("certificates:remove?{version}"), "\"x\"".to_owned(), 400),
        (Method::GET, format!("tcbbaselines/SgxEnclave?{version}"), String::new(), 200),
        (Method::GET, "avouch/policies/SgxEnclave/history".to_owned(), String::new(), 200),
        (Method::GET, "avouch/audit".to_owned(), String::new(), 200),
    ];
    // Loopback, from which the tests come, is among the networks by default.
    for (networks, is_private) in [
        ("", true),
        ("private_networks = [\"127.0.0.1\", \"::1\"]", true),
        ("private_networks = [\"10.0.0.0/8\", \"fd00::/8\"]", false),
        ("private_networks = []", false),
    ] {
        let mut setup = Setup::new().await;
        setup.anchors = setup.anchors.with_pem(minted.root_pem.as_bytes()).unwrap();
        setup.endorsements.add(&minted.endorsements).unwrap();
        setup.config = Config::parse(&format!("[server]\n{networks}\n"), "test", []).unwrap();
        let service = setup.serve().await;
        create(&service, "t", json!({"publicNetworkAccess": "Disabled"})).await;
        for (method, path, body, status) in &routes {
            let path = format!("/providers/contoso/{path}");
            let request = service.request(method.clone(), &path).bearer_auth("t");
            // No header field makes a public address a private one.
            let request =
                request.header("x-forwarded-for", "10.0.0.1").header("forwarded", "for=10.0.0.1");
            let answer = request.body(body.clone()).send().await.unwrap();
            let found = answer.status().as_u16();
            if is_private {
                assert_eq!(found, *status, "{networks} {method} {path}");
            } else {
                assert_eq!(found, 403, "{networks} {method} {path}");
                let body: Value = answer.json().await.unwrap();
                assert_eq!(body["error"]["code"], "PublicNetworkAccessDisabled");
            }
        }
        // Relying parties verify tokens wherever they are.
        for path in ["certs", ".well-known/openid-configuration"] {
            assert_eq!(service.status(&format!("/providers/contoso/{path}")).await, 200, "{path}");
        }
        // Other providers are none of its business, and its owner can open it again.
        assert_eq!(service.attest_sgx(&minted.request).await.0, StatusCode::OK);
        create(&service, "t", json!({"publicNetworkAccess": "Enabled"})).await;
        let path = format!("/providers/contoso/attest/SgxEnclave?{version}");
        assert_eq!(service.post(&path, minted.request.clone()).await.0, StatusCode::OK);
    }
}

/// A service with an owner of everything and a reader of `contoso`.
async fn with_tokens(auth: &str) -> (Running, String, String) {
    let (owner, reader) = ("owner-".repeat(8), "reader-".repeat(8));
    let tokens = [
        Token { name: "owner", secret: &owner, role: "Owner", providers: &[] },
        Token { name: "reader", secret: &reader, role: "Reader", providers: &["contoso"] },
    ];
    let mut setup = Setup::new().await;
    setup.access = access(&tokens, auth);
    (setup.serve().await, owner, reader)
}

async fn tpm(service: &Running, provider: &str, token: &str) -> (u16, Value) {
    let path = format!("{provider}/attest/Tpm?api-version=2020-10-01");
    let mut request = service.request(Method::POST, &path).body("{}");
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn tpm_evidence_needs_a_reader_unless_its_provider_says_otherwise() {
    let (service, owner, reader) = with_tokens("").await;
    create(&service, &owner, json!({})).await;
    let contoso = "/providers/contoso";
    for switch in [json!(null), json!("Enabled")] {
        create(&service, &owner, json!({ "tpmAttestationAuthentication": switch })).await;
        for token in ["", "nobody", &"x".repeat(40)] {
            assert_eq!(tpm(&service, contoso, token).await.0, 401, "{switch}");
        }
        for token in [&reader, &owner] {
            let (status, body) = tpm(&service, contoso, token).await;
            assert_eq!((status, &body["error"]["code"]), (400, &json!("Bad request")));
            let message = body["error"]["message"].as_str().unwrap();
            assert!(message.contains("A VBS attestation policy has not been set"), "{message}");
            assert!(body["error"].get("innererror").is_none());
        }
    }
    create(&service, &owner, json!({"tpmAttestationAuthentication": "Disabled"})).await;
    assert_eq!(tpm(&service, contoso, "").await.0, 400);
    assert_eq!(tpm(&service, contoso, "nobody").await.0, 400);
    // The switch is this provider's own.
    assert_eq!(tpm(&service, "", "").await.0, 401);
}

#[tokio::test]
async fn types_that_are_not_appraised_are_routes_that_say_so() {
    let (service, ..) = with_tokens("").await;
    for name in ["KeyGuard", "MdepTz", "keyguard"] {
        let path = format!("/attest/{name}?api-version=2025-06-01");
        let (status, body) = service.post(&path, "{}".to_owned()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name}");
        assert_eq!(body["error"]["code"], "Bad request");
        let answer = service.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{name}");
        let (status, body) = service.post(&format!("/attest/{name}"), "{}".to_owned()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name}");
        assert_eq!(body["error"]["code"], "UnsupportedApiVersion");
    }
    for name in ["AiHsm", "Nothing", "Tpm2"] {
        let path = format!("/attest/{name}?api-version=2025-06-01");
        assert_eq!(service.post(&path, "{}".to_owned()).await.0, StatusCode::NOT_FOUND, "{name}");
    }
}

#[tokio::test]
async fn evidence_of_a_pluton_processor_needs_a_reader_whatever_the_switch_of_tpm_says() {
    let (service, owner, reader) = with_tokens("").await;
    let path = "/providers/contoso/attest/Pluton?api-version=2026-03-11-preview";
    for switch in ["Enabled", "Disabled"] {
        create(&service, &owner, json!({ "tpmAttestationAuthentication": switch })).await;
        for (token, status) in [("nobody", 401), (&*reader, 400)] {
            let request = service.request(Method::POST, path).body("{}").bearer_auth(token);
            assert_eq!(request.send().await.unwrap().status().as_u16(), status, "{switch}");
        }
        let request = service.request(Method::POST, path).body("{}");
        assert_eq!(request.send().await.unwrap().status().as_u16(), 401, "{switch}");
    }
}

#[tokio::test]
async fn the_operators_switch_for_all_types_counts_before_the_providers_own() {
    let auth = "[auth.providers.contoso]\nanonymous_attest = false\n";
    let (service, owner, reader) = with_tokens(auth).await;
    create(&service, &owner, json!({"tpmAttestationAuthentication": "Disabled"})).await;
    assert_eq!(tpm(&service, "/providers/contoso", "").await.0, 401);
    assert_eq!(tpm(&service, "/providers/contoso", &reader).await.0, 400);
    let path = "/providers/contoso/attest/AzureGuest?api-version=2025-06-01";
    assert_eq!(service.post(path, "{}".to_owned()).await.0, StatusCode::UNAUTHORIZED);
}

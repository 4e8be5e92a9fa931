//! Recorded exchanges with Microsoft Azure Attestation: the same requests get the same decisions,
//! result claims and hashes.
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use std::path::PathBuf;

use avouch_token::policy_jws::{NO_POLICY_JWS, policy_token_hash};
use avouch_wire::base64url;
use reqwest::Method;
use serde_json::{Map, Value};

use crate::support::policy::provider;
use crate::support::{Running, Setup};

/// The folder of recordings, or none with a notice.
fn recordings() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    let root =
        std::env::var_os("AVOUCH_VECTORS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let folder = root.join("maa-wire");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_none(),
        "{} is missing",
        folder.display()
    );
    println!("skipped: {} is missing", folder.display());
    None
}

fn exchanges(folder: &std::path::Path, name: &str) -> Vec<Value> {
    let text = std::fs::read(folder.join(name)).unwrap();
    let scenario: Value = serde_json::from_slice(&text).unwrap();
    scenario["exchanges"].as_array().unwrap().clone()
}

/// Claims of a recorded token, without those that differ from call to call.
fn claims(token: &str) -> Map<String, Value> {
    let payload = base64url::decode(token.split('.').nth(1).unwrap()).unwrap();
    let mut claims: Map<String, Value> = serde_json::from_slice(&payload).unwrap();
    ["iss", "iat", "nbf", "exp"].iter().for_each(|name| assert!(claims.remove(*name).is_some()));
    claims
}

fn recorded_claims(exchange: &Value) -> Map<String, Value> {
    let body: Value = serde_json::from_str(exchange["response"]["body"].as_str().unwrap()).unwrap();
    claims(body["token"].as_str().unwrap())
}

/// Policy certificates that a recorded `GET /certificates` shows.
fn certificates(exchange: &Value) -> Vec<Vec<u8>> {
    let claims = recorded_claims(exchange);
    let keys = claims["x-ms-policy-certificates"]["keys"].as_array().unwrap();
    let texts = keys.iter().map(|key| key["x5c"][0].as_str().unwrap());
    texts.map(|text| base64url::decode_standard(text).unwrap()).collect()
}

/// The policy JWS of any recording whose hash an answer to a PUT names.
fn policy_with_recorded_hash(exchange: &Value) -> String {
    let wanted = recorded_claims(exchange)["x-ms-policy-token-hash"].clone();
    let folder = recordings().unwrap();
    let found = exchanges(&folder, "cpp-policy-unsigned-set-get-reset.json");
    let mut bodies = found.iter().filter_map(|one| one["request"]["body"].as_str());
    bodies.find(|body| policy_token_hash(body) == wanted.as_str().unwrap()).unwrap().to_owned()
}

async fn start(name: &str, signers: Vec<Vec<u8>>) -> Running {
    let setup = Setup::new().await;
    provider(&setup.store, name, signers).await;
    setup.serve().await
}

/// Repeats the policy and certificate exchanges of a recording and compares each answer. Returns
/// how many were compared.
async fn replay(service: &Running, provider: &str, exchanges: &[Value]) -> usize {
    let mut compared = 0;
    for exchange in exchanges {
        let request = &exchange["request"];
        let url = request["url"].as_str().unwrap();
        let path = url.splitn(4, '/').nth(3).unwrap();
        if path == "certs" {
            continue;
        }
        let method: Method = request["method"].as_str().unwrap().parse().unwrap();
        // The C++ recorder kept no bodies. The SDK resets with this one; that of a policy is the
        // one whose hash the answer names.
        let is_reset = path.contains(":reset");
        let body = match request["body"].as_str() {
            None if is_reset => NO_POLICY_JWS.to_owned(),
            None if method == Method::PUT => policy_with_recorded_hash(exchange),
            other => other.unwrap_or_default().to_owned(),
        };
        let path = format!("/providers/{provider}/{path}");
        let (status, answer) = service.send(method.clone(), &path, "t", body).await;
        compared += 1;
        if path.contains("/attest/Tpm") {
            // What is in the answers, the tests of TPM evidence compare. No body was kept of some.
            let expected = if request["body"].is_null() { 400 } else { 200 };
            assert_eq!(status.as_u16(), expected, "{method} {path}: {answer}");
            continue;
        }
        assert_eq!(status.as_u16(), exchange["response"]["status"], "{method} {path}: {answer}");
        if let Some(token) = answer["token"].as_str() {
            service.claims_of(provider, token).await;
            assert_eq!(claims(token), recorded_claims(exchange), "{method} {path}");
        } else {
            let recorded: Value =
                serde_json::from_str(exchange["response"]["body"].as_str().unwrap()).unwrap();
            assert_eq!(answer["error"]["code"], recorded["error"]["code"], "{method} {path}");
        }
    }
    compared
}

#[tokio::test]
async fn an_aad_provider_answers_as_the_recorded_ones() {
    let Some(folder) = recordings() else { return };
    let mut compared = 0;
    for name in [
        "cpp-policy-signed-set-get-reset.json",
        "cpp-policy-unsigned-set-get-reset.json",
        "cpp-certificates-add-refused-aad.json",
        "policy-set-signed-aad.json",
        "policy-set-unsigned-aad.json",
        "policy-reset-unsigned-aad.json",
        "policy-reset-signed-isolated.json",
        "tpm-aikcert-challenge.json",
        "cpp-tpm-set-attest-reset.json",
    ] {
        let service = start("recorded-aad", Vec::new()).await;
        compared += replay(&service, "recorded-aad", &exchanges(&folder, name)).await;
    }
    assert!(compared >= 30, "{compared}");
}

#[tokio::test]
async fn an_isolated_provider_answers_as_the_recorded_ones() {
    let Some(folder) = recordings() else { return };
    let changes = exchanges(&folder, "policy-certs-add-remove.json");
    // The last exchange shows the certificates as they were before.
    let signers = certificates(changes.last().unwrap());
    assert!(!signers.is_empty());
    let service = start("recorded-iso", signers.clone()).await;
    assert_eq!(replay(&service, "recorded-iso", &changes).await, changes.len() - 1);

    let refused = exchanges(&folder, "dotnet-policy-unsigned-on-isolated-refused.json");
    let service = start("recorded-iso", signers).await;
    assert_eq!(replay(&service, "recorded-iso", &refused).await, 1);
}

#[tokio::test]
async fn the_policies_that_recorded_providers_show_can_be_set_and_are_shown_again() {
    let Some(folder) = recordings() else { return };
    let signers = certificates(exchanges(&folder, "policy-certs-add-remove.json").last().unwrap());
    let service = start("recorded-iso", signers).await;
    let mut signed = 0;
    for exchange in exchanges(&folder, "policy-get-all-types.json") {
        let url = exchange["request"]["url"].as_str().unwrap();
        if url.ends_with("/certs") {
            continue;
        }
        if url.contains("/Tpm") {
            // Unsigned: of a provider with trust model AAD, as the default one here.
            let path = "/policies/Tpm?api-version=2020-10-01";
            let recorded = recorded_claims(&exchange);
            let jws = recorded["x-ms-policy"].as_str().unwrap().to_owned();
            assert!(service.send(Method::PUT, path, "t", jws).await.0.is_success());
            let (_, answer) = service.send(Method::GET, path, "t", "").await;
            assert_eq!(claims(answer["token"].as_str().unwrap()), recorded);
            continue;
        }
        let policy = recorded_claims(&exchange)["x-ms-policy"].clone();
        let jws = policy.as_str().unwrap().to_owned();
        let is_signed = !jws.ends_with('.');
        let path = "/providers/recorded-iso/policies/SgxEnclave?api-version=2020-10-01";
        let (status, answer) = service.send(Method::PUT, path, "t", jws).await;
        // Signed by a signer of this provider: taken. Unsigned: refused.
        assert_eq!(status.is_success(), is_signed, "{answer}");
        if is_signed {
            signed += 1;
            let (_, answer) = service.send(Method::GET, path, "t", "").await;
            let claims = service.claims_of("recorded-iso", answer["token"].as_str().unwrap()).await;
            assert_eq!(claims["x-ms-policy"], policy);
        }
    }
    assert!(signed >= 2, "{signed}");
}

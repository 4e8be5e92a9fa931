//! Recorded conversations of Microsoft's service, and of a machine of the lab.

use std::path::{Path, PathBuf};

use avouch_engine::{
    Anchors, AppraisalRequest, AppraisalSettings, Challenged, PolicyInForce, TokenForm, Vendor,
};
use avouch_tpm::protocol::{Enroll, Form, ServiceMessage};
use avouch_wire::{EvidenceKind, base64url, decode_hex};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{ROUTE, check, policy, say, set_policy};
use crate::support::{Setup, now};

/// The folder of recorded evidence, or none with a notice.
pub(super) fn vectors() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    let root =
        std::env::var_os("AVOUCH_VECTORS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if root.join("tpm").is_dir() {
        return Some(root);
    }
    assert!(std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_none(), "{} is missing", root.display());
    println!("skipped: {} is missing", root.display());
    None
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn recording(path: &Path) -> Value {
    serde_json::from_slice(&read(path)).unwrap()
}

/// Names of members with the lengths of their texts, at every level; texts that are JSON in base64 are
/// looked into.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), shape(value))).collect()
        }
        Value::String(text) => {
            let inner = base64url::decode_either(text).ok();
            let inner = inner.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
            match inner.filter(Value::is_object) {
                Some(inner) => shape(&inner),
                None => json!(text.trim_end_matches('=').len()),
            }
        }
        other => other.clone(),
    }
}

#[tokio::test]
async fn recorded_challenges_are_given_as_microsofts_service_gave_them() {
    let Some(vectors) = vectors() else { return };
    for name in ["tpm-aikcert-challenge.json", "cpp-tpm-set-attest-reset.json"] {
        let service = Setup::new().await.serve().await;
        let recording = recording(&vectors.join("maa-wire").join(name));
        let mut compared = 0;
        for exchange in recording["exchanges"].as_array().unwrap() {
            let (request, response) = (&exchange["request"], &exchange["response"]);
            let url = request["url"].as_str().unwrap();
            let path = url.split_once(".net").unwrap().1;
            let method: Method = request["method"].as_str().unwrap().parse().unwrap();
            // What one recording left out stands in the other.
            let body = match request["body"].as_str() {
                Some(body) => body.to_owned(),
                None if path.contains(":reset") => {
                    avouch_token::policy_jws::NO_POLICY_JWS.to_owned()
                }
                None if path.starts_with("/policies") => crate::support::policy::unsigned(
                    "version=1.0; authorizationrules{=> permit();}; issuancerules {};",
                ),
                None if path.starts_with("/attest") => {
                    json!({"data": base64url::encode(r#"{"payload": {"type": "aikcert"}}"#)})
                        .to_string()
                }
                None => continue,
            };
            let (status, answer) = service.send(method, path, "t", body).await;
            assert_eq!(status.as_u16(), response["status"], "{name} {path}: {answer}");
            if path.starts_with("/attest") {
                let recorded: Value =
                    serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
                assert_eq!(shape(&answer), shape(&recorded), "{name}");
                compared += 1;
            }
        }
        assert_eq!(compared, 1, "{name}");
        if name.contains("reset") {
            let body = json!({"data": base64url::encode(r#"{"type":"aikcert"}"#)}).to_string();
            let (status, answer) = service.send(Method::POST, ROUTE, "t", body).await;
            assert_eq!(status, StatusCode::BAD_REQUEST);
            assert_eq!(answer["error"]["code"], "Bad request");
            let sentence = "A VBS attestation policy has not been set on the attestation provider.";
            assert_eq!(answer["error"]["message"], sentence);
        }
    }
}

#[tokio::test]
async fn the_example_of_the_published_specification_gets_an_answer_of_its_shape() {
    let Some(vectors) = vectors() else { return };
    let service = Setup::new().await.serve().await;
    set_policy(&service, "", &policy("", "")).await;
    let example = recording(&vectors.join("tpm/maa/swagger-AttestTpm-init.json"));
    let body = example["request"].to_string();
    let (status, answer) = service.send(Method::POST, ROUTE, "t", body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(shape(&answer), shape(&example["response"]));
}

/// Everything that the lab's TPM made. Its request is of another service, whose context is inside what the
/// TPM's key signed: over HTTP it goes as far as that, and the engine judges the rest under its challenge.
#[tokio::test]
async fn the_transcript_of_the_lab_machine_runs_whole() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("tpm/maa/transcript-certify");
    let ca = avouch_pki::pem::encode("CERTIFICATE", &read(&folder.join("aik-ca.der")));
    let roots = [ca.into_bytes(), read(&folder.join("ek-root-ca.pem"))].concat();
    let anchors = Anchors::built_in().with_roots(Some(Vendor::Tpm), &roots).unwrap();
    let mut setup = Setup { anchors, ..Setup::new().await };
    setup.config.tpm.enrolment = true;
    let service = setup.serve().await;
    // It quotes PCR 0 to 9 and 14.
    let mask = policy("=> issueproperty(type=\"required_pcr_mask\", value=17407);", "");
    set_policy(&service, "", &mask).await;

    // Its endorsement key's certificate is believed, and a credential is made for its attestation key.
    let issuer = read(&folder.join("ek-issuing-ca.pem"));
    let enroll = Enroll {
        ek_certificate: read(&folder.join("ek.cert.der")),
        ek_chain: avouch_pki::pem::certificates(&issuer, 4).unwrap(),
        ek_public: read(&folder.join("ek.tpm2b_public")),
        ak_public: read(&folder.join("ak.tpm2b_public")),
    };
    let (status, answer) = say(&service, "", &enroll.message(Form::Wrapped)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let credential = ServiceMessage::read(answer["data"].as_str().unwrap()).unwrap();
    assert!(matches!(credential, ServiceMessage::Credential { .. }));

    let init = recording(&folder.join("init.request.json")).to_string();
    let (status, _) = service.send(Method::POST, ROUTE, "t", init).await;
    assert_eq!(status, StatusCode::OK);
    let recorded = recording(&folder.join("request.http-body.json")).to_string();
    let (status, refused) = service.send(Method::POST, ROUTE, "t", recorded).await;
    assert_eq!(check(status, &refused), "tpm-context");

    let challenge =
        decode_hex(String::from_utf8(read(&folder.join("challenge.hex"))).unwrap().trim());
    let jws = String::from_utf8(read(&folder.join("request.jws"))).unwrap().trim().to_owned();
    let mut request = AppraisalRequest {
        kind: EvidenceKind::Tpm,
        evidence: jws.into_bytes(),
        runtime_data: None,
        init_time_data: None,
        event_log: None,
        challenged: Some(Challenged { challenge: challenge.unwrap(), aik: None, enrolment: None }),
        nonce: None,
        token_form: TokenForm::Current,
    };
    let policy = PolicyInForce::from_text(&mask).unwrap();
    let settings = AppraisalSettings::default();
    let appraised = |request: &AppraisalRequest| {
        service.state.engine.appraise(request, &policy, &settings, now())
    };
    let claims = appraised(&request).unwrap().permitted().unwrap();
    assert_eq!(claims.claims()["secureBootEnabled"], true);
    assert_eq!(claims.claims()["x-ms-tpm-request-key"]["info"]["tpm_certify"]["name_alg"], 11);
    request.challenged.as_mut().unwrap().challenge = vec![1; 16];
    assert_eq!(appraised(&request).unwrap_err().check(), "tpm-challenge");
}

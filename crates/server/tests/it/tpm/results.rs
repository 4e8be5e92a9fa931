//! Attestation results (EAR) of machines with a TPM.

use avouch_mint::tpm::{MintedTpm, TpmOptions};
use avouch_token::TokenKind;
use avouch_tpm::protocol::{Form, init_message, request_message};
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{Given, answer, challenge, check, given, header, machine, report, service};
use crate::ear;
use crate::support::Running;

const ROUTE: &str = "/avouch/ear/Tpm";

async fn say(service: &Running, data: &str) -> (StatusCode, Value) {
    let body = json!({"data": data}).to_string();
    service.send(Method::POST, ROUTE, "t", body).await
}

async fn attest(service: &Running, minted: &MintedTpm) -> (StatusCode, Value) {
    say(service, &request_message(Form::Wrapped, &minted.request)).await
}

async fn result(service: &Running, options: &TpmOptions, given: &Given) -> Map<String, Value> {
    let (status, answered) = attest(service, &answer(options, given)).await;
    assert_eq!(status, StatusCode::OK, "{answered}");
    ear::verified(service, &report(&answered), TokenKind::Report).await
}

#[tokio::test]
async fn a_conversation_ends_with_a_result_under_the_key_for_reports() {
    let service = service().await;
    let (status, first) = say(&service, &init_message(Form::Wrapped, None)).await;
    assert_eq!(status, StatusCode::OK, "{first}");
    let nonce = "bm9uY2Utb2YtYS1jbGllbnQ";
    let mut options = machine();
    options.members.insert("rp_data".to_owned(), nonce.into());
    let sent = answer(&options, &given(&first));
    let (status, answered) = attest(&service, &sent).await;
    assert_eq!(status, StatusCode::OK, "{answered}");
    let report = report(&answered);
    assert!(header(&report)["x5c"].is_array());
    let claims = ear::verified(&service, &report, TokenKind::Report).await;
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 86_400);
    assert_eq!(claims["eat_nonce"], nonce);
    assert_eq!(claims["avouch-token-claims"]["secureBootEnabled"], true);
    assert_eq!(claims["submods"].as_object().unwrap().keys().collect::<Vec<_>>(), ["tpm"]);
    assert_eq!(claims["submods"]["tpm"]["ear_trustworthiness_vector"]["instance-identity"], 2);
    assert_eq!(claims["ear_status"], "affirming");
    // Once for each challenge, whichever route asks.
    let (status, again) = attest(&service, &sent).await;
    assert_eq!(check(status, &again), "tpm-context-used");
}

/// What a relying party said is echoed as a nonce only if it is one.
#[tokio::test]
async fn a_challenge_of_the_attest_route_is_answered_too() {
    let service = service().await;
    let given = challenge(&service, None).await;
    let claims = result(&service, &machine(), &given).await;
    assert_eq!(claims["avouch-token-claims"]["rp_data"], "bWludGVk");
    assert!(claims.get("eat_nonce").is_none());
}

//! The event log in `eventLog` beside a TDX quote.

use avouch_mint::bootlog::{Ground, SecureBoot, TdBoot};
use avouch_mint::{Minted, Options, mint};
use avouch_wire::{EvidenceKind, base64url};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Running, now};

const PATH: &str = "/attest/TdxVm?api-version=2025-06-01";

fn minted(secure_boot: SecureBoot) -> Minted {
    let mut options = Options::new(now());
    options.td.boot = Some(TdBoot { secure_boot, ..TdBoot::default() });
    mint(EvidenceKind::Tdx, &options).unwrap()
}

fn body(minted: &Minted) -> Value {
    serde_json::from_str(&minted.request).unwrap()
}

#[tokio::test]
async fn a_domains_event_log_gives_claims_and_a_request_without_one_gives_none() {
    let minted = minted(SecureBoot::On);
    let service = Running::start_for(&minted).await;
    let mut body = body(&minted);
    let (status, answer) = service.post(PATH, body.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let claims = service.claims(answer["token"].as_str().unwrap()).await;
    assert_eq!(claims["avouch-secure-boot"], true);
    assert_eq!(claims["avouch-event-log"]["registers"], json!(["rtmr0", "rtmr1", "rtmr2"]));

    // An empty text is none, as for every member.
    for none in [Value::Null, json!("")] {
        body["eventLog"] = none;
        let (status, answer) = service.post(PATH, body.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let claims = service.claims(answer["token"].as_str().unwrap()).await;
        let ours: Vec<_> = claims.keys().filter(|name| name.starts_with("avouch-")).collect();
        assert_eq!(ours, ["avouch-tdx-module", "avouch-tdx-module-svn", "avouch-trust-root"]);
    }
}

#[tokio::test]
async fn logs_that_are_none_or_of_another_boot_are_refused_with_the_reason() {
    let minted = minted(SecureBoot::On);
    let service = Running::start_for(&minted).await;
    let log = |ground: Ground| ground.log().unwrap().to_bytes().unwrap();
    let cut = minted.event_log.as_ref().unwrap()[..2000].to_vec();
    for (sent, reason) in [
        (
            json!(base64url::encode(log(Ground::TrustDomainOff))),
            "eventLog: the log's events lead to",
        ),
        (json!(base64url::encode(log(Ground::Linux))), "eventLog: event "),
        (json!(base64url::encode(&cut)), "eventLog: "),
        (json!("ffff*"), "eventLog: not base64url"),
        (json!(7), "eventLog"),
        (json!({"data": "AA"}), "eventLog"),
    ] {
        let mut body = body(&minted);
        body["eventLog"] = sent.clone();
        let (status, answer) = service.post(PATH, body.to_string()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{sent}: {answer}");
        assert_eq!(answer["error"]["code"], "InvalidParameter", "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(reason), "{message}");
    }
}

#[tokio::test]
async fn other_kinds_know_the_member_as_little_as_any_other_unknown_one() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(now())).unwrap();
    let service = Running::start_for(&minted).await;
    let mut body = body(&minted);
    body["eventLog"] = json!("not even base64");
    let (status, answer) = service.attest_sgx(&body.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

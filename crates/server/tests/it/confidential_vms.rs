//! TDX and SEV-SNP as the public client tools post them, quirks included.

use avouch_mint::{HeldData, Minted, Options, mint};
use avouch_wire::EvidenceKind;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Running, now};

fn body(minted: &Minted) -> Value {
    serde_json::from_str(&minted.request).unwrap()
}

/// Runtime data as the tools send them: the runtime claims of the hypervisor, as JSON.
fn options() -> Options {
    let claims = r#"{"keys":[{"kid":"HCLAkPub","kty":"RSA","key_ops":["sign"]}],"vm-configuration":{"secure-boot":true}}"#;
    Options { runtime_data: Some(HeldData::json(claims)), ..Options::new(now()) }
}

#[tokio::test]
async fn the_cvm_tools_request_for_tdx_gets_a_token_of_the_tdx_profile() {
    let minted = mint(EvidenceKind::Tdx, &options()).unwrap();
    let service = Running::start_for(&minted).await;
    let good = body(&minted);
    let request = json!({
        "quote": good["quote"],
        "runtimeData": {"data": good["runtimeData"]["data"], "dataType": "JSON"},
        "nonce": "1234",
    });
    let path = "/attest/TdxVm?api-version=2023-04-01-preview";
    let (status, answer) = service.post(path, request.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let claims = service.claims(answer["token"].as_str().unwrap()).await;
    assert_eq!(claims["x-ms-attestation-type"], "tdxvm");
    assert_eq!(claims["eat_profile"], "https://aka.ms/maa-eat-profile-tdxvm");
    assert_eq!(claims["attester_tcb_status"], "UpToDate");
    assert_eq!(claims["nonce"], "1234");
    assert_eq!(claims["x-ms-runtime"]["keys"][0]["kid"], "HCLAkPub");
    for name in ["tdx_mrtd", "tdx_rtmr3", "tdx_mrconfigid"] {
        assert_eq!(claims[name].as_str().unwrap().len(), 96, "{name}");
    }
    assert!(claims["tdx_seamsvn"].is_u64() && claims["tdx_td_attributes_debug"] == false);
}

#[tokio::test]
async fn the_sidecars_request_for_snp_gets_a_token_with_all_its_quirks() {
    let minted = mint(EvidenceKind::Snp, &options()).unwrap();
    let service = Running::start_for(&minted).await;
    let good = body(&minted);
    let pad = |text: &str| {
        let padding = (4 - text.len() % 4) % 4;
        format!("{text}{}", "=".repeat(padding))
    };
    // Padded base64url, a 64-bit number as nonce, an empty init-time object.
    let request = format!(
        r#"{{"report":"{}","runtimeData":{{"data":"{}","dataType":"JSON"}},"initTimeData":{{"data":"","dataType":""}},"nonce":18446744073709551615}}"#,
        pad(good["report"].as_str().unwrap()),
        pad(good["runtimeData"]["data"].as_str().unwrap()),
    );
    for path in [
        "/attest/SevSnpVM?api-version=2020-10-01",
        "/attest/sevsnpvm?api-version=2022-08-01",
        "/attest/SevSnpVm?api-version=2025-06-01",
    ] {
        let (status, answer) = service.post(path, request.clone()).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        let claims = service.claims(answer["token"].as_str().unwrap()).await;
        assert_eq!(claims["x-ms-attestation-type"], "sevsnpvm");
        assert_eq!(claims["nonce"].as_u64(), Some(u64::MAX));
        assert_eq!(claims["x-ms-sevsnpvm-is-debuggable"], false);
        assert!(!claims.contains_key("x-ms-inittime"));
        assert!(!claims.contains_key("x-ms-compliance-status"));
    }
}

#[tokio::test]
async fn held_data_that_the_report_does_not_bind_is_refused() {
    for (kind, route) in [(EvidenceKind::Tdx, "TdxVm"), (EvidenceKind::Snp, "SevSnpVm")] {
        let minted = mint(kind, &options()).unwrap();
        let service = Running::start_for(&minted).await;
        let path = format!("/attest/{route}?api-version=2025-06-01");
        for (member, check) in [("runtimeData", "runtime-data"), ("initTimeData", "init-time-data")]
        {
            let mut request = body(&minted);
            request[member] = json!({"data": "e30", "dataType": "JSON"});
            let (status, answer) = service.post(&path, request.to_string()).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{route} {member}");
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(message.contains(check), "{route}: {message}");
        }
    }
}

#[tokio::test]
async fn a_draft_policy_is_taken_for_every_kind() {
    for (kind, route) in [(EvidenceKind::Tdx, "TdxVm"), (EvidenceKind::Snp, "SevSnpVm")] {
        let minted = mint(kind, &options()).unwrap();
        let service = Running::start_for(&minted).await;
        let mut request = body(&minted);
        request["draftPolicyForAttestation"] =
            json!("version=1.0; authorizationrules{=> permit();};");
        let path = format!("/attest/{route}?api-version=2025-06-01");
        let (status, answer) = service.post(&path, request.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{route}: {answer}");
        assert!(answer["token"].as_str().unwrap().ends_with('.'), "{route}");
    }
}

#[tokio::test]
async fn a_draft_policy_which_anybody_may_send_may_cost_less_than_one_that_is_set() {
    let minted = mint(EvidenceKind::Tdx, &options()).unwrap();
    let service = Running::start_for(&minted).await;
    let text =
        format!("version=1.0; authorizationrules{{=> permit();}};{}", " ".repeat(256 * 1024));
    let mut request = body(&minted);
    request["draftPolicyForAttestation"] = json!(text);
    let path = "/attest/TdxVm?api-version=2025-06-01";
    let (status, answer) = service.post(path, request.to_string()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    assert_eq!(answer["error"]["code"], "PolicyParsingError");
    let jws = crate::support::policy::unsigned(&text);
    let path = "/policies/TdxVm?api-version=2025-06-01";
    let (status, answer) = service.send(Method::PUT, path, "t", jws).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

#[tokio::test]
async fn baselines_at_hand_are_listed_and_exactly_one_is_selected() {
    let minted = mint(EvidenceKind::Tdx, &options()).unwrap();
    let service = Running::start_for(&minted).await;
    let get = async |path: &str| {
        let answer = service.request(Method::GET, path).bearer_auth("t").send().await.unwrap();
        (answer.status(), answer.json::<Value>().await.unwrap())
    };
    let (status, body) = get("/tcbbaselines/TdxVm?api-version=2025-06-01").await;
    assert_eq!(status, StatusCode::OK);
    let rows = body["tcbBaselines"].as_array().unwrap();
    assert_eq!(rows.iter().filter(|row| row["isSelectedTcb"] == true).count(), 1);
    assert!(rows[0]["tcbEvaluationDataNumber"].is_u64() && rows[0]["tcbIdentifier"].is_string());
    assert!(!rows[0]["tcbReleaseDate"].as_str().unwrap().ends_with('Z'));
    let (_, preview) = get("/tcbbaselines/TdxVm?api-version=2022-09-01-preview").await;
    assert!(preview[0]["tcbEvaluationDataNumber"].is_string());
    let (_, empty) = get("/tcbbaselines/SgxEnclave?api-version=2025-06-01").await;
    assert_eq!(empty["tcbBaselines"], json!([]));
    let (status, _) = get("/tcbbaselines/SevSnpVm?api-version=2025-06-01").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_integer_as_nonce_keeps_its_digits_at_any_length() {
    let minted = mint(EvidenceKind::Snp, &options()).unwrap();
    let service = Running::start_for(&minted).await;
    let good = body(&minted);
    let path = "/attest/SevSnpVm?api-version=2022-08-01";
    let request = |nonce: &str| {
        let mut text = good.clone();
        text.as_object_mut().unwrap().remove("nonce");
        let text = text.to_string();
        format!("{},\"Nonce\":{nonce}}}", text.strip_suffix('}').unwrap())
    };
    let long = "1234567890".repeat(20);
    for nonce in ["18446744073709551616", "-9223372036854775809", &long] {
        let (status, answer) = service.post(path, request(nonce)).await;
        assert_eq!(status, StatusCode::OK, "{nonce}: {answer}");
        let token = answer["token"].as_str().unwrap();
        let payload = token.split('.').nth(1).unwrap();
        let payload = String::from_utf8(avouch_wire::base64url::decode(payload).unwrap()).unwrap();
        assert!(payload.contains(&format!(",\"nonce\":{nonce},")), "{payload}");
        assert_eq!(payload.matches("\"nonce\"").count(), 1);
    }
    for nonce in ["1e30", "18446744073709551616.0", "[18446744073709551616]"] {
        let (status, answer) = service.post(path, request(nonce)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{nonce}");
        assert!(answer.to_string().contains("nonce: a string or an integer"), "{answer}");
    }
}

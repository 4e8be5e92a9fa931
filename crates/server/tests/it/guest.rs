//! Guest attestation as the public clients post it, and the sealed answer as they open it.

use avouch_azure::SealedAnswer;
use avouch_mint::tpm::{GuestClient, Isolation};
use avouch_mint::{Minted, Options, mint};
use avouch_server::Clock;
use avouch_wire::{EvidenceKind, UnixTime, base64url};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::policy::unsigned;
use crate::support::{Running, Setup, now, vector};

const PATH: &str = "/attest/AzureGuest?api-version=2020-10-01";

fn minted(isolation: Isolation, client: GuestClient) -> Minted {
    let mut options = Options::new(now());
    (options.guest.isolation, options.guest.client) = (isolation, client);
    mint(EvidenceKind::AzureGuest, &options).unwrap()
}

/// The service under a policy that does not ask for Microsoft's keys.
async fn service(minted: &Minted) -> Running {
    let service = Running::start_for(minted).await;
    let policy = minted.others.iter().find(|(name, _)| *name == "policy.txt").unwrap();
    let body = unsigned(std::str::from_utf8(&policy.1).unwrap());
    let path = "/policies/AzureGuest?api-version=2020-10-01";
    let (status, answer) = service.send(Method::PUT, path, "t", body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    service
}

fn sealing_key(minted: &Minted) -> &[u8] {
    &minted.others.iter().find(|(name, _)| *name == "sealing-key.pk8").unwrap().1
}

/// The token in an answer, opened with the machine's key.
fn opened(minted: &Minted, answer: &Value) -> String {
    let sealed = SealedAnswer::from_text(answer["token"].as_str().unwrap()).unwrap();
    sealed.open_with(sealing_key(minted)).unwrap()
}

#[tokio::test]
async fn every_kind_of_machine_gets_a_token_that_only_its_own_key_opens() {
    for isolation in Isolation::ALL {
        for client in [GuestClient::Library, GuestClient::Tool] {
            let minted = minted(isolation, client);
            let service = service(&minted).await;
            let (status, answer) = service.post(PATH, minted.request.clone()).await;
            assert_eq!(status, StatusCode::OK, "{answer}");
            let token = opened(&minted, &answer);
            let claims = service.claims(&token).await;
            assert_eq!(claims["x-ms-attestation-type"], "vtpm");
            assert_eq!(claims["secureboot"], true);
            assert_eq!(claims["x-ms-runtime"]["keys"][0]["kid"], "TpmEphemeralEncryptionKey");
            let is_confidential = isolation != Isolation::TrustedLaunch;
            assert_eq!(claims.contains_key("x-ms-isolation-tee"), is_confidential);
            // No operator says that the paravisor is one.
            let marked = claims.get("avouch-paravisor-known").cloned();
            assert_eq!(marked, is_confidential.then_some(Value::Bool(false)));
            assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 28_800);
        }
    }
}

/// Clients compare these texts, and decode with padding.
#[tokio::test]
async fn the_answer_has_the_form_that_clients_read() {
    let minted = minted(Isolation::TrustedLaunch, GuestClient::Library);
    let service = service(&minted).await;
    let (_, answer) = service.post(PATH, minted.request.clone()).await;
    let (_, again) = service.post(PATH, minted.request.clone()).await;
    let read = |answer: &Value| -> Value {
        let text = answer["token"].as_str().unwrap();
        serde_json::from_slice(&base64url::decode(text).unwrap()).unwrap()
    };
    let (sealed, again) = (read(&answer), read(&again));
    let parameters = &sealed["EncryptionParams"];
    assert_eq!(parameters["Cipher"], "AES");
    assert_eq!(parameters["BlockMode"], "ChainingModeGCM");
    assert_eq!(parameters["BlockPadding"], "PKCS7");
    assert_eq!(parameters["KeySizeInBits"], 256);
    let length = |value: &Value| {
        let text = value.as_str().unwrap();
        assert_eq!(text.len() % 4, 0, "padded");
        base64url::decode_standard(text).unwrap().len()
    };
    assert_eq!(length(&parameters["Iv"]), 12);
    assert_eq!(length(&sealed["EncryptedInnerKey"]), 256);
    assert_eq!(length(&sealed["AuthenticationData"]), 16);
    assert!(length(&sealed["Jwt"]) > 1000);
    for member in ["EncryptedInnerKey", "AuthenticationData", "Jwt"] {
        assert_ne!(sealed[member], again[member], "{member} is made anew");
    }
    assert_ne!(parameters["Iv"], again["EncryptionParams"]["Iv"]);
    for member in ["EncryptedInnerKey", "AuthenticationData", "Jwt"] {
        let mut broken = sealed.clone();
        broken[member] = again[member].clone();
        let broken = SealedAnswer::from_text(&base64url::encode(broken.to_string())).unwrap();
        assert!(broken.open_with(sealing_key(&minted)).is_err(), "{member}");
    }
}

#[tokio::test]
async fn broken_evidence_is_refused_with_its_check_and_gets_nothing_sealed() {
    use Isolation::{Snp, TrustedLaunch};
    for (isolation, name, check) in [
        (TrustedLaunch, "quote-signature", "tpm-signature"),
        (TrustedLaunch, "sealing-other-state", "sealing-key-policy"),
        (TrustedLaunch, "log-of-other-boot", "log-replay"),
        (Snp, "snp-vmpl-1", "hcl-vmpl"),
        (Snp, "snp-other-ak", "ak-reported-key"),
    ] {
        let service = service(&minted(isolation, GuestClient::Library)).await;
        let broken = mint(EvidenceKind::AzureGuest, &Options::new(now()).broken(name)).unwrap();
        let (status, answer) = service.post(PATH, broken.request).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(check), "{name}: {message}");
        assert!(answer.get("token").is_none());
    }
}

/// The default policy wants Microsoft's keys in the firmware.
#[tokio::test]
async fn a_machine_with_keys_of_nobodys_is_denied_until_a_policy_permits_it() {
    let minted = minted(Isolation::TrustedLaunch, GuestClient::Library);
    let service = Running::start_for(&minted).await;
    let (status, answer) = service.post(PATH, minted.request.clone()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(answer["error"]["message"].as_str().unwrap().contains("Deny claim"), "{answer}");
    let mut request: Value = serde_json::from_str(&minted.request).unwrap();
    request["draftPolicyForAttestation"] = json!("version=1.0; authorizationrules{=> permit();};");
    let (status, answer) = service.post(PATH, request.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert!(opened(&minted, &answer).ends_with('.'), "a draft signs nothing, and is sealed too");
}

#[tokio::test]
async fn the_route_and_its_member_are_read_in_any_case() {
    let minted = minted(Isolation::TrustedLaunch, GuestClient::Library);
    let service = service(&minted).await;
    let request = minted.request.replace("AttestationInfo", "attestationInfo");
    for path in [
        "/attest/azureguest?api-version=2020-10-01",
        "/attest/AzureGuest?api-version=2025-06-01",
        "/attest/AzureGuest?api-version=2022-08-01",
    ] {
        let (status, answer) = service.post(path, request.clone()).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
    }
    let (status, _) = service.post(PATH, json!({"quote": "e30"}).to_string()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

/// Nothing is configured: its CA and its firmware's keys are known, and the default policy permits it.
#[tokio::test]
async fn the_recorded_machine_of_azures_gets_a_sealed_answer_while_its_certificate_is_valid() {
    let Some(request) = vector("tpm/azure/trusted-launch-windows/request.json") else { return };
    let request = String::from_utf8(request).unwrap();
    for (at, refused_by) in [
        ("2024-02-07T00:00:00Z", None),
        ("2025-10-30T00:00:00Z", None),
        ("2025-10-31T00:00:00Z", Some("aik-certificate-expired")),
    ] {
        let mut setup = Setup::new().await;
        setup.clock = Clock::appraising_at(UnixTime::from_rfc3339(at).unwrap());
        let service = setup.serve().await;
        let (status, answer) = service.post(PATH, request.clone()).await;
        match refused_by {
            None => {
                assert_eq!(status, StatusCode::OK, "{at}: {answer}");
                let sealed = SealedAnswer::from_text(answer["token"].as_str().unwrap()).unwrap();
                assert_eq!(sealed.encrypted_inner_key().unwrap().len(), 256);
            }
            Some(check) => {
                let message = answer["error"]["message"].as_str().unwrap();
                assert!(status == StatusCode::BAD_REQUEST && message.contains(check), "{message}");
            }
        }
    }
}

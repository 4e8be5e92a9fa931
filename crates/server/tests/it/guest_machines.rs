//! Virtual machines that are watched: their evidence answers no challenge, so what it says is proven only once
//! the answer was opened.

use std::sync::atomic::Ordering;

use avouch_azure::SealedAnswer;
use avouch_mint::bootlog::Ground;
use avouch_mint::tpm::Isolation;
use avouch_mint::{Minted, Options, mint};
use avouch_store::PageRequest;
use avouch_wire::{EvidenceKind, base64url};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::policy::unsigned;
use crate::support::watching::{Receiver, listed, wait_for, watch};
use crate::support::{Running, Setup, now};

const PATH: &str = "/attest/AzureGuest?api-version=2020-10-01";
const CONFIRM: &str = "/avouch/machines:confirm";

fn booted(boot: Ground) -> Minted {
    let mut options = Options::new(now());
    options.tpm.boot = boot;
    mint(EvidenceKind::AzureGuest, &options).unwrap()
}

async fn set_policy(service: &Running, policy: &str) {
    let path = "/policies/AzureGuest?api-version=2020-10-01";
    let (status, answer) = service.send(Method::PUT, path, "t", unsigned(policy)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

/// A service that watches machines, under the policy that was minted beside one: it wants secure boot.
async fn watching(
    minted: &Minted,
    receiver: Option<&Receiver>,
    silence_seconds: Option<u32>,
) -> (Running, tempfile::TempDir) {
    let mut setup = Setup::for_minted(minted).await;
    let folder = watch(&mut setup, receiver, silence_seconds);
    let service = setup.serve().await;
    set_policy(&service, &policy_of(minted)).await;
    (service, folder)
}

fn policy_of(minted: &Minted) -> String {
    let policy = minted.others.iter().find(|(name, _)| *name == "policy.txt").unwrap();
    String::from_utf8(policy.1.clone()).unwrap()
}

/// Attests, and gives the token that the machine opens.
async fn attest(service: &Running, minted: &Minted) -> String {
    let (status, answer) = service.post(PATH, minted.request.clone()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let key = &minted.others.iter().find(|(name, _)| *name == "sealing-key.pk8").unwrap().1;
    let sealed = SealedAnswer::from_text(answer["token"].as_str().unwrap()).unwrap();
    sealed.open_with(key).unwrap()
}

async fn confirm(service: &Running, token: &str) -> (StatusCode, Value) {
    service.post(CONFIRM, json!({ "token": token }).to_string()).await
}

async fn machine(service: &Running) -> Value {
    let mut machines = listed(service, "machines").await;
    assert_eq!(machines.len(), 1);
    machines.remove(0)
}

#[tokio::test]
async fn a_machine_is_proven_to_have_attested_once_its_answer_was_opened() {
    for isolation in Isolation::ALL {
        let mut options = Options::new(now());
        options.guest.isolation = isolation;
        let minted = mint(EvidenceKind::AzureGuest, &options).unwrap();
        let (service, _folder) = watching(&minted, None, None).await;
        let token = attest(&service, &minted).await;
        wait_for(&service, "noted", 1).await;
        let before = machine(&service).await;
        assert_eq!((&before["last_at"], &before["verdict"]), (&Value::Null, &Value::Null));
        assert_eq!((&before["facts"], &before["baseline_at"]), (&json!({}), &Value::Null));
        assert_eq!(before["unproven_verdict"], "permitted");

        let (status, noted) = confirm(&service, &token).await;
        assert_eq!(
            (status, &noted["machine"]),
            (StatusCode::ACCEPTED, &before["machine"]),
            "{noted}"
        );
        wait_for(&service, "noted", 2).await;
        let after = machine(&service).await;
        assert_eq!(
            (&after["verdict"], &after["kind"]),
            (&json!("permitted"), &json!("azure-guest"))
        );
        assert_eq!(
            (&after["last_at"], &after["facts"]),
            (&noted["attested_at"], &after["baseline"])
        );
        assert_eq!(after["facts"], before["unproven_facts"]);
        assert_eq!(after["facts"]["secure_boot"], "true");
        assert_eq!(after["facts"]["pcr7"].as_str().unwrap().len(), 64);
        let is_confidential = isolation != Isolation::TrustedLaunch;
        assert_eq!(after["facts"].get("measurement").is_some(), is_confidential);
        assert!(listed(&service, "alerts").await.is_empty());
    }
}

#[tokio::test]
async fn a_request_that_is_sent_again_refreshes_nothing() {
    let minted = booted(Ground::Linux);
    let (service, _folder) = watching(&minted, None, None).await;
    let token = attest(&service, &minted).await;
    confirm(&service, &token).await;
    wait_for(&service, "noted", 2).await;
    let mut known = machine(&service).await;
    let (status, answer) = service.post(PATH, minted.request.clone()).await;
    assert_eq!(status, StatusCode::OK, "whoever sends it again gets what only the machine opens");
    wait_for(&service, "noted", 3).await;
    // The sealed answer proves nothing to who cannot open it.
    let (status, refused) = confirm(&service, answer["token"].as_str().unwrap()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{refused}");
    // And a token that was shown counts as of when it was made.
    assert_eq!(confirm(&service, &token).await.0, StatusCode::ACCEPTED);
    wait_for(&service, "noted", 4).await;
    let mut after = machine(&service).await;
    for record in [&mut known, &mut after] {
        record["unproven_at"] = Value::Null;
    }
    assert_eq!(known, after);
}

#[tokio::test]
async fn another_kernel_raises_an_alert_by_evidence_and_again_when_it_is_proven() {
    let minted = booted(Ground::Linux);
    let (service, _folder) = watching(&minted, None, None).await;
    let token = attest(&service, &minted).await;
    confirm(&service, &token).await;
    wait_for(&service, "noted", 2).await;
    let first = machine(&service).await;

    let token = attest(&service, &booted(Ground::Windows)).await;
    wait_for(&service, "noted", 3).await;
    let shown = machine(&service).await;
    assert_eq!((&shown["facts"], &shown["changes"]), (&first["facts"], &json!([])));
    let changes = shown["unproven_changes"].as_array().unwrap();
    assert!(changes.iter().any(|change| change["name"] == "pcr4"), "{shown}");
    let alert = listed(&service, "alerts").await.remove(0);
    assert_eq!((&alert["kind"], &alert["machine"]), (&json!("changed"), &first["machine"]));
    assert_eq!(alert["details"]["fresh"], false);
    assert_eq!(alert["details"]["changes"], shown["unproven_changes"]);

    confirm(&service, &token).await;
    wait_for(&service, "noted", 4).await;
    let proven = machine(&service).await;
    assert_eq!(proven["changes"], shown["unproven_changes"]);
    let alerts = listed(&service, "alerts").await;
    assert_eq!((alerts.len(), &alerts[1]["kind"]), (2, &json!("changed")));
    assert_eq!(alerts[1]["details"], json!({ "changes": proven["changes"] }));
}

#[tokio::test]
async fn a_boot_that_is_refused_is_told_whether_the_receiver_is_there_or_not() {
    let receiver = Receiver::start().await;
    let minted = booted(Ground::Linux);
    let (service, _folder) = watching(&minted, Some(&receiver), None).await;
    attest(&service, &minted).await;
    wait_for(&service, "noted", 1).await;
    // Secure boot is off now; of the same again nobody hears.
    let weak = booted(Ground::LinuxOff);
    for noted in [2, 3] {
        let (status, _) = service.post(PATH, weak.request.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        wait_for(&service, "noted", noted).await;
    }
    wait_for(&service, "alerts_undelivered", 1).await;
    assert!(receiver.got().is_empty());
    receiver.is_there.store(true, Ordering::SeqCst);
    wait_for(&service, "alerts_delivered", 1).await;
    let [(id, alert)] = receiver.got().try_into().unwrap();
    assert_eq!((id.as_str(), &alert["type"]), ("alert-1", &json!("machine.refused")));
    let details = &alert["data"]["details"];
    assert_eq!((&details["refusedBy"], &details["fresh"]), (&json!("no-permit"), &json!(false)));
    let changes = details["changes"].as_array().unwrap();
    assert!(changes.iter().any(|change| change["name"] == "secure_boot"), "{alert}");
    let known = machine(&service).await;
    assert_eq!(known["unproven_refused_by"], "no-permit");
    assert_eq!(known["verdict"], Value::Null, "nothing of it is proven");
}

#[tokio::test]
async fn a_machine_whose_old_request_is_sent_again_and_again_is_silent() {
    let minted = booted(Ground::Linux);
    let (service, _folder) = watching(&minted, None, Some(60)).await;
    attest(&service, &minted).await;
    wait_for(&service, "noted", 1).await;
    let store = service.state.providers.store();
    let provider = store.provider("default").await.unwrap().unwrap();
    let known = store.machines(provider.id, PageRequest::first()).await.unwrap().items.remove(0);
    // As if it had been proven two minutes ago.
    let proven = avouch_store::Sighting {
        provider: provider.id,
        machine: known.machine,
        kind: known.kind,
        at: now().saturating_add_seconds(-120),
        verdict: avouch_store::MachineVerdict::Permitted,
        refused_by: None,
        facts: known.unproven.facts.unwrap(),
        is_fresh: true,
    };
    store.note_sightings(&[proven], false).await.unwrap();
    attest(&service, &minted).await;
    wait_for_alert(&service).await;
    attest(&service, &minted).await;
    wait_for(&service, "noted", 3).await;
    assert_eq!(machine(&service).await["silent"], true);
    let alerts = listed(&service, "alerts").await;
    assert_eq!((alerts.len(), &alerts[0]["kind"]), (1, &json!("silent")));
    // Until it opens an answer.
    let token = attest(&service, &minted).await;
    confirm(&service, &token).await;
    wait_for(&service, "noted", 5).await;
    assert_eq!(machine(&service).await["silent"], false);
}

async fn wait_for_alert(service: &Running) {
    for _ in 0..400 {
        if !listed(service, "alerts").await.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no alert is raised");
}

#[tokio::test]
async fn only_the_token_of_a_machine_at_this_provider_confirms() {
    let minted = booted(Ground::Linux);
    let (service, _folder) = watching(&minted, None, None).await;
    let token = attest(&service, &minted).await;
    let parts: Vec<&str> = token.split('.').collect();
    let claims: Value = serde_json::from_slice(&base64url::decode(parts[1]).unwrap()).unwrap();
    let with = |proof: Value| {
        let mut claims = claims.clone();
        claims["avouch-machine-proof"] = proof;
        format!("{}.{}.{}", parts[0], base64url::encode(claims.to_string()), parts[2])
    };
    let proof = claims["avouch-machine-proof"].as_str().unwrap();
    let mut sealed: Value = serde_json::from_slice(&base64url::decode(proof).unwrap()).unwrap();
    let mut bytes = base64url::decode(sealed["ProtectedContext"].as_str().unwrap()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    sealed["ProtectedContext"] = base64url::encode(&bytes).into();
    let changed = base64url::encode(sealed.to_string());
    let padded = with(json!("x".repeat(200_000)));
    for (token, says) in [
        (String::new(), "no token"),
        ("a.b.c".to_owned(), "no token"),
        (format!("{}.e30.{}", parts[0], parts[2]), "no token"),
        (with(json!(7)), "no token"),
        (padded, "no token"),
        (with(json!("bm90aGluZw")), "not sealed by this service"),
        (with(json!(changed)), "not sealed by this service"),
    ] {
        let (status, answer) = confirm(&service, &token).await;
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(status == StatusCode::BAD_REQUEST && message.contains(says), "{says}: {message}");
    }
    for body in ["", "{}", "[]", "{\"token\": 7}"] {
        let (status, _) = service.post(CONFIRM, body.to_owned()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body:?}");
    }
    assert_eq!(confirm(&service, &with(json!(proof))).await.0, StatusCode::ACCEPTED, "as it was");

    // Another provider's.
    let create = "/subscriptions/prod/resourceGroups/team/providers/Microsoft.Attestation/\
                  attestationProviders/contoso?api-version=2021-06-01";
    let body = json!({"location": "here", "properties": {}}).to_string();
    let (status, answer) = service.send(Method::PUT, create, "t", body).await;
    assert!(status.is_success(), "{answer}");
    let path = format!("/providers/contoso{CONFIRM}");
    let (status, answer) = service.post(&path, json!({ "token": token }).to_string()).await;
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(status == StatusCode::BAD_REQUEST && message.contains("another provider"), "{message}");
}

#[tokio::test]
async fn tokens_have_no_proof_where_no_machines_are_watched_or_a_draft_permits() {
    let minted = booted(Ground::Linux);
    let service = Setup::for_minted(&minted).await.serve().await;
    set_policy(&service, &policy_of(&minted)).await;
    let token = attest(&service, &minted).await;
    assert!(!service.claims(&token).await.contains_key("avouch-machine-proof"));
    assert_eq!(confirm(&service, &token).await.0, StatusCode::NOT_FOUND);

    let (service, _folder) = watching(&minted, None, None).await;
    let mut request: Value = serde_json::from_str(&minted.request).unwrap();
    request["draftPolicyForAttestation"] = json!("version=1.0; authorizationrules{=> permit();};");
    let draft = Minted { request: request.to_string(), ..minted.clone() };
    let token = attest(&service, &draft).await;
    assert_eq!(confirm(&service, &token).await.0, StatusCode::BAD_REQUEST);
    let token = attest(&service, &minted).await;
    assert!(service.claims(&token).await.contains_key("avouch-machine-proof"));
    wait_for(&service, "noted", 1).await;
}

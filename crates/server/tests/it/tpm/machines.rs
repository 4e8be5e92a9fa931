//! Machines that are watched: what is known of each, and who is told when one is refused, changes or is
//! silent.

use std::sync::atomic::Ordering;
use std::time::Duration;

use avouch_store::PageRequest;

use super::*;
use crate::support::watching::{Receiver, listed, wait_for, watch};

/// A service that watches, and tells `receiver`.
async fn watching(
    receiver: Option<&Receiver>,
    silence_seconds: Option<u32>,
) -> (Running, tempfile::TempDir) {
    let mut setup = setup().await;
    let folder = watch(&mut setup, receiver, silence_seconds);
    let service = setup.serve().await;
    set_policy(&service, "", &policy("", "")).await;
    (service, folder)
}

#[tokio::test]
async fn a_machine_is_known_by_how_it_attested_last_and_what_changed_since_its_first_time() {
    let (service, _folder) = watching(None, None).await;
    assert_eq!(converse(&service, &machine()).await.0, StatusCode::OK);
    wait_for(&service, "noted", 1).await;
    let first = listed(&service, "machines").await.remove(0);
    assert_eq!((&first["verdict"], &first["kind"]), (&json!("permitted"), &json!("tpm")));
    assert_eq!(first["facts"], first["baseline"]);
    assert_eq!((&first["changes"], &first["unproven_at"]), (&json!([]), &Value::Null));
    assert_eq!(first["facts"]["secure_boot"], "true");
    assert_eq!(first["facts"]["pcr7"].as_str().unwrap().len(), 64);
    assert!(first["facts"].get("pcr10").is_none(), "IMA changes it with every file");

    // Another kernel, or whatever else extends other PCRs.
    assert_eq!(converse(&service, &booted(Ground::Windows)).await.0, StatusCode::OK);
    wait_for(&service, "noted", 2).await;
    let name = first["machine"].as_str().unwrap();
    let path = format!("/avouch/machines/{name}");
    let (status, changed) = service.send(Method::GET, &path, "t", String::new()).await;
    assert_eq!(status, StatusCode::OK);
    let changes = changed["changes"].as_array().unwrap();
    assert!(changes.iter().any(|change| change["name"] == "pcr4"), "{changed}");
    assert_eq!(changed["baseline"], first["facts"]);
    let alert = listed(&service, "alerts").await.remove(0);
    assert_eq!((&alert["kind"], &alert["machine"]), (&json!("changed"), &first["machine"]));
    assert_eq!(alert["details"]["changes"], changed["changes"]);

    // An operator accepts it.
    let baseline = format!("{path}:baseline");
    let accept = async |body: String| service.send(Method::POST, &baseline, "t", body).await;
    assert_eq!(accept("{}".to_owned()).await.0, StatusCode::BAD_REQUEST);
    let old = json!({ "seen": first["facts_sha256"] }).to_string();
    let (status, refused) = accept(old).await;
    assert_eq!(status, StatusCode::PRECONDITION_FAILED, "{refused}");
    assert!(refused["error"]["message"].as_str().unwrap().contains("pcr4"), "{refused}");
    let seen = json!({ "seen": changed["facts_sha256"] }).to_string();
    let (status, accepted) = accept(seen).await;
    assert_eq!((status, &accepted["changes"]), (StatusCode::OK, &json!([])));
    assert_eq!(converse(&service, &booted(Ground::Windows)).await.0, StatusCode::OK);
    wait_for(&service, "noted", 3).await;
    assert_eq!(listed(&service, "alerts").await.len(), 1);
    let (status, _) = service.send(Method::DELETE, &path, "t", String::new()).await;
    assert_eq!(status, StatusCode::OK);
    assert!(listed(&service, "machines").await.is_empty());
    let (status, _) = service.send(Method::GET, &path, "t", String::new()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_answer_that_is_sent_again_refreshes_nothing_and_a_machine_nobody_vouches_for_is_none() {
    let (service, _folder) = watching(None, None).await;
    let given = challenge(&service, None).await;
    let message = answer(&machine(), &given);
    assert_eq!(attest(&service, &message).await.0, StatusCode::OK);
    wait_for(&service, "noted", 1).await;
    let before = listed(&service, "machines").await;
    let (status, refused) = attest(&service, &message).await;
    assert_eq!(check(status, &refused), "tpm-context-used");
    // Its CA is another one.
    let unknown = TpmOptions { seed: avouch_mint::Seed::from_number(2), ..machine() };
    converse(&service, &unknown).await;
    // What is noted in turn comes after what was not.
    assert_eq!(converse(&service, &machine()).await.0, StatusCode::OK);
    wait_for(&service, "noted", 2).await;
    let after = listed(&service, "machines").await;
    assert_eq!((before.len(), after.len()), (1, 1));
}

#[tokio::test]
async fn a_refused_message_that_is_sent_again_refreshes_nothing() {
    let (service, _folder) = watching(None, None).await;
    let deny = "version=1.2; authorizationrules{=> deny();}; issuancerules{};";
    set_policy(&service, "", deny).await;
    let given = challenge(&service, None).await;
    let message = answer(&machine(), &given);
    assert_eq!(attest(&service, &message).await.0, StatusCode::BAD_REQUEST);
    wait_for(&service, "noted", 1).await;
    let refused = listed(&service, "machines").await;
    assert_eq!(refused[0]["verdict"], "refused");
    // What it is known by is when its challenge was given, not when the message came.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(attest(&service, &message).await.0, StatusCode::BAD_REQUEST);
    wait_for(&service, "noted", 2).await;
    assert_eq!(listed(&service, "machines").await, refused);

    set_policy(&service, "", &policy("", "")).await;
    assert_eq!(converse(&service, &machine()).await.0, StatusCode::OK);
    wait_for(&service, "noted", 3).await;
    let mut permitted = listed(&service, "machines").await.remove(0);
    assert_eq!(permitted["verdict"], "permitted");
    set_policy(&service, "", deny).await;
    assert_eq!(attest(&service, &message).await.0, StatusCode::BAD_REQUEST);
    wait_for(&service, "noted", 4).await;
    let mut after = listed(&service, "machines").await.remove(0);
    assert_eq!(after["unproven_verdict"], "refused");
    for record in [&mut permitted, &mut after] {
        record.as_object_mut().unwrap().retain(|name, _| !name.starts_with("unproven_"));
    }
    assert_eq!(permitted, after);
    let alerts = listed(&service, "alerts").await;
    let fresh = alerts.iter().filter(|alert| alert["details"].get("fresh").is_none());
    assert_eq!(fresh.count(), 1, "{alerts:?}");
}

#[tokio::test]
async fn a_receiver_that_is_away_loses_nothing_and_gets_what_is_signed() {
    let receiver = Receiver::start().await;
    let (service, _folder) = watching(Some(&receiver), None).await;
    assert_eq!(converse(&service, &machine()).await.0, StatusCode::OK);
    wait_for(&service, "noted", 1).await;
    let deny = "version=1.2; authorizationrules{=> deny();}; issuancerules{};";
    set_policy(&service, "", deny).await;
    assert_eq!(converse(&service, &machine()).await.0, StatusCode::BAD_REQUEST);
    wait_for(&service, "alerts_undelivered", 1).await;
    assert!(receiver.got().is_empty());
    receiver.is_there.store(true, Ordering::SeqCst);
    wait_for(&service, "alerts_delivered", 1).await;
    let (id, alert) = receiver.got().remove(0);
    assert_eq!((id.as_str(), &alert["type"]), ("alert-1", &json!("machine.refused")));
    assert_eq!(alert["data"]["details"]["refusedBy"], "deny-issued");
    assert_eq!(alert["data"]["machine"], listed(&service, "machines").await[0]["machine"]);
    let metrics = service.get_text("/metrics").await;
    for line in ["avouch_machines_refused_total 1", "avouch_alerts_delivered_total 1"] {
        assert!(metrics.contains(line), "{metrics}");
    }
}

#[tokio::test]
async fn neither_a_refused_connection_nor_a_restart_loses_one_of_many_alerts() {
    const MANY: u64 = 130;
    let (receiver, data) = (Receiver::absent().await, tempfile::tempdir().unwrap());
    let path = data.path().join("avouch.db").display().to_string();
    let start = async || {
        let store = avouch_store::Store::open(&path, now()).await.unwrap();
        let mut setup = Setup { store, ..setup().await };
        let folder = watch(&mut setup, Some(&receiver), None);
        (setup.serve().await, folder)
    };
    let (service, _folder) = start().await;
    let store = service.state.providers.store();
    let provider = store.provider("default").await.unwrap().unwrap().id;
    let refused = |number: u64| avouch_store::Sighting {
        provider,
        machine: format!("m{number}"),
        kind: "tpm".to_owned(),
        at: now(),
        verdict: avouch_store::MachineVerdict::Refused,
        refused_by: Some("no-permit".to_owned()),
        facts: avouch_store::MachineFacts::new(),
        is_fresh: true,
    };
    let batch: Vec<_> = (0..MANY).map(refused).collect();
    assert_eq!(store.note_sightings(&batch, true).await.unwrap().alerts.len(), batch.len());
    wait_for(&service, "alerts_undelivered", 1).await;
    store.close().await;
    drop(service);

    let (service, _folder) = start().await;
    wait_for(&service, "alerts_undelivered", 1).await;
    receiver.is_there.store(true, Ordering::SeqCst);
    receiver.listen().await;
    wait_for(&service, "alerts_delivered", MANY).await;
    let machines: std::collections::BTreeSet<String> =
        receiver.got().iter().map(|(_, alert)| alert["data"]["machine"].to_string()).collect();
    assert_eq!(machines.len() as u64, MANY);
}

#[tokio::test]
async fn silence_is_told_by_the_service_itself() {
    let (service, _folder) = watching(None, Some(60)).await;
    assert_eq!(converse(&service, &machine()).await.0, StatusCode::OK);
    wait_for(&service, "noted", 1).await;
    let store = service.state.providers.store();
    let provider = store.provider("default").await.unwrap().unwrap();
    let page = PageRequest::first();
    let mut old = store.machines(provider.id, page).await.unwrap().items.remove(0);
    let machine = std::mem::take(&mut old.machine);
    // As if it had been two minutes ago.
    let path = format!("/avouch/machines/{machine}");
    service.send(Method::DELETE, &path, "t", String::new()).await;
    let long_ago = avouch_store::Sighting {
        provider: provider.id,
        machine: machine.clone(),
        kind: old.kind,
        at: now().saturating_add_seconds(-120),
        verdict: avouch_store::MachineVerdict::Permitted,
        refused_by: None,
        facts: old.facts,
        is_fresh: true,
    };
    store.note_sightings(&[long_ago], false).await.unwrap();
    for _ in 0..400 {
        if !listed(&service, "alerts").await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let alert = listed(&service, "alerts").await.remove(0);
    assert_eq!((&alert["kind"], &alert["machine"]), (&json!("silent"), &json!(machine)));
    assert_eq!(listed(&service, "machines").await[0]["silent"], true);
}

#[tokio::test]
async fn nothing_is_noted_unless_asked_for() {
    let service = service().await;
    assert_eq!(converse(&service, &machine()).await.0, StatusCode::OK);
    assert!(service.get("/readyz").await.get("machines").is_none());
    assert!(listed(&service, "machines").await.is_empty());
}

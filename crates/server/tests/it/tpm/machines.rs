//! Machines that are watched: what is known of each, and who is told when one is refused, changes or is
//! silent.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use avouch_server::config::WebhookConfig;
use avouch_store::PageRequest;
use avouch_wire::base64url;
use aws_lc_rs::hmac;
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use tokio::net::TcpListener;

use super::*;

const SECRET: &[u8] = b"a secret of 24 bytes or more";

/// What a receiver got, each with its id.
type Got = Arc<Mutex<Vec<(String, Value)>>>;

/// A receiver of alerts that is away at first.
struct Receiver {
    url: String,
    got: Got,
    is_there: Arc<AtomicBool>,
}

/// Takes an alert if its signature is right.
fn take(headers: &HeaderMap, body: &str, got: &Got) {
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (id, timestamp) = (text("webhook-id"), text("webhook-timestamp"));
    let signature = text("webhook-signature");
    let tag = base64url::decode_standard(signature.strip_prefix("v1,").unwrap()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    let signed = format!("{id}.{timestamp}.{body}");
    hmac::verify(&key, signed.as_bytes(), &tag).expect("signed by the service");
    hmac::verify(&key, format!("{signed} ").as_bytes(), &tag).expect_err("of this body alone");
    got.lock().unwrap().push((id, serde_json::from_str(body).unwrap()));
}

impl Receiver {
    async fn start() -> Self {
        let (got, is_there) = (Got::default(), Arc::new(AtomicBool::new(false)));
        let (kept, open) = (Arc::clone(&got), Arc::clone(&is_there));
        let answer = move |headers: HeaderMap, body: String| {
            let (kept, open) = (Arc::clone(&kept), Arc::clone(&open));
            async move {
                if !open.load(Ordering::SeqCst) {
                    return StatusCode::SERVICE_UNAVAILABLE;
                }
                take(&headers, &body, &kept);
                StatusCode::NO_CONTENT
            }
        };
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let url = format!("http://{}/alerts", listener.local_addr().unwrap());
        let router = Router::new().route("/alerts", post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, got, is_there }
    }

    fn got(&self) -> Vec<(String, Value)> {
        self.got.lock().unwrap().clone()
    }
}

/// A service that watches, and tells `receiver`.
async fn watching(
    receiver: Option<&Receiver>,
    silence_seconds: Option<u32>,
) -> (Running, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let secret_file = folder.path().join("secret");
    std::fs::write(&secret_file, format!("whsec_{}\n", base64url::encode_standard(SECRET)))
        .unwrap();
    let mut setup = setup().await;
    setup.config.monitoring.enabled = true;
    setup.config.monitoring.silence_seconds = silence_seconds;
    setup.config.monitoring.webhook = receiver.map(|receiver| WebhookConfig {
        url: receiver.url.clone(),
        secret_file,
        ca_file: None,
    });
    let service = setup.serve().await;
    set_policy(&service, "", &policy("", "")).await;
    (service, folder)
}

/// Waits until the service has noted, and told, as many.
async fn wait_for(service: &Running, member: &str, expected: u64) {
    for _ in 0..1200 {
        if service.get("/readyz").await["machines"][member] == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{member} does not become {expected}");
}

async fn listed(service: &Running, of: &str) -> Vec<Value> {
    let answer = service.send(Method::GET, &format!("/avouch/{of}"), "t", String::new()).await;
    assert_eq!(answer.0, StatusCode::OK, "{}", answer.1);
    answer.1["value"].as_array().unwrap().clone()
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
    let (status, accepted) = service.send(Method::POST, &baseline, "t", String::new()).await;
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

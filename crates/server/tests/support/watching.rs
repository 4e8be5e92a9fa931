//! Services that watch machines, and a receiver of their alerts.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use avouch_server::config::WebhookConfig;
use avouch_wire::base64url;
use aws_lc_rs::hmac;
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;

use super::{Running, Setup};

const SECRET: &[u8] = b"a secret of 24 bytes or more";

/// What a receiver got, each with its id.
type Got = Arc<Mutex<Vec<(String, Value)>>>;

/// A receiver of alerts that is away at first.
pub(crate) struct Receiver {
    address: SocketAddr,
    got: Got,
    pub(crate) is_there: Arc<AtomicBool>,
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
    /// One that answers that it is away.
    pub(crate) async fn start() -> Self {
        let receiver = Self::absent().await;
        receiver.listen().await;
        receiver
    }

    /// One to which nobody can connect.
    pub(crate) async fn absent() -> Self {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { address, got: Got::default(), is_there: Arc::new(AtomicBool::new(false)) }
    }

    /// From now on it can be reached.
    pub(crate) async fn listen(&self) {
        let (kept, open) = (Arc::clone(&self.got), Arc::clone(&self.is_there));
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
        let listener = TcpListener::bind(self.address).await.unwrap();
        let router = Router::new().route("/alerts", post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    }

    pub(crate) fn got(&self) -> Vec<(String, Value)> {
        self.got.lock().unwrap().clone()
    }
}

/// Has a service watch machines, and tell `receiver`; the folder must live as long.
pub(crate) fn watch(
    setup: &mut Setup,
    receiver: Option<&Receiver>,
    silence_seconds: Option<u32>,
) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let secret_file = folder.path().join("secret");
    std::fs::write(&secret_file, format!("whsec_{}\n", base64url::encode_standard(SECRET)))
        .unwrap();
    setup.config.monitoring.enabled = true;
    setup.config.monitoring.silence_seconds = silence_seconds;
    setup.config.monitoring.webhook = receiver.map(|receiver| WebhookConfig {
        url: format!("http://{}/alerts", receiver.address),
        secret_file,
        ca_file: None,
    });
    folder
}

/// Waits until the service has noted, and told, as many.
pub(crate) async fn wait_for(service: &Running, member: &str, expected: u64) {
    for _ in 0..1200 {
        if service.get("/readyz").await["machines"][member] == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{member} does not become {expected}");
}

pub(crate) async fn listed(service: &Running, of: &str) -> Vec<Value> {
    let answer = service.send(Method::GET, &format!("/avouch/{of}"), "t", String::new()).await;
    assert_eq!(answer.0, StatusCode::OK, "{}", answer.1);
    answer.1["value"].as_array().unwrap().clone()
}

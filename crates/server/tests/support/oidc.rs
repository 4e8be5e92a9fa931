//! A small OpenID Connect issuer on loopback whose keys can be rotated.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use avouch_token::provider_certificate;
use avouch_token::{KeySpec, PublishedKey, Signer as _, SigningKey, jwks_document};
use avouch_wire::base64url;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

const GATE_OPEN: usize = 1000;

/// The issuer: what it publishes can be changed while it answers.
#[derive(Clone)]
pub(crate) struct Issuer {
    pub(crate) url: String,
    state: Arc<State>,
}

struct State {
    key: Mutex<Arc<SigningKey>>,
    /// `kid` of the key.
    name: Mutex<String>,
    published: Mutex<String>,
    metadata: Mutex<Value>,
    fetches: AtomicUsize,
    is_down: Mutex<bool>,
    /// Answers wait for a permit while there is none.
    gate: Semaphore,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let key = Arc::new(SigningKey::generate(KeySpec::P256).unwrap());
        let metadata = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
        let state = Arc::new(State {
            published: Mutex::new(published(&key)),
            name: Mutex::new(key.kid().to_owned()),
            key: Mutex::new(key),
            metadata: Mutex::new(metadata),
            fetches: AtomicUsize::new(0),
            is_down: Mutex::new(false),
            gate: Semaphore::new(GATE_OPEN),
        });
        let answering = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(stream, Arc::clone(&answering)));
            }
        });
        Self { url, state }
    }

    /// Replaces the key and what is published; tokens are signed by the new one from now on.
    pub(crate) fn rotate(&self) {
        let key = Arc::new(SigningKey::generate(KeySpec::P256).unwrap());
        *self.state.published.lock().unwrap() = published(&key);
        *self.state.name.lock().unwrap() = key.kid().to_owned();
        *self.state.key.lock().unwrap() = key;
    }

    /// As [`Issuer::rotate`], under the name that the key before had.
    pub(crate) fn rotate_keeping_name(&self) {
        let name = self.state.name.lock().unwrap().clone();
        self.rotate();
        let new = std::mem::replace(&mut *self.state.name.lock().unwrap(), name.clone());
        let mut published = self.state.published.lock().unwrap();
        *published = published.replace(&new, &name);
    }

    pub(crate) fn set_metadata(&self, metadata: Value) {
        *self.state.metadata.lock().unwrap() = metadata;
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        *self.state.is_down.lock().unwrap() = is_down;
    }

    /// Keeps all who ask waiting until the gate is opened.
    pub(crate) async fn close_gate(&self) {
        self.state.gate.acquire_many(u32::try_from(GATE_OPEN).unwrap()).await.unwrap().forget();
    }

    pub(crate) fn open_gate(&self) {
        self.state.gate.add_permits(GATE_OPEN);
    }

    /// How often the key set was fetched.
    pub(crate) fn fetches(&self) -> usize {
        self.state.fetches.load(Ordering::SeqCst)
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        let key = Arc::clone(&self.state.key.lock().unwrap());
        let name = self.state.name.lock().unwrap().clone();
        sign(&key, &json!({"alg": "ES256", "typ": "JWT", "kid": name}), claims)
    }

    /// A token under a key that is not published, which it names as the header says.
    pub(crate) fn forged(&self, with_known_kid: bool, claims: &Value) -> String {
        let key = SigningKey::generate(KeySpec::P256).unwrap();
        let known = self.state.name.lock().unwrap().clone();
        let kid = if with_known_kid { known } else { key.kid().to_owned() };
        sign(&key, &json!({"alg": "ES256", "kid": kid}), claims)
    }
}

pub(crate) fn sign(key: &SigningKey, header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| base64url::encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = key.sign(message.as_bytes()).unwrap();
    format!("{message}.{}", base64url::encode(signature))
}

fn published(key: &SigningKey) -> String {
    let certificate = provider_certificate(key, "https://issuer.example", None).unwrap();
    jwks_document([&PublishedKey::new(key, &[certificate])])
}

async fn answer(mut stream: TcpStream, state: Arc<State>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await.unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    drop(state.gate.acquire().await.unwrap());
    let head = String::from_utf8_lossy(&head).into_owned();
    let (status, body) = match head.split(' ').nth(1) {
        _ if *state.is_down.lock().unwrap() => ("503 Service Unavailable", String::new()),
        Some("/.well-known/openid-configuration") => {
            ("200 OK", state.metadata.lock().unwrap().to_string())
        }
        Some("/keys") => {
            state.fetches.fetch_add(1, Ordering::SeqCst);
            ("200 OK", state.published.lock().unwrap().clone())
        }
        _ => ("404 Not Found", String::new()),
    };
    let length = body.len();
    let text =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    let _ = stream.write_all(text.as_bytes()).await;
}

//! A service that answers whatever a test wants it to, over TLS.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::arithmetic_side_effects,
    reason = "test code; each test program uses a part"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use avouch_token::{
    KeySpec, Payload, PublishedKey, SigningKey, TokenIssuer, TokenTimes, jwks_document,
    provider_certificate,
};
use avouch_wire::UnixTime;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Map, Value, json};

use super::Folder;

/// What a request asked for: method, path with query, the `Authorization` field, the body.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub authorization: Option<String>,
    pub body: String,
}

/// A whole answer.
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: String::new(), body: body.to_string().into_bytes() }
    }
}

/// A service that signs what it is told to sign.
pub struct Liar {
    pub url: String,
    pub ca: PathBuf,
    key: Arc<SigningKey>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// What a liar answers with: its URL and key, to sign what it says.
pub struct Voice {
    pub url: String,
    key: Arc<SigningKey>,
}

impl Voice {
    /// An answer that is a token with these claims, signed as an honest service would.
    pub fn token(&self, claims: &Value) -> Answer {
        self.token_of(&self.url, claims)
    }

    pub fn token_of(&self, issuer: &str, claims: &Value) -> Answer {
        let issuer = TokenIssuer::new(Arc::clone(&self.key) as _, issuer).unwrap();
        Answer::json(200, &json!({"token": sign(&issuer, claims)}))
    }

    /// The same, signed by another key.
    pub fn token_of_stranger(&self, claims: &Value) -> Answer {
        let key = SigningKey::generate(KeySpec::P256).unwrap();
        let issuer = TokenIssuer::new(Arc::new(key), &self.url).unwrap();
        Answer::json(200, &json!({"token": sign(&issuer, claims)}))
    }
}

fn sign(issuer: &TokenIssuer, claims: &Value) -> String {
    let claims: Map<String, Value> = claims.as_object().unwrap().clone();
    let seconds = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let now = UnixTime::from_seconds(i64::try_from(seconds).unwrap()).unwrap();
    issuer.sign(&Payload::new(&claims, TokenTimes::result(now)).unwrap()).unwrap()
}

impl Liar {
    /// Answers metadata and keys honestly, everything else with `answer`.
    pub fn start(
        folder: &Folder,
        answer: impl Fn(&Voice, &Asked) -> Answer + Send + 'static,
    ) -> Self {
        Self::named(folder, None, answer)
    }

    /// As [`Liar::start`], with another name for itself in its metadata.
    pub fn named(
        folder: &Folder,
        name: Option<&str>,
        answer: impl Fn(&Voice, &Asked) -> Answer + Send + 'static,
    ) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("https://localhost:{port}");
        let pair = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&pair).unwrap();
        let ca = folder.write(&format!("liar-{port}.pem"), certificate.pem());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pair.serialize_der()));
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let name = name.unwrap_or(&url).to_owned();
        let voice =
            Voice { url: url.clone(), key: Arc::new(SigningKey::generate(KeySpec::P256).unwrap()) };
        let own_key = Arc::clone(&voice.key);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (config, heard) = (Arc::new(config), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = StreamOwned::new(connection, stream);
                let Some(asked) = read(&mut stream) else { continue };
                let honest = published(&voice, &name, &asked.path);
                let answer = honest.unwrap_or_else(|| {
                    heard.lock().unwrap().push(asked.clone());
                    answer(&voice, &asked)
                });
                let head = format!(
                    "HTTP/1.1 {} Whatever\r\ncontent-length: {}\r\nconnection: close\r\n{}\r\n",
                    answer.status,
                    answer.body.len(),
                    answer.headers
                );
                // The client may have gone away by now.
                let _ = stream.write_all(head.as_bytes());
                let _ = stream.write_all(&answer.body);
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        });
        Self { url, ca, key: own_key, asked }
    }

    /// A token in the name of an issuer, signed by the key that it publishes.
    pub fn signed_as(&self, issuer: &str) -> String {
        let issuer = TokenIssuer::new(Arc::clone(&self.key) as _, issuer).unwrap();
        sign(&issuer, &json!({"x-ms-ver": "1.0"}))
    }

    /// Every request but those for what is published.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn published(voice: &Voice, name: &str, path: &str) -> Option<Answer> {
    match path {
        "/.well-known/openid-configuration" => {
            let metadata = json!({"issuer": name, "jwks_uri": format!("{name}/certs")});
            Some(Answer::json(200, &metadata))
        }
        "/certs" => {
            let certificate = provider_certificate(&*voice.key, &voice.url, None).unwrap();
            let published = PublishedKey::new(&*voice.key, &[certificate]);
            let body = jwks_document([&published]).into_bytes();
            Some(Answer { status: 200, headers: String::new(), body })
        }
        _ => None,
    }
}

fn read(stream: &mut impl std::io::Read) -> Option<Asked> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let field = |wanted: &str| {
        head.lines().skip(1).find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim().to_owned())
        })
    };
    let length = field("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = Vec::new();
    stream.by_ref().take(length).read_to_end(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    Some(Asked { method, path, authorization: field("authorization"), body })
}

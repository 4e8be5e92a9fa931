use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use avouch_tee::{Host, TeeError};
use avouch_wire::{EvidenceKind, base64url};
use serde_json::{Value, json};

use crate::fake::{Platform, certificates_pem};
use crate::{ASKED, at};

/// A host's service that gives the same answer to everything, and what it was asked.
pub(crate) struct Service {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Service {
    pub(crate) fn new(status: u16, body: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut request = Vec::new();
                let mut part = [0; 4096];
                loop {
                    let length = stream.read(&mut part).unwrap_or(0);
                    request.extend_from_slice(&part[..length]);
                    let text = String::from_utf8_lossy(&request);
                    let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                        let length = head.lines().find_map(|line| {
                            line.strip_prefix("content-length: ")?.parse::<usize>().ok()
                        });
                        body.len() >= length.unwrap_or(0)
                    });
                    if whole || length == 0 {
                        break;
                    }
                }
                heard.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
                let head = format!(
                    "HTTP/1.1 {status} Whatever\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(head.as_bytes());
                let _ = stream.write_all(&body);
            }
        });
        Self { url, asked }
    }

    pub(crate) fn host(&self) -> Host {
        Host::new(&self.url).unwrap()
    }

    pub(crate) fn asked(&self) -> String {
        self.asked.lock().unwrap().first().cloned().unwrap()
    }
}

#[test]
fn certificates_are_asked_for_as_azure_wants_it() {
    let minted = Platform::new(EvidenceKind::Snp, at()).mint(&ASKED);
    let pem = certificates_pem(&minted.endorsements);
    let body = json!({"vcekCert": pem, "certificateChain": pem, "tcbm": "00"}).to_string();
    let service = Service::new(200, body.into_bytes());
    let found = service.host().snp_certificates().unwrap();
    assert_eq!(found.pem().matches("BEGIN CERTIFICATE").count(), 6);
    let asked = service.asked();
    assert!(asked.starts_with("GET /metadata/THIM/amd/certification HTTP/1.1\r\n"), "{asked}");
    assert!(asked.to_lowercase().contains("\r\nmetadata: true\r\n"), "{asked}");
}

#[test]
fn a_quote_is_made_of_a_report() {
    let body = json!({"quote": base64url::encode([4, 0, 2])}).to_string();
    let service = Service::new(200, body.into_bytes());
    assert_eq!(service.host().td_quote(&[9; 1024]).unwrap(), [4, 0, 2]);
    let asked = service.asked();
    assert!(asked.starts_with("POST /acc/tdquote HTTP/1.1\r\n"), "{asked}");
    let body: Value = serde_json::from_str(asked.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(body, json!({"report": base64url::encode([9; 1024])}));
}

#[test]
fn what_a_host_answers_otherwise_is_told() {
    let refused = |status, body: &[u8]| {
        let host = Service::new(status, body.to_vec()).host();
        [host.snp_certificates().unwrap_err(), host.td_quote(&[0; 8]).unwrap_err()]
    };
    for error in refused(404, b"{}") {
        assert!(matches!(&error, TeeError::Host { reason, .. } if reason == "status 404"));
    }
    for error in refused(200, &vec![b' '; 64 * 1024 + 1]) {
        assert!(error.to_string().contains("more than 65536 bytes"), "{error}");
    }
    let [certificates, quote] = refused(200, br#"{"quote": 7, "vcekCert": ""}"#);
    assert!(matches!(certificates, TeeError::Certificates(_)), "{certificates}");
    assert!(quote.to_string().contains("no quote in base64url"), "{quote}");
    let [_, quote] = refused(200, br#"{"quote": "*"}"#);
    assert!(quote.to_string().contains("no quote in base64url"), "{quote}");
    let nobody = Host::new("http://127.0.0.1:1").unwrap().td_quote(&[]).unwrap_err();
    assert!(nobody.to_string().contains("http://127.0.0.1:1/acc/tdquote: "), "{nobody}");
    assert!(Host::new("https://host").is_err() && Host::new("169.254.169.254").is_err());
}

/// A source may be dropped anywhere: commands and the service look for one from within a runtime.
#[test]
fn a_host_is_dropped_within_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { drop(Host::new("http://127.0.0.1:1").unwrap()) });
}

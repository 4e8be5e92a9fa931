//! What a service signs, as its clients see it; and what it leaves on the disk.
#![allow(dead_code, unreachable_pub, reason = "test code; each test program uses a part")]

use std::path::Path;
use std::time::{Duration, Instant};

use avouch_token::{Expectations, Jwks, TokenKind, verify_token};
use avouch_wire::UnixTime;
use reqwest::{Client, StatusCode};
use serde_json::Value;

use super::service::{OWNER, PUBLIC_URL, Service};
use super::text;

pub fn now() -> UnixTime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    UnixTime::EPOCH.saturating_add_seconds(since.as_secs().try_into().unwrap())
}

pub fn client(service: &Service) -> Client {
    // The first provider installed stays; there is only one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let ca = reqwest::Certificate::from_pem(&std::fs::read(&service.ca).unwrap()).unwrap();
    Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap()
}

pub async fn key_set(service: &Service) -> String {
    let url = format!("{}/certs", service.url);
    client(service).get(url).send().await.unwrap().text().await.unwrap()
}

/// The identifiers of keys for tokens in a key set, in its order.
pub fn kids(key_set: &str) -> Vec<String> {
    let keys = Jwks::parse(key_set.as_bytes()).unwrap();
    assert!(keys.unusable().is_empty(), "{key_set}");
    let tokens = keys.keys().iter().filter(|key| key.signs() == TokenKind::Attestation);
    tokens.map(|key| key.kid().unwrap().to_owned()).collect()
}

/// A token that was just signed: the answer to a request for a policy.
pub async fn token(service: &Service) -> Result<String, String> {
    let url = format!("{}/policies/SgxEnclave?api-version=2022-08-01", service.url);
    let sent = client(service).get(url).bearer_auth(OWNER).send().await;
    let answer = sent.map_err(|error| error.to_string())?;
    let status = answer.status();
    let body: Value = answer.json().await.map_err(|error| error.to_string())?;
    if status != StatusCode::OK {
        return Err(body.to_string());
    }
    Ok(text(&body["token"]).to_owned())
}

pub fn verified(token: &str, key_set: &str) -> Result<String, String> {
    let keys = Jwks::parse(key_set.as_bytes()).unwrap();
    let mut expectations = Expectations::at(now());
    expectations.issuer = Some(PUBLIC_URL.to_owned());
    let verified = verify_token(token, &keys, &expectations).into_verified();
    let verified = verified.map_err(|error| error.to_string())?;
    Ok(verified.key().kid().unwrap().to_owned())
}

/// Waits until something is so, for as long as a busy machine may take.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(60) {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{what}: not within a minute");
}

/// Every file of a folder, whole.
pub fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

pub fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

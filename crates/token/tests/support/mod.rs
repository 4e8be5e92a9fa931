//! Where the recordings are, and keys that all tests of a binary share.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

pub mod pki;

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use avouch_token::{KeySpec, Payload, SigningKey, TokenIssuer, TokenTimes};
use avouch_wire::{Hex, UnixTime, base64url};
use serde_json::{Map, Value};

pub const ISSUER: &str = "https://tenant.attest.example";
/// 2026-01-31T12:00:00Z
pub const ISSUED_AT_SECONDS: i64 = 1_769_860_800;

pub static RSA_KEY: LazyLock<Arc<SigningKey>> =
    LazyLock::new(|| Arc::new(SigningKey::generate(KeySpec::Rsa2048).unwrap()));
pub static P256_KEY: LazyLock<Arc<SigningKey>> =
    LazyLock::new(|| Arc::new(SigningKey::generate(KeySpec::P256).unwrap()));
pub static P384_KEY: LazyLock<Arc<SigningKey>> =
    LazyLock::new(|| Arc::new(SigningKey::generate(KeySpec::P384).unwrap()));

pub fn issued_at() -> UnixTime {
    UnixTime::from_seconds(ISSUED_AT_SECONDS).unwrap()
}

pub fn claims() -> Map<String, Value> {
    serde_json::from_str(
        r#"{"x-ms-ver":"1.0","x-ms-attestation-type":"sgx","x-ms-sgx-svn":1,
            "x-ms-sgx-is-debuggable":false,"x-ms-runtime":{"b":[1,{"z":1,"a":null}],"a":"ü\n"}}"#,
    )
    .unwrap()
}

pub fn token(key: &Arc<SigningKey>) -> String {
    issuer(key).sign(&payload(&claims())).unwrap()
}

pub fn payload(claims: &Map<String, Value>) -> Payload<'_> {
    Payload::new(claims, TokenTimes::attestation(issued_at())).unwrap().with_id(Hex([0xab; 32]))
}

pub fn issuer(key: &Arc<SigningKey>) -> TokenIssuer {
    TokenIssuer::new(Arc::<SigningKey>::clone(key), ISSUER).unwrap()
}

pub fn part(token: &str, index: usize) -> String {
    String::from_utf8(base64url::decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

/// The folder of recordings, or nothing (with a notice) where it is absent.
pub fn vectors(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("AVOUCH_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors")),
        PathBuf::from,
    );
    let found = root.join(folder);
    if found.is_dir() {
        return Some(found);
    }
    assert!(
        std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_none(),
        "vectors are required, yet {} is absent",
        found.display()
    );
    println!("skipped: no vectors at {}", found.display());
    None
}

/// One recorded exchange.
pub struct Exchange {
    /// File name of the scenario.
    pub scenario: String,
    pub method: String,
    /// Path and query of the request.
    pub route: String,
    pub request_body: Option<String>,
    pub status: u64,
    pub response_body: Option<String>,
    /// The moment of the scenario's first exchange.
    pub judge_at: UnixTime,
    pub issuers: Vec<String>,
}

impl Exchange {
    /// The token of the answer, if it is one.
    pub fn token(&self) -> Option<String> {
        let body: Value = serde_json::from_str(self.response_body.as_deref()?).ok()?;
        Some(body.get("token")?.as_str()?.to_owned())
    }
}

/// All exchanges of `maa-wire`, in the order of file names.
pub fn exchanges() -> Option<Vec<Exchange>> {
    let folder = vectors("maa-wire")?;
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let scenario: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let Some(exchanges) = scenario.get("exchanges").and_then(Value::as_array) else {
            continue;
        };
        let judge_at = http_date(scenario["judge_at"].as_str().unwrap());
        let issuers: Vec<String> = scenario["issuers"]
            .as_array()
            .map(|all| all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect())
            .unwrap_or_default();
        for exchange in exchanges {
            let (request, response) = (&exchange["request"], &exchange["response"]);
            let url = request["url"].as_str().unwrap();
            all.push(Exchange {
                scenario: file.file_name().unwrap().to_string_lossy().into_owned(),
                method: request["method"].as_str().unwrap().to_owned(),
                route: url.splitn(4, '/').nth(3).unwrap_or_default().to_owned(),
                request_body: request["body"].as_str().map(str::to_owned),
                status: response["status"].as_u64().unwrap(),
                response_body: response["body"].as_str().map(str::to_owned),
                judge_at,
                issuers: issuers.clone(),
            });
        }
    }
    Some(all)
}

/// Every recorded `GET /certs` body with its file name.
pub fn certs_bodies() -> Option<Vec<(String, Vec<u8>)>> {
    let folder = vectors("maa-wire")?;
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder.join("certs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.push(folder.join("sample-certs-2020-05.json"));
    files.sort();
    let body = |file: PathBuf| {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read(file).unwrap())
    };
    Some(files.into_iter().map(body).collect())
}

/// `Thu, 01 Jul 2021 20:13:13 GMT` as a moment.
fn http_date(text: &str) -> UnixTime {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let fields: Vec<&str> = text.split(' ').collect();
    let month = MONTHS.find(fields[2]).unwrap() / 3 + 1;
    format!("{}-{month:02}-{}T{}Z", fields[3], fields[1], fields[4]).parse().unwrap()
}

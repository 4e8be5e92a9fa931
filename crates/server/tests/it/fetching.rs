//! Endorsements that are not at hand: fetched, waited for within a bound, kept over a restart.

use std::sync::{Arc, Mutex};

use avouch_endorsements::SourceKind;
use avouch_mint::{Minted, Options, mint};
use avouch_server::config::SourceSection;
use avouch_store::Store;
use avouch_wire::EvidenceKind;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Running, Setup, now};

const ATTEST: &str = "/attest/SgxEnclave?api-version=2020-10-01";

/// A platform of its own FMSPC, under the root of all that is minted.
fn platform(number: u8) -> Minted {
    let mut options = Options::new(now());
    options.platform.fmspc = [0, 0x60, 0x6a, 0, 0, number];
    mint(EvidenceKind::Sgx, &options).unwrap()
}

/// How a cache of Intel's collateral answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Gives,
    HasNone,
    Fails,
    /// Takes the request and says nothing.
    Hangs,
}

/// A cache of Intel's collateral on loopback.
struct Cache {
    url: String,
    manner: Arc<Mutex<Manner>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Cache {
    async fn start(platforms: &[Minted], manner: Manner) -> Self {
        let parts = |minted: &Minted| serde_json::from_slice(&minted.endorsements).unwrap();
        let parts: Arc<Vec<Value>> = Arc::new(platforms.iter().map(parts).collect());
        let (manner, asked) = (Arc::new(Mutex::new(manner)), Arc::new(Mutex::new(Vec::new())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let cache = Self { url, manner: Arc::clone(&manner), asked: Arc::clone(&asked) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (parts, asked) = (Arc::clone(&parts), Arc::clone(&asked));
                let manner = Arc::clone(&manner);
                tokio::spawn(async move { answer(stream, &parts, &manner, &asked).await });
            }
        });
        cache
    }

    fn is(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// How often it was asked for what begins so.
    fn asked(&self, path: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|target| target.starts_with(path)).count()
    }

    fn source(&self) -> SourceSection {
        SourceSection {
            kind: SourceKind::Pccs,
            url: self.url.clone(),
            name: Some("the cache".to_owned()),
            root_ca_crl_url: None,
            ca_file: None,
            proxy: None,
            timeout_seconds: None,
            burst: None,
            pause_seconds: None,
        }
    }
}

async fn answer(
    mut stream: TcpStream,
    platforms: &[Value],
    manner: &Mutex<Manner>,
    asked: &Mutex<Vec<String>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.split(' ').nth(1).unwrap().to_owned();
    let found = found(platforms, &target);
    asked.lock().unwrap().push(target);
    let now = *manner.lock().unwrap();
    let answer = match (now, found) {
        (Manner::Gives, Some(found)) => found,
        (Manner::Gives | Manner::HasNone, _) => empty("404 Not Found"),
        (Manner::Fails, _) => empty("500 Internal Server Error"),
        (Manner::Hangs, _) => std::future::pending().await,
    };
    let _ = stream.write_all(answer.as_bytes()).await;
}

fn empty(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

fn found(platforms: &[Value], target: &str) -> Option<String> {
    let text = |parts: &Value, name: &str| parts[name].as_str().unwrap().to_owned();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let any = platforms.first()?;
    let signed = |parts: &Value, member: &str, name: &str| {
        let (document, signature) = (text(parts, name), text(parts, &format!("{name}_signature")));
        format!(r#"{{"{member}":{document},"signature":"{signature}"}}"#)
    };
    let (body, header) = match path.strip_prefix("/sgx/certification/v4/")? {
        "tcb" => {
            let has = |parts: &&Value| {
                let document: Value = serde_json::from_str(&text(parts, "tcb_info")).unwrap();
                let fmspc = document["fmspc"].as_str().unwrap().to_lowercase();
                query.to_lowercase().contains(&format!("fmspc={fmspc}"))
            };
            let body = signed(platforms.iter().find(has)?, "tcbInfo", "tcb_info");
            (body, Some(("TCB-Info-Issuer-Chain", "tcb_info_issuer_chain")))
        }
        "qe/identity" => {
            let body = signed(any, "enclaveIdentity", "qe_identity");
            (body, Some(("SGX-Enclave-Identity-Issuer-Chain", "qe_identity_issuer_chain")))
        }
        "pckcrl" => {
            (text(any, "pck_crl"), Some(("SGX-PCK-CRL-Issuer-Chain", "pck_crl_issuer_chain")))
        }
        "rootcacrl" => (text(any, "root_ca_crl"), None),
        _ => return None,
    };
    let chain = header.map_or_else(String::new, |(name, chain)| {
        let chain = text(any, chain);
        format!("{name}: {}\r\n", utf8_percent_encode(&chain, NON_ALPHANUMERIC))
    });
    let length = body.len();
    Some(format!(
        "HTTP/1.1 200 OK\r\n{chain}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    ))
}

/// A service without files that trusts the root of all that is minted and asks a cache.
async fn setup(cache: &Cache) -> Setup {
    let mut setup = Setup::new().await;
    setup.anchors = setup.anchors.with_pem(platform(0).root_pem.as_bytes()).unwrap();
    setup.config.endorsements.sources = Some(vec![cache.source()]);
    setup
}

async fn attest(service: &Running, minted: &Minted) -> (StatusCode, Value) {
    service.post(ATTEST, minted.request.clone()).await
}

fn message(answer: &Value) -> &str {
    answer["error"]["message"].as_str().unwrap()
}

#[tokio::test]
async fn what_is_not_at_hand_is_fetched_once_and_evidence_is_judged_by_it() {
    let minted = platform(1);
    let cache = Cache::start(std::slice::from_ref(&minted), Manner::Gives).await;
    let service = setup(&cache).await.serve().await;
    for _ in 0..3 {
        let (status, answer) = attest(&service, &minted).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    assert_eq!(cache.asked("/sgx/certification/v4/"), 4);
    let ready = service.get("/readyz").await;
    assert_eq!(ready["endorsements_fetched"]["at_hand"], 4, "{ready}");
    assert_eq!(ready["endorsements"]["intel_collateral"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_restart_is_warm() {
    let minted = platform(1);
    let cache = Cache::start(std::slice::from_ref(&minted), Manner::Gives).await;
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("avouch.db");
    for round in 0..2 {
        let store = Store::open(database.to_str().unwrap(), now()).await.unwrap();
        let service = Setup { store, ..setup(&cache).await }.serve().await;
        let (status, answer) = attest(&service, &minted).await;
        assert_eq!(status, StatusCode::OK, "{round}: {answer}");
        // What is fetched is saved beside the answer.
        let store = service.state.providers.store();
        while store.endorsements().await.unwrap().len() < 4 {
            tokio::task::yield_now().await;
        }
        assert_eq!(cache.asked("/sgx/certification/v4/"), 4, "{round}");
        cache.is(Manner::Fails);
    }
}

#[tokio::test]
async fn while_it_is_being_fetched_the_answer_says_what_and_others_are_served() {
    let (known, new) = (platform(1), platform(2));
    let cache = Cache::start(&[], Manner::Hangs).await;
    let mut setup = setup(&cache).await;
    setup.endorsements.add(&known.endorsements).unwrap();
    setup.config.endorsements.wait_seconds_max = 1;
    let service = setup.serve().await;
    let request = service.request(Method::POST, ATTEST).body(new.request.clone());
    let waiting = request.header("content-type", "application/json").send();
    let ((status, answer), waited) = tokio::join!(attest(&service, &known), waiting);
    assert_eq!(status, StatusCode::OK, "{answer}");
    let waited = waited.unwrap();
    assert_eq!(waited.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(waited.headers().contains_key("retry-after"));
    let answer: Value = serde_json::from_str(&waited.text().await.unwrap()).unwrap();
    for part in ["are being fetched", "try again", "intel/sgx/tcb-info/00606a000002/standard"] {
        assert!(message(&answer).contains(part), "{part}: {answer}");
    }
}

#[tokio::test]
async fn what_no_source_has_is_missing_and_what_cannot_be_asked_is_a_matter_of_time() {
    for (manner, status, part) in [
        (Manner::HasNone, StatusCode::BAD_REQUEST, "endorsements-missing"),
        (Manner::Fails, StatusCode::SERVICE_UNAVAILABLE, "cannot be fetched at present"),
    ] {
        let cache = Cache::start(&[], manner).await;
        let service = setup(&cache).await.serve().await;
        let (found, answer) = attest(&service, &platform(1)).await;
        assert_eq!(found, status, "{answer}");
        assert!(message(&answer).contains(part), "{answer}");
    }
}

#[tokio::test]
async fn many_senders_of_few_new_platforms_cause_one_fetch_for_each() {
    let platforms: Vec<Minted> = (1..=10).map(platform).collect();
    let cache = Cache::start(&platforms, Manner::Gives).await;
    let service = setup(&cache).await.serve().await;
    let all = (0..10).flat_map(|_| &platforms).map(|minted| attest(&service, minted));
    for (status, answer) in futures_util::future::join_all(all).await {
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    assert_eq!(cache.asked("/sgx/certification/v4/tcb"), 10);
    assert_eq!(cache.asked("/sgx/certification/v4/qe/identity"), 1);
    assert_eq!(cache.asked("/sgx/certification/v4/"), 13);
}

#[tokio::test]
async fn a_platform_under_no_trusted_root_makes_nobody_ask() {
    let cache = Cache::start(&[platform(1)], Manner::Gives).await;
    let mut setup = Setup::new().await;
    setup.config.endorsements.sources = Some(vec![cache.source()]);
    let service = setup.serve().await;
    let (status, answer) = attest(&service, &platform(1)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    assert_eq!(cache.asked("/"), 0);
}

#[tokio::test]
async fn what_was_fetched_stays_when_files_are_replaced_and_offline_nothing_is_fetched() {
    let minted = platform(1);
    let cache = Cache::start(std::slice::from_ref(&minted), Manner::Gives).await;
    let service = setup(&cache).await.serve().await;
    assert_eq!(attest(&service, &minted).await.0, StatusCode::OK);
    service.state.at_hand.replace_files(avouch_endorsements::EndorsementSet::default());
    cache.is(Manner::Fails);
    assert_eq!(attest(&service, &minted).await.0, StatusCode::OK);

    let mut offline = setup(&cache).await;
    offline.config.endorsements.offline = true;
    let service = offline.serve().await;
    let asked = cache.asked("/");
    let (status, answer) = attest(&service, &minted).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    assert_eq!(cache.asked("/"), asked);
    assert!(service.get("/readyz").await.get("endorsements_fetched").is_none());
}

/// A draft that asks for a TCB recovery by its number.
fn with_draft(minted: &Minted, number: u32) -> String {
    let policy = format!(
        "version=1.2; configurationrules{{=> issueproperty(type=\"x-ms-sgx-tcbidentifier\", \
         value=\"{number}\");}}; authorizationrules{{=> permit();}}; issuancerules{{}};"
    );
    let mut request: Value = serde_json::from_str(&minted.request).unwrap();
    request["draftPolicyForAttestation"] = policy.into();
    request.to_string()
}

#[tokio::test]
async fn a_draft_chooses_no_tcb_recovery_to_be_fetched() {
    let minted = platform(1);
    let cache = Cache::start(std::slice::from_ref(&minted), Manner::Gives).await;
    let service = setup(&cache).await.serve().await;
    assert_eq!(attest(&service, &minted).await.0, StatusCode::OK);
    let asked = cache.asked("/");
    for number in 1000..1010 {
        let (status, answer) = service.post(ATTEST, with_draft(&minted, number)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        assert!(message(&answer).contains("tcb-baseline-missing"), "{answer}");
    }
    // The CRLs are at hand, and nothing else was asked for.
    assert_eq!(cache.asked("/"), asked);
}

#[tokio::test]
async fn what_is_refused_for_want_of_endorsements_is_kept_as_evidence_too() {
    let cache = Cache::start(&[], Manner::HasNone).await;
    for is_offline in [false, true] {
        let mut setup = setup(&cache).await;
        let store = setup.store.clone();
        let config =
            avouch_server::Config::parse("[audit]\nkeep_evidence = \"refused\"", "test", []);
        setup.config.audit = config.unwrap().audit;
        setup.config.endorsements.offline = is_offline;
        let service = setup.serve().await;
        assert_eq!(attest(&service, &platform(1)).await.0, StatusCode::BAD_REQUEST);
        for _ in 0..1200 {
            if service.get("/readyz").await["evidence_kept"] == 1 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let kept = store.capsules(avouch_store::PageRequest::first()).await.unwrap();
        assert_eq!(kept.items.len(), 1, "offline: {is_offline}");
    }
}

//! Memory for attest requests: what is held at once for a request, from its body to the answer, counted by the
//! allocator of this program, stays within what is counted for its body.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

use avouch_engine::{Anchors, Vendor};
use avouch_mint::bootlog::{Bank, BootLog, Ground, LogEvent, event_type};
use avouch_mint::ima::{ImaEntry, ImaList};
use avouch_mint::tpm::{Measurements, RequestForm, TpmOptions, mint};
use avouch_mint::vbs::{self, VbsOptions};
use avouch_mint::{HeldData, HeldDataType, Options, mint as mint_evidence};
use avouch_tpm::protocol::{Enroll, Form, ServiceMessage, init_message, request_message};
use avouch_wire::{EvidenceKind, base64url};
use bytes::Bytes;
use peak_alloc::PeakAlloc;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};
use support::policy::unsigned;
use support::{Running, Setup, now};
use tokio::sync::Mutex;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const ROUTE: &str = "/attest/Tpm?api-version=2020-10-01";
const GUEST_ROUTE: &str = "/attest/AzureGuest?api-version=2020-10-01";
const POLICY: &str = "version=1.2;
    configurationrules{ => issueproperty(type=\"required_pcr_mask\", value=255); };
    authorizationrules{ => permit(); };
    issuancerules{
        c:[type==\"secureBootEnabled\", issuer==\"AttestationService\"] => issue(claim=c);
        e:[type==\"urn:avouch:custom-claim:long\"] => issue(type=\"long\", value=e.value);
    };";

/// The largest body.
const BODY_BYTES_MAX: usize = 1 << 20;
/// What is counted for the body of a TPM's message, in times its length: itself, and what is made of it.
const COUNTED: usize = 5;
/// The same of other kinds.
const COUNTED_OF_OTHERS: usize = 3;

/// What a message takes beyond what is counted for its body.
#[derive(Debug, Clone, Copy)]
enum Free {
    /// A connection on both of its ends.
    Connection = 128 << 10,
    /// And texts that the answer repeats, each some twenty times until it is sent.
    Repeated = 1536 << 10,
    /// And as many values of JSON as are read.
    Values = 3 << 20,
    /// A connection, and the longest data that a token of an enclave has three times.
    Thrice = 8 << 20,
}

/// The allocator counts for the whole program: what measures runs alone.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Sends a message of a TPM's.
async fn check(service: &Running, name: &str, message: &str, free: Free) {
    let body = json!({ "data": message }).to_string();
    check_body(service, (name, ROUTE), body, COUNTED, free).await;
}

/// Sends a body, and checks what is held at once until it is answered, beyond what the test holds.
async fn check_body(
    service: &Running,
    (name, route): (&str, &str),
    body: String,
    counted: usize,
    free: Free,
) {
    let body = Bytes::from(body);
    let length = body.len();
    assert!(length <= BODY_BYTES_MAX, "{name}: {length}");
    // The client's own body is there before and after.
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let request = service.request(Method::POST, route).bearer_auth("t").body(body.clone());
    let answer = request.send().await.unwrap();
    let status = answer.status();
    answer.bytes().await.unwrap();
    let peak = ALLOCATOR.peak_usage() - before;
    drop(body);
    println!("{name}: {status}, {length} bytes, {peak} at most");
    let most = counted * length + free as usize;
    assert!(peak <= most, "{name}: {peak} for {length}, at most {most}");
}

async fn service() -> Running {
    let tpm = vbs::mint(&VbsOptions::new(now())).unwrap();
    let machine = mint(&TpmOptions::new(now())).unwrap();
    let roots = [
        (Vendor::Tpm, tpm.tpm.aik_root_pem.as_bytes()),
        (Vendor::Tpm, machine.aik_root_pem.as_bytes()),
        (Vendor::Windows, tpm.windows_ca_pem.as_bytes()),
    ];
    let anchors = roots.into_iter().fold(Anchors::built_in(), |anchors, (vendor, pem)| {
        anchors.with_roots(Some(vendor), pem).unwrap()
    });
    let mut setup = Setup { anchors, ..Setup::new().await };
    setup.config.tpm.enrolment = true;
    let service = setup.serve().await;
    let path = "/policies/Tpm?api-version=2020-10-01";
    let (status, answer) = service.send(Method::PUT, path, "t", unsigned(POLICY)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    service
}

/// What is to be answered.
async fn challenge(service: &Running) -> ([u8; 16], String) {
    let init = json!({"data": init_message(Form::Wrapped, None)}).to_string();
    let (_, answer) = service.send(Method::POST, ROUTE, "t", init).await;
    let read = ServiceMessage::read(answer["data"].as_str().unwrap()).unwrap();
    let ServiceMessage::Challenge { challenge, service_context } = read else { panic!("{read:?}") };
    (challenge.try_into().unwrap(), service_context)
}

/// The answer of a machine that looks like this.
async fn request(service: &Running, options: TpmOptions) -> String {
    let (challenge, service_context) = challenge(service).await;
    let options = TpmOptions { challenge, service_context, ..options };
    request_message(Form::Wrapped, &mint(&options).unwrap().request)
}

/// That of an enclave, whose statement is as long as a body may be.
async fn enclave(service: &Running) -> String {
    let mut options = VbsOptions::new(now());
    options.tpm.members = members(json!({"unknown": "x".repeat(TEXT_BYTES_MAX - 60_000)}));
    (options.tpm.challenge, options.tpm.service_context) = challenge(service).await;
    request_message(Form::Wrapped, &vbs::mint(&options).unwrap().tpm.request)
}

fn members(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn machine(log: &BootLog, list: Option<&ImaList>) -> TpmOptions {
    let measured = Measurements::of(log, list).unwrap();
    let (log, ima, pcrs) = (measured.log, measured.ima, measured.pcrs);
    TpmOptions { log, ima, pcrs, ..TpmOptions::new(now()) }
}

fn linux() -> BootLog {
    Ground::Linux.log().unwrap()
}

/// A boot of Linux, and events behind it until the log is so long.
fn long_log(bytes: usize, event: impl Fn(usize) -> LogEvent) -> BootLog {
    let mut log = linux();
    let one = {
        let before = log.to_bytes().unwrap().len();
        log.push(event(0));
        log.to_bytes().unwrap().len() - before
    };
    let more = (bytes - log.to_bytes().unwrap().len()) / one;
    (0..more).for_each(|number| log.push(event(number)));
    log
}

/// Events whose data have so many bytes.
fn event(digits: usize) -> impl Fn(usize) -> LogEvent {
    move |number: usize| {
        let text = format!("{number:0digits$}");
        LogEvent::new(8, event_type::IPL, text.clone()).measuring(text)
    }
}

/// Bytes of a log of which the whole body is made: base64 three times.
const LOG_BYTES_MAX: usize = 430_000;

/// A body of which all is a text of the message.
const TEXT_BYTES_MAX: usize = 560_000;
/// What a report repeats.
const REPEATED_BYTES_MAX: usize = 64 << 10;

fn with(value: Value) -> TpmOptions {
    TpmOptions { members: members(value), ..machine(&linux(), None) }
}

fn key_with(member: Value) -> Value {
    let key = mint(&TpmOptions::new(now())).unwrap();
    let key = avouch_tpm::Public::parse(&key.key_public).unwrap();
    let (modulus, exponent) = key.key().rsa_parts().unwrap();
    let encode = |bytes: &[u8]| base64url::encode(bytes);
    json!({"kty": "RSA", "n": encode(modulus), "e": encode(exponent), "x": member})
}

/// Requests whose quotes are genuine.
fn requests() -> Vec<(&'static str, Free, TpmOptions)> {
    use Free::{Connection, Repeated, Values};
    let long = "x".repeat(TEXT_BYTES_MAX);
    let repeated = "x".repeat(REPEATED_BYTES_MAX - 100);
    let claim = |name: &str, value: &str| json!({"name": name, "value": value, "value_type": ""});
    let claims: Vec<Value> = (0..2_400).map(|number| claim(&number.to_string(), "")).collect();
    let log_of = |bytes, digits| machine(&long_log(bytes, event(digits)), None);
    let mut list = ImaList::begin(&linux().registers(), Bank::Sha256);
    for number in 0..2_500 {
        list = list.with(ImaEntry::unsigned(&format!("/usr/lib/{number:050}"), b"library"));
    }
    let half = || log_of(LOG_BYTES_MAX / 2 - 10_000, 200);
    let form = |form| TpmOptions { form, ..half() };
    vec![
        ("nothing", Connection, machine(&linux(), None)),
        ("a long log", Connection, log_of(LOG_BYTES_MAX, 200)),
        ("a log of short events", Connection, log_of(LOG_BYTES_MAX, 5)),
        ("a long list", Connection, machine(&linux(), Some(&list))),
        ("two long logs", Connection, form(RequestForm::SecondAfterSleep)),
        ("a long log, also in a claim", Connection, form(RequestForm::First)),
        ("the same with its bank", Connection, form(RequestForm::FirstWithBank)),
        ("a text that is repeated", Repeated, with(json!({"rp_data": repeated}))),
        (
            "a claim that is repeated",
            Repeated,
            with(json!({"custom_claims": [claim("long", &repeated)]})),
        ),
        ("many claims", Values, with(json!({"custom_claims": claims}))),
        ("a text that is too long", Connection, with(json!({"rp_data": long}))),
        (
            "a claim that is too long",
            Connection,
            with(json!({"custom_claims": [claim("long", &long)]})),
        ),
        ("a member that nobody reads", Connection, with(json!({"unknown": long}))),
        ("values that nobody reads", Values, with(json!({"unknown": vec![0; 9_000]}))),
        (
            "a long member in a key",
            Connection,
            with(json!({"other_keys": [{"jwk": key_with(json!(long))}]})),
        ),
        ("a long challenge", Connection, with(json!({"challenge": long}))),
        ("a long context", Connection, with(json!({"service_context": long}))),
    ]
}

/// Messages of which nothing is verified, or that enrol.
fn floods() -> Vec<(&'static str, Free, String)> {
    use Free::{Connection, Values};
    let members: String = (0..9_000).map(|number| format!(",\"{number}\":0")).collect();
    let zeros = "0,".repeat(9_000);
    let nested = "[".repeat(120) + &"]".repeat(120);
    let long = "x".repeat(750_000);
    let aikcert = |more: &str| format!(r#"{{"type":"aikcert"{more}}}"#);
    let minted = mint(&TpmOptions::new(now())).unwrap();
    let enroll = Enroll {
        ek_certificate: minted.ek_certificate,
        ek_chain: vec![vec![0x30; 90_000]; 6],
        ek_public: minted.ek_public,
        ak_public: minted.ak_public,
    };
    let texts = [
        ("members of a message", Values, aikcert(&members)),
        ("values of a message", Values, aikcert(&format!(r#","a":[{zeros}0]"#))),
        ("lists in lists", Connection, aikcert(&format!(r#","a":{nested}"#))),
        ("a long type", Connection, format!(r#"{{"type":"{long}"}}"#)),
        ("a long certificate", Connection, aikcert(&format!(r#","aik_cert":"{long}""#))),
        ("a long enrolment", Connection, aikcert(&format!(r#","avouch_enrolment":"{long}""#))),
        ("a request that is no JWS", Connection, format!(r#"{{"request":"{long}"}}"#)),
        ("a request of dots", Connection, format!(r#"{{"request":"{}"}}"#, long.replace('x', "."))),
    ];
    let texts = texts.map(|(name, free, text)| (name, free, base64url::encode(text)));
    let chain = ("a long chain", Connection, enroll.message(Form::Wrapped));
    texts.into_iter().chain([chain]).collect()
}

#[tokio::test]
async fn a_message_is_held_within_what_is_counted_for_its_body() {
    let _alone = ALONE.lock().await;
    let service = service().await;
    // What is made once and kept is made before.
    let first = request(&service, machine(&linux(), None)).await;
    check(&service, "the first", &first, Free::Values).await;
    for (name, free, options) in requests() {
        check(&service, name, &request(&service, options).await, free).await;
    }
    check(&service, "a long statement", &enclave(&service).await, Free::Connection).await;
    for (name, free, message) in floods() {
        check(&service, name, &message, free).await;
    }
}

#[tokio::test]
async fn held_data_are_held_within_what_is_counted_for_the_body_and_a_token_of_them() {
    let _alone = ALONE.lock().await;
    for (kind, route) in [
        (EvidenceKind::Sgx, "/attest/SgxEnclave?api-version=2025-06-01"),
        (EvidenceKind::Snp, "/attest/SevSnpVm?api-version=2025-06-01"),
        (EvidenceKind::Tdx, "/attest/TdxVm?api-version=2025-06-01"),
    ] {
        for data_type in [HeldDataType::Json, HeldDataType::Binary] {
            let bound = |bytes: usize| {
                let bytes = format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8)).into_bytes();
                let runtime_data = Some(HeldData { bytes, data_type });
                mint_evidence(kind, &Options { runtime_data, ..Options::new(now()) }).unwrap()
            };
            let (longest, longer) = (bound(256 << 10), bound(700_000));
            let free = match (kind, data_type) {
                (EvidenceKind::Sgx, HeldDataType::Binary) => Free::Thrice,
                (_, HeldDataType::Json) => Free::Values,
                // The token shows nothing of it.
                (_, HeldDataType::Binary) => Free::Connection,
            };
            let service = Setup::for_minted(&longest).await.serve().await;
            for (minted, free) in [(&longest, free), (&longest, free), (&longer, Free::Connection)]
            {
                let name = format!("{kind} {data_type:?}");
                let body = minted.request.clone();
                check_body(&service, (&name, route), body, COUNTED_OF_OTHERS, free).await;
            }
        }
    }
}

#[tokio::test]
async fn a_guests_document_is_held_within_what_is_counted_for_its_body() {
    let _alone = ALONE.lock().await;
    let minted = mint_evidence(EvidenceKind::AzureGuest, &Options::new(now())).unwrap();
    let service = Setup::for_minted(&minted).await.serve().await;
    let (_, policy) = minted.others.iter().find(|(name, _)| *name == "policy.txt").unwrap();
    let policy = unsigned(std::str::from_utf8(policy).unwrap());
    let path = "/policies/AzureGuest?api-version=2020-10-01";
    let (status, answer) = service.send(Method::PUT, path, "t", policy).await;
    assert_eq!(status, StatusCode::OK, "{answer}");

    // Logs that the quote explains, to the sealed answer.
    for (name, digits) in [("a guest that booted long", 200), ("one with short events", 5)] {
        let measured = Measurements::of(&long_log(540_000, event(digits)), None).unwrap();
        let mut options = Options::new(now());
        options.guest.measured = Some(measured);
        let minted = mint_evidence(EvidenceKind::AzureGuest, &options).unwrap();
        let (status, answer) = service.post(GUEST_ROUTE, minted.request.clone()).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        check_body(&service, (name, GUEST_ROUTE), minted.request, COUNTED, Free::Connection).await;
    }

    // A log that is in base64 twice, and a text that is so once.
    let log = |digits| long_log(560_000, event(digits)).to_bytes().unwrap();
    let log = |digits| json!(base64url::encode_standard(log(digits)));
    let long = json!("x".repeat(750_000));
    let document: Value = serde_json::from_slice(&minted.evidence).unwrap();
    for (name, free, member, value) in [
        ("a guest", Free::Values, "OSType", document["OSType"].clone()),
        ("a guest again", Free::Connection, "OSType", document["OSType"].clone()),
        ("a guest's long log", Free::Connection, "TcgLogs", log(200)),
        ("a guest's log of short events", Free::Connection, "TcgLogs", log(5)),
        ("a guest's long payload", Free::Connection, "ClientPayload", long.clone()),
        ("a member of a guest's that nobody reads", Free::Connection, "unknown", long),
        ("values of a guest's that nobody reads", Free::Values, "unknown", json!(vec![0; 9_000])),
    ] {
        let mut document = document.clone();
        document[member] = value;
        let info = base64url::encode(document.to_string());
        let body = json!({ "AttestationInfo": info }).to_string();
        check_body(&service, (name, GUEST_ROUTE), body, COUNTED, free).await;
    }
}

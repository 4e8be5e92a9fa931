//! Memory for messages of the TPM protocol: what is held at once for a request, from its body to the
//! answer, counted by the allocator of this program, stays within what is counted for its body.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

use avouch_engine::{Anchors, Vendor};
use avouch_mint::bootlog::{Bank, BootLog, Ground, LogEvent, event_type};
use avouch_mint::ima::{ImaEntry, ImaList};
use avouch_mint::tpm::{Measurements, MintedTpm, RequestForm, TpmOptions, mint};
use avouch_mint::vbs::{self, VbsOptions};
use avouch_tpm::protocol::{Form, ServiceMessage, init_message, request_message};
use peak_alloc::PeakAlloc;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::policy::unsigned;
use support::{Running, Setup, now};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const ROUTE: &str = "/attest/Tpm?api-version=2020-10-01";
const POLICY: &str = "version=1.2;
    configurationrules{ => issueproperty(type=\"required_pcr_mask\", value=255); };
    authorizationrules{ => permit(); };
    issuancerules{
        c:[type==\"secureBootEnabled\", issuer==\"AttestationService\"] => issue(claim=c);
        e:[type==\"urn:avouch:custom-claim:long\"] => issue(type=\"long\", value=e.value);
    };";

/// The largest body.
const BODY_BYTES_MAX: usize = 1 << 20;
/// What any request takes: a connection on both of its ends, JSON of as many values as are read.
const FREE_BYTES: usize = 4 << 20;
/// What is counted for a body, in times its length.
const COUNTED: usize = 3;

/// The most that is held at once while a message is answered, beyond the message itself.
async fn peak(service: &Running, data: &str) -> (usize, usize, StatusCode, Value) {
    let body = json!({ "data": data }).to_string();
    let length = body.len();
    assert!(length <= BODY_BYTES_MAX, "{length}");
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let (status, answer) = service.send(Method::POST, ROUTE, "t", body).await;
    (length, ALLOCATOR.peak_usage() - before, status, answer)
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
    let service = Setup { anchors, ..Setup::new().await }.serve().await;
    let path = "/policies/Tpm?api-version=2020-10-01";
    let (status, answer) = service.send(Method::PUT, path, "t", unsigned(POLICY)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    service
}

/// The answer of a machine that looks like this.
async fn request(service: &Running, options: TpmOptions) -> String {
    let init = json!({"data": init_message(Form::Wrapped, None)}).to_string();
    let (_, answer) = service.send(Method::POST, ROUTE, "t", init).await;
    let read = ServiceMessage::read(answer["data"].as_str().unwrap()).unwrap();
    let ServiceMessage::Challenge { challenge, service_context } = read else { panic!("{read:?}") };
    let challenge = challenge.try_into().unwrap();
    let MintedTpm { request, .. } =
        mint(&TpmOptions { challenge, service_context, ..options }).unwrap();
    request_message(Form::Wrapped, &request)
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

/// Bytes of a log of which the whole body is made: base64 three times.
const LOG_BYTES_MAX: usize = 430_000;

/// A body of which all is a text of the message.
const TEXT_BYTES_MAX: usize = 560_000;
/// What a report repeats.
const REPEATED_BYTES_MAX: usize = 64 << 10;

fn with(value: Value) -> TpmOptions {
    let members = value.as_object().unwrap().clone();
    TpmOptions { members, ..machine(&linux(), None) }
}

fn key_with(member: Value) -> Value {
    let key = mint(&TpmOptions::new(now())).unwrap();
    let key = avouch_tpm::Public::parse(&key.key_public).unwrap();
    let (modulus, exponent) = key.key().rsa_parts().unwrap();
    let encode = avouch_wire::base64url::encode::<&[u8]>;
    json!({"kty": "RSA", "n": encode(modulus), "e": encode(exponent), "x": member})
}

fn cases() -> Vec<(&'static str, TpmOptions)> {
    let long = "x".repeat(TEXT_BYTES_MAX);
    let repeated = "x".repeat(REPEATED_BYTES_MAX - 100);
    let claim = |name: &str, value: &str| json!({"name": name, "value": value, "value_type": ""});
    let claims: Vec<Value> = (0..2_400).map(|number| claim(&format!("{number}"), "")).collect();
    let ipl = |number: usize| {
        let text = format!("{number:0200}");
        LogEvent::new(8, event_type::IPL, text.clone()).measuring(text)
    };
    let long_log = || machine(&long_log(LOG_BYTES_MAX, ipl), None);
    let short_events = |number: usize| {
        let text = number.to_string();
        LogEvent::new(8, event_type::IPL, text.clone()).measuring(text)
    };
    let mut list = ImaList::begin(&linux().registers(), Bank::Sha256);
    for number in 0..2_500 {
        list = list.with(ImaEntry::unsigned(&format!("/usr/lib/{number:050}"), b"library"));
    }
    let mut cases = vec![
        ("nothing", machine(&linux(), None)),
        ("a long log", long_log()),
        ("a log of short events", machine(&self::long_log(LOG_BYTES_MAX, short_events), None)),
        ("a long list", machine(&linux(), Some(&list))),
        ("a text that is repeated", with(json!({"rp_data": repeated}))),
        ("a claim that is repeated", with(json!({"custom_claims": [claim("long", &repeated)]}))),
        ("many claims", with(json!({"custom_claims": claims}))),
        ("a text that is too long", with(json!({"rp_data": long}))),
        ("a claim that is too long", with(json!({"custom_claims": [claim("long", &long)]}))),
        ("a member that nobody reads", with(json!({"unknown": long}))),
        ("values that nobody reads", with(json!({"unknown": vec![0; 9_000]}))),
        ("a long member in a key", with(json!({"other_keys": [{"jwk": key_with(json!(long))}]}))),
        ("a long challenge", with(json!({"challenge": long}))),
        ("a long context", with(json!({"service_context": long}))),
    ];
    for form in [RequestForm::First, RequestForm::FirstWithBank] {
        cases.push(("a long log, first version", TpmOptions { form, ..long_log() }));
    }
    let half = machine(&self::long_log(LOG_BYTES_MAX / 2, ipl), None);
    let form = RequestForm::SecondAfterSleep;
    cases.push(("two long logs", TpmOptions { form, ..half }));
    cases
}

#[tokio::test]
async fn a_request_is_held_within_what_is_counted_for_its_body() {
    let service = service().await;
    // What is made once is made before.
    for round in 0..2 {
        for (name, options) in cases() {
            let message = request(&service, options).await;
            let (length, peak, status, answer) = peak(&service, &message).await;
            let times = (peak.saturating_sub(length)) as f64 / length as f64;
            println!("{round} {name}: {status} {length} bytes, {peak} at most: {times:.2} times more, answer {}", answer.to_string().len());
        }
    }
}

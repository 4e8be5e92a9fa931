//! Logs of trust domains as dstack gives them: JSON, and the same as its binary form.

use avouch_bootlog::ccel::{self, ProvenLog};
use avouch_bootlog::{Coverage, HashAlgorithm, Register};
use avouch_wire::{FailedCheck as _, Hex, encode_hex};
use serde_json::{Value, json};

use crate::support::vectors;

fn recorded(name: &str) -> Option<Vec<u8>> {
    Some(std::fs::read(vectors("intel")?.join("ccel").join(name)).unwrap())
}

/// The registers in the TD report of a quote of version 4.
fn of_quote(name: &str) -> [Hex<48>; 4] {
    let quote = std::fs::read(vectors("intel").unwrap().join(name)).unwrap();
    [0, 1, 2, 3].map(|index| Hex(quote[48 + 328 + 48 * index..][..48].try_into().unwrap()))
}

fn prove(log: &[u8], rtmrs: &[Hex<48>; 4]) -> Result<ProvenLog, ccel::CcelError> {
    ProvenLog::prove(log, rtmrs.each_ref())
}

fn verdicts(proven: &ProvenLog) -> Vec<&'static str> {
    proven.registers.values().map(|register| register.verdict).collect()
}

const NEAR: &str = "tdx/tdx-v4-dstack-near-b0c06f000000.bin";
const LITE: &str = "tdx/tdx-v4-dstack-lite-90c06f000000.bin";

#[test]
fn a_log_in_json_explains_all_registers_of_its_quote() {
    for (log, quote) in [("dstack-near.event-log.json", NEAR), ("dstack-lite.event-log.json", LITE)]
    {
        let Some(log) = recorded(log) else { return };
        let proven = prove(&log, &of_quote(quote)).unwrap();
        assert_eq!(verdicts(&proven), ["explained"; 4], "{quote}");
    }
}

#[test]
fn what_a_log_in_json_proves_is_what_its_binary_form_proves() {
    let Some(json) = recorded("dstack-near.event-log.json") else { return };
    let binary = recorded("dstack-near-with-rtmr3.derived.bin").unwrap();
    let rtmrs = of_quote(NEAR);
    let (one, other) = (prove(&json, &rtmrs).unwrap(), prove(&binary, &rtmrs).unwrap());
    assert_eq!(one.registers, other.registers);
    assert_eq!(
        (one.secure_boot, &one.secure_boot_reason),
        (other.secure_boot, &other.secure_boot_reason)
    );
    assert_eq!((one.images, one.secure_boot_keys), (other.images, other.secure_boot_keys));
    assert_eq!(one.secure_boot, Some(false));
}

#[test]
fn without_the_payloads_of_firmware_nothing_follows_from_its_events() {
    let Some(json) = recorded("dstack-lite.event-log.json") else { return };
    let proven = prove(&json, &of_quote(LITE)).unwrap();
    assert_eq!(proven.secure_boot, None);
    assert_eq!(proven.secure_boot_reason.unwrap().check, "secure-boot-digest");
}

#[test]
fn what_the_running_system_measured_is_covered_with_its_name() {
    let Some(json) = recorded("dstack-near.event-log.json") else { return };
    let binary = ccel::binary(&json).unwrap();
    let log = ccel::parse(&binary).unwrap();
    let events: Vec<_> = log.extending(Register::Rtmr(3)).collect();
    assert_eq!(events.len(), 9);
    for event in &events {
        assert_eq!(Coverage::of(event, HashAlgorithm::Sha384), Coverage::Data);
    }
    assert!(events[1].untrusted_data().starts_with(b"\x01\0\0\x08:app-id:"));
}

#[test]
fn a_log_of_another_machine_is_refused() {
    let Some(json) = recorded("dstack-lite.event-log.json") else { return };
    assert_eq!(prove(&json, &of_quote(NEAR)).unwrap_err().check(), "ccel-replay");
}

#[test]
fn a_change_of_an_event_is_refused_or_seen() {
    let Some(json) = recorded("dstack-near.event-log.json") else { return };
    let rtmrs = of_quote(NEAR);
    let events: Vec<Value> = serde_json::from_slice(&json).unwrap();
    let proven = |events: &[Value]| prove(&serde_json::to_vec(events).unwrap(), &rtmrs);
    assert!(proven(&events).is_ok());
    for index in 0..events.len() {
        let mut without = events.clone();
        without.remove(index);
        assert!(proven(&without).is_err(), "event {index} left out");
        let mut moved = events.clone();
        moved[index]["imr"] = json!((events[index]["imr"].as_u64().unwrap() + 1) % 4);
        assert!(proven(&moved).is_err(), "event {index} in another register");
        let mut twice = events.clone();
        twice.insert(index, events[index].clone());
        assert!(proven(&twice).is_err(), "event {index} twice");
        // Neither name nor type nor payload is what the register rests on where a digest is given.
        let mut renamed = events.clone();
        renamed[index]["event"] = json!("another");
        renamed[index]["event_payload"] = json!("00");
        let seen = proven(&renamed).unwrap();
        assert_ne!(seen.secure_boot, Some(true), "{index}");
    }
    // Where it is not, all of them are.
    let Some(lite) = recorded("dstack-lite.event-log.json") else { return };
    let events: Vec<Value> = serde_json::from_slice(&lite).unwrap();
    let rtmrs = of_quote(LITE);
    for (index, _) in events.iter().enumerate().filter(|(_, event)| event["digest"] == "") {
        for (member, value) in [("event", json!("x")), ("event_payload", json!("00ff"))] {
            let mut changed = events.clone();
            changed[index][member] = value;
            let changed = serde_json::to_vec(&changed).unwrap();
            assert_eq!(prove(&changed, &rtmrs).unwrap_err().check(), "ccel-replay", "{index}");
        }
    }
}

fn event() -> Value {
    json!({
        "imr": 3, "event_type": 0x0800_0001, "digest": "", "event": "name", "event_payload": "00ff",
    })
}

fn refused(text: &str) -> String {
    let error = ccel::binary(text.as_bytes()).unwrap_err();
    assert_eq!(error.check(), "ccel-json", "{error}");
    error.to_string()
}

#[test]
fn json_that_is_no_log_of_dstacks_is_refused() {
    assert!(ccel::binary(json!([event()]).to_string().as_bytes()).is_ok());
    let changed = |member: &str, value: Value| {
        let mut event = event();
        event[member] = value;
        refused(&json!([event]).to_string())
    };
    for (member, value) in [
        ("imr", json!(4)),
        ("imr", json!(-1)),
        ("imr", json!("3")),
        ("event_type", json!(3)),
        ("event_type", json!(1_u64 << 32)),
        ("event_type", json!(4)),
        ("digest", json!("00")),
        ("digest", json!("x".repeat(96))),
        ("digest", json!("0".repeat(95))),
        ("digest", json!(null)),
        ("event_payload", json!("0")),
        ("event_payload", json!("0g")),
        ("event", json!(1)),
        ("more", json!(1)),
    ] {
        assert!(changed(member, value.clone()).contains("event 0"), "{member}: {value}");
    }
    for member in ["imr", "event_type", "digest", "event", "event_payload"] {
        let mut without = event();
        without.as_object_mut().unwrap().remove(member);
        assert!(refused(&json!([event(), without]).to_string()).contains("event 1"), "{member}");
    }
    let text = json!([event()]).to_string();
    for broken in [
        text.strip_suffix(']').unwrap(),
        &format!("{text} x"),
        &format!("{text}{text}"),
        &text.replace("\"imr\":3", "\"imr\":3,\"imr\":3"),
        "[[3,134217729,\"\",\"name\",\"00ff\"]]",
        "[1]",
        "[null]",
        "[",
    ] {
        refused(broken);
    }
}

#[test]
fn a_log_without_events_has_the_header_alone_and_explains_nothing() {
    let binary = ccel::binary(b" []\n").unwrap();
    assert_eq!(ccel::parse(&binary).unwrap().events().len(), 1);
    let proven = prove(b"[]", &[Hex([7; 48]); 4]).unwrap();
    assert_eq!(verdicts(&proven), ["unexplained"; 4]);
    assert_eq!(proven.secure_boot, None);
}

#[test]
fn events_are_counted_to_the_limit_of_logs() {
    let events = |count: usize| {
        let one = json!({
            "imr": 3, "event_type": 4, "digest": "0".repeat(96), "event": "", "event_payload": "",
        });
        json!(vec![one; count]).to_string()
    };
    assert!(ccel::binary(events(16_383).as_bytes()).is_ok());
    assert!(refused(&events(16_384)).contains("more than 16383 events"));
    let long = format!("[{}]", " ".repeat(4 << 20));
    assert_eq!(ccel::binary(long.as_bytes()).unwrap_err().check(), "log-length");
}

#[test]
fn an_event_in_binary_is_what_the_json_says() {
    let digest = [7_u8; 48];
    let one = json!({
        "imr": 1, "event_type": 0x8000_0003_u32, "digest": encode_hex(&digest), "event": "",
        "event_payload": "616263",
    });
    let binary = ccel::binary(json!([one]).to_string().as_bytes()).unwrap().into_owned();
    let log = ccel::parse(&binary).unwrap();
    let event = log.events().nth(1).unwrap();
    assert_eq!(event.extends(), Some(Register::Rtmr(1)));
    assert_eq!(event.untrusted_type().0, 0x8000_0003);
    assert_eq!(event.digests().get(HashAlgorithm::Sha384), Some(&digest[..]));
    assert_eq!(event.untrusted_data(), b"abc");
}

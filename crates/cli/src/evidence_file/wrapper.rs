//! JSON around evidence that is no body of an attest request, as tools and bug reports have it.

use avouch_wire::json::parse_object;
use avouch_wire::{base64url, decode_hex};
use serde_json::{Map, Value, json};

/// Names under which evidence is met, in any case.
const EVIDENCE: [&str; 5] = ["quote", "report", "quoteHex", "reportHex", "evidence"];
/// Held data as the enclave samples of MAA write it.
const HELD_DATA_HEX: &str = "enclaveHeldDataHex";
/// Fewest characters of hex that cannot be base64 by chance.
const HEX_DIGITS_MIN: usize = 64;

/// The body of an attest request that a wrapper stands for, with its evidence under `member`:
/// `{"QuoteHex": …}`, evidence in hex or as a list of bytes, and all that inside of `{"data": …}`.
/// None if it is a body as it stands, or nothing that is known. Where evidence stands under two names
/// it is read as the service reads it.
pub(crate) fn unwrapped(member: &str, body: &[u8]) -> Option<Vec<u8>> {
    let outer = parse_object(body, body.len()).ok()?;
    let (mut members, was_inside) = inside(outer)?;
    let name = evidence_name(&members)?;
    let value = members.get(&name)?;
    let bytes = bytes_of(value);
    let is_plain = bytes.is_none() && ["quote", "report"].contains(&name.to_lowercase().as_str());
    if is_plain && !was_inside {
        return None;
    }
    let text = match (bytes, value) {
        (Some(bytes), _) => base64url::encode(bytes),
        (None, Value::String(text)) => text.clone(),
        _ => return None,
    };
    members.remove(&name);
    members.insert(member.to_owned(), text.into());
    hold(&mut members);
    serde_json::to_vec(&members).ok()
}

/// The members, or those of the object `data` where the evidence is in there; whether it is.
fn inside(mut outer: Map<String, Value>) -> Option<(Map<String, Value>, bool)> {
    if evidence_name(&outer).is_some() {
        return Some((outer, false));
    }
    match outer.remove("data")? {
        Value::Object(inner) => Some((inner, true)),
        _ => None,
    }
}

fn evidence_name(members: &Map<String, Value>) -> Option<String> {
    let mut names = members.keys().filter(|name| is_evidence_name(name));
    let name = names.next()?;
    names.next().is_none().then(|| name.clone())
}

/// Whether evidence is met under this name.
pub(crate) fn is_evidence_name(name: &str) -> bool {
    EVIDENCE.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Bytes as hex digits or as a list.
fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => {
            let digits = text.strip_prefix("0x").unwrap_or(text);
            (digits.len() >= HEX_DIGITS_MIN).then(|| decode_hex(digits).ok()).flatten()
        }
        Value::Array(_) => serde_json::from_value(value.clone()).ok(),
        _ => None,
    }
}

/// Held data in hex becomes runtime data, unless there is some.
fn hold(members: &mut Map<String, Value>) {
    let name = members.keys().find(|name| name.eq_ignore_ascii_case(HELD_DATA_HEX)).cloned();
    let held = name.and_then(|name| members.remove(&name));
    let held = held.as_ref().and_then(Value::as_str).and_then(|text| decode_hex(text).ok());
    if let Some(held) = held.filter(|held| !held.is_empty()) {
        let data = json!({"data": base64url::encode(held), "dataType": "Binary"});
        members.entry("runtimeData").or_insert(data);
    }
}

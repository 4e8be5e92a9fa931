//! Evidence in the forms that people have it: raw, hex, base64, or an attest request's JSON.

use std::path::Path;

use avouch_engine::{DataType, EvidenceKind, HeldData};
use avouch_wire::{base64url, decode_hex};
use serde_json::Value;

use crate::failure::{Failure, read};

/// What a file of evidence holds.
#[derive(Debug)]
pub(crate) struct EvidenceFile {
    pub(crate) evidence: Vec<u8>,
    pub(crate) runtime_data: Option<HeldData>,
    pub(crate) init_time_data: Option<HeldData>,
}

/// Reads evidence of a kind. An attest request's JSON also gives its held data.
pub(crate) fn read_evidence(kind: EvidenceKind, path: &Path) -> Result<EvidenceFile, Failure> {
    let bytes = read(path)?;
    let named = |reason: String| Failure::Other(format!("{}: {reason}", path.display()));
    if bytes.trim_ascii_start().first() == Some(&b'{') {
        let json: Value =
            serde_json::from_slice(&bytes).map_err(|error| named(error.to_string()))?;
        if let Some(file) = from_request(kind, &json).map_err(named)? {
            return Ok(file);
        }
        return Ok(bare(bytes));
    }
    Ok(bare(decode_text(&bytes).unwrap_or(bytes)))
}

const fn bare(evidence: Vec<u8>) -> EvidenceFile {
    EvidenceFile { evidence, runtime_data: None, init_time_data: None }
}

/// The bytes that a text of hex digits or base64 stands for; none if it is neither.
pub(crate) fn decode_text(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    if compact.len() < 64 {
        return None;
    }
    decode_hex(&compact)
        .ok()
        .or_else(|| base64url::decode(&compact).ok())
        .or_else(|| base64url::decode_standard(&compact).ok())
}

fn from_request(kind: EvidenceKind, json: &Value) -> Result<Option<EvidenceFile>, String> {
    let Some(text) = json.get(kind.evidence_member()).and_then(Value::as_str) else {
        return Ok(None);
    };
    let evidence = decode(kind.evidence_member(), text)?;
    let runtime_data = held_data(json, "runtimeData")?;
    let init_time_data = held_data(json, "initTimeData")?;
    Ok(Some(EvidenceFile { evidence, runtime_data, init_time_data }))
}

fn held_data(json: &Value, member: &str) -> Result<Option<HeldData>, String> {
    let Some(object) = json.get(member) else { return Ok(None) };
    let Some(text) = object.get("data").and_then(Value::as_str).filter(|text| !text.is_empty())
    else {
        return Ok(None);
    };
    let is_json = object
        .get("dataType")
        .and_then(Value::as_str)
        .is_some_and(|name| name.eq_ignore_ascii_case("json"));
    let data_type = if is_json { DataType::Json } else { DataType::Binary };
    Ok(Some(HeldData { bytes: decode(member, text)?, data_type }))
}

fn decode(member: &str, text: &str) -> Result<Vec<u8>, String> {
    base64url::decode(text)
        .or_else(|_| base64url::decode_standard(text))
        .map_err(|error| format!("{member}: not base64url: {error}"))
}

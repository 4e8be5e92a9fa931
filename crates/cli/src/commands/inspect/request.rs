//! Bodies of attest requests, as clients post them.

use avouch_wire::{base64url, encode_hex};

use super::input::Input;
use super::recogniser::Inspection;
use super::tree::{Fields, Tree};
use super::{intel, open_enclave, snp};

/// Members in which requests carry evidence.
const EVIDENCE: [&str; 2] = ["quote", "report"];

pub(super) fn attest_request(input: &Input) -> Result<Inspection, String> {
    let text = input.json_object().ok_or("not a JSON object")?;
    let document = Tree::parse(text.as_bytes()).map_err(|error| error.to_string())?;
    let member = EVIDENCE.into_iter().find(|name| document.get(name).is_some());
    let member = member.ok_or("no member \"quote\" or \"report\"")?;
    let evidence = document.get(member).and_then(Tree::as_str);
    let evidence = decode(evidence.ok_or_else(|| format!("{member} is no text"))?)?;
    let found = nested_evidence(evidence)?;
    let mut fields = Fields::new()
        .with("evidence_member", member)
        .with("evidence_kind", found.kind)
        .with("evidence", found.fields);
    for (name, value) in document.fields().map(|fields| fields.0.as_slice()).unwrap_or_default() {
        match name.as_str() {
            name if name == member => {}
            "runtimeData" | "initTimeData" => fields.push(name, held_data(value)),
            name => fields.push(name, value.clone()),
        }
    }
    Ok(Inspection::new("attest-request", format!("attest request: {}", found.title), fields))
}

fn nested_evidence(bytes: Vec<u8>) -> Result<Inspection, String> {
    let input = Input { encoding: "raw", bytes };
    open_enclave::evidence(&input)
        .or_else(|_| intel::quote(&input))
        .or_else(|_| snp::maa_document(&input))
        .or_else(|_| snp::report(&input))
        .map_err(|_| "the evidence in it is of no known kind".to_owned())
}

/// Held data, decoded: as text if it is text, otherwise in hex.
fn held_data(value: &Tree) -> Fields {
    let data = value.get("data").and_then(Tree::as_str).unwrap_or_default();
    let shown: Tree = match decode(data).map(String::from_utf8) {
        Ok(Ok(text)) => text.into(),
        Ok(Err(error)) => encode_hex(error.as_bytes()).into(),
        Err(error) => Fields::new().with("error", error).into(),
    };
    Fields::new()
        .with("dataType", value.get("dataType").cloned().unwrap_or(Tree::Null))
        .with("data", shown)
}

fn decode(text: &str) -> Result<Vec<u8>, String> {
    base64url::decode(text)
        .or_else(|_| base64url::decode_standard(text))
        .map_err(|error| format!("not base64url: {error}"))
}

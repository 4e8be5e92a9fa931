//! Bodies of attest requests, as clients post them.

use avouch_engine::Resemblance;
use avouch_wire::{base64url, encode_hex};

use super::input::Input;
use super::recogniser::Inspection;
use super::tree::{Fields, Tree};
use super::{intel, open_enclave, snp};
use crate::evidence_file::unwrapped;

/// Members in which requests carry evidence.
const EVIDENCE: [&str; 2] = ["quote", "report"];

pub(super) fn attest_request(input: &Input) -> Result<Inspection, String> {
    let text = input.json_object().ok_or("not a JSON object")?;
    let unwrapped = unwrapped(EVIDENCE[0], text.as_bytes());
    let document = unwrapped.as_deref().unwrap_or(text.as_bytes());
    let document = Tree::parse(document).map_err(|error| error.to_string())?;
    let names = document.fields().map(|fields| fields.0.as_slice()).unwrap_or_default();
    let known = |name: &str| EVIDENCE.iter().any(|known| known.eq_ignore_ascii_case(name));
    let member = names.iter().map(|(name, _)| name.as_str()).find(|name| known(name));
    let member = member.ok_or("no member \"quote\" or \"report\"")?;
    let evidence = document.get(member).and_then(Tree::as_str);
    let evidence = decode(evidence.ok_or_else(|| format!("{member} is no text"))?)?;
    let found = nested_evidence(evidence)?;
    let mut fields = Fields::new()
        .with("evidence_member", member)
        .with("evidence_kind", found.kind)
        .with("evidence", found.fields);
    for (name, value) in names {
        match name.as_str() {
            name if name == member => {}
            "runtimeData" | "initTimeData" => fields.push(name, held_data(value)),
            name => fields.push(name, value.clone()),
        }
    }
    Ok(Inspection::new("attest-request", format!("attest request: {}", found.title), fields))
}

fn nested_evidence(bytes: Vec<u8>) -> Result<Inspection, String> {
    let input = Input::raw(bytes);
    open_enclave::evidence(&input)
        .or_else(|_| intel::quote(&input))
        .or_else(|_| snp::maa_document(&input))
        .or_else(|_| snp::report(&input))
        .map_err(|_| match Resemblance::of(&input.bytes) {
            Some(found) => format!("the evidence in it is {found}"),
            None => "the evidence in it is of no known kind".to_owned(),
        })
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
    base64url::decode_either(text).map_err(|error| format!("not base64url: {error}"))
}

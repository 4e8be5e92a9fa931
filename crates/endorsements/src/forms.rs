//! Shapes in which hosts hand endorsements over, and names for what is none.

use avouch_engine::Resemblance;
use avouch_snp::ghcb::{CertificateTable, Guid};
use avouch_wire::base64url;
use serde_json::Value;

/// Members of a set of Intel collateral.
const COLLATERAL: [&str; 9] = [
    "pck_crl_issuer_chain",
    "root_ca_crl",
    "pck_crl",
    "tcb_info_issuer_chain",
    "tcb_info",
    "tcb_info_signature",
    "qe_identity_issuer_chain",
    "qe_identity",
    "qe_identity_signature",
];

/// JSON of others by a member that it has.
const NAMED_BY_MEMBER: [(&str, &str); 9] = [
    ("vcekCert", "AMD certificates as a host hands them out (THIM)"),
    ("tcbInfo", "Intel TCB info by itself"),
    ("enclaveIdentity", "an Intel QE identity by itself"),
    ("tcbEvaluationDataNumbers", "Intel's list of TCB evaluation data numbers"),
    ("SnpReport", "SEV-SNP evidence"),
    ("runtimeData", "the body of an attest request"),
    ("quote", "the body of an attest request"),
    ("report", "the body of an attest request"),
    ("keys", "a key set"),
];

/// AMD's certificates and CRLs in the shapes of hosts: THIM's JSON, plain or in base64, and the
/// certificate table of an extended report. None for anything else.
pub(crate) fn of_amd_host(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    thim(bytes).or_else(|| table(bytes))
}

/// Whether it was meant as an endorsement in the shape of a host, be it damaged or not.
pub(crate) fn is_of_host(bytes: &[u8]) -> bool {
    let is_table = bytes.first_chunk().is_some_and(|guid| Guid(*guid).is_known());
    let is_thim =
        || json(bytes).is_some_and(|json| THIM.iter().any(|name| json.get(name).is_some()));
    is_table || is_of_open_enclave(bytes) || is_thim()
}

/// Whether it begins as Open Enclave's endorsements do: version 1, type 2, a size, 9 elements. Its
/// reports have zero in place of the 9.
pub(crate) fn is_of_open_enclave(bytes: &[u8]) -> bool {
    matches!(bytes, [1, 0, 0, 0, 2, 0, 0, 0, _, _, _, _, 9, 0, 0, 0, ..])
}

/// Members of the JSON of Azure's host agent (THIM), each PEM text.
const THIM: [&str; 2] = ["vcekCert", "certificateChain"];

fn thim(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let json = json(bytes)?;
    THIM.iter().map(|name| Some(json.get(name)?.as_str()?.as_bytes().to_vec())).collect()
}

/// JSON, plain or in base64.
fn json(bytes: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    if text.starts_with('{') {
        return serde_json::from_str(text).ok();
    }
    serde_json::from_slice(&base64url::decode_either(text).ok()?).ok()
}

/// The operator's own table: a CRL in it counts, unlike one that a sender put beside evidence.
fn table(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let table = CertificateTable::parse(bytes).ok()?;
    let known = table.entries().iter().filter(|entry| entry.guid.is_known());
    let bodies: Vec<Vec<u8>> =
        known.filter(|entry| !entry.body.is_empty()).map(|entry| entry.body.to_vec()).collect();
    (!bodies.is_empty()).then_some(bodies)
}

/// What a file is that is no endorsement, where that can be said better than by why it is none.
pub(crate) fn name(bytes: &[u8]) -> Option<String> {
    if let Ok(json) = serde_json::from_slice::<Value>(bytes) {
        return json_name(&json);
    }
    let found = Resemblance::of(bytes)?.to_string();
    match found.as_str() {
        "text" if is_yaml(bytes) => Some("text in YAML".to_owned()),
        // Of these the reason says more.
        "PEM text"
        | "JSON text"
        | "a certificate in DER"
        | "a DER structure"
        | "Open Enclave endorsements" => None,
        _ => Some(found),
    }
}

fn json_name(json: &Value) -> Option<String> {
    let has = |member: &str| json.get(member).is_some();
    if COLLATERAL.iter().any(|member| has(member)) {
        return None;
    }
    let known = NAMED_BY_MEMBER.iter().find(|(member, _)| has(member));
    Some(known.map_or("JSON of another kind", |(_, name)| name).to_owned())
}

/// Lines of names and colons, as the manifests of orchestrators have them.
fn is_yaml(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let is_entry = |line: &str| {
        line.split_once(':').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-. ".contains(c))
        })
    };
    text.lines()
        .find(|line| !line.trim().is_empty())
        .is_some_and(|line| line.trim() == "---" || is_entry(line))
}

/// Whether a vendor published it and it still is no endorsement by itself.
pub(crate) fn is_part(bytes: &[u8]) -> bool {
    let json = serde_json::from_slice::<Value>(bytes);
    let is_of_intel = json.is_ok_and(|json| {
        ["tcbInfo", "enclaveIdentity"].iter().any(|member| json.get(member).is_some())
    });
    is_of_intel || bytes.starts_with(&[0xd2, 0x84])
}

/// Members of a set of collateral that nothing reads.
pub(crate) fn ignored_members(bytes: &[u8]) -> Vec<String> {
    let json: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let members = json.as_object().filter(|members| members.contains_key("tcb_info"));
    let names = members.into_iter().flat_map(|members| members.keys());
    names.filter(|name| !COLLATERAL.contains(&name.as_str())).cloned().collect()
}

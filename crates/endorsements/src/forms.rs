//! Shapes in which hosts hand endorsements over, and names for what is none.

use avouch_dcap::DocumentName;
use avouch_engine::Resemblance;
use avouch_snp::ghcb::{CertificateTable, Guid};
use avouch_wire::{base64url, without_final_nuls};
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
const NAMED_BY_MEMBER: [(&str, &str); 14] = [
    ("manifest", "a bundle of endorsements"),
    ("vcekCert", "AMD certificates as a host hands them out (THIM)"),
    ("tcbInfo", "Intel TCB info"),
    ("tcb_info_json", "Intel TCB info"),
    ("enclaveIdentity", "an Intel enclave identity"),
    ("enclave_identity_json", "an Intel enclave identity"),
    ("tcbEvaluationDataNumbers", "Intel's list of TCB evaluation data numbers"),
    ("tcb_evaluation_data_numbers_json", "Intel's list of TCB evaluation data numbers"),
    ("fmspcs_json", "Intel's list of FMSPCs"),
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
    if is_cose(bytes) && !bytes.starts_with(&[0xd2]) {
        return Some("an endorsement of a utility VM (COSE_Sign1) in base64".to_owned());
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

/// TCB info or QE identity as Intel's service answers.
pub(crate) struct Answer {
    pub(crate) document: DocumentName,
    pub(crate) body: Vec<u8>,
    /// PEM; empty unless it came along.
    pub(crate) issuer_chain: Vec<u8>,
}

/// Members with an answer's body, where it is wrapped with the header that came with it.
const WRAPPED: [&str; 2] = ["tcb_info_json", "enclave_identity_json"];

/// An answer of Intel's service, as it came, or wrapped with its issuer chain in a JSON object. None
/// for identities of enclaves that sign no quotes.
pub(crate) fn intel_answer(bytes: &[u8]) -> Option<Answer> {
    let outer: Value = serde_json::from_slice(without_final_nuls(bytes)).ok()?;
    let text = |member: &str| outer.get(member).and_then(Value::as_str);
    let (body, issuer_chain) = match WRAPPED.iter().find_map(|member| text(member)) {
        Some(body) => (body.as_bytes(), text("issuer_chain").unwrap_or_default()),
        None => (bytes, ""),
    };
    let inner: Value = serde_json::from_slice(without_final_nuls(body)).ok()?;
    let document = if inner.get("tcbInfo").is_some() {
        DocumentName::TcbInfo
    } else {
        let id = inner.get("enclaveIdentity")?.get("id").and_then(Value::as_str);
        if id.is_some_and(|id| ["QVE", "QAE"].contains(&id)) {
            return None;
        }
        DocumentName::QeIdentity
    };
    Some(Answer { document, body: body.to_vec(), issuer_chain: issuer_chain.into() })
}

/// Whether it is meant to be an answer of Intel's that counts, be it damaged or not.
pub(crate) fn is_intel_answer(json: &Value, bytes: &[u8]) -> bool {
    let is_wrapped = WRAPPED.iter().any(|member| json.get(member).is_some());
    // What is wrapped and cannot be read may have been one.
    let reads = |member: &str| {
        let inner = json.get(member).and_then(Value::as_str);
        inner.is_some_and(|inner| serde_json::from_str::<Value>(inner).is_ok())
    };
    intel_answer(bytes).is_some() || (is_wrapped && !WRAPPED.iter().any(|member| reads(member)))
}

/// Whether a vendor published it and nothing here uses it.
pub(crate) fn is_unused(bytes: &[u8]) -> bool {
    const MEMBERS: [&str; 5] = [
        "enclaveIdentity",
        "enclave_identity_json",
        "tcbEvaluationDataNumbers",
        "tcb_evaluation_data_numbers_json",
        "fmspcs_json",
    ];
    let is_of_intel = || {
        let json = serde_json::from_slice::<Value>(bytes);
        json.is_ok_and(|json| MEMBERS.iter().any(|member| json.get(member).is_some()))
    };
    is_cose(bytes) || is_of_intel()
}

/// An endorsement of a utility VM, plain or in base64, as hosts hand it out: it counts where it comes
/// with evidence.
fn is_cose(bytes: &[u8]) -> bool {
    const COSE_SIGN1: [u8; 2] = [0xd2, 0x84];
    let text = || std::str::from_utf8(bytes).ok();
    let decoded = || base64url::decode_either(text()?.trim()).ok();
    bytes.starts_with(&COSE_SIGN1) || decoded().is_some_and(|cose| cose.starts_with(&COSE_SIGN1))
}

/// Members of a set of collateral that nothing reads.
pub(crate) fn ignored_members(bytes: &[u8]) -> Vec<String> {
    let json: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let members = json.as_object().filter(|members| members.contains_key("tcb_info"));
    let names = members.into_iter().flat_map(|members| members.keys());
    names.filter(|name| !COLLATERAL.contains(&name.as_str())).cloned().collect()
}

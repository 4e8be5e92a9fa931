//! Evidence in the forms that people have it: raw, written as text, or the body of an attest request,
//! which is read as the service reads it.

mod tpm;
mod wrapper;

use avouch_engine::{AppraisalRequest, Resemblance, TokenForm};
use avouch_server::ApiError;
use avouch_server::api_version::ApiVersion;
use avouch_server::attest_request::AttestRequest;
use avouch_server::body::JsonBody;
use avouch_wire::EvidenceKind;
use avouch_wire::json::parse_object;
use wrapper::is_evidence_name;

use crate::text_form;

pub(crate) use wrapper::unwrapped;

/// Fewest characters of text that stand for evidence.
const TEXT_BYTES_MIN: usize = 64;

/// Why a file is no evidence: its text says nothing, or the service would refuse it as a body.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// Text that stands for no bytes in any form that is known.
    Text,
    /// The body of a request, and the service's answer to it.
    Body(ApiError),
}

/// Reads evidence of a kind from a file's bytes. The body of a request also gives its held data, its
/// nonce and its draft policy; without a version it is read as the service reads the newest, or the
/// version of 2018 if it has the member that only that knows.
///
/// # Errors
/// [`Unreadable`].
pub(crate) fn read_evidence(
    kind: EvidenceKind,
    version: Option<ApiVersion>,
    bytes: &[u8],
) -> Result<AttestRequest, Unreadable> {
    if kind.answers_challenge() {
        return tpm::read(bytes);
    }
    if is_json_object(bytes) {
        return body(kind, version, bytes);
    }
    if !is_text(bytes) {
        return Ok(bare(kind, bytes.to_vec()));
    }
    match text_form::decode(bytes).filter(|_| bytes.len() >= TEXT_BYTES_MIN) {
        Some(decoded) if is_json_object(&decoded.bytes) => body(kind, version, &decoded.bytes),
        Some(decoded) if !is_text(&decoded.bytes) => Ok(bare(kind, decoded.bytes)),
        _ => Err(Unreadable::Text),
    }
}

/// Reads evidence of whatever kind it resembles; none if it resembles none.
pub(crate) fn read_any(bytes: &[u8]) -> Option<AttestRequest> {
    EvidenceKind::appraised().find_map(|kind| {
        let read = read_evidence(kind, None, bytes).ok()?;
        let evidence = &read.appraisal.evidence;
        let resembles = Resemblance::of(evidence).is_some_and(|found| found.is(kind));
        (resembles || (kind == EvidenceKind::Snp && is_snp_document(evidence))).then_some(read)
    })
}

/// Whether it is the document of guest attestation, which a request wraps in `AttestationInfo`.
fn is_guest_document(bytes: &[u8]) -> bool {
    JsonBody::parse(bytes).is_ok_and(|body| body.get("TpmInfo").is_some())
}

/// A JSON object: MAA's SEV-SNP document and that of guest attestation, which are evidence by themselves, or
/// a request's body.
fn body(
    kind: EvidenceKind,
    version: Option<ApiVersion>,
    bytes: &[u8],
) -> Result<AttestRequest, Unreadable> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let known = JsonBody::parse(bytes);
    if is_snp_document(bytes) || (kind == EvidenceKind::AzureGuest && is_guest_document(bytes)) {
        return Ok(bare(kind, bytes.to_vec()));
    }
    let rewritten = unwrapped(kind.evidence_member(), bytes);
    let bytes = rewritten.as_deref().unwrap_or(bytes);
    let is_of_2018 = known.is_ok_and(|body| body.get("EnclaveHeldData").is_some());
    let version = version.unwrap_or(if is_of_2018 {
        ApiVersion::V2018_09_01Preview
    } else {
        ApiVersion::V2025_06_01
    });
    AttestRequest::parse(kind, version, bytes).map_err(Unreadable::Body)
}

const fn bare(kind: EvidenceKind, evidence: Vec<u8>) -> AttestRequest {
    let appraisal = AppraisalRequest {
        kind,
        evidence,
        runtime_data: None,
        init_time_data: None,
        event_log: None,
        challenged: None,
        nonce: None,
        token_form: TokenForm::Current,
    };
    AttestRequest { appraisal, draft_policy: None }
}

/// MAA's SEV-SNP document by itself, and not a body with such members beside its evidence.
fn is_snp_document(bytes: &[u8]) -> bool {
    let members = parse_object(bytes, bytes.len()).unwrap_or_default();
    members.contains_key("SnpReport") && !members.keys().any(|name| is_evidence_name(name))
}

/// Whether it is text that begins like a JSON object, and no list of bytes in braces.
fn is_json_object(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let inner = text.trim_start_matches('\u{feff}').trim_start().strip_prefix('{');
    inner.is_some_and(|inner| !inner.trim_start().starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether the bytes are a text that somebody could have written.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    if bytes.starts_with(&[0xff, 0xfe]) {
        return text_form::decode(bytes).is_some();
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let text = text.trim_end_matches('\0');
    !text.is_empty() && text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace())
}

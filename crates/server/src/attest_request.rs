//! The body of an attest request: parsed, bounded, not trusted.

use avouch_engine::{AppraisalRequest, DataType, HeldData, Nonce, TokenForm};
use avouch_wire::{EvidenceKind, base64url, decode_hex, excerpt};
use serde_json::Value;

use crate::ApiError;
use crate::api_version::ApiVersion;
use crate::body::JsonBody;

/// What a client asks to have appraised, and by which policy if not by the provider's.
#[derive(Debug, Clone, PartialEq)]
pub struct AttestRequest {
    /// Evidence and held data.
    pub appraisal: AppraisalRequest,
    /// Text of a draft policy.
    pub draft_policy: Option<String>,
}

impl AttestRequest {
    /// Reads the body of `POST /attest/{kind}`.
    ///
    /// # Errors
    /// 400 naming the member and what is wrong with it.
    pub fn parse(kind: EvidenceKind, version: ApiVersion, body: &[u8]) -> Result<Self, ApiError> {
        let body = JsonBody::parse(body)?;
        let appraisal = match version {
            ApiVersion::V2018_09_01Preview => preview_request(kind, &body)?,
            _ => request(kind, &body)?,
        };
        let draft_policy = body.string("draftPolicyForAttestation")?.map(str::to_owned);
        Ok(Self { appraisal, draft_policy })
    }
}

/// Unpacks the members of the request body.
fn request(kind: EvidenceKind, body: &JsonBody<'_>) -> Result<AppraisalRequest, ApiError> {
    let member = kind.evidence_member();
    let text = body.string(member)?.filter(|text| !text.is_empty()).ok_or_else(|| {
        ApiError::invalid_parameter(format!("{member}: the evidence is missing from the request"))
    })?;
    Ok(AppraisalRequest {
        kind,
        evidence: evidence(member, text)?,
        runtime_data: held_data("runtimeData", body)?,
        init_time_data: held_data("initTimeData", body)?,
        event_log: event_log(kind, body)?,
        challenged: None,
        nonce: nonce(body)?,
        token_form: TokenForm::Current,
    })
}

/// Unpacks `{Quote, EnclaveHeldData}` of 2018-09-01-preview; a body in the later form is taken too.
fn preview_request(kind: EvidenceKind, body: &JsonBody<'_>) -> Result<AppraisalRequest, ApiError> {
    // `quote` and `Quote` are one name, so the other members tell the forms apart.
    let later = ["report", "runtimeData", "initTimeData", "draftPolicyForAttestation"];
    let is_later_form = later.iter().any(|member| body.get(member).is_some());
    if is_later_form || !kind.has_preview_form() {
        return request(kind, body);
    }
    let quote = body.string("Quote")?.filter(|text| !text.is_empty()).ok_or_else(|| {
        ApiError::invalid_parameter("Quote: the evidence is missing from the request")
    })?;
    let held = body.string("EnclaveHeldData")?.filter(|text| !text.is_empty());
    let held = held.map(|text| decode("EnclaveHeldData", text)).transpose()?;
    Ok(AppraisalRequest {
        kind,
        evidence: evidence("Quote", quote)?,
        runtime_data: held.map(|bytes| HeldData { bytes, data_type: DataType::Binary }),
        init_time_data: None,
        event_log: None,
        challenged: None,
        nonce: None,
        token_form: TokenForm::Preview2018,
    })
}

/// Hex digits are base64 too, of other bytes: of a text as long as evidence nothing else is likely.
fn evidence(member: &str, text: &str) -> Result<Vec<u8>, ApiError> {
    const HEX_DIGITS_MIN: usize = 64;
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.len() >= HEX_DIGITS_MIN && decode_hex(digits).is_ok() {
        let text = format!("{member}: these are hex digits; base64url is expected");
        return Err(ApiError::invalid_parameter(text));
    }
    decode(member, text)
}

/// Base64url; standard base64 too, which some public clients send.
fn decode(member: &str, text: &str) -> Result<Vec<u8>, ApiError> {
    base64url::decode_either(text).map_err(|error| no_base64url(member, &error))
}

fn no_base64url(member: &str, error: &base64url::DecodeError) -> ApiError {
    ApiError::invalid_parameter(format!("{member}: not base64url: {error}"))
}

/// `{data, dataType}`; an object without data counts as absent, as some clients send it.
fn held_data(member: &'static str, body: &JsonBody<'_>) -> Result<Option<HeldData>, ApiError> {
    let Some(object) = body.object(member)? else { return Ok(None) };
    let Some(text) = object.string("data")?.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let data_type = match object.string("dataType")? {
        None => DataType::Binary,
        Some(name) if name.eq_ignore_ascii_case("binary") => DataType::Binary,
        Some(name) if name.eq_ignore_ascii_case("json") => DataType::Json,
        Some(name) => {
            return Err(ApiError::invalid_parameter(format!(
                "{member}.dataType: {} is not \"JSON\" or \"Binary\"",
                excerpt(name)
            )));
        }
    };
    let bytes = base64url::decode_either(text)
        .map_err(|error| no_base64url(&format!("{member}.data"), &error))?;
    Ok(Some(HeldData { bytes, data_type }))
}

/// An event log beside the evidence: a member of ours, which kinds without know as little as MAA.
fn event_log(kind: EvidenceKind, body: &JsonBody<'_>) -> Result<Option<Vec<u8>>, ApiError> {
    const MEMBER: &str = "eventLog";
    if !kind.takes_event_log() {
        return Ok(None);
    }
    let text = body.string(MEMBER)?.filter(|text| !text.is_empty());
    text.map(|text| decode(MEMBER, text)).transpose()
}

/// A string, or a number whose digits are kept.
fn nonce(body: &JsonBody<'_>) -> Result<Option<Nonce>, ApiError> {
    match body.get("nonce") {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(Nonce::Text(text.clone()))),
        Some(Value::Number(number)) if !number.is_f64() => Ok(Some(Nonce::Number(number.clone()))),
        Some(_) => match body.integer("nonce") {
            Some(integer) => Ok(Some(Nonce::Integer(integer.clone()))),
            None => Err(ApiError::invalid_parameter("nonce: a string or an integer is expected")),
        },
    }
}

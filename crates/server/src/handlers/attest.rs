//! `POST /attest/{type}`

use avouch_engine::{
    AppraisalRequest, DataType, EvidenceKind, HeldData, Nonce, PolicyInForce, TokenForm,
};
use avouch_token::{Payload, TokenTimes};
use avouch_wire::{Hex, base64url};
use axum::body::Body;
use axum::http::Response;
use serde_json::Value;

use super::internal;
use crate::api_version::ApiVersion;
use crate::body::JsonBody;
use crate::state::AppState;
use crate::{ApiError, Provider, respond};

/// Appraises the evidence of a request and answers with a token: signed, or unsecured where a
/// draft policy was sent along.
pub(super) fn attest(
    state: &AppState,
    provider: &Provider,
    kind: EvidenceKind,
    version: ApiVersion,
    body: &[u8],
) -> Result<Response<Body>, ApiError> {
    let body = JsonBody::parse(body)?;
    let request = match version {
        ApiVersion::V2018_09_01Preview => preview_request(kind, &body)?,
        _ => request(kind, &body)?,
    };
    let draft = draft_policy(&body)?;
    let policy = match &draft {
        Some(draft) => draft,
        None => provider.policy(kind).ok_or_else(|| {
            ApiError::bad_request(format!(
                "A {} attestation policy has not been set on the attestation provider.",
                kind.route_name()
            ))
        })?,
    };
    let at = state.clock.appraisal_time();
    let permitted =
        state.engine.appraise(&request, policy, provider.settings(), at)?.permitted()?;
    let times = TokenTimes::attestation(state.clock.now());
    let payload = Payload::new(permitted.claims(), times)
        .map_err(|error| internal(&error))?
        .with_id(Hex(state.random::<32>()?));
    let token = if draft.is_some() {
        provider.issuer().unsecured(&payload)
    } else {
        provider.issuer().sign(&payload).map_err(|error| internal(&error))?
    };
    Ok(respond::token(&token))
}

/// Unpacks the members of the request body.
fn request(kind: EvidenceKind, body: &JsonBody) -> Result<AppraisalRequest, ApiError> {
    let member = kind.evidence_member();
    let text = body.string(member)?.filter(|text| !text.is_empty()).ok_or_else(|| {
        ApiError::invalid_parameter(format!("{member}: the evidence is missing from the request"))
    })?;
    Ok(AppraisalRequest {
        kind,
        evidence: decode(member, text)?,
        runtime_data: held_data("runtimeData", body)?,
        init_time_data: held_data("initTimeData", body)?,
        nonce: nonce(body)?,
        token_form: TokenForm::Current,
    })
}

/// Unpacks `{Quote, EnclaveHeldData}` of 2018-09-01-preview; a body in the later form is taken too.
fn preview_request(kind: EvidenceKind, body: &JsonBody) -> Result<AppraisalRequest, ApiError> {
    // `quote` and `Quote` are one name, so the other members tell the forms apart.
    let later = ["report", "runtimeData", "initTimeData", "draftPolicyForAttestation"];
    let is_later_form = later.iter().any(|member| body.get(member).is_some());
    let is_served = matches!(kind, EvidenceKind::Sgx | EvidenceKind::OpenEnclave);
    if is_later_form || !is_served {
        return request(kind, body);
    }
    let quote = body.string("Quote")?.filter(|text| !text.is_empty()).ok_or_else(|| {
        ApiError::invalid_parameter("Quote: the evidence is missing from the request")
    })?;
    let held = body.string("EnclaveHeldData")?.filter(|text| !text.is_empty());
    let held = held.map(|text| decode("EnclaveHeldData", text)).transpose()?;
    Ok(AppraisalRequest {
        kind,
        evidence: decode("Quote", quote)?,
        runtime_data: held.map(|bytes| HeldData { bytes, data_type: DataType::Binary }),
        init_time_data: None,
        nonce: None,
        token_form: TokenForm::Preview2018,
    })
}

fn decode(member: &str, text: &str) -> Result<Vec<u8>, ApiError> {
    base64url::decode(text)
        .map_err(|error| ApiError::invalid_parameter(format!("{member}: not base64url: {error}")))
}

/// `{data, dataType}`; an object without data counts as absent, as some clients send it.
fn held_data(member: &'static str, body: &JsonBody) -> Result<Option<HeldData>, ApiError> {
    let Some(object) = body.object(member)? else { return Ok(None) };
    let Some(text) = object.string("data")?.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let data_type = match object.string("dataType")? {
        None => DataType::Binary,
        Some(name) if name.eq_ignore_ascii_case("binary") => DataType::Binary,
        Some(name) if name.eq_ignore_ascii_case("json") => DataType::Json,
        Some(name) => {
            let name: String = name.chars().take(40).collect();
            return Err(ApiError::invalid_parameter(format!(
                "{member}.dataType: {name:?} is not \"JSON\" or \"Binary\""
            )));
        }
    };
    Ok(Some(HeldData { bytes: decode(&format!("{member}.data"), text)?, data_type }))
}

/// A string, or a number whose digits are kept.
fn nonce(body: &JsonBody) -> Result<Option<Nonce>, ApiError> {
    match body.get("nonce") {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(Nonce::Text(text.clone()))),
        Some(Value::Number(number)) if !number.is_f64() => Ok(Some(Nonce::Number(number.clone()))),
        Some(_) => Err(ApiError::invalid_parameter(
            "nonce: a string or an integer of at most 64 bits is expected",
        )),
    }
}

fn draft_policy(body: &JsonBody) -> Result<Option<PolicyInForce>, ApiError> {
    let text = body.string("draftPolicyForAttestation")?;
    Ok(text.map(PolicyInForce::draft).transpose()?)
}

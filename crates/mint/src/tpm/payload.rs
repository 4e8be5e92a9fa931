//! What the request's JWS signs, of both versions of the protocol.

use avouch_wire::base64url;
use serde_json::{Value, json};

use super::build::{MintedEnclave, MintedTpm};
use super::keys::RsaKey;
use super::options::{KeyBinding, RequestForm, TpmOptions};
use super::plan::Plan;
use crate::MintError;
use crate::options::length_field;

/// Bytes of a `TPMT_SIGNATURE` before the signature itself.
const SIGNATURE_HEADER_BYTES: usize = 6;

/// The payload, with the enclave's report if there is one.
pub(super) fn payload(
    plan: &Plan,
    options: &TpmOptions,
    minted: &MintedTpm,
) -> Result<(Value, Option<MintedEnclave>), MintError> {
    let first = matches!(options.form, RequestForm::First | RequestForm::FirstWithBank);
    let data = if first {
        first_version(plan, options, minted)?
    } else {
        second_version(plan, options, minted)?
    };
    let data = with(data, Value::Object(options.members.clone()));
    let Some(report) = &options.enclave else {
        return Ok((json!({"att_type": "basic", "att_data": data}), None));
    };
    // As it will stand in the request.
    let report_signed = serde_json::to_string(&data)?;
    let report = report.to_bytes(&report_signed)?;
    let sent = base64url::encode(&report);
    let sent = if first { json!(sent) } else { json!({"enclave": {"report": sent}}) };
    let data = json!({"report_signed": data, "vsm_report": sent});
    let enclave = MintedEnclave { report_signed, report };
    Ok((json!({"att_type": "vbs", "att_data": data}), Some(enclave)))
}

fn common(options: &TpmOptions) -> Value {
    json!({
        "rp_id": "https://relying.example",
        "rp_data": "bWludGVk",
        "challenge": base64url::encode(options.challenge),
        "custom_claims": [{"name": "site", "value": "lab", "value_type": "string"}],
        "service_context": options.service_context,
    })
}

fn with(mut object: Value, members: Value) -> Value {
    if let (Some(object), Value::Object(members)) = (object.as_object_mut(), members) {
        object.extend(members);
    }
    object
}

pub(super) fn jwk(key: RsaKey) -> Result<Value, MintError> {
    Ok(json!({"kty": "RSA", "n": base64url::encode(key.modulus()?), "e": "AQAB"}))
}

/// Where the request's key is certified, quote and certification answer the challenge.
fn second_version(
    plan: &Plan,
    options: &TpmOptions,
    minted: &MintedTpm,
) -> Result<Value, MintError> {
    let encode = |bytes: &[u8]| base64url::encode(bytes);
    let mut logs = vec![json!({"type": "TCG", "log": encode(&options.log)})];
    logs.extend(options.ima.as_ref().map(|list| json!({"type": "IMA", "log": encode(list)})));
    let trust = match &options.enrolment {
        Some(enrolment) => json!({"avouch_enrolment": enrolment}),
        None => json!({"aik_cert": encode(&minted.aik_certificate)}),
    };
    let attestation = json!({
        "logs": logs,
        "aik_pub": jwk(plan.aik_jwk)?,
        "pcrs": banks(minted),
        "quote": encode(&minted.quote),
        "signature": encode(&minted.signature),
    });
    let attestation = with(attestation, trust);
    let mut tpm = json!({"current_attestation": attestation});
    if options.form == RequestForm::SecondAfterSleep {
        tpm = with(tpm, json!({"boot_attestation": attestation}));
    }
    let certify = json!({
        "public": encode(&minted.key_public),
        "certification": encode(&minted.certification),
        "signature": encode(&minted.certification_signature),
    });
    let info = match options.binding {
        KeyBinding::Certified => json!({"tpm_certify": certify}),
        KeyBinding::Quoted => json!({"tpm_quote": {"hash_alg": "sha-256"}}),
    };
    let key = json!({"jwk": jwk(plan.request_jwk)?, "info": info});
    let other = json!({"jwk": jwk(RsaKey::Other)?});
    let members = json!({"tpm_att_data": tpm, "request_key": key, "other_keys": [other]});
    Ok(with(common(options), members))
}

fn banks(minted: &MintedTpm) -> Vec<Value> {
    let mut banks: Vec<(u16, Vec<Value>)> = Vec::new();
    for (bank, index, digest) in &minted.pcrs {
        let value = json!({"index": index, "digest": base64url::encode(digest)});
        match banks.iter_mut().find(|(known, _)| known == bank) {
            Some((_, values)) => values.push(value),
            None => banks.push((*bank, vec![value])),
        }
    }
    banks.into_iter().map(|(bank, values)| json!({"algorithm": bank, "values": values})).collect()
}

fn first_version(
    plan: &Plan,
    options: &TpmOptions,
    minted: &MintedTpm,
) -> Result<Value, MintError> {
    let tpm = json!({
        "srtm_boot_log": base64url::encode(&options.log),
        "aik_cert": base64url::encode(&minted.aik_certificate),
        "aik_pub": jwk(plan.aik_jwk)?,
        "current_claim": base64url::encode(claim(plan, options, minted)?),
    });
    let members = json!({"tpm_att_data": tpm, "attest_key": jwk(plan.request_jwk)?});
    Ok(with(common(options), members))
}

/// Windows' platform claim, little-endian.
fn claim(plan: &Plan, options: &TpmOptions, minted: &MintedTpm) -> Result<Vec<u8>, MintError> {
    let values: Vec<u8> =
        minted.pcrs.iter().flat_map(|(_, _, digest)| digest.iter().copied()).collect();
    let signature = minted.signature.get(SIGNATURE_HEADER_BYTES..).unwrap_or_default();
    let mut out = plan.claim.magic.to_vec();
    out.extend(plan.claim.platform.to_le_bytes());
    out.extend(plan.claim.header_length.to_le_bytes());
    for part in [&values, minted.quote.as_slice(), signature, &options.log] {
        let length: u32 = length_field("platform claim", part.len())?;
        out.extend(length.to_le_bytes());
    }
    if options.form == RequestForm::FirstWithBank {
        let bank = minted.pcrs.first().map_or(0, |(bank, ..)| *bank);
        out.extend(u32::from(bank).to_le_bytes());
    }
    for part in [&values, minted.quote.as_slice(), signature, &options.log, &plan.claim.trailing] {
        out.extend(part);
    }
    Ok(out)
}

//! From a plan to the document.

use avouch_pki::digest::sha256_of_parts;
use avouch_wire::base64url::{self, encode_standard};
use serde_json::{Value as Json, json};

use super::plan::{ENDORSEMENT, Plan};
use super::{GuestClient, Isolation};
use crate::tpm::plan::{Signature, Value};
use crate::tpm::structures::{Public, name, selection, sized};
use crate::{MintError, Minted};

/// The document, with the hardware's evidence of an isolated machine.
pub(super) fn write(plan: &Plan, hardware: Option<&Minted>) -> Result<Json, MintError> {
    let sealing = Public {
        auth_policy: match &plan.sealing_policy {
            Some(policy) => policy.clone(),
            None => plan.quoted_policy()?,
        },
        ..plan.sealing_public.clone()
    };
    let is_tool = plan.client == GuestClient::Tool;
    let number = |number: u32| if is_tool { json!(number.to_string()) } else { json!(number) };
    let payload = match plan.client {
        GuestClient::Library => json!({"nonce": encode_standard("minted")}),
        GuestClient::Tool => json!({"nonce": "minted", "nested": {"list": [1, 2]}}),
    };
    let mut document = json!({
        "AttestationProtocolVersion": "2.0",
        "OSType": encode_standard("Linux"),
        "OSDistro": encode_standard("Minted"),
        "OSBuild": encode_standard("NotApplication"),
        "OSVersionMajor": number(24),
        "OSVersionMinor": number(4),
        "TcgLogs": encode_standard(&plan.log),
        "ClientPayload": payload,
        "TpmInfo": tpm_info(plan, &sealing)?,
        "IsolationInfo": isolation(plan, hardware)?,
    });
    if let Some(change) = plan.change {
        change(&mut document).ok_or(MintError::NothingToBreak)?;
    }
    Ok(document)
}

fn tpm_info(plan: &Plan, sealing: &Public) -> Result<Json, MintError> {
    let certificate =
        if plan.send_certificate { plan.ak_certificate.der(&plan.seed)? } else { Vec::new() };
    let quote = quote(plan)?;
    let certify = certification(plan, sealing)?;
    let value =
        |value: &Value| json!({"Index": value.index, "Digest": encode_standard(&value.digest)});
    Ok(json!({
        "AikCert": encode_standard(certificate),
        "AikPub": encode_standard(ak_public(plan)?),
        "PcrQuote": encode_standard(&quote),
        "PcrSignature": encode_standard(signature(&plan.quote_signature, &quote)?),
        "EncKeyPub": encode_standard(sized(&sealing.bytes()?)?),
        "EncKeyCertifyInfo": encode_standard(&certify),
        "EncKeyCertifyInfoSignature": encode_standard(signature(&plan.certify_signature, &certify)?),
        "PcrSet": plan.pcr_set,
        "PCRs": plan.values.iter().map(value).collect::<Vec<_>>(),
    }))
}

/// The public area, alone or as a TPM answers when it is asked for it.
fn ak_public(plan: &Plan) -> Result<Vec<u8>, MintError> {
    let area = sized(&plan.ak_public.bytes()?)?;
    match plan.client {
        GuestClient::Library => Ok(area),
        GuestClient::Tool => {
            let own = plan.ak_public.name()?;
            let place = name(&[&ENDORSEMENT, &own]);
            Ok([area, sized(&own)?, sized(&place)?].concat())
        }
    }
}

fn quote(plan: &Plan) -> Result<Vec<u8>, MintError> {
    let quoted: Vec<&[u8]> = plan.quoted.iter().map(Vec::as_slice).collect();
    let digest = sized(sha256_of_parts(&quoted).as_bytes())?;
    plan.quote.bytes(&[selection(&plan.banks)?, digest].concat())
}

fn certification(plan: &Plan, sealing: &Public) -> Result<Vec<u8>, MintError> {
    let own = match &plan.certified_name {
        Some(name) => name.clone(),
        None => sealing.name()?,
    };
    let place = name(&[&plan.hierarchy, &own]);
    plan.certify.bytes(&[sized(&own)?, sized(&place)?].concat())
}

/// Without the structure around it.
fn signature(signature: &Signature, message: &[u8]) -> Result<Vec<u8>, MintError> {
    let mut bytes = signature.key.sign(signature.encoding, message)?;
    if let (true, Some(last)) = (signature.flipped, bytes.last_mut()) {
        *last ^= 1;
    }
    bytes.extend(&signature.trailing);
    Ok(bytes)
}

fn isolation(plan: &Plan, hardware: Option<&Minted>) -> Result<Json, MintError> {
    let kind = plan.isolation.document_name();
    let Some(hardware) = hardware else { return Ok(json!({"Type": kind})) };
    let encode: fn(&[u8]) -> String = match plan.isolation {
        Isolation::Tdx => |bytes| encode_standard(bytes),
        _ => |bytes| base64url::encode(bytes),
    };
    let (proof, data) = (encode(&submitted(hardware)?), encode(&plan.runtime_data));
    Ok(json!({"Type": kind, "Evidence": {"Proof": proof, "RunTimeData": data}}))
}

/// The evidence as its own route takes it.
fn submitted(hardware: &Minted) -> Result<Vec<u8>, MintError> {
    let body: Json = serde_json::from_str(&hardware.request)?;
    let text = body.get(hardware.kind.evidence_member()).and_then(Json::as_str);
    text.and_then(|text| base64url::decode(text).ok()).ok_or(MintError::NothingToBreak)
}

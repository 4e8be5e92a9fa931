//! What a request's JWS signs: version 2 of MAA's protocol, `basic`.

use avouch_pki::PublicKey;
use avouch_tpm::protocol::{CustomClaim, Log, LogKind};
use avouch_tpm::{HashAlgorithm, PcrValue};
use avouch_wire::base64url;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::{Certification, Measured, RequestKey, Standing};

/// Everything that a request says.
pub(crate) struct Payload<'a> {
    pub(crate) challenge: &'a [u8],
    pub(crate) service_context: &'a str,
    pub(crate) aik: &'a PublicKey,
    pub(crate) standing: &'a Standing,
    pub(crate) measured: &'a Measured,
    pub(crate) logs: &'a [Log],
    pub(crate) request_key: &'a RequestKey,
    pub(crate) certified: &'a [(PublicKey, Certification)],
    pub(crate) rp_id: Option<&'a str>,
    pub(crate) rp_data: Option<&'a str>,
    pub(crate) custom_claims: &'a [CustomClaim],
}

#[derive(Serialize)]
struct Whole<'a> {
    att_type: &'static str,
    att_data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    rp_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rp_data: Option<&'a str>,
    challenge: String,
    tpm_att_data: Value,
    request_key: Key,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_keys: Vec<Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    custom_claims: &'a [CustomClaim],
    service_context: &'a str,
}

/// The quote holds a digest of the key's text: it must stand here character by character.
#[derive(Serialize)]
struct Key {
    jwk: Box<RawValue>,
    info: Value,
}

impl Payload<'_> {
    /// The JSON text.
    ///
    /// # Errors
    /// If a text is none that JSON can hold, which none is.
    pub(crate) fn text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Whole {
            att_type: "basic",
            att_data: Data {
                rp_id: self.rp_id,
                rp_data: self.rp_data,
                challenge: base64url::encode(self.challenge),
                tpm_att_data: json!({"current_attestation": self.attestation()}),
                request_key: Key {
                    jwk: RawValue::from_string(self.request_key.jwk().to_owned())?,
                    info: json!({"tpm_quote": {"hash_alg": "sha-256"}}),
                },
                other_keys: self.certified.iter().map(other_key).collect(),
                custom_claims: self.custom_claims,
                service_context: self.service_context,
            },
        })
    }

    fn attestation(&self) -> Value {
        let log = |log: &Log| {
            let kind = if log.kind == LogKind::Ima { "IMA" } else { "TCG" };
            json!({"type": kind, "log": base64url::encode(&log.bytes)})
        };
        let quote = &self.measured.quote;
        let mut attestation = json!({
            "logs": self.logs.iter().map(log).collect::<Vec<_>>(),
            "aik_pub": jwk(self.aik),
            "pcrs": banks(&self.measured.values),
            "quote": base64url::encode(&quote.attest),
            "signature": base64url::encode(&quote.signature),
        });
        let (name, value) = self.standing.member();
        if let Some(members) = attestation.as_object_mut() {
            members.insert(name.to_owned(), Value::String(value));
        }
        attestation
    }
}

fn other_key((key, certification): &(PublicKey, Certification)) -> Value {
    let certify = json!({
        "public": base64url::encode(&certification.public),
        "certification": base64url::encode(&certification.attestation.attest),
        "signature": base64url::encode(&certification.attestation.signature),
    });
    json!({"jwk": jwk(key), "info": {"tpm_certify": certify}})
}

/// The values by bank, in the order of the quote.
fn banks(values: &[PcrValue]) -> Vec<Value> {
    let mut banks: Vec<(HashAlgorithm, Vec<Value>)> = Vec::new();
    for PcrValue { bank, index, digest } in values {
        let value = json!({"index": index, "digest": base64url::encode(digest)});
        match banks.iter_mut().find(|(known, _)| known == bank) {
            Some((_, values)) => values.push(value),
            None => banks.push((*bank, vec![value])),
        }
    }
    let bank =
        |(bank, values): (HashAlgorithm, _)| json!({"algorithm": bank.tpm_id(), "values": values});
    banks.into_iter().map(bank).collect()
}

/// A key as a JWK (RFC 7517).
fn jwk(key: &PublicKey) -> Value {
    if let Some((modulus, exponent)) = key.rsa_parts() {
        let (n, e) = (base64url::encode(modulus), base64url::encode(exponent));
        return json!({"e": e, "kty": "RSA", "n": n});
    }
    let xy = key.raw().get(1..).unwrap_or_default();
    let (x, y) = xy.split_at_checked(xy.len() / 2).unwrap_or_default();
    let curve = match x.len() {
        32 => "P-256",
        48 => "P-384",
        _ => "P-521",
    };
    json!({"crv": curve, "kty": "EC", "x": base64url::encode(x), "y": base64url::encode(y)})
}

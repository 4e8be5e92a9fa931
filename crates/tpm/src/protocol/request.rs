//! The signed request as its bytes say it is, of both versions.

use avouch_pki::PublicKey;
use avouch_wire::json;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use super::attestation::{Attestation, first_version, second_version};
use super::jws::Jws;
use super::members::Members;
use super::{ProtocolError, jwk};

/// Longest payload: that of the service's largest body.
const PAYLOAD_BYTES_MAX: usize = 4 << 20;
/// Most other keys (Microsoft Learn).
const OTHER_KEYS_MAX: usize = 2;

/// Longest texts, in bytes together, that the report repeats: the relying party's, and the client's claims of
/// itself. A report that is sent in the head of a request has room for some thousand.
const REPEATED_BYTES_MAX: usize = 64 << 10;

/// Version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ProtocolVersion {
    /// `attReq`.
    V1,
    /// `attReqV2`.
    V2,
}

/// What is attested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttestationType {
    /// The TPM and its logs.
    Basic,
    /// These, and an enclave that VBS protects.
    Vbs {
        /// The text of `report_signed`, braces included: the enclave's report holds its SHA-512.
        report_signed: String,
        /// The enclave's report.
        report: Vec<u8>,
    },
}

/// Which log it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogKind {
    /// TCG's, of firmware and boot loaders.
    Tcg,
    /// Linux' IMA list.
    Ima,
    /// TCG's, of the boot by firmware; version 1.
    SrtmBoot,
    /// TCG's, of the last resume by firmware; version 1.
    SrtmResume,
    /// TCG's, of a late launch at boot; version 1.
    DrtmBoot,
    /// TCG's, of a late launch at resume; version 1.
    DrtmResume,
}

/// A log, not compared with anything yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Which.
    pub kind: LogKind,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A claim that the client makes of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomClaim {
    /// Its name, to be appended to a prefix of the service's.
    pub name: String,
    /// Its value, as text.
    pub value: String,
    /// What the client says the value is.
    pub value_type: String,
}

/// How a key says it is bound to the TPM.
#[derive(Debug, Clone)]
pub(super) enum Info {
    None,
    /// The quote holds its digest.
    Quote,
    /// The AIK certified it.
    Certify {
        public: Vec<u8>,
        certification: Vec<u8>,
        signature: Vec<u8>,
    },
}

/// A key of the client's.
#[derive(Debug, Clone)]
pub(super) struct RequestedKey {
    /// The JWK, character by character.
    pub(super) text: String,
    pub(super) key: PublicKey,
    pub(super) info: Info,
}

/// A signed request as its bytes say it is: nothing in it is verified.
#[derive(Debug, Clone)]
pub struct SignedRequest {
    pub(super) jws: Jws,
    pub(super) kind: AttestationType,
    pub(super) rp_id: Option<String>,
    pub(super) rp_data: Option<String>,
    pub(super) challenge: Vec<u8>,
    pub(super) current: Attestation,
    pub(super) boot: Option<Attestation>,
    pub(super) request_key: RequestedKey,
    pub(super) other_keys: Vec<RequestedKey>,
    pub(super) custom_claims: Vec<CustomClaim>,
    service_context: String,
}

impl SignedRequest {
    /// Reads a compact JWS.
    ///
    /// # Errors
    /// [`ProtocolError`].
    pub fn read(jws: impl Into<String>) -> Result<Self, ProtocolError> {
        let (jws, text) = Jws::read(jws.into())?;
        let payload = json::parse_object(&text, PAYLOAD_BYTES_MAX)?;
        let mut texts = Texts::of(&text)?;
        // Most of it is a log, which is decoded now: it need not be there three times.
        drop(text);
        let payload = Members::new("", &payload);
        let outer = payload.object("att_data")?;
        let (kind, data) = match payload.text("att_type")? {
            "basic" => {
                no_enclave(outer)?;
                (AttestationType::Basic, outer)
            }
            // Microsoft's text says vsm, all its examples vbs.
            "vbs" | "vsm" => {
                let report_signed = texts.report_signed.take().unwrap_or_default();
                let report = vbs_report(outer, jws.version)?;
                let data = outer.object("report_signed")?;
                no_enclave(data)?;
                (AttestationType::Vbs { report_signed, report }, data)
            }
            _ => return payload.refuse("att_type", "expected basic or vbs"),
        };
        let (current, boot) = match jws.version {
            ProtocolVersion::V1 => first_version(data.object("tpm_att_data")?)?,
            ProtocolVersion::V2 => second_version(data.object("tpm_att_data")?)?,
        };
        let (request_key, other_keys) = keys(data, jws.version, texts)?;
        check_repeated(data)?;
        Ok(Self {
            kind,
            rp_id: data.optional_text("rp_id")?.map(str::to_owned),
            rp_data: data.optional_text("rp_data")?.map(str::to_owned),
            challenge: data.bytes("challenge")?,
            current,
            boot,
            request_key,
            other_keys,
            custom_claims: custom_claims(data)?,
            service_context: data.text("service_context")?.to_owned(),
            jws,
        })
    }

    /// Version of the protocol.
    #[must_use]
    pub const fn version(&self) -> ProtocolVersion {
        self.jws.version
    }

    /// The sealed enrolment of the AIK, if it stands where a certificate would: to be opened before the
    /// rest is judged.
    #[must_use]
    pub fn enrolment(&self) -> Option<&str> {
        self.current.enrolment.as_deref()
    }

    /// The compact JWS that it was read from.
    #[must_use]
    pub fn as_text(&self) -> &str {
        self.jws.as_text()
    }

    /// The same, and nothing else is kept.
    #[must_use]
    pub fn into_text(self) -> String {
        self.jws.into_text()
    }

    /// DER of the AIK's certificate, if there is one.
    #[must_use]
    pub fn untrusted_aik_certificate(&self) -> Option<&[u8]> {
        self.current.aik_certificate.as_deref()
    }

    /// The challenge that it says it answers.
    #[must_use]
    pub fn untrusted_challenge(&self) -> &[u8] {
        &self.challenge
    }

    /// The context that the service gave with the challenge, to be opened before the rest is judged.
    #[must_use]
    pub fn service_context(&self) -> &str {
        &self.service_context
    }
}

/// What is about no enclave, or is what an enclave vouches for, has neither a report nor such a statement:
/// somebody could take it for the other.
fn no_enclave(data: Members<'_>) -> Result<(), ProtocolError> {
    for name in ["report_signed", "vsm_report"] {
        if data.has(name) {
            return data.refuse(name, "it stands in att_data of att_type vbs alone");
        }
    }
    Ok(())
}

fn vbs_report(outer: Members<'_>, version: ProtocolVersion) -> Result<Vec<u8>, ProtocolError> {
    match version {
        ProtocolVersion::V1 => outer.bytes("vsm_report"),
        ProtocolVersion::V2 => outer.object("vsm_report")?.object("enclave")?.bytes("report"),
    }
}

fn keys(
    data: Members<'_>,
    version: ProtocolVersion,
    texts: Texts,
) -> Result<(RequestedKey, Vec<RequestedKey>), ProtocolError> {
    let text = |text: Option<String>| text.unwrap_or_default();
    if version == ProtocolVersion::V1 {
        let key = jwk::rsa("attest_key", data.value("attest_key"))?;
        let text = text(texts.attest_key);
        return Ok((RequestedKey { text, key, info: Info::None }, Vec::new()));
    }
    let object = data.object("request_key")?;
    let request_key = RequestedKey {
        text: text(texts.request_key),
        key: jwk::rsa("request_key.jwk", object.value("jwk"))?,
        info: info(object, true)?,
    };
    let others = data.optional_array("other_keys")?;
    let (found, limit) = (others.len(), OTHER_KEYS_MAX);
    if found > limit {
        return Err(ProtocolError::OtherKeys { found, limit });
    }
    let mut other_keys = Vec::new();
    for (value, text) in others.iter().zip(texts.other_keys) {
        let object = Members::of_value("other_keys", value)?;
        let key = jwk::any("other_keys.jwk", object.value("jwk"))?;
        other_keys.push(RequestedKey { text, key, info: info(object, false)? });
    }
    Ok((request_key, other_keys))
}

fn info(key: Members<'_>, may_be_quoted: bool) -> Result<Info, ProtocolError> {
    let Some(info) = key.optional_object("info")? else { return Ok(Info::None) };
    match (info.optional_object("tpm_quote")?, info.optional_object("tpm_certify")?) {
        (None, None) => Ok(Info::None),
        (Some(_), Some(_)) => info.refuse("tpm_quote", "it stands beside tpm_certify"),
        (Some(_), None) if !may_be_quoted => {
            info.refuse("tpm_quote", "the quote binds the request's key only")
        }
        (Some(quote), None) => match quote.text("hash_alg")? {
            "sha-256" => Ok(Info::Quote),
            _ => quote.refuse("hash_alg", "expected sha-256"),
        },
        (None, Some(certify)) => Ok(Info::Certify {
            public: certify.bytes("public")?,
            certification: certify.bytes("certification")?,
            signature: certify.bytes("signature")?,
        }),
    }
}

/// What the report repeats is held many times until it is sent.
fn check_repeated(data: Members<'_>) -> Result<(), ProtocolError> {
    let of_relying_party = ["rp_id", "rp_data"].into_iter().filter_map(|name| data.value(name));
    let claims = data.optional_array("custom_claims")?.iter().filter_map(Value::as_object);
    let texts = of_relying_party.chain(claims.flat_map(|claim| claim.values()));
    let bytes: usize = texts.filter_map(Value::as_str).map(str::len).sum();
    if bytes > REPEATED_BYTES_MAX {
        let problem = format!(
            "with rp_id and rp_data these are {bytes} bytes, and the report repeats at most \
             {REPEATED_BYTES_MAX}"
        );
        return data.refuse("custom_claims", &problem);
    }
    Ok(())
}

fn custom_claims(data: Members<'_>) -> Result<Vec<CustomClaim>, ProtocolError> {
    let read = |value: &Value| {
        let claim = Members::of_value("custom_claims", value)?;
        let value = match claim.value("value") {
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
            _ => return claim.refuse("value", "expected a text, number or boolean"),
        };
        Ok(CustomClaim {
            name: claim.text("name")?.to_owned(),
            value,
            value_type: claim.text("value_type")?.to_owned(),
        })
    };
    data.optional_array("custom_claims")?.iter().map(read).collect()
}

/// The texts that are hashed as they stand. No member stands twice: that was seen to before.
#[derive(Default)]
struct Texts {
    report_signed: Option<String>,
    request_key: Option<String>,
    attest_key: Option<String>,
    other_keys: Vec<String>,
}

#[derive(Deserialize)]
struct RawPayload<'a> {
    #[serde(borrow)]
    att_data: &'a RawValue,
}

#[derive(Deserialize)]
struct RawData<'a> {
    #[serde(borrow)]
    report_signed: Option<&'a RawValue>,
    #[serde(borrow)]
    attest_key: Option<&'a RawValue>,
    #[serde(borrow)]
    request_key: Option<RawKey<'a>>,
    #[serde(borrow, default)]
    other_keys: Option<Vec<RawKey<'a>>>,
}

#[derive(Deserialize)]
struct RawKey<'a> {
    #[serde(borrow)]
    jwk: &'a RawValue,
}

impl Texts {
    fn of(payload: &[u8]) -> Result<Self, ProtocolError> {
        let shape =
            |_| ProtocolError::Shape("att_data or its keys are not as the protocol has them");
        let payload: RawPayload<'_> = serde_json::from_slice(payload).map_err(shape)?;
        let outer: RawData<'_> = serde_json::from_str(payload.att_data.get()).map_err(shape)?;
        let report_signed = outer.report_signed.map(|raw| raw.get().to_owned());
        let inner;
        let data = match outer.report_signed {
            Some(raw) => {
                inner = serde_json::from_str::<RawData<'_>>(raw.get()).map_err(shape)?;
                inner
            }
            None => outer,
        };
        let others = data.other_keys.unwrap_or_default();
        Ok(Self {
            report_signed,
            request_key: data.request_key.map(|key| key.jwk.get().to_owned()),
            attest_key: data.attest_key.map(|raw| raw.get().to_owned()),
            other_keys: others.into_iter().map(|key| key.jwk.get().to_owned()).collect(),
        })
    }
}

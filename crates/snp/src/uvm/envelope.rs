//! The `COSE_Sign1` around an endorsement: headers of both generations, read but not trusted.

use avouch_pki::{Certificate, SignatureScheme, digest};
use avouch_wire::{UnixTime, hex_beginning};
use coset::cbor::value::Value;
use coset::iana::{Algorithm, EnumI64 as _};
use coset::{
    ContentType, CoseSign1, Header, Label, RegisteredLabelWithPrivate, TaggedCborSerializable as _,
};
use serde::Serialize;

use super::UvmError;

/// Most bytes of an endorsement; real ones have 6 to 11 KiB.
const ENVELOPE_BYTES_MAX: usize = 128 * 1024;
/// Signer, CA, root, and room for two more.
const CHAIN_MAX: usize = 5;
/// The signer and the CA that its `did:x509` names.
const CHAIN_MIN: usize = 2;

/// Countersignatures of both versions (RFC 9052, RFC 9338).
const COUNTERSIGNATURES: [i64; 4] = [7, 9, 11, 12];
/// Header parameter of CWT claims (RFC 9597).
const CWT_CLAIMS: i64 = 15;
/// `x5chain` and `x5t` (RFC 9360).
const X5CHAIN: i64 = 33;
const X5T: i64 = 34;
/// The payload is a hash, by which algorithm, and of what content type (COSE hash envelope).
const PAYLOAD_HASH_ALGORITHM: i64 = 258;
const PREIMAGE_CONTENT_TYPE: i64 = 259;
/// COSE algorithm numbers of hashes.
const COSE_SHA256: i64 = -16;
const COSE_SHA384: i64 = -43;
/// CWT claims (RFC 8392).
const CWT_ISSUER: i64 = 1;
const CWT_SUBJECT: i64 = 2;
const CWT_ISSUED_AT: i64 = 6;

/// Which generation of headers an endorsement has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// `iss`, `feed` and `signingtime` as header parameters, a JSON payload. To 2025.
    Json,
    /// CWT claims in header parameter 15, the payload is the measurement. From December 2025.
    Cwt,
}

/// An endorsement with its headers read.
pub(super) struct Envelope {
    pub(super) form: Form,
    pub(super) scheme: SignatureScheme,
    /// The signer's certificate first.
    pub(super) chain: Vec<Certificate>,
    pub(super) issuer: String,
    pub(super) feed: String,
    pub(super) signed_at: UnixTime,
    /// Stands in the headers in the CWT form only.
    pub(super) svn: Option<u64>,
    pub(super) payload: Vec<u8>,
    pub(super) signed_bytes: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl Envelope {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, UvmError> {
        if bytes.len() > ENVELOPE_BYTES_MAX {
            return Err(UvmError::TooLarge { found: bytes.len(), limit: ENVELOPE_BYTES_MAX });
        }
        check_no_countersignature(bytes)?;
        let cose = CoseSign1::from_tagged_slice(bytes).map_err(no_cose)?;
        let header = &cose.protected.header;
        if !header.crit.is_empty() {
            return Err(UvmError::CriticalHeader { found: format!("{:?}", header.crit) });
        }
        let scheme = scheme(header)?;
        let chain = chain(header)?;
        check_thumbprint(header, &chain)?;
        let form = form(header)?;
        let named = match form {
            Form::Json => json_form(header)?,
            Form::Cwt => cwt_form(header)?,
        };
        let payload = cose.payload.clone().ok_or_else(|| UvmError::Payload {
            reason: "detached, expected inside the envelope".to_owned(),
        })?;
        Ok(Self {
            form,
            scheme,
            chain,
            issuer: named.issuer,
            feed: named.feed,
            signed_at: named.signed_at,
            svn: named.svn,
            payload,
            signed_bytes: cose.tbs_data(b""),
            signature: cose.signature,
        })
    }
}

/// A countersignature has headers of its own, in bytes, and they may have a countersignature. The library descends
/// into them without a limit, so none may be there. Nothing rests on any.
fn check_no_countersignature(bytes: &[u8]) -> Result<(), UvmError> {
    let Value::Tag(_, message) = value(bytes)? else { return Ok(()) };
    let parts = message.as_array().map_or(&[][..], Vec::as_slice);
    for part in parts.iter().take(2) {
        let protected = part.as_bytes().filter(|bytes| !bytes.is_empty());
        let protected = protected.map(|bytes| value(bytes)).transpose()?;
        let header = protected.as_ref().unwrap_or(part).as_map().map_or(&[][..], Vec::as_slice);
        let labels = header.iter().filter_map(|(label, _)| integer(label));
        if let Some(label) = labels.into_iter().find(|label| COUNTERSIGNATURES.contains(label)) {
            let reason = format!("header {label} is a countersignature, which is not read");
            return Err(UvmError::Cose { reason });
        }
    }
    Ok(())
}

fn value(bytes: &[u8]) -> Result<Value, UvmError> {
    coset::cbor::from_reader(bytes).map_err(no_cose)
}

fn no_cose(error: impl ToString) -> UvmError {
    UvmError::Cose { reason: error.to_string() }
}

/// What both forms say, in different places.
struct Named {
    issuer: String,
    feed: String,
    signed_at: UnixTime,
    svn: Option<u64>,
}

fn scheme(header: &Header) -> Result<SignatureScheme, UvmError> {
    match &header.alg {
        Some(RegisteredLabelWithPrivate::Assigned(Algorithm::PS384)) => {
            Ok(SignatureScheme::RsaPssSha384)
        }
        Some(RegisteredLabelWithPrivate::Assigned(Algorithm::ES384)) => {
            Ok(SignatureScheme::EcdsaP384Sha384Fixed)
        }
        Some(RegisteredLabelWithPrivate::Assigned(other)) => {
            Err(UvmError::Algorithm { found: other.to_i64().to_string() })
        }
        other => Err(UvmError::Algorithm { found: format!("{other:?}") }),
    }
}

fn chain(header: &Header) -> Result<Vec<Certificate>, UvmError> {
    let items: &[Value] = match number(header, X5CHAIN) {
        Some(Value::Array(items)) => items,
        Some(single @ Value::Bytes(_)) => std::slice::from_ref(single),
        _ => return Err(bad("33 (x5chain)", "expected a list of certificates")),
    };
    if !(CHAIN_MIN..=CHAIN_MAX).contains(&items.len()) {
        let (least, most) = (CHAIN_MIN, CHAIN_MAX);
        return Err(UvmError::ChainLength { found: items.len(), least, most });
    }
    let certificate = |(index, item): (usize, &Value)| {
        let der = item.as_bytes().ok_or_else(|| bad("33 (x5chain)", "expected byte strings"))?;
        Certificate::parse(der).map_err(|source| UvmError::Certificate { index, source })
    };
    items.iter().enumerate().map(certificate).collect()
}

/// The thumbprint may be absent; if it is there, it is that of the signer's certificate.
fn check_thumbprint(header: &Header, chain: &[Certificate]) -> Result<(), UvmError> {
    let (Some(value), Some(signer)) = (number(header, X5T), chain.first()) else {
        return Ok(());
    };
    let Some([algorithm, Value::Bytes(found)]) = value.as_array().map(Vec::as_slice) else {
        return Err(bad("34 (x5t)", "expected [algorithm, thumbprint]"));
    };
    if integer(algorithm) != Some(COSE_SHA256) {
        return Err(bad("34 (x5t)", "expected algorithm -16 (SHA-256)"));
    }
    let expected = digest::sha256(signer.der());
    if expected.as_bytes() == found.as_slice() {
        return Ok(());
    }
    Err(UvmError::Thumbprint { expected, found: hex_beginning(found, 64) })
}

/// CWT claims make the new form; nothing of the other form may stand beside.
fn form(header: &Header) -> Result<Form, UvmError> {
    let is_cwt = number(header, CWT_CLAIMS).is_some();
    let of_json = ["iss", "feed", "signingtime"];
    let of_cwt = [
        (PAYLOAD_HASH_ALGORITHM, "258 (payload hash algorithm)"),
        (PREIMAGE_CONTENT_TYPE, "259 (preimage content type)"),
    ];
    if is_cwt {
        return match of_json.into_iter().find(|name| text(header, name).is_some()) {
            Some(found) => Err(UvmError::MixedForms { found }),
            None => Ok(Form::Cwt),
        };
    }
    match of_cwt.into_iter().find(|(label, _)| number(header, *label).is_some()) {
        Some((_, found)) => Err(UvmError::MixedForms { found }),
        None => Ok(Form::Json),
    }
}

fn json_form(header: &Header) -> Result<Named, UvmError> {
    match &header.content_type {
        Some(ContentType::Text(found)) if found == "application/json" => {}
        other => {
            return Err(bad(
                "3 (content type)",
                format!("expected application/json, found {other:?}"),
            ));
        }
    }
    Ok(Named {
        issuer: string("iss", text(header, "iss"))?,
        feed: string("feed", text(header, "feed"))?,
        signed_at: moment("signingtime", text(header, "signingtime"))?,
        svn: None,
    })
}

fn cwt_form(header: &Header) -> Result<Named, UvmError> {
    if number(header, PAYLOAD_HASH_ALGORITHM).and_then(integer) != Some(COSE_SHA384) {
        return Err(bad("258 (payload hash algorithm)", "expected -43 (SHA-384)"));
    }
    if number(header, PREIMAGE_CONTENT_TYPE).and_then(Value::as_text)
        != Some("application/octet-stream")
    {
        return Err(bad("259 (preimage content type)", "expected application/octet-stream"));
    }
    let claims = number(header, CWT_CLAIMS).and_then(Value::as_map);
    let claims = claims.ok_or_else(|| bad("15 (CWT claims)", "expected a map"))?;
    let svn = claim("15.svn", claims, |key| key.as_text() == Some("svn"))?;
    let svn = svn.and_then(integer).and_then(|svn| u64::try_from(svn).ok());
    let svn = svn.ok_or_else(|| bad("15.svn", "expected an integer that is not negative"))?;
    let numbered = |name, label| claim(name, claims, |key| integer(key) == Some(label));
    Ok(Named {
        issuer: string("15.1 (iss)", numbered("15.1 (iss)", CWT_ISSUER)?)?,
        feed: string("15.2 (sub)", numbered("15.2 (sub)", CWT_SUBJECT)?)?,
        signed_at: moment("15.6 (iat)", numbered("15.6 (iat)", CWT_ISSUED_AT)?)?,
        svn: Some(svn),
    })
}

/// The only value in a claims map whose key is the one wanted.
fn claim<'a>(
    name: &'static str,
    claims: &'a [(Value, Value)],
    is_key: impl Fn(&Value) -> bool,
) -> Result<Option<&'a Value>, UvmError> {
    let mut found = claims.iter().filter(|(key, _)| is_key(key)).map(|(_, value)| value);
    let first = found.next();
    match found.next() {
        Some(_) => Err(bad(name, "appears twice")),
        None => Ok(first),
    }
}

fn number(header: &Header, label: i64) -> Option<&Value> {
    header.rest.iter().find(|(key, _)| *key == Label::Int(label)).map(|(_, value)| value)
}

fn text<'a>(header: &'a Header, label: &str) -> Option<&'a Value> {
    let wanted = |key: &Label| matches!(key, Label::Text(text) if text == label);
    header.rest.iter().find(|(key, _)| wanted(key)).map(|(_, value)| value)
}

fn integer(value: &Value) -> Option<i64> {
    value.as_integer().and_then(|integer| i64::try_from(integer).ok())
}

/// Longest issuer or feed.
const TEXT_MAX: usize = 1024;

fn string(name: &'static str, value: Option<&Value>) -> Result<String, UvmError> {
    match value.and_then(Value::as_text) {
        Some(text) if text.len() <= TEXT_MAX => Ok(text.to_owned()),
        Some(_) => Err(bad(name, "is longer than 1024 bytes")),
        None => Err(bad(name, "expected text")),
    }
}

/// Whole seconds since the epoch, bare or tagged as such.
fn moment(name: &'static str, value: Option<&Value>) -> Result<UnixTime, UvmError> {
    let seconds = match value {
        Some(Value::Tag(1, inner)) => integer(inner),
        Some(other) => integer(other),
        None => None,
    };
    let moment = seconds.and_then(|seconds| UnixTime::from_seconds(seconds).ok());
    moment.ok_or_else(|| bad(name, "expected whole seconds since the epoch"))
}

fn bad(name: &'static str, reason: impl Into<String>) -> UvmError {
    UvmError::Header { name, reason: reason.into() }
}

#[cfg(test)]
mod tests;

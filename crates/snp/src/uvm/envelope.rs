//! The `COSE_Sign1` around an endorsement: headers of both generations, read but not trusted.

use avouch_cose::coset::cbor::value::Value;
use avouch_cose::coset::iana::{Algorithm, EnumI64 as _};
use avouch_cose::coset::{ContentType, Header, RegisteredLabelWithPrivate};
use avouch_cose::words::{
    CWT_CLAIMS, CWT_ISSUED_AT, CWT_ISSUER, CWT_SUBJECT, X5CHAIN, X5T, integer, number, numbered,
    only, seconds, text,
};
use avouch_cose::{Sign1, Sign1Error};
use avouch_pki::{Certificate, SignatureScheme, digest};
use avouch_wire::{UnixTime, hex_beginning};
use serde::Serialize;

use super::UvmError;

/// Most bytes of an endorsement; real ones have 6 to 11 KiB.
const ENVELOPE_BYTES_MAX: usize = 128 * 1024;
/// Signer, CA, root, and room for two more.
const CHAIN_MAX: usize = 5;
/// The signer and the CA that its `did:x509` names.
const CHAIN_MIN: usize = 2;

/// The payload is a hash, by which algorithm, and of what content type (COSE hash envelope).
const PAYLOAD_HASH_ALGORITHM: i64 = 258;
const PREIMAGE_CONTENT_TYPE: i64 = 259;
/// COSE algorithm numbers of hashes.
const COSE_SHA256: i64 = -16;
const COSE_SHA384: i64 = -43;

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
        let cose =
            Sign1::parse("UvmEndorsement", bytes, ENVELOPE_BYTES_MAX).map_err(
                |error| match error {
                    Sign1Error::TooLarge { found, limit } => UvmError::TooLarge { found, limit },
                    other => UvmError::Cose { reason: other.to_string() },
                },
            )?;
        let header = cose.protected();
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
        let payload = cose.payload().ok_or_else(|| UvmError::Payload {
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
            payload: payload.to_vec(),
            signed_bytes: cose.signed_bytes(payload),
            signature: cose.signature().to_vec(),
        })
    }
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
    let twice = |name| move |_| bad(name, "appears twice");
    let svn = only(claims, |key| key.as_text() == Some("svn")).map_err(twice("15.svn"))?;
    let svn = svn.and_then(integer).and_then(|svn| u64::try_from(svn).ok());
    let svn = svn.ok_or_else(|| bad("15.svn", "expected an integer that is not negative"))?;
    let claim = |name, label| numbered(claims, label).map_err(twice(name));
    Ok(Named {
        issuer: string("15.1 (iss)", claim("15.1 (iss)", CWT_ISSUER)?)?,
        feed: string("15.2 (sub)", claim("15.2 (sub)", CWT_SUBJECT)?)?,
        signed_at: moment("15.6 (iat)", claim("15.6 (iat)", CWT_ISSUED_AT)?)?,
        svn: Some(svn),
    })
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
    let seconds = value.and_then(seconds);
    let moment = seconds.and_then(|seconds| UnixTime::from_seconds(seconds).ok());
    moment.ok_or_else(|| bad(name, "expected whole seconds since the epoch"))
}

fn bad(name: &'static str, reason: impl Into<String>) -> UvmError {
    UvmError::Header { name, reason: reason.into() }
}

#[cfg(test)]
mod tests;

//! Compact JWS: policies, certificate requests, tokens.

use avouch_pki::Certificate;
use avouch_token::policy_jws::{policy_hash, policy_token_hash};
use avouch_wire::{base64url, encode_hex};

use super::certificate::certificate_fields;
use super::input::Input;
use super::recogniser::Inspection;
use super::tree::{Fields, Tree};

/// A JWS taken apart; the signature is not looked at.
struct Parts {
    raw: String,
    header: Tree,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

const POLICY: &str = "AttestationPolicy";
const CERTIFICATES: [&str; 3] =
    ["policyCertificate", "maa-policyCertificate", "x-ms-policyCertificate"];

pub(super) fn policy(input: &Input) -> Result<Inspection, String> {
    let parts = Parts::of(input)?;
    if parts.payload.is_empty() {
        let fields = parts.envelope().with("policy", Tree::Null);
        return Ok(Inspection::new("policy-jws", "policy JWS that resets or holds none", fields));
    }
    let payload = parts.payload_object()?;
    let claim = payload.get(POLICY).and_then(Tree::as_str);
    let claim = claim.ok_or_else(|| format!("no text {POLICY:?} in the payload"))?;
    // In 2018-09-01-preview the text stands there as it is.
    let decoded = base64url::decode(claim).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let (encoding, text) = match decoded {
        Some(text) => ("base64url", text),
        None => ("plain-text", claim.to_owned()),
    };
    let title = if parts.signature.is_empty() { "unsigned policy JWS" } else { "policy JWS" };
    let fields = parts
        .envelope()
        .with("policy_encoding", encoding)
        .with("policy_hash", policy_hash(&text))
        .with("policy_token_hash", policy_token_hash(&parts.raw))
        .with("policy", text);
    Ok(Inspection::new("policy-jws", title, fields))
}

pub(super) fn certificate_request(input: &Input) -> Result<Inspection, String> {
    let parts = Parts::of(input)?;
    let payload = parts.payload_object()?;
    let jwk = CERTIFICATES.iter().find_map(|name| payload.get(name));
    let jwk = jwk.ok_or_else(|| format!("no {:?} in the payload", CERTIFICATES[0]))?;
    let fields = parts.envelope().with("policy_certificate", chain_of(jwk));
    Ok(Inspection::new("certificate-request-jws", "request to add or remove a signer", fields))
}

pub(super) fn token(input: &Input) -> Result<Inspection, String> {
    let parts = Parts::of(input)?;
    let payload = parts.payload_object()?;
    let title = if parts.signature.is_empty() { "unsecured token" } else { "token" };
    let fields = parts.envelope().with("claims", payload);
    Ok(Inspection::new("token", title, fields))
}

impl Parts {
    fn of(input: &Input) -> Result<Self, String> {
        let text = input.text().ok_or("not text")?;
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        let parts: Vec<&str> = text.split('.').collect();
        let [header, payload, signature] = parts.as_slice() else {
            return Err(format!("{} parts between periods, expected three", parts.len()));
        };
        let decode = |name: &str, part: &str| {
            base64url::decode(part).map_err(|error| format!("{name}: {error}"))
        };
        let header =
            Tree::parse(&decode("header", header)?).map_err(|error| format!("header: {error}"))?;
        if header.fields().is_none() {
            return Err("header is no JSON object".to_owned());
        }
        Ok(Self {
            raw: text.to_owned(),
            header,
            payload: decode("payload", payload)?,
            signature: decode("signature", signature)?,
        })
    }

    fn payload_object(&self) -> Result<Tree, String> {
        let payload = Tree::parse(&self.payload).map_err(|error| format!("payload: {error}"))?;
        match payload {
            Tree::Fields(_) => Ok(payload),
            _ => Err("payload is no JSON object".to_owned()),
        }
    }

    /// Header, its certificates, and the signature.
    fn envelope(&self) -> Fields {
        let mut fields = Fields::new()
            .with("signed", !self.signature.is_empty())
            .with("header", self.header.clone());
        let own = self.header.get("x5c").is_some().then_some(&self.header);
        if let Some(holder) = own.or_else(|| self.header.get("jwk")) {
            fields.push("signer_certificates", chain_of(holder));
        }
        fields.with("signature", encode_hex(&self.signature))
    }
}

/// The certificates in the `x5c` of a header or key.
fn chain_of(holder: &Tree) -> Vec<Fields> {
    let Some(Tree::List(items)) = holder.get("x5c") else { return Vec::new() };
    let one = |item: &Tree| -> Result<Fields, String> {
        let text = item.as_str().ok_or("not text")?;
        let der = base64url::decode_standard(text)
            .or_else(|_| base64url::decode(text))
            .map_err(|error| error.to_string())?;
        let certificate = Certificate::parse(&der).map_err(|error| error.to_string())?;
        Ok(certificate_fields(&certificate))
    };
    items
        .iter()
        .map(|item| one(item).unwrap_or_else(|error| Fields::new().with("error", error)))
        .collect()
}

//! The request's signature: a compact JWS by the key inside.

use avouch_pki::{PublicKey, SignatureScheme};
use avouch_wire::{base64url, json};

use super::members::Members;
use super::{ProtocolError, ProtocolVersion};

/// Longest header: the two members that it has, with room.
const HEADER_BYTES_MAX: usize = 256;

/// A compact JWS whose header is the protocol's; its signature is not judged yet.
#[derive(Debug, Clone)]
pub(super) struct Jws {
    pub(super) version: ProtocolVersion,
    text: String,
    /// Bytes of the text that are signed.
    signed: usize,
    signature: Vec<u8>,
}

impl Jws {
    /// Reads `header.payload.signature`. The header says PS256 and the type of a request, and nothing
    /// else: no key, since the one inside signs, and nothing critical. Beside it the payload.
    pub(super) fn read(text: String) -> Result<(Self, Vec<u8>), ProtocolError> {
        let split = text.rsplit_once('.').and_then(|(signed, signature)| {
            let (header, payload) = signed.split_once('.')?;
            (!payload.contains('.')).then_some((signed, header, payload, signature))
        });
        let (signed, header, payload, signature) =
            split.ok_or(ProtocolError::Jws("expected three parts with dots between"))?;
        let decode = |part: &str, what| {
            // RFC 7515 has no padding here.
            if part.contains('=') {
                return Err(ProtocolError::Jws(what));
            }
            base64url::decode(part).map_err(|_| ProtocolError::Jws(what))
        };
        let version = version(&decode(header, "the header is not base64url")?)?;
        let payload = decode(payload, "the payload is not base64url")?;
        let signature = decode(signature, "the signature is not base64url")?;
        let signed = signed.len();
        Ok((Self { version, text, signed, signature }, payload))
    }

    /// The compact form that was read.
    pub(super) fn as_text(&self) -> &str {
        &self.text
    }

    /// The same, and nothing else is kept.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Whether `key`, which must be RSA, signed it: RSASSA-PSS with SHA-256 and a salt of 32 bytes
    /// (RFC 7518, section 3.5).
    pub(super) fn is_signed_by(&self, key: &PublicKey) -> bool {
        let signed = self.text.as_bytes().get(..self.signed).unwrap_or_default();
        key.verify(SignatureScheme::RsaPssSha256, signed, &self.signature).is_ok()
    }
}

fn version(header: &[u8]) -> Result<ProtocolVersion, ProtocolError> {
    let members = json::parse_object(header, HEADER_BYTES_MAX)
        .map_err(|_| ProtocolError::Header("not a JSON object"))?;
    if members.keys().any(|name| name != "alg" && name != "typ") {
        return Err(ProtocolError::Header("it has other members than alg and typ"));
    }
    let members = Members::new("header", &members);
    if members.text("alg") != Ok("PS256") {
        return Err(ProtocolError::Header("alg is not PS256"));
    }
    match members.text("typ") {
        Ok("attReq") => Ok(ProtocolVersion::V1),
        Ok("attReqV2") => Ok(ProtocolVersion::V2),
        _ => Err(ProtocolError::Header("typ is neither attReq nor attReqV2")),
    }
}

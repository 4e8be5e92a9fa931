//! Signed JSON documents: the exact bytes, their signature, and strict reading.

use std::sync::Arc;

use avouch_pki::{PublicKey, SignatureScheme, digest};
use avouch_wire::{Hex, TimeError, UnixTime, without_final_nuls};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::error::DocumentError;

/// Largest document accepted. Real TCB infos have up to 20 KB.
pub const DOCUMENT_BYTES_MAX: usize = 256 * 1024;

/// Deepest nesting of objects and arrays accepted. Real TCB infos have 6.
pub const DOCUMENT_DEPTH_MAX: usize = 32;

/// A JSON object as it was signed, with its signature. Not yet verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedDocument {
    text: String,
    signature: Hex<64>,
    body: Arc<[u8]>,
}

/// Outer object of what Intel's service answers for TCB infos.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TcbInfoBody<'a> {
    #[serde(borrow, rename = "tcbInfo")]
    document: &'a RawValue,
    signature: Hex<64>,
}

/// Outer object of what Intel's service answers for identities.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityBody<'a> {
    #[serde(borrow, rename = "enclaveIdentity")]
    document: &'a RawValue,
    signature: Hex<64>,
}

impl SignedDocument {
    /// From a body `{"tcbInfo":{…},"signature":"…"}`. Final NUL bytes are dropped.
    ///
    /// # Errors
    /// [`DocumentError`] if it is too large, too deep, or has another shape.
    pub fn from_tcb_info_body(body: &[u8]) -> Result<Self, DocumentError> {
        let text = checked_text(without_final_nuls(body))?;
        let parsed: TcbInfoBody<'_> = serde_json::from_str(text)?;
        Ok(Self::of_body(text, parsed.document, parsed.signature))
    }

    /// From a body `{"enclaveIdentity":{…},"signature":"…"}`. Final NUL bytes are dropped.
    ///
    /// # Errors
    /// [`DocumentError`] if it is too large, too deep, or has another shape.
    pub fn from_identity_body(body: &[u8]) -> Result<Self, DocumentError> {
        let text = checked_text(without_final_nuls(body))?;
        let parsed: IdentityBody<'_> = serde_json::from_str(text)?;
        Ok(Self::of_body(text, parsed.document, parsed.signature))
    }

    /// From the inner TCB info object and its signature, kept apart.
    ///
    /// # Errors
    /// [`DocumentError`] if it is too large or too deep.
    pub fn from_tcb_info_parts(text: &str, signature: Hex<64>) -> Result<Self, DocumentError> {
        Self::of_parts("tcbInfo", text, signature)
    }

    /// From the inner identity object and its signature, kept apart.
    ///
    /// # Errors
    /// [`DocumentError`] if it is too large or too deep.
    pub fn from_identity_parts(text: &str, signature: Hex<64>) -> Result<Self, DocumentError> {
        Self::of_parts("enclaveIdentity", text, signature)
    }

    /// The inner object's bytes as they were signed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature, `r || s`.
    #[must_use]
    pub const fn signature(&self) -> &Hex<64> {
        &self.signature
    }

    /// The whole body, object and signature, as Intel's service sends it. If the parts came apart,
    /// it is put together in Intel's form, which gives the same bytes.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The same, to be kept.
    #[must_use]
    pub fn shared_body(&self) -> Arc<[u8]> {
        Arc::clone(&self.body)
    }

    /// SHA-256 of the inner object's bytes: what an operator pins.
    #[must_use]
    pub fn text_sha256(&self) -> Hex<32> {
        digest::sha256(self.text.as_bytes())
    }

    /// Whether a key signed it. Whether the key is Intel's is another matter.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let scheme = SignatureScheme::EcdsaP256Sha256Fixed;
        key.verify(scheme, self.text.as_bytes(), self.signature.as_bytes()).is_ok()
    }

    fn of_body(body: &str, document: &RawValue, signature: Hex<64>) -> Self {
        Self { text: document.get().to_owned(), signature, body: body.as_bytes().into() }
    }

    fn of_parts(key: &str, text: &str, signature: Hex<64>) -> Result<Self, DocumentError> {
        let text = checked_text(without_final_nuls(text.as_bytes()))?;
        let body = format!("{{\"{key}\":{text},\"signature\":\"{signature}\"}}");
        Ok(Self { text: text.to_owned(), signature, body: body.into_bytes().into() })
    }
}

/// Text within the limits of size and depth.
pub(crate) fn checked_text(bytes: &[u8]) -> Result<&str, DocumentError> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(DocumentError::TooLarge { found: bytes.len(), limit: DOCUMENT_BYTES_MAX });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| DocumentError::NotUtf8)?;
    if depth(text) > DOCUMENT_DEPTH_MAX {
        return Err(DocumentError::TooDeep { limit: DOCUMENT_DEPTH_MAX });
    }
    Ok(text)
}

/// Deepest nesting of a JSON text. Brackets inside strings do not count.
fn depth(text: &str) -> usize {
    let (mut now, mut deepest) = (0_usize, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                now = now.saturating_add(1);
                deepest = deepest.max(now);
            }
            b'}' | b']' if !in_string => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A moment in RFC 3339.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JsonTime(pub(crate) UnixTime);

impl<'de> Deserialize<'de> for JsonTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        UnixTime::from_rfc3339(&text).map(Self).map_err(|error: TimeError| D::Error::custom(error))
    }
}

//! Token assembly: claims and times in, a compact JWT out.

use std::fmt;
use std::sync::Arc;

use avouch_pki::digest;
use avouch_wire::json::{Integer, write_canonical, write_integer, write_string};
use avouch_wire::{Hex, UnixTime, base64url, encode_hex};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::ear::EAT_TYPE;
use crate::{SignError, Signer};

/// Life of an attestation token, in seconds (8 hours).
pub const ATTESTATION_LIFETIME_SECONDS: u32 = 28_800;
/// Life of the result token of a policy or certificate request, in seconds (1 hour).
pub const RESULT_LIFETIME_SECONDS: u32 = 3_600;

/// When a token is issued and how long it lives. `nbf` equals `iat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenTimes {
    /// `iat` and `nbf`, in seconds since 1970.
    pub issued_at: UnixTime,
    /// `exp` less `iat`, in seconds.
    pub lifetime_seconds: u32,
}

impl TokenTimes {
    /// Times of an attestation token.
    #[must_use]
    pub const fn attestation(issued_at: UnixTime) -> Self {
        Self { issued_at, lifetime_seconds: ATTESTATION_LIFETIME_SECONDS }
    }

    /// Times of the result token of a policy or certificate request.
    #[must_use]
    pub const fn result(issued_at: UnixTime) -> Self {
        Self { issued_at, lifetime_seconds: RESULT_LIFETIME_SECONDS }
    }

    /// `exp`.
    #[must_use]
    pub const fn expires_at(self) -> UnixTime {
        self.issued_at.saturating_add_seconds(self.lifetime_seconds as i64)
    }
}

/// `jti`: 64 lower-case hex digits, or 40 in TPM and VBS reports, from random bytes of the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenId(String);

impl From<Hex<32>> for TokenId {
    fn from(bytes: Hex<32>) -> Self {
        Self(encode_hex(bytes.as_bytes()))
    }
}

impl From<Hex<20>> for TokenId {
    fn from(bytes: Hex<20>) -> Self {
        Self(encode_hex(bytes.as_bytes()))
    }
}

/// The names that only the issuer fills.
const ISSUER_CLAIMS: [&str; 5] = ["exp", "iat", "iss", "jti", "nbf"];

/// What may stand beside the claims: those, and a nonce.
const CLAIMS_ADDED_MAX: usize = ISSUER_CLAIMS.len() + 1;

/// Why claims cannot become a token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PayloadError {
    /// A claim that only the issuer may fill.
    #[error("claim {name} is reserved for the issuer")]
    Reserved {
        /// Its name.
        name: &'static str,
    },
}

/// What a token says: claims, times and id; the issuer adds its name when it issues.
#[derive(Debug, Clone)]
pub struct Payload<'a> {
    /// In the order of their names.
    claims: Vec<(&'a str, PayloadValue<'a>)>,
    times: TokenTimes,
    id: Option<TokenId>,
    nonce: Option<&'a Integer>,
}

impl<'a> Payload<'a> {
    /// A payload of `claims`, without a `jti`.
    ///
    /// # Errors
    /// [`PayloadError::Reserved`] if `claims` holds `exp`, `iat`, `iss`, `jti` or `nbf`.
    pub fn new(claims: &'a Map<String, Value>, times: TokenTimes) -> Result<Self, PayloadError> {
        let claims = claims.iter();
        Self::of(claims.map(|(name, value)| (name.as_str(), PayloadValue::Json(value))), times)
    }

    /// The same of claims of which no two have one name; in the order of their names they are written
    /// soonest.
    ///
    /// # Errors
    /// As [`Payload::new`].
    pub fn of(
        claims: impl ExactSizeIterator<Item = (&'a str, PayloadValue<'a>)>,
        times: TokenTimes,
    ) -> Result<Self, PayloadError> {
        let mut members = Vec::with_capacity(claims.len().saturating_add(CLAIMS_ADDED_MAX));
        members.extend(claims);
        let own = |(claim, _): &(&str, _)| ISSUER_CLAIMS.into_iter().find(|name| claim == name);
        if let Some(name) = members.iter().find_map(own) {
            return Err(PayloadError::Reserved { name });
        }
        if !members.is_sorted_by_key(|(name, _)| *name) {
            members.sort_unstable_by_key(|(name, _)| *name);
        }
        Ok(Self { claims: members, times, id: None, nonce: None })
    }

    /// The same payload with a `jti`.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<TokenId>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The same payload with an integer as its `nonce`, in the place of one among the claims.
    #[must_use]
    pub const fn with_integer_nonce(mut self, nonce: &'a Integer) -> Self {
        self.nonce = Some(nonce);
        self
    }

    /// The payload's canonical JSON.
    fn to_json(&self, issuer: &str) -> String {
        let issued_at = self.times.issued_at.seconds();
        let mut members = self.claims.clone();
        let mut put = |name, member| {
            let at = members.partition_point(|(other, _)| *other < name);
            match members.get_mut(at).filter(|(other, _)| *other == name) {
                Some((_, there)) => *there = member,
                None => members.insert(at, (name, member)),
            }
        };
        put("exp", PayloadValue::Integer(self.times.expires_at().seconds()));
        put("iat", PayloadValue::Integer(issued_at));
        put("iss", PayloadValue::Text(issuer));
        put("nbf", PayloadValue::Integer(issued_at));
        if let Some(TokenId(id)) = &self.id {
            put("jti", PayloadValue::Text(id));
        }
        if let Some(nonce) = self.nonce {
            put("nonce", PayloadValue::Canonical(nonce.as_str()));
        }
        let mut out = String::with_capacity(JSON_CAPACITY_BYTES);
        for (index, (name, member)) in members.into_iter().enumerate() {
            out.push(if index == 0 { '{' } else { ',' });
            write_string(name, &mut out);
            out.push(':');
            member.write(&mut out);
        }
        out.push('}');
        out
    }
}

/// Room for the payload of a usual token; a larger one grows it.
const JSON_CAPACITY_BYTES: usize = 6 * 1024;

/// The value of a claim, as far as it matters how it is written.
#[derive(Debug, Clone, Copy)]
pub enum PayloadValue<'a> {
    /// Text.
    Text(&'a str),
    /// An integer.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
    /// JSON that is written canonically already.
    Canonical(&'a str),
    /// Any other JSON.
    Json(&'a Value),
}

impl PayloadValue<'_> {
    fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => write_string(text, out),
            Self::Integer(integer) => write_integer(*integer, out),
            Self::Boolean(boolean) => out.push_str(if *boolean { "true" } else { "false" }),
            Self::Canonical(text) => out.push_str(text),
            Self::Json(value) => write_canonical(value, out),
        }
    }
}

/// Why a text cannot be an issuer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IssuerError {
    /// Empty, over 1024 bytes, or with characters that are not printable ASCII.
    #[error("issuer {0:?} is not 1 to 1024 characters of printable ascii")]
    Characters(String),
    /// It ends with a slash, so `<iss>/certs` would have two.
    #[error("issuer {0:?} ends with a slash")]
    TrailingSlash(String),
}

/// Issues the tokens of one provider with one key; the header is encoded once.
#[derive(Clone)]
pub struct TokenIssuer {
    signer: Arc<dyn Signer>,
    issuer: String,
    signed_head: String,
    result_head: String,
    unsecured_head: String,
}

impl TokenIssuer {
    /// An issuer with this URL, which becomes `iss` as it is and `jku` with `/certs` after it.
    ///
    /// # Errors
    /// [`IssuerError`] if the URL ends with a slash or holds anything but printable ASCII.
    pub fn new(signer: Arc<dyn Signer>, issuer: &str) -> Result<Self, IssuerError> {
        let printable = issuer.bytes().all(|byte| byte.is_ascii_graphic());
        if issuer.is_empty() || issuer.len() > 1024 || !printable {
            return Err(IssuerError::Characters(issuer.to_owned()));
        }
        if issuer.ends_with('/') {
            return Err(IssuerError::TrailingSlash(issuer.to_owned()));
        }
        Ok(Self {
            signed_head: encoded_header(signer.algorithm().name(), issuer, signer.kid()),
            result_head: header(
                (signer.algorithm().name(), TokenFormat::AttestationResult),
                issuer,
                signer.kid(),
                None,
            ),
            unsecured_head: encoded_header("none", issuer, signer.kid()),
            issuer: issuer.to_owned(),
            signer,
        })
    }

    /// `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The key.
    #[must_use]
    pub fn signer(&self) -> &Arc<dyn Signer> {
        &self.signer
    }

    /// A signed token: `header.payload.signature`, each base64url without padding.
    ///
    /// # Errors
    /// [`SignError`] if the key cannot be used.
    pub fn sign(&self, payload: &Payload<'_>) -> Result<String, SignError> {
        self.sign_as(TokenFormat::Token, payload)
    }

    /// The same in one of the formats.
    ///
    /// # Errors
    /// [`SignError`] if the key cannot be used.
    pub fn sign_as(&self, format: TokenFormat, payload: &Payload<'_>) -> Result<String, SignError> {
        let head = match format {
            TokenFormat::Token => &self.signed_head,
            TokenFormat::AttestationResult => &self.result_head,
        };
        self.sign_under(head, payload)
    }

    fn sign_under(&self, head: &str, payload: &Payload<'_>) -> Result<String, SignError> {
        let mut token = self.assemble(head, payload);
        let signature = self.signer.sign(token.as_bytes())?;
        token.push('.');
        base64url::encode_append(signature, &mut token);
        Ok(token)
    }

    /// A signed token whose header also has the certificates of the key, its own first, as MAA's reports
    /// of TPMs and enclaves have them: `x5c`, or `x5t`, the SHA-1 of the first (RFC 7515, sections 4.1.6
    /// and 4.1.7).
    ///
    /// # Errors
    /// [`SignError`] if the key cannot be used.
    pub fn sign_with_certificates(
        &self,
        format: TokenFormat,
        payload: &Payload<'_>,
        certificates: &[impl AsRef<[u8]>],
        shown: ShownCertificate,
    ) -> Result<String, SignError> {
        let (name, value) = match shown {
            ShownCertificate::Whole => {
                let chain: Vec<_> = certificates.iter().map(base64url::encode_standard).collect();
                ("x5c", json!(chain))
            }
            ShownCertificate::Thumbprint => {
                let own = certificates.first().map(AsRef::as_ref).unwrap_or_default();
                ("x5t", base64url::encode(digest::sha1(own).as_bytes()).into())
            }
        };
        let signer = self.signer.as_ref();
        let kinds = (signer.algorithm().name(), format);
        let head = header(kinds, &self.issuer, signer.kid(), Some((name, &value)));
        self.sign_under(&head, payload)
    }

    /// An unsecured token, as MAA answers a draft policy with: `alg` is `none`, and the signature
    /// part is empty. It proves nothing.
    #[must_use]
    pub fn unsecured(&self, payload: &Payload<'_>) -> String {
        let mut token = self.assemble(&self.unsecured_head, payload);
        token.push('.');
        token
    }

    /// `header.payload`, with room for the signature behind it.
    fn assemble(&self, head: &str, payload: &Payload<'_>) -> String {
        let json = payload.to_json(&self.issuer);
        let encoded_length = json.len().div_ceil(3).saturating_mul(4);
        let mut token = String::with_capacity(
            head.len().saturating_add(encoded_length).saturating_add(SIGNATURE_CAPACITY_BYTES),
        );
        token.push_str(head);
        base64url::encode_append(json, &mut token);
        token
    }
}

/// Room for a dot and an RSA-4096 signature in base64url.
const SIGNATURE_CAPACITY_BYTES: usize = 1 + 683;

impl fmt::Debug for TokenIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenIssuer")
            .field("issuer", &self.issuer)
            .field("kid", &self.signer.kid())
            .finish_non_exhaustive()
    }
}

/// What a signed token says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TokenFormat {
    /// MAA's: `typ` is `JWT`.
    #[default]
    Token,
    /// An attestation result of the IETF (EAR): `typ` is `eat+jwt`, so that nobody who looks takes one for the
    /// other.
    AttestationResult,
}

impl TokenFormat {
    /// The claim that a nonce is in.
    pub(crate) const fn nonce_claim(self) -> &'static str {
        match self {
            Self::Token => "nonce",
            Self::AttestationResult => "eat_nonce",
        }
    }

    const fn header_type(self) -> &'static str {
        match self {
            Self::Token => "JWT",
            Self::AttestationResult => EAT_TYPE,
        }
    }
}

/// How a token shows the certificates of the key that signed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownCertificate {
    /// All of them, in `x5c`.
    Whole,
    /// The SHA-1 of the key's own, in `x5t`.
    Thumbprint,
}

/// The header part with the dot after it (`docs/maa/token.md#form`).
fn encoded_header(algorithm: &str, issuer: &str, kid: &str) -> String {
    header((algorithm, TokenFormat::Token), issuer, kid, None)
}

/// The same with one more member, whose name comes after all others.
fn header(
    (algorithm, format): (&str, TokenFormat),
    issuer: &str,
    kid: &str,
    last: Option<(&str, &Value)>,
) -> String {
    let mut json = String::from("{\"alg\":");
    write_string(algorithm, &mut json);
    json.push_str(",\"jku\":");
    write_string(&format!("{issuer}/certs"), &mut json);
    json.push_str(",\"kid\":");
    write_string(kid, &mut json);
    json.push_str(",\"typ\":");
    write_string(format.header_type(), &mut json);
    if let Some((name, value)) = last {
        json.push(',');
        write_string(name, &mut json);
        json.push(':');
        write_canonical(value, &mut json);
    }
    json.push('}');
    let mut head = base64url::encode(json);
    head.push('.');
    head
}

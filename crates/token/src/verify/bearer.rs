//! Bearer tokens of OIDC issuers: the pure part, after keys have been fetched elsewhere.

use avouch_wire::UnixTime;
use avouch_wire::json::parse_object;
use serde_json::{Map, Value};

use super::claims::{self, Clock};
use super::error::VerifyError;
use super::keys;
use crate::jws::{Padding, UntrustedJws};
use crate::{Algorithm, Jwks};

/// Largest bearer token read, in bytes; HTTP servers seldom take longer header fields.
const BEARER_LIMIT_BYTES: usize = 64 * 1024;

/// What a bearer token must satisfy.
#[derive(Debug, Clone, Copy)]
pub struct BearerRules<'a> {
    /// The issuers whose keys the key set holds. Never mix the keys of several issuers in one set:
    /// each could then speak for the others.
    pub issuers: &'a [String],
    /// The audiences that are ours; one of them must be in `aud`, exactly.
    pub audiences: &'a [String],
    /// Algorithms that are accepted.
    pub algorithms: &'a [Algorithm],
    /// The moment to judge at.
    pub at: UnixTime,
    /// Difference of clocks that is forgiven, in seconds.
    pub slack_seconds: u32,
}

/// A bearer token that satisfied all rules. Only [`verify_bearer`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedBearer {
    issuer: String,
    subject: String,
    claims: Map<String, Value>,
    expires_at: UnixTime,
}

impl VerifiedBearer {
    /// `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `sub`: unique within the issuer only.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// All claims.
    #[must_use]
    pub const fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// `exp`: until then, and with the same rules and keys, the verdict stands.
    #[must_use]
    pub const fn expires_at(&self) -> UnixTime {
        self.expires_at
    }
}

/// Who claims to have issued a token and with which key, before anything is verified: only to
/// choose the key set, never to grant anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BearerHint {
    /// `iss` as the token says.
    pub untrusted_issuer: String,
    /// `kid` as the token says.
    pub untrusted_kid: Option<String>,
}

/// Reads which issuer and key a token claims to be from.
///
/// # Errors
/// [`VerifyError`] if the token is malformed or names no issuer.
pub fn peek_bearer(token: &str) -> Result<BearerHint, VerifyError> {
    let jws = UntrustedJws::parse(token, BEARER_LIMIT_BYTES, Padding::Refused)?;
    let claims = parse_object(&jws.payload, BEARER_LIMIT_BYTES)?;
    Ok(BearerHint {
        untrusted_issuer: claims::text(&claims, "iss")?.to_owned(),
        untrusted_kid: keys::key_id(&jws)?.map(str::to_owned),
    })
}

/// Verifies a bearer token: form, type, algorithm, key, signature, issuer, audience, times, subject.
///
/// `exp`, `iss`, `aud` and `sub` must be present. A token with `cnf` is refused, since a bearer
/// does not prove to hold the key that it is bound to; an attestation token is too, whatever a policy put
/// into it.
///
/// # Errors
/// [`VerifyError`] naming the first check that failed.
///
/// # Source
/// RFC 7519 section 7.2, RFC 8725 sections 3.1 to 3.11, RFC 9068 section 4.
pub fn verify_bearer(
    token: &str,
    keys: &Jwks,
    rules: &BearerRules<'_>,
) -> Result<VerifiedBearer, VerifyError> {
    let jws = UntrustedJws::parse(token, BEARER_LIMIT_BYTES, Padding::Refused)?;
    check_type(&jws)?;
    let algorithm = keys::accepted_algorithm(&jws, rules.algorithms)?;
    let candidates = keys::candidates(&jws, algorithm, keys)?;
    keys::check_signature(&jws, algorithm, &candidates)?;
    let claims = parse_object(&jws.payload, BEARER_LIMIT_BYTES)?;
    let issuer = claims::text(&claims, "iss")?.to_owned();
    if !rules.issuers.contains(&issuer) {
        let expected = format!("one of {:?}", rules.issuers);
        return Err(VerifyError::Issuer { expected, found: issuer });
    }
    claims::check_audience(&claims, rules.audiences)?;
    let clock = Clock { at: rules.at, slack_seconds: rules.slack_seconds };
    claims::check_not_before(&claims, clock)?;
    claims::check_issued_at(&claims, clock)?;
    let expires_at = claims::check_expiry(&claims, clock)?;
    if claims.contains_key("x-ms-attestation-type") {
        return Err(VerifyError::AttestationAsBearer);
    }
    if claims.contains_key("cnf") {
        return Err(VerifyError::KeyBound);
    }
    let subject = claims::text(&claims, "sub")?.to_owned();
    if subject.is_empty() {
        return Err(VerifyError::MalformedClaim { name: "sub" });
    }
    Ok(VerifiedBearer { issuer, subject, claims, expires_at })
}

/// Other types of JWT that an issuer signs with the same keys (logout tokens, proofs) are no
/// bearer tokens (RFC 8725, section 3.11).
fn check_type(jws: &UntrustedJws<'_>) -> Result<(), VerifyError> {
    let found = match jws.header.get("typ") {
        None => return Ok(()),
        Some(found) => found.as_str().ok_or(VerifyError::MalformedHeader { name: "typ" })?,
    };
    let short = match found.split_at_checked("application/".len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
        _ => found,
    };
    if short.eq_ignore_ascii_case("jwt") || short.eq_ignore_ascii_case("at+jwt") {
        return Ok(());
    }
    Err(VerifyError::TokenType { found: found.to_owned() })
}

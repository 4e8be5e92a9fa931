//! What a relying party checks of an attestation token.

use avouch_wire::UnixTime;
use avouch_wire::json::parse_object;
use serde_json::{Map, Value};

use super::claims::{self, Clock};
use super::error::VerifyError;
use super::keys;
use super::report::{Check, Report};
use crate::ear::check_format;
use crate::jws::{Padding, UntrustedJws};
use crate::{Algorithm, Jwk, Jwks, TokenFormat, TokenKind};

/// Largest token read, in bytes: the answer to a request for a policy holds a JWS of up to 1 MiB,
/// to which base64 adds a third.
const TOKEN_LIMIT_BYTES: usize = 2 * 1024 * 1024;

/// What the caller expects of a token.
#[derive(Debug, Clone)]
pub struct Expectations {
    /// `iss` must be this text exactly; not checked if none.
    pub issuer: Option<String>,
    /// The moment to judge at.
    pub at: UnixTime,
    /// Difference of clocks that is forgiven, in seconds.
    pub slack_seconds: u32,
    /// Algorithms that are accepted.
    pub algorithms: Vec<Algorithm>,
    /// What the token must be: only keys that sign such are taken.
    pub kind: TokenKind,
    /// Which of the two that such keys sign it must be. In an attestation result `nonce` is `eat_nonce`.
    pub format: TokenFormat,
    /// Whether an unsecured token (`alg` is `none`) is accepted. Nothing in one is proven.
    pub allow_unsecured: bool,
    /// `nonce` must be this text, or the integer with these digits; not checked if none.
    pub nonce: Option<String>,
    /// `aud` must name this audience. If none, a token that names any is refused: it is meant for
    /// somebody else (RFC 7519, section 4.1.3).
    pub audience: Option<String>,
}

impl Expectations {
    /// An attestation token, judged at `at`, without slack; RS256, ES256 and ES384 accepted; any issuer whose key is in
    /// the set; any nonce; no audience; no unsecured tokens.
    #[must_use]
    pub fn at(at: UnixTime) -> Self {
        Self {
            issuer: None,
            at,
            slack_seconds: 0,
            algorithms: vec![Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384],
            kind: TokenKind::Attestation,
            format: TokenFormat::Token,
            allow_unsecured: false,
            nonce: None,
            audience: None,
        }
    }
}

/// A token whose signature and times held. Only [`verify_token`] makes one.
///
/// Proven: the holder of a key of the given set signed these claims for this span of time. Not
/// proven: that the set is the service's (see how it was obtained), nor that the claims please you.
#[derive(Debug, Clone)]
pub struct VerifiedToken {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    key: Jwk,
    expires_at: UnixTime,
}

impl VerifiedToken {
    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Map<String, Value> {
        &self.header
    }

    /// The claims.
    #[must_use]
    pub const fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The key that signed.
    #[must_use]
    pub const fn key(&self) -> &Jwk {
        &self.key
    }

    /// `exp`.
    #[must_use]
    pub const fn expires_at(&self) -> UnixTime {
        self.expires_at
    }
}

/// A token without signature, accepted because the caller allowed that. Anybody can write one.
#[derive(Debug, Clone)]
pub struct UnsecuredToken {
    claims: Map<String, Value>,
}

impl UnsecuredToken {
    /// The claims; nobody vouches for them.
    #[must_use]
    pub const fn untrusted_claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

/// A token that was accepted.
#[derive(Debug, Clone)]
pub enum Accepted {
    /// Signed and verified.
    Signed(Box<VerifiedToken>),
    /// Unsecured, and the caller allowed that.
    Unsecured(UnsecuredToken),
}

/// The outcome of [`verify_token`] with the report of every check.
#[derive(Debug, Clone)]
pub struct Verification {
    checks: Vec<Check>,
    result: Result<Accepted, VerifyError>,
}

impl Verification {
    /// Every check in order, also those after the first failure.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The token, or the first check that failed.
    pub const fn result(&self) -> &Result<Accepted, VerifyError> {
        &self.result
    }

    /// The signed and verified token.
    ///
    /// # Errors
    /// The first check that failed; [`VerifyError::Unsecured`] for an unsecured token, also where
    /// it was allowed.
    pub fn into_verified(self) -> Result<VerifiedToken, VerifyError> {
        match self.result? {
            Accepted::Signed(token) => Ok(*token),
            Accepted::Unsecured(_) => Err(VerifyError::Unsecured),
        }
    }
}

/// Checks a token with the keys of its issuer.
///
/// In order: form (compact JWS of at most 1 MiB, canonical base64url, no member named twice, no
/// `crit`), algorithm (on the caller's list), key (by `kid`; type and `alg` of the key must go with
/// the algorithm, and the key must sign such tokens), signature; and of the claims `iss` (as expected), `nbf` and `iat` (not ahead),
/// `exp` (present, not passed), `aud` and `nonce` (as expected). The claims are looked at only once the
/// signature holds. An attestation result (EAR), which the same keys sign, is taken only where one is
/// expected, and then no token is. `jku` of the header is never followed; where an issuer is expected, it must be that
/// issuer's `/certs` if it is there.
///
/// Not checked: where the keys come from, the quote in the signing certificate, and what the token
/// says.
#[must_use]
pub fn verify_token(token: &str, keys: &Jwks, expectations: &Expectations) -> Verification {
    let mut report = Report::default();
    let accepted = run(token, keys, expectations, &mut report);
    let result = match (report.first_error, accepted) {
        (Some(error), _) => Err(error),
        (None, Some(accepted)) => Ok(accepted),
        // Every way to no token records its error first.
        (None, None) => Err(VerifyError::Unsecured),
    };
    Verification { checks: report.checks, result }
}

fn run(
    token: &str,
    keys: &Jwks,
    expectations: &Expectations,
    report: &mut Report,
) -> Option<Accepted> {
    let parsed = UntrustedJws::parse(token, TOKEN_LIMIT_BYTES, Padding::Refused);
    let jws = report.step("token-form", parsed.map_err(VerifyError::from), |_| {
        format!("compact JWS of {} bytes", token.len())
    })?;
    let unsecured = jws.algorithm == "none" && jws.signature.is_empty();
    let key = if unsecured && expectations.allow_unsecured {
        report.passed("token-algorithm", "none, as the caller allows: nothing is proven");
        report.not_checked("token-key", "unsecured");
        report.not_checked("token-signature", "unsecured");
        None
    } else {
        Some(signing_key(&jws, keys, expectations, report)?)
    };
    let payload = parse_object(&jws.payload, TOKEN_LIMIT_BYTES);
    let claims = report.step("token-payload", payload.map_err(VerifyError::from), |claims| {
        format!("{} claims", claims.len())
    })?;
    if let Err(error) = check_format(&jws.header, &claims, expectations.format) {
        report.failed(error);
    }
    let expires_at = check_claims(&claims, expectations, report);
    check_keys_url(&jws, expectations, report);
    Some(match key {
        Some(key) => Accepted::Signed(Box::new(VerifiedToken {
            header: jws.header,
            claims,
            key: key.clone(),
            expires_at: expires_at?,
        })),
        None => Accepted::Unsecured(UnsecuredToken { claims }),
    })
}

fn signing_key<'k>(
    jws: &UntrustedJws<'_>,
    keys: &'k Jwks,
    expectations: &Expectations,
    report: &mut Report,
) -> Option<&'k Jwk> {
    let algorithm = keys::accepted_algorithm(jws, &expectations.algorithms);
    let algorithm = report.step("token-algorithm", algorithm, |found| found.name().to_owned())?;
    let candidates = keys::candidates(jws, algorithm, keys)
        .and_then(|found| keys::of_kind(jws, expectations.kind, found));
    let candidates = report.step("token-key", candidates, |found| {
        let kid = jws.header.get("kid").map_or_else(|| "absent".to_owned(), ToString::to_string);
        format!("kid {kid}: {} of {} keys", found.len(), keys.keys().len())
    })?;
    let signed = keys::check_signature(jws, algorithm, &candidates);
    report.step("token-signature", signed, |key| format!("by a {} key", key.key().kind()))
}

/// Checks issuer and times; all of them, so that the report shows every mismatch at once.
fn check_claims(
    claims: &Map<String, Value>,
    expectations: &Expectations,
    report: &mut Report,
) -> Option<UnixTime> {
    match &expectations.issuer {
        None => report.not_checked("token-issuer", "no issuer expected"),
        Some(expected) => {
            let issuer = claims::text(claims, "iss").and_then(|found| {
                if found == expected {
                    return Ok(found);
                }
                let (expected, found) = (format!("{expected:?}"), found.to_owned());
                Err(VerifyError::Issuer { expected, found })
            });
            report.step("token-issuer", issuer, |found| (*found).to_owned());
        }
    }
    let clock = Clock { at: expectations.at, slack_seconds: expectations.slack_seconds };
    let moments = [
        ("token-not-before", claims::check_not_before(claims, clock)),
        ("token-issued-at", claims::check_issued_at(claims, clock)),
    ];
    for (name, moment) in moments {
        match moment {
            Ok(None) => report.not_checked(name, "absent"),
            Ok(Some(moment)) => report.passed(name, moment.to_string()),
            Err(error) => report.failed(error),
        }
    }
    let expires_at =
        report.step("token-expiry", claims::check_expiry(claims, clock), ToString::to_string);
    check_recipient(claims, expectations, report);
    expires_at
}

/// Checks for whom the token was made: `aud` and `nonce`.
fn check_recipient(claims: &Map<String, Value>, expectations: &Expectations, report: &mut Report) {
    match (&expectations.audience, claims.get("aud")) {
        (None, None) => {
            report.not_checked("token-audience", "no audience expected, and none named")
        }
        (expected, _) => {
            let audience = claims::check_audience(claims, expected.as_slice());
            report.step("token-audience", audience, ToString::to_string);
        }
    }
    match &expectations.nonce {
        None => report.not_checked("token-nonce", "no nonce expected"),
        Some(expected) => {
            let name = expectations.format.nonce_claim();
            let nonce = claims::check_nonce(claims, name, expected);
            report.step("token-nonce", nonce, |()| format!("{expected:?}"));
        }
    }
}

/// `jku` says where the issuer's keys are. Whoever forges a token writes there what they like, so the keys
/// come from the caller; one that names another place than the issuer's own is refused.
fn check_keys_url(jws: &UntrustedJws<'_>, expectations: &Expectations, report: &mut Report) {
    const NAME: &str = "token-keys-url";
    let (Some(found), Some(issuer)) = (jws.header.get("jku"), &expectations.issuer) else {
        report.not_checked(NAME, "no jku, or no issuer expected");
        return;
    };
    let expected = format!("{issuer}/certs");
    if found.as_str() == Some(&expected) {
        report.passed(NAME, expected);
        return;
    }
    report.failed(VerifyError::KeysUrl { expected, found: found.to_string() });
}

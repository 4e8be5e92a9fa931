//! Attestation tokens, verified for a release.

use avouch_pki::digest;
use avouch_token::{
    Expectations, Jwks, JwsError, VerifiedToken, VerifyError, peek_bearer, verify_token,
};
use avouch_wire::json::object_to_canonical;
use avouch_wire::{Hex, UnixTime, base64url, excerpt, failed_check};
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::Authority;

/// Largest token read, in bytes.
pub const TARGET_BYTES_MAX: usize = 64 * 1024;
/// Longest `jti` that is remembered, in bytes; MAA's have 64.
const TOKEN_ID_BYTES_MAX: usize = 256;

/// What a key's owner asks of a token beyond its signature and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenRules {
    /// Difference of clocks that is forgiven, in seconds.
    pub slack_seconds: u32,
    /// How old a token may be, in seconds since its `iat`; as old as it lives if none. MAA's tokens
    /// live eight hours, in which the workload that was attested may have changed.
    pub age_seconds_max: Option<u32>,
    /// Whether a token serves for one release only, known by its `jti`.
    pub is_single_use: bool,
}

/// Why a token is not accepted for a release.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TokenRefusal {
    /// Malformed, unsecured, of another key, changed, or outside of its time.
    #[error("token: {0}")]
    Verify(#[from] VerifyError),
    /// Its issuer is not one whose word any policy takes.
    #[error("token is of {}, which no rule of the release policy names", excerpt(.issuer))]
    Issuer {
        /// `iss` as the token says; nothing proves it.
        issuer: String,
    },
    /// It is signed by a key of one authority and says that it is of another.
    #[error("token is of {}, and its key of {authority}", excerpt(.issuer))]
    OtherIssuer {
        /// `iss` of the token.
        issuer: String,
        /// Whose keys it was verified with.
        authority: Authority,
    },
    /// It does not say when it was issued, and only so may its age be known.
    #[error("token has no iat, and may be at most {age_seconds_max} s old")]
    NoIssuedAt {
        /// How old it may be, in seconds.
        age_seconds_max: u32,
    },
    /// Too old.
    #[error("token was issued at {issued_at}, judged at {at}: older than {age_seconds_max} s")]
    TooOld {
        /// Its `iat`.
        issued_at: UnixTime,
        /// The moment of judgement.
        at: UnixTime,
        /// How old it may be, in seconds.
        age_seconds_max: u32,
    },
    /// It has no `jti` of 1 to 256 bytes, and only so may it be known again.
    #[error("token has no jti of 1 to {TOKEN_ID_BYTES_MAX} bytes, and serves only once")]
    NoId,
    /// It has served already.
    #[error("token has served for a release already")]
    Used,
    /// Nobody has asked whether it has served already.
    #[error("nobody knows whether the token has served already")]
    UseUnknown,
}

failed_check!(TokenRefusal {
    Self::Verify(error) => (error.check(), VerifyError::checks()),
    Self::Issuer { .. } | Self::OtherIssuer { .. } => "token-issuer",
    Self::NoIssuedAt { .. } | Self::TooOld { .. } => "token-age",
    Self::NoId | Self::Used | Self::UseUnknown => "token-single-use",
});

impl Authority {
    /// The authority that a token says it is of, so that its keys can be had. Nothing proves it yet.
    ///
    /// # Errors
    /// [`TokenRefusal`] if the token is malformed, or its issuer is none that an authority can have.
    pub fn claimed_by(target: &str) -> Result<Self, TokenRefusal> {
        let issuer = match untrusted_issuer(target) {
            Some(issuer) => issuer,
            // Which says what is wrong.
            None => peek_bearer(target)?.untrusted_issuer,
        };
        Self::parse(&issuer).map_err(|_| TokenRefusal::Issuer { issuer })
    }
}

/// `iss` alone: the other claims are read when the token is verified.
fn untrusted_issuer(target: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        iss: String,
    }
    let payload = target.split('.').nth(1).filter(|_| target.len() <= TARGET_BYTES_MAX)?;
    let payload = base64url::decode(payload).ok()?;
    serde_json::from_slice::<Claims>(&payload).ok().map(|claims| claims.iss)
}

/// The keys of one authority. Keys of several are never mixed: each could speak for the others.
#[derive(Debug, Clone, Copy)]
pub struct AuthorityKeys<'a> {
    authority: &'a Authority,
    keys: &'a Jwks,
}

impl<'a> AuthorityKeys<'a> {
    /// The keys that an authority publishes by its own metadata.
    #[must_use]
    pub const fn new(authority: &'a Authority, keys: &'a Jwks) -> Self {
        Self { authority, keys }
    }
}

/// An attestation token that was verified for a release. Only [`AttestedToken::verify`] makes one.
///
/// Proven: the authority signed these claims, they are in force at the moment of judgement, and young
/// enough. Not proven: that they are good enough for a key.
#[derive(Debug, Clone)]
pub struct AttestedToken {
    token: VerifiedToken,
    authority: Authority,
    single_use: Option<TokenUse>,
}

/// What a token that serves only once is known by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenUse {
    /// Who issued it.
    pub authority: Authority,
    /// Its `jti`; unique within the authority only.
    pub token_id: String,
    /// When it stops being valid with the slack of the rules, and may be forgotten.
    pub forget_at: UnixTime,
}

impl AttestedToken {
    /// Verifies a token: form, algorithm, key, signature, issuer, times, age. A token of a draft policy
    /// is unsecured and refused; `jku` and certificates of its header are not looked at.
    ///
    /// # Errors
    /// [`TokenRefusal`] naming the first check that failed.
    pub fn verify(
        target: &str,
        keys: AuthorityKeys<'_>,
        rules: &TokenRules,
        at: UnixTime,
    ) -> Result<Self, TokenRefusal> {
        let AuthorityKeys { authority, keys } = keys;
        if target.len() > TARGET_BYTES_MAX {
            let (length, limit) = (target.len(), TARGET_BYTES_MAX);
            return Err(VerifyError::from(JwsError::TooLong { length, limit }).into());
        }
        let slack_seconds = rules.slack_seconds;
        let expectations = Expectations { slack_seconds, ..Expectations::at(at) };
        let token = verify_token(target, keys, &expectations).into_verified()?;
        let issuer = token.claims().get("iss").and_then(Value::as_str).unwrap_or_default();
        if !authority.is_issuer(issuer) {
            let (issuer, authority) = (issuer.to_owned(), authority.clone());
            return Err(TokenRefusal::OtherIssuer { issuer, authority });
        }
        if let Some(age_seconds_max) = rules.age_seconds_max {
            check_age(token.claims(), age_seconds_max, at)?;
        }
        let single_use = match rules.is_single_use {
            false => None,
            true => Some(TokenUse {
                authority: authority.clone(),
                token_id: token_id(token.claims())?,
                forget_at: token.expires_at().saturating_add_seconds(i64::from(slack_seconds)),
            }),
        };
        Ok(Self { token, authority: authority.clone(), single_use })
    }

    /// Who issued it, as the policy names it.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The claims.
    #[must_use]
    pub const fn claims(&self) -> &Map<String, Value> {
        self.token.claims()
    }

    /// What it is known by, if it serves only once.
    #[must_use]
    pub const fn single_use(&self) -> Option<&TokenUse> {
        self.single_use.as_ref()
    }

    /// SHA-256 of the claims in canonical form: what an audit record has in the place of the token.
    #[must_use]
    pub fn claims_sha256(&self) -> Hex<32> {
        digest::sha256(object_to_canonical(self.claims()).as_bytes())
    }
}

/// The age is judged without slack: a clock that is behind makes tokens look older, never younger.
fn check_age(
    claims: &Map<String, Value>,
    age_seconds_max: u32,
    at: UnixTime,
) -> Result<(), TokenRefusal> {
    // A fraction of a second is no form that an authority writes `iat` in.
    let issued_at = claims
        .get("iat")
        .and_then(Value::as_i64)
        .and_then(|seconds| UnixTime::from_seconds(seconds).ok())
        .ok_or(TokenRefusal::NoIssuedAt { age_seconds_max })?;
    if issued_at.saturating_add_seconds(i64::from(age_seconds_max)) < at {
        return Err(TokenRefusal::TooOld { issued_at, at, age_seconds_max });
    }
    Ok(())
}

fn token_id(claims: &Map<String, Value>) -> Result<String, TokenRefusal> {
    let id = claims.get("jti").and_then(Value::as_str).unwrap_or_default();
    if id.is_empty() || id.len() > TOKEN_ID_BYTES_MAX {
        return Err(TokenRefusal::NoId);
    }
    Ok(id.to_owned())
}

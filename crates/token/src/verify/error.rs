//! Why a token is not accepted.

use avouch_wire::json::JsonError;
use avouch_wire::{UnixTime, beginning, excerpt, failed_check};
use thiserror::Error;

use crate::jws::JwsError;
use crate::{Algorithm, TokenKind, UnusableReason};

/// Why a token is not accepted: which check, what was wanted, what was found.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// Not a compact JWS.
    #[error(transparent)]
    Form(#[from] JwsError),
    /// The payload is no JSON object, or names a member twice.
    #[error("payload: {0}")]
    Payload(#[from] JsonError),
    /// `alg` is `none`, and unsecured tokens were not allowed.
    #[error("token is unsecured: algorithm is none")]
    Unsecured,
    /// `alg` is `none`, yet there is a signature.
    #[error("algorithm is none, yet there is a signature of {length} bytes")]
    SignatureUnderNone {
        /// Length of the signature in bytes.
        length: usize,
    },
    /// `alg` is not on the list of accepted algorithms.
    #[error("algorithm is {}, accepted: {accepted}", excerpt(.found))]
    Algorithm {
        /// `alg` as found.
        found: String,
        /// Names of the accepted algorithms.
        accepted: String,
    },
    /// No key of the set has the token's `kid`.
    #[error("no key {} among the {known} keys of the set", excerpt(.kid))]
    UnknownKey {
        /// `kid` of the token.
        kid: String,
        /// How many keys the set has.
        known: usize,
    },
    /// The key that `kid` names cannot be used.
    #[error("key {} cannot be used: {reason}", excerpt(.kid))]
    UnusableKey {
        /// `kid` of the token.
        kid: String,
        /// Why.
        reason: Box<UnusableReason>,
    },
    /// No key that the token can mean is for its algorithm.
    #[error("no key for {algorithm} signatures{}", named(.kid))]
    KeyForOtherAlgorithm {
        /// `kid` of the token.
        kid: Option<String>,
        /// `alg` of the token.
        algorithm: Algorithm,
    },
    /// The key that the token can mean signs tokens of another kind.
    #[error("the key{} signs {signs}, expected is one that signs {expected}", named(.kid))]
    KeyForOtherKind {
        /// `kid` of the token.
        kid: Option<String>,
        /// What it signs.
        signs: TokenKind,
        /// What was expected.
        expected: TokenKind,
    },
    /// The signature does not hold.
    #[error("{algorithm} signature does not verify under any of {tried} keys")]
    Signature {
        /// `alg` of the token.
        algorithm: Algorithm,
        /// How many keys were tried.
        tried: usize,
    },
    /// A header member of another type.
    #[error("header member {name} is malformed")]
    MalformedHeader {
        /// Its name.
        name: &'static str,
    },
    /// A claim that must be there is not.
    #[error("claim {name} is missing")]
    MissingClaim {
        /// Its name.
        name: &'static str,
    },
    /// A claim of another type or out of range.
    #[error("claim {name} is malformed")]
    MalformedClaim {
        /// Its name.
        name: &'static str,
    },
    /// Another issuer than expected.
    #[error("issuer is {}, expected {expected}", excerpt(.found))]
    Issuer {
        /// What was expected.
        expected: String,
        /// `iss` of the token.
        found: String,
    },
    /// None of the audiences is ours.
    #[error("audience is {}, expected one of {expected}", beginning(.found, 200))]
    Audience {
        /// What was expected.
        expected: String,
        /// `aud` of the token.
        found: String,
    },
    /// `nonce` is another.
    #[error("nonce is {}, expected {expected:?}", beginning(.found, 200))]
    Nonce {
        /// What was expected.
        expected: String,
        /// `nonce` of the token, as JSON.
        found: String,
    },
    /// `jku` names another place than the issuer's own.
    #[error("jku is {}, expected {expected:?}", beginning(.found, 200))]
    KeysUrl {
        /// Where the issuer's keys are.
        expected: String,
        /// `jku` of the token, as JSON.
        found: String,
    },
    /// `nbf` lies ahead.
    #[error("not valid before {not_before}, judged at {at} with {slack_seconds} s of slack")]
    NotYetValid {
        /// `nbf`.
        not_before: UnixTime,
        /// The moment of judgement.
        at: UnixTime,
        /// Slack allowed, in seconds.
        slack_seconds: u32,
    },
    /// `iat` lies ahead.
    #[error("issued at {issued_at}, judged at {at} with {slack_seconds} s of slack")]
    IssuedAhead {
        /// `iat`.
        issued_at: UnixTime,
        /// The moment of judgement.
        at: UnixTime,
        /// Slack allowed, in seconds.
        slack_seconds: u32,
    },
    /// `exp` has passed.
    #[error("expired at {expires_at}, judged at {at} with {slack_seconds} s of slack")]
    Expired {
        /// `exp`.
        expires_at: UnixTime,
        /// The moment of judgement.
        at: UnixTime,
        /// Slack allowed, in seconds.
        slack_seconds: u32,
    },
    /// `typ` says that the token is for another purpose.
    #[error("token type is {}, expected JWT or at+jwt", excerpt(.found))]
    TokenType {
        /// `typ` as found.
        found: String,
    },
    /// It is an attestation result, in the form of the IETF.
    #[error("this is an attestation result (EAR), not an attestation token")]
    AttestationResult,
    /// It is no attestation result, and one was expected.
    #[error("this is no attestation result (EAR) of the profile {profile}", profile = crate::EAR_PROFILE)]
    NoAttestationResult,
    /// The token is bound to a key (`cnf`) that a bearer does not prove to hold.
    #[error("token is bound to a key (cnf) and cannot be used as a bearer token")]
    KeyBound,
    /// It says what was attested: an attestation policy may write claims into it, as roles.
    #[error("an attestation token is no bearer token")]
    AttestationAsBearer,
}

fn named(kid: &Option<String>) -> String {
    kid.as_ref().map(|kid| format!(" named {}", excerpt(kid))).unwrap_or_default()
}

failed_check!(VerifyError {
    Self::Form(_) | Self::MalformedHeader { .. } => "token-form",
    Self::Payload(_) | Self::MissingClaim { .. } | Self::MalformedClaim { .. } => "token-payload",
    Self::Unsecured | Self::SignatureUnderNone { .. } | Self::Algorithm { .. } => "token-algorithm",
    Self::UnknownKey { .. }
    | Self::UnusableKey { .. }
    | Self::KeyForOtherAlgorithm { .. }
    | Self::KeyForOtherKind { .. } => "token-key",
    Self::Signature { .. } => "token-signature",
    Self::Issuer { .. } => "token-issuer",
    Self::Audience { .. } => "token-audience",
    Self::Nonce { .. } => "token-nonce",
    Self::KeysUrl { .. } => "token-keys-url",
    Self::NotYetValid { .. } => "token-not-before",
    Self::IssuedAhead { .. } => "token-issued-at",
    Self::Expired { .. } => "token-expiry",
    Self::TokenType { .. } | Self::AttestationResult | Self::NoAttestationResult => "token-type",
    Self::KeyBound => "token-key-bound",
    Self::AttestationAsBearer => "token-of-attestation",
});

//! Why a policy JWS is refused.

use avouch_pki::KeyKind;
use avouch_wire::base64url::DecodeError;
use avouch_wire::json::JsonError;
use avouch_wire::{excerpt, failed_check};
use thiserror::Error;

use super::body::BodyError;
use crate::jws::JwsError;
use crate::x5c::{CertificateJwkError, X5cError};

/// Why a policy JWS, reset or certificate request is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyJwsError {
    /// The body holds no JWS.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Not a compact JWS.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// Policy text as it is, where its JWS is expected.
    #[error(
        "body is policy text, not a JWS with it. Unsigned it is sent as base64url({header}) + \".\" + \
         base64url({payload}) + \".\"; `avouch policy sign FILE --unsigned compact` writes that, and with a \
         key the signed form",
        header = r#"{"alg":"none"}"#,
        payload = r#"{"AttestationPolicy":"base64url(policy text)"}"#
    )]
    PolicyText,
    /// The JSON of a payload, where its JWS is expected.
    #[error(
        "body is the payload of a policy JWS, not the JWS: unsigned it is sent as base64url({header}) + \".\" + \
         base64url(payload) + \".\"",
        header = r#"{"alg":"none"}"#
    )]
    BarePayload,
    /// `alg` is `none`, yet there is a signature.
    #[error("algorithm is none, yet there is a signature of {length} bytes")]
    SignatureUnderNone {
        /// Length of the signature in bytes.
        length: usize,
    },
    /// `alg` is another than `none`, yet there is no signature.
    #[error("algorithm is {}, yet there is no signature", excerpt(.algorithm))]
    NoSignature {
        /// `alg` as found.
        algorithm: String,
    },
    /// A certificate request that is not signed.
    #[error("unsigned, yet only a signed request may change policy certificates")]
    Unsigned,
    /// A signature beside its content that has a payload of its own, or is no JWS at all.
    #[error("not a detached signature: expected a header and a signature with two periods between")]
    NotDetached,
    /// A signature beside its content that signs nothing.
    #[error("not signed: the algorithm is none")]
    DetachedUnsigned,
    /// Neither `x5c` nor `jwk.x5c`.
    #[error("header has no certificate: neither x5c nor jwk.x5c")]
    NoCertificate,
    /// Both `x5c` and `jwk.x5c`, and they differ.
    #[error("x5c and jwk.x5c differ")]
    TwoChains,
    /// The chain of certificates in the header is malformed.
    #[error("header: {0}")]
    X5c(#[from] X5cError),
    /// `alg` is none of those that clients send, or is not for the certificate's kind of key.
    #[error("algorithm {} is not accepted under a {key} key", excerpt(.algorithm))]
    Algorithm {
        /// `alg` as found.
        algorithm: String,
        /// The kind of the certificate's key.
        key: KeyKind,
    },
    /// An RSA key that is too short.
    #[error("the signer's RSA key has {found} bits, at least 2048 are needed")]
    ShortKey {
        /// Length in bits.
        found: usize,
    },
    /// The signature does not hold under the key of the first certificate.
    #[error("signature does not verify under the {key} key of the first certificate")]
    Signature {
        /// The kind of key.
        key: KeyKind,
    },
    /// A policy was expected, and the payload is empty.
    #[error("payload is empty, expected a policy")]
    NoPolicy,
    /// An empty payload was expected.
    #[error("payload has {length} bytes, a reset has none")]
    ResetWithPayload {
        /// Length of the payload in bytes.
        length: usize,
    },
    /// The payload is no JSON object.
    #[error("payload: {0}")]
    Payload(JsonError),
    /// The payload lacks the member.
    #[error("could not find {name:?} claim")]
    NoMember {
        /// The member's name.
        name: &'static str,
    },
    /// The payload has the member under several names.
    #[error("the payload names the certificate more than once")]
    TwoMembers,
    /// The policy is no string.
    #[error("claim \"AttestationPolicy\" is not a string")]
    PolicyNotString,
    /// The policy stands in its claim as it is.
    #[error(
        "claim \"AttestationPolicy\" is policy text as it is, it must be base64url of the text"
    )]
    PolicyNotEncoded,
    /// The policy is no base64url.
    #[error("claim \"AttestationPolicy\" is not base64url: {0}")]
    PolicyEncoding(DecodeError),
    /// The policy is no UTF-8.
    #[error("policy text is not utf-8 after {valid_up_to} bytes")]
    PolicyNotUtf8 {
        /// Bytes before the first wrong one.
        valid_up_to: usize,
    },
    /// The payload's JWK names no certificate.
    #[error("policy certificate: {0}")]
    Certificate(#[from] CertificateJwkError),
}

failed_check!(PolicyJwsError {
    Self::Body(_) => "policy-jws-body",
    Self::Jws(_) | Self::PolicyText | Self::BarePayload | Self::NotDetached => "policy-jws-form",
    Self::SignatureUnderNone { .. }
    | Self::NoSignature { .. }
    | Self::Unsigned
    | Self::DetachedUnsigned => "policy-jws-signed",
    Self::NoCertificate | Self::TwoChains | Self::X5c(_) => "policy-jws-certificate",
    Self::Algorithm { .. } => "policy-jws-algorithm",
    Self::ShortKey { .. } => "policy-jws-key-length",
    Self::Signature { .. } => "policy-jws-signature",
    Self::NoPolicy
    | Self::ResetWithPayload { .. }
    | Self::Payload(_)
    | Self::NoMember { .. }
    | Self::TwoMembers => "policy-jws-payload",
    Self::PolicyNotString
    | Self::PolicyNotEncoded
    | Self::PolicyEncoding(_)
    | Self::PolicyNotUtf8 { .. } => "policy-jws-text",
    Self::Certificate(_) => "policy-certificate-key",
});

//! Tokens: how Avouch signs them, how a relying party checks them, and the signed texts (policies,
//! certificate requests) that clients send.
//!
//! * [`TokenIssuer`] turns claims and times into a JWT in MAA's form; [`SigningKey`] holds its key,
//!   and [`provider_certificate`], [`PublishedKey`] and [`openid_metadata`] tell the world about it.
//! * [`Jwks`] reads the key sets of others; with one, [`verify_token`] checks an attestation token for
//!   a relying party, and [`verify_bearer`] an administrator's token for the service.
//! * [`ServiceEvidence`] is what a service says about itself in its signing certificate.
//! * [`policy_jws`] reads and makes the signed texts by which clients set policies and signers.
//!
//! Nothing here reads a clock or does I/O: moments, keys and random ids are arguments.
//!
//! ```
//! use std::sync::Arc;
//! use avouch_token::{KeySpec, Payload, SigningKey, TokenIssuer, TokenTimes};
//! use avouch_wire::UnixTime;
//!
//! let key = Arc::new(SigningKey::generate(KeySpec::P256)?);
//! let issuer = TokenIssuer::new(key, "https://attest.example")?;
//! let claims = serde_json::Map::from_iter([("x-ms-ver".to_owned(), "1.0".into())]);
//! let times = TokenTimes::attestation(UnixTime::from_seconds(1_800_000_000)?);
//! let token = issuer.sign(&Payload::new(&claims, times)?)?;
//! assert_eq!(token.split('.').count(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod algorithm;
mod bare_key;
mod certificate;
mod ear;
mod issue;
mod jwks;
mod jws;
mod kid;
mod kind;
mod openid;
pub mod policy_jws;
mod service_evidence;
mod signing;
mod verify;
mod x5c;

pub use algorithm::Algorithm;
pub use bare_key::{
    BarePrivateKey, BarePublicKey, BarePublicKeyError, BareSignatureError, verify_bare_jws,
    verify_bare_signature,
};
pub use certificate::{
    EvidenceExtension, REPORT_SIGNING, provider_certificate, report_ca_certificate,
    report_certificate,
};
pub use ear::EAR_PROFILE;
pub use issue::{
    ATTESTATION_LIFETIME_SECONDS, IssuerError, Payload, PayloadError, PayloadValue,
    RESULT_LIFETIME_SECONDS, ShownCertificate, TokenFormat, TokenId, TokenIssuer, TokenTimes,
};
pub use jwks::{
    Jwk, Jwks, JwksError, PublishedKey, UnusableKey, UnusableReason, jwks_document,
    public_jwk_members, public_key_of_jwk,
};
pub use jws::{JwsError, Part};
pub use kid::{key_digest, key_id};
pub use kind::TokenKind;
pub use openid::openid_metadata;
pub use service_evidence::{
    KeyBindingError, ServiceEvidence, ServiceEvidenceError, SevSnpServiceEvidence, TeeKind,
    check_key_binding, evidence_member, key_report_data,
};
pub use signing::{KeySpec, SignError, Signer, SigningKey, SigningKeyError};
pub use verify::{
    Accepted, BearerHint, BearerRules, Check, Expectations, Outcome, UnsecuredToken, Verification,
    VerifiedBearer, VerifiedToken, VerifyError, peek_bearer, verify_bearer, verify_token,
};
pub use x5c::{
    CertificateJwkError, POLICY_CERTIFICATES_LIMIT, X5cError, certificate_of_jwk,
    policy_certificates, signer_jwk,
};

//! Checking tokens: those of an attestation service, and bearer tokens of OIDC issuers.

mod attestation;
mod bearer;
mod claims;
mod error;
mod keys;
mod report;

pub use attestation::{
    Accepted, Expectations, UnsecuredToken, Verification, VerifiedToken, verify_token,
};
pub use bearer::{BearerHint, BearerRules, VerifiedBearer, peek_bearer, verify_bearer};
pub use error::VerifyError;
pub use report::{Check, Outcome};

//! Tables from verified facts to MAA claim names, one row per claim, each with its source.
//!
//! A claim is made from verified values only: a [`VerifiedQuote`](avouch_dcap::VerifiedQuote), a
//! [`VerifiedReport`](avouch_snp::VerifiedReport), or [`BoundData`], which exists only after its
//! hash was found in one of them. This crate knows nothing of policies: it says which claims a
//! policy may read and which the token carries, and others take it from there.

mod azure;
mod bound;
mod catalogue;
mod claim;
mod common;
mod platform_exception;
mod sgx;
mod snp;
mod tdx;
mod tpm;
mod trust;
mod vbs;

pub use azure::{GuestProof, IsolationProof, guest, guest_attestation_type};
pub use bound::{BoundData, DataType, HeldData, HeldDataError};
pub use catalogue::{Description, Form, describe, descriptions, policy_claims};
pub use claim::{ClaimValue, SeenBy, ServiceClaim};
pub use common::common;
pub use platform_exception::platform_exception;
pub use sgx::sgx;
pub use snp::snp;
pub use tdx::{tdx, tdx_event_log};
pub use tpm::{TpmProof, tpm};
pub use trust::{
    Attester, Recognition, Tier, TpmTrust, TrustClaim, TrustVector, enclave_trust, quote_trust,
    report_trust, tpm_trust,
};
pub use vbs::vbs;

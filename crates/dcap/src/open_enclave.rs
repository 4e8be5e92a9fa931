//! Open Enclave's wrappers around SGX quotes: remote reports, evidence, endorsements.

mod endorsements;
mod evidence;

pub use endorsements::{ENDORSEMENTS_BYTES_MAX, Endorsements};
pub use evidence::{
    Evidence, FORMAT_SGX_ECDSA, OPEN_ENCLAVE_BYTES_MAX, OpenEnclave, Report, VerifiedCustomClaims,
};

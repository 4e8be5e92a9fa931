//! Reports of enclaves that Windows' virtualization-based security protects.
//!
//! In reading order: [`Report`] reads the bytes → [`verify_report`] believes them if the secure kernel's
//! [`SigningKey`] signed them and they vouch for what they must → [`VerifiedReport`], of which an operator
//! may accept less than verifies ([`Acceptance`]).
//!
//! What this crate proves: that the owner of an identity key signed a report, and what stands in it. What it
//! does not: whose key that is. Only the log of a measured boot tells which key the secure kernel made, and
//! only if nothing but Windows was started. Neither does it judge the enclave: one that can be debugged has
//! a report too.
//!
//! Layouts are those of the Windows SDK (`ntenclv.h`), little-endian and packed. No public sample of a
//! report exists, so nothing here was tried on one.

mod acceptance;
mod flags;
mod key;
mod report;
mod verify;

pub use acceptance::{Acceptance, Refusal};
pub use flags::Flags;
pub use key::{KEY_BITS_MAX, KEY_BITS_MIN, SigningKey, SigningKeyError};
pub use report::{
    ENCLAVE_DATA_LENGTH, EnclaveType, MODULES_MAX, Module, Report, ReportBody, ReportError,
};
pub use verify::{VerifiedReport, VerifyError, verify_report};

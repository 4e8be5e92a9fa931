//! Reports of enclaves that Windows' virtualization-based security protects.
//!
//! What this crate proves: that the owner of an identity key signed a report, and what stands in it
//! ([`verify_report`]). What it does not: whose key that is. Only the log of a measured boot tells
//! which key the secure kernel made ([`SigningKey`] is made of those numbers), and only if nothing but
//! Windows was started. Neither does it judge the enclave: one that can be debugged has a report too.
//!
//! Layouts are those of the Windows SDK (`ntenclv.h`), little-endian and packed. No public sample of a
//! report exists, so nothing here was tried on one.

mod report;
mod verify;

pub use report::{ENCLAVE_DATA_LENGTH, MODULES_MAX, Module, Report, ReportError};
pub use verify::{SigningKey, VerifiedReport, VerifyError, verify_report};

//! AMD SEV-SNP evidence: reports, VCEK and VLEK chains, CRLs, and endorsements of a utility VM.
//!
//! Bytes follow AMD 56860 (report) and 57230 (certificates). The roots are keys of the mint's own,
//! kept as files because making RSA-4096 keys takes seconds; everything else comes from the seed.

mod breaks;
mod build;
mod cbor;
mod certificates;
mod extensions;
pub(crate) mod keys;
mod options;
mod plan;
mod report;
mod uvm;

pub(crate) use breaks::breaks;
pub(crate) use build::mint;
pub use options::{HardwareIdForm, SnpKey, SnpOptions, SnpProduct, SnpTcb, UvmForm, UvmTop};
pub use uvm::{UvmPublisher, uvm_publisher};

//! Reports of VBS enclaves, and the boot of Windows whose secure kernel signs them.
//!
//! Bytes follow the Windows SDK's `ntenclv.h` and `wbcl.h`. Nothing here is shared with their readers.

mod breaks;
mod build;
mod minted;
mod report;

pub use breaks::{at_boot, breaks, of_report};
pub use build::{MintedVbs, VbsOptions, mint};
pub use minted::mint_request;
pub use report::{
    EnclaveData, ReportSignature, Signer, VbsReport, block, identity_key_info, measure, module,
};

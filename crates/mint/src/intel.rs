//! Intel evidence: SGX quotes, Open Enclave reports and evidence, TDX quotes.
//!
//! Bytes and documents follow Intel's DCAP quote formats v3, v4 and v5, the PCS API, and Open
//! Enclave's `oe_get_report` and `oe_get_evidence`.

mod breaks;
mod build;
mod collateral;
mod document;
mod enclave_report;
mod hierarchy;
mod identity;
mod levels;
mod open_enclave;
mod options;
mod pck_extension;
mod plan;
mod quote;
mod tcb_info;
mod td_report;

pub(crate) use breaks::breaks;
pub(crate) use build::mint;
pub use build::open_enclave_endorsements;
pub use open_enclave::serialize_custom_claims;
pub use options::{
    ChainStyle, EnclaveOptions, Kss, OpenEnclaveFormat, PckCa, PlatformOptions, TD_DEBUG,
    TD_MIGRATABLE, TD_SEPT_VE_DISABLE, TcbInfoVersion, TcbStatus, TdOptions, TdQuoteFormat,
};

//! AMD SEV-SNP: attestation reports, the VCEK and VLEK chains that endorse them, and Microsoft's
//! endorsements of the utility VM that confidential containers run in.
//!
//! What this crate proves: that AMD firmware signed a report with a key that AMD certified for the
//! chip (or cloud provider), product and TCB that the report names, at a moment the caller chose.
//! What it does not: that the measurement is a good one, that the guest is not debuggable, that the
//! TCB is recent. Those are facts; [`Acceptance`] and the tenant's policy judge them.
//!
//! In reading order: [`Report::parse`] → [`Chain::parse`] → [`verify_chain`] → [`verify_report`] →
//! [`VerifiedReport::facts`] → [`bind_runtime_data`], [`bind_init_time_data`], [`uvm::verify`] →
//! [`Acceptance::check`]. Parsed and verified are different types; nothing verified has a
//! public constructor. No clock is read, nothing is fetched.
//!
//! ```
//! use avouch_snp::{TrustAnchors, Chain, Crls, Report, VerifyError, verify_chain, verify_report};
//! use avouch_wire::UnixTime;
//!
//! fn measurement(report: &[u8], chain: &[u8], at: UnixTime) -> Result<String, VerifyError> {
//!     let (report, chain) = (Report::parse(report)?, Chain::parse(&[chain])?);
//!     let key = verify_chain(&chain, &TrustAnchors::amd(), &Crls::none(), at)?;
//!     let verified = verify_report(&report, &key, &Crls::none(), at)?;
//!     Ok(verified.body().measurement.to_string())
//! }
//! # let at = UnixTime::from_seconds(0).unwrap();
//! # assert!(measurement(&[0; 1184], b"", at).is_err());
//! ```

mod acceptance;
mod alone;
mod amd_keys;
mod anchors;
mod binding;
mod chain;
mod crls;
mod endorsement_key;
mod error;
mod facts;
mod flags;
pub mod ghcb;
mod intermediate;
pub mod maa_request;
mod product;
mod reference_values;
mod report;
mod scheme;
mod tcb;
pub mod uvm;
mod vek_extensions;
mod vek_id;
mod verify;

pub use acceptance::{Acceptance, Refusal, TcbFloor};
pub use alone::{verify_issuer_chain, verify_root_crl};
pub use anchors::{Anchor, AnchorError, TrustAnchors};
pub use binding::{BindingError, bind_init_time_data, bind_runtime_data};
pub use chain::{Chain, ChainCacheKey, Endorsements};
pub use crls::{CrlRule, Crls};
pub use endorsement_key::{EndorsementKeyFacts, VerifiedEndorsementKey, verify_chain};
pub use error::{CertificateRole, ChainError, ReportError, VekExtensionError, VerifyError};
pub use facts::Facts;
pub use flags::{GuestPolicy, KeyFlags, PlatformInfo, VekKind};
pub use intermediate::{VerifiedIntermediate, verify_intermediate};
pub use product::{Cpuid, Product};
pub use reference_values::{Mismatch, ReferenceValues, ReferenceValuesError};
pub use report::{
    FirmwareVersion, REPORT_LENGTH, Report, ReportBody, ReportVersions, SIGNED_LENGTH, VMPL_HOST,
};
pub use tcb::{RawTcb, Tcb, TcbShortfall};
pub use vek_extensions::{LevelMismatch, VekExtensions};
pub use vek_id::VekId;
pub use verify::{ChipBinding, VerifiedReport, verify_report};

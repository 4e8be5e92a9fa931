//! Intel SGX and TDX quotes, Open Enclave wrapping and Intel collateral: parse, verify, facts.
//!
//! What this crate proves: that a quote was signed by a key that Intel's quoting enclave vouches
//! for, on a platform whose certificate leads to a trust anchor and is not revoked, and what
//! Intel's collateral in force at a given moment says of that platform's TCB. What it does not:
//! that the measurements are good ones, that the evidence is fresh, or that the operator accepts
//! the TCB status; the last is [`Acceptance`]'s, the others are for policies.
//!
//! In reading order: [`Quote::parse`] gives structure, [`Collateral::verify`] checks what Intel
//! published, [`verify_platform`] what the quote's signature data prove about its platform (worth
//! remembering), and [`verify_quote`] everything that must be asked each time. Collateral and time
//! are arguments; nothing here fetches, keeps or reads a clock.
//!
//! ```
//! use avouch_dcap::{Acceptance, Collateral, Quote, TrustAnchors, verify};
//! use avouch_mint::{ Options, mint};
//! use avouch_wire::{EvidenceKind, UnixTime};
//!
//! let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z")?;
//! let minted = mint(EvidenceKind::Sgx, &Options::new(at))?;
//!
//! let quote = Quote::parse(&minted.evidence)?;
//! let collateral = Collateral::parse_json(&minted.endorsements)?;
//! let anchors = TrustAnchors::intel().with_pem(minted.root_pem.as_bytes())?;
//! let verified = verify(&quote, &collateral, &anchors, at)?;
//! Acceptance::default().check(&verified, at)?;
//! assert!(!verified.root().is_built_in);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod acceptance;
mod anchors;
mod binding;
mod certification_data;
mod chain;
mod collateral;
mod error;
mod exception;
mod header;
pub mod open_enclave;
mod pck_extension;
mod platform;
mod quote;
mod reference_values;
mod report_body;
mod shortfall;
mod signature_data;
mod status;
mod tcb;
mod tcb_evaluation;
mod tcb_floor;
mod td_report;
mod verify;

pub use acceptance::{
    Acceptance, AcceptedTcbStatuses, AcceptedTcbStatusesError, Refusal, ToleratedAdvisory,
};
pub use anchors::{AnchorError, INTEL_SGX_ROOT_LABEL, TrustAnchors};
pub use binding::{BindingError, bind_init_time_data, bind_runtime_data};
pub use certification_data::{CertificationData, PckIdentifier};
pub use collateral::{
    Collateral, CollateralError, CollateralHashes, CollateralParts, CollateralRequirements,
    ComponentLevel, DOCUMENT_BYTES_MAX, DOCUMENT_DEPTH_MAX, EnclaveId, EnclaveIdentity,
    EvaluationDataNumbers, PlatformLevel, SharedParts, SignedDocument, TcbInfo, TdxModule,
    TdxModuleIdentity, UntrustedCollateralSummary, VerifiedCollateral, VerifiedDocument, crl_der,
    verify_pck_crl, verify_qe_identity, verify_root_ca_crl, verify_tcb_info,
};
pub use error::{
    CertificateRole, ChainName, CrlName, Dated, DocumentError, DocumentName, QuoteError, TcbMoment,
    TcbPart, VerifyError,
};
pub use exception::{AcceptedException, PlatformException, PlatformExceptionError};
pub use header::{
    ATTESTATION_KEY_ECDSA_P256, HEADER_BYTES, Header, INTEL_QE_VENDOR_ID, QuoteVersion, TeeType,
};
pub use pck_extension::{PCK_EXTENSION_OID, PckExtension, PckTcb, PlatformConfiguration, SgxType};
pub use platform::{PlatformCacheKey, VerifiedPlatform, verify_platform, verify_platform_beside};
pub use quote::{Body, QUOTE_BYTES_MAX, Quote};
pub use reference_values::{Mismatch, ReferenceValues, ReferenceValuesError};
pub use report_body::{ENCLAVE_REPORT_BYTES, EnclaveAttributes, EnclaveReport};
pub use shortfall::{MissingSvn, Shortfall};
pub use signature_data::SignatureData;
pub use status::{ComponentStatus, TcbStatus, UnknownTcbStatus, converge, relaunch};
pub use tcb::{PartVerdict, TcbVerdict};
pub use tcb_evaluation::TcbEvaluation;
pub use tcb_floor::{BelowFloor, TcbFloor};
pub use td_report::{
    TD_REPORT_10_BYTES, TD_REPORT_15_BYTES, TD_REPORT_15_EXTENDED_BYTES, TdAttributes, TdReport,
    TdReport15, TdReport15Extended, TdReportKind, TeeTcbSvn, Xfam,
};
pub use verify::{
    CollateralFacts, JudgedQuote, UnlistedQuote, VerifiedQuote, judge_quote, verify, verify_quote,
};

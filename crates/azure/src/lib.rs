//! Evidence of virtual machines with a virtual TPM, as Azure has it and as other clouds and on-premises
//! hypervisors can: HCL reports, the certificates of attestation keys, guest attestation, sealed answers.
//!
//! What this crate proves: that an attestation key is a virtual TPM's, by a CA that is trusted for it or
//! by a hardware report that names it; that this key quoted PCR values, and that a key for sealed answers
//! lives in the same TPM and works in the quoted state only. What it does not: that the hardware report is
//! genuine (who calls has verified it), what was measured into the PCRs (logs explain that), and that the
//! quote is fresh: the protocol has no challenge, and whoever replays a request gets an answer that only
//! the same machine can open, in the same state.
//!
//! In reading order: [`AttestationInfo::parse`] → isolation evidence, for its own verifier →
//! [`RuntimeClaims::parse`] of what that binds → [`AttestationInfo::verify`] → [`VerifiedGuest`] →
//! [`seal`]. [`HclReport::parse`] is for reports as they lie in a machine's TPM. Parsed and verified are
//! different types; nothing verified has a public constructor. No clock is read, randomness is an
//! argument, nothing is fetched.

mod ak;
mod azure_keys;
mod document;
mod error;
mod hcl;
mod roots;
mod sealed;
mod sealing_key;
mod verify;

pub use ak::{VerifiedVtpmAk, verify_vtpm_ak_certificate};
pub use document::{AttestationInfo, DocumentError, Isolation, OperatingSystem};
pub use error::{AkCertificateError, GuestError};
pub use hcl::{
    HCL_SIGNATURE, HardwareReport, HclError, HclReport, RuntimeClaims, RuntimeClaimsError, TdReport,
};
pub use roots::{Host, VtpmAnchors};
pub use sealed::{SealError, SealedAnswer, seal};
pub use sealing_key::{SealingKey, SealingKeyError};
pub use verify::{Conditions, ReportedKey, VerifiedGuest};

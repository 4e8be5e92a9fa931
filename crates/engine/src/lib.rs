//! One appraisal, end to end: *evidence, endorsements and a moment in time become verified facts;
//! facts become claims; the tenant's policy permits or refuses and issues claims; a key signs the
//! token.*
//!
//! [`Engine::appraise`] is that sentence as a function, up to the signature. It does no I/O and
//! reads no clock: endorsements come through [`EndorsementSource`], the moment is an argument, and
//! so every verdict can be reproduced from (evidence, endorsements, time, policy).

mod anchors;
mod appraisal;
mod appraise;
mod arm;
mod azure;
mod capsule;
mod ear;
mod error;
mod grounds;
mod hcl;
mod intel;
mod machine_state;
mod policy;
mod reference_values;
mod remembered;
mod request;
mod resemblance;
mod settings;
mod snp;
mod source;
mod token_claims;
mod tpm;
mod vocabulary;
mod workload;

pub use anchors::{AnchorError, Anchors, Vendor};
pub use appraisal::{Appraisal, Decision, Finding, Permitted, Refused, VerifiedFacts};
pub use appraise::{Engine, REMEMBERED_BYTES};
pub use avouch_bootlog::ima::Requirement;
pub use avouch_claims::ClaimValue;
pub use avouch_pki::Root;
pub use azure::AzureRefused;
pub use capsule::{CAPSULE_BYTES_MAX, Capsule, CapsuleError, Judged, Outcome, Verdict, Why};
pub use ear::{VerifierId, is_eat_nonce};
pub use error::{AppraisalError, EventLogRefused, HeldDataRefused, NotAtHand, WrongTee};
pub use grounds::{Grounds, OutdatedComponent};
pub use hcl::HclRefused;
pub use machine_state::MachineState;
pub use policy::{PolicyInForce, PolicyRefused};
pub use reference_values::{
    ReferenceSample, ReferenceSubject, ReferenceValues, ReferenceValuesError,
};
pub use remembered::Remembered;
pub use request::{AppraisalRequest, Challenged, DataType, HeldData, Nonce, TokenForm};
pub use resemblance::Resemblance;
pub use settings::AppraisalSettings;
pub use source::{
    AmdWanted, EndorsementSource, IntelWanted, TPM_CAS_MAX, TcbBaseline, TpmCasWanted,
};
pub use token_claims::TokenClaims;
pub use tpm::{ExpectedFiles, ExpectedFilesError, TpmAcceptance, TpmRefusal, TpmRefused};
pub use vocabulary::policy_vocabulary;
pub use workload::Workload;

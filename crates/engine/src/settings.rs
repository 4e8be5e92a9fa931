//! What a provider accepts of evidence that verified: a step after verification, before policy.

use std::sync::Arc;

use avouch_dcap::TcbEvaluation;
use avouch_snp::uvm::UvmTrust;

use crate::{ReferenceValues, TpmAcceptance};

/// What a provider accepts. The defaults are those of the handbook's first page: MAA's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AppraisalSettings {
    /// For SGX, Open Enclave and TDX.
    pub intel: avouch_dcap::Acceptance,
    /// By which of Intel's TCB recoveries, where the policy asks for none.
    pub tcb_evaluation: TcbEvaluation,
    /// Reference values and floors for SEV-SNP.
    pub snp: avouch_snp::Acceptance,
    /// Whose utility VM endorsements count.
    pub uvm: UvmTrust,
    /// Which confidential VMs have a compliance status.
    pub reference_values: Arc<ReferenceValues>,
    /// For TPMs: attestation keys, and what is expected of files.
    pub tpm: TpmAcceptance,
    /// For enclaves that VBS protects.
    pub vbs: avouch_vbs::Acceptance,
}

//! SEV-SNP.

use avouch_snp::{VMPL_HOST, VerifiedReport};

use super::{
    Attester, Recognition, TrustClaim, TrustVector, configuration, hardware, instance, runtime,
};

/// What a report proves of a guest. AMD's evidence does not say which firmware is good: only where the operator
/// demands a least TCB of its product, which the guest then has, is anything said of the hardware.
#[must_use]
pub fn report_trust(
    report: &VerifiedReport,
    recognition: Recognition,
    has_least_tcb: bool,
) -> Attester {
    let body = report.body();
    let facts = Facts {
        is_debuggable: body.policy.debug_allowed(),
        is_migratable: body.policy.migrate_ma_allowed(),
        is_of_host: body.vmpl == VMPL_HOST,
        has_least_tcb,
        recognition,
    };
    Attester { name: "snp", trust: facts.vector().under(&report.endorsement_key().root) }
}

/// What the vector is made of.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    pub(super) is_debuggable: bool,
    /// A migration agent, which nobody judged, may hold the guest.
    pub(super) is_migratable: bool,
    /// The host asked for the report, which then may name any key as the guest's.
    pub(super) is_of_host: bool,
    pub(super) has_least_tcb: bool,
    pub(super) recognition: Recognition,
}

impl Facts {
    pub(super) fn vector(self) -> TrustVector {
        let (configuration, runtime_opaque) = match (self.is_debuggable, self.is_migratable) {
            (true, _) => (configuration::UNACCEPTABLE, runtime::VISIBLE),
            (false, true) => (configuration::UNSEEN, runtime::ENCRYPTED),
            (false, false) => (TrustClaim::NONE, runtime::ENCRYPTED),
        };
        let hardware = if self.has_least_tcb { hardware::GENUINE } else { TrustClaim::NONE };
        let vector = TrustVector {
            instance_identity: instance::RECOGNIZED,
            configuration,
            executables: self.recognition.executables(self.is_debuggable),
            hardware,
            runtime_opaque,
            ..TrustVector::default()
        };
        if self.is_of_host { vector.without_affirmations() } else { vector }
    }
}

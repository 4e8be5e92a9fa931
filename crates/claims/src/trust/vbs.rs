//! VBS enclaves.

use avouch_tpm::Standing;
use avouch_vbs::VerifiedReport;

use super::{Attester, Recognition, TrustClaim, TrustVector, configuration, instance, runtime};

/// What the report of an enclave proves, on a machine whose TPM is known in this way. The hypervisor keeps other
/// programs and the kernel out; memory is not encrypted.
#[must_use]
pub fn enclave_trust(
    report: &VerifiedReport,
    standing: Standing,
    recognition: Recognition,
) -> Attester {
    let facts = Facts { is_debuggable: report.flags.debuggable(), standing, recognition };
    Attester { name: "vbs", trust: facts.vector() }
}

/// What the vector is made of.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    pub(super) is_debuggable: bool,
    pub(super) standing: Standing,
    pub(super) recognition: Recognition,
}

impl Facts {
    pub(super) fn vector(self) -> TrustVector {
        let (configuration, runtime_opaque) = match self.is_debuggable {
            true => (configuration::UNACCEPTABLE, runtime::VISIBLE),
            false => (TrustClaim::NONE, runtime::ISOLATED),
        };
        let vector = TrustVector {
            instance_identity: instance::RECOGNIZED,
            configuration,
            executables: self.recognition.executables(self.is_debuggable),
            runtime_opaque,
            ..TrustVector::default()
        };
        match self.standing {
            Standing::Certified | Standing::Activated | Standing::Reported => vector,
            Standing::SelfAsserted => vector.without_affirmations(),
        }
    }
}

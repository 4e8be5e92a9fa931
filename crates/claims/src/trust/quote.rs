//! SGX and TDX.

use avouch_dcap::{TcbStatus, TeeType, VerifiedQuote};

use super::{
    Attester, Recognition, TrustClaim, TrustVector, configuration, hardware, instance, runtime,
};

/// What a quote proves of an enclave or a trust domain. `secure_boot` is what the event log of a domain
/// proves, if one came along.
#[must_use]
pub fn quote_trust(
    quote: &VerifiedQuote,
    recognition: Recognition,
    secure_boot: Option<bool>,
) -> Attester {
    let name = match quote.tee() {
        TeeType::Sgx => "sgx",
        TeeType::Tdx => "tdx",
    };
    let others_hold_it =
        quote.td().is_some_and(|td| td.td_attributes.migratable() || td.has_service_td());
    let facts = Facts {
        status: quote.tcb().status,
        is_debuggable: quote.is_debuggable(),
        others_hold_it,
        secure_boot,
        recognition,
    };
    Attester { name, trust: facts.vector().under(quote.root()) }
}

/// What the vector is made of.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    pub(super) status: TcbStatus,
    pub(super) is_debuggable: bool,
    /// Another TD, which nobody judged, may hold its keys and memory.
    pub(super) others_hold_it: bool,
    pub(super) secure_boot: Option<bool>,
    pub(super) recognition: Recognition,
}

impl Facts {
    pub(super) fn vector(self) -> TrustVector {
        let (instance_identity, platform, hardware) = by_status(self.status);
        let when = |holds: bool, claim| if holds { claim } else { TrustClaim::NONE };
        let configuration = platform
            .or_worse(when(self.secure_boot == Some(false), configuration::VULNERABLE))
            .or_worse(when(self.others_hold_it, configuration::UNSEEN))
            .or_worse(when(self.is_debuggable, configuration::UNACCEPTABLE));
        let runtime_opaque = match self.is_debuggable {
            true => runtime::VISIBLE,
            false => runtime::ENCRYPTED,
        };
        TrustVector {
            instance_identity,
            configuration,
            executables: self.recognition.executables(self.is_debuggable),
            hardware,
            runtime_opaque,
            ..TrustVector::default()
        }
    }
}

/// `instance-identity`, `configuration` and `hardware` by what Intel says of the TCB.
const fn by_status(status: TcbStatus) -> (TrustClaim, TrustClaim, TrustClaim) {
    use configuration::{NOTHING_KNOWN, VULNERABLE as EXPOSED};
    use hardware::{CONTRAINDICATED, GENUINE, VULNERABLE};
    use instance::{RECOGNIZED, UNTRUSTWORTHY};
    const NONE: TrustClaim = TrustClaim::NONE;

    match status {
        TcbStatus::UpToDate => (RECOGNIZED, NOTHING_KNOWN, GENUINE),
        TcbStatus::SWHardeningNeeded => (RECOGNIZED, NONE, VULNERABLE),
        TcbStatus::ConfigurationNeeded => (RECOGNIZED, EXPOSED, GENUINE),
        TcbStatus::ConfigurationAndSWHardeningNeeded => (RECOGNIZED, EXPOSED, VULNERABLE),
        TcbStatus::TDRelaunchAdvised => (RECOGNIZED, NONE, VULNERABLE),
        TcbStatus::TDRelaunchAdvisedConfigurationNeeded => (RECOGNIZED, EXPOSED, VULNERABLE),
        TcbStatus::OutOfDate => (RECOGNIZED, NONE, VULNERABLE),
        TcbStatus::OutOfDateConfigurationNeeded => (RECOGNIZED, EXPOSED, VULNERABLE),
        TcbStatus::NotSupported => (RECOGNIZED, NONE, CONTRAINDICATED),
        TcbStatus::Revoked => (UNTRUSTWORTHY, NONE, CONTRAINDICATED),
    }
}

//! What an attestation result (EAR) says of an attester: a trustworthiness vector of AR4SI, from verified
//! facts alone. Of what they do not prove it says nothing, which is 0.
//!
//! # Source
//! IETF, `draft-ietf-rats-ar4si`, section 2.3 (claims and their values), `draft-ietf-rats-ear-04`; which fact gives
//! which value is in `docs/ear.md`.

mod quote;
mod report;
mod tpm;
mod vbs;

use avouch_pki::Root;
use serde_json::Value;

pub use quote::quote_trust;
pub use report::report_trust;
pub use tpm::{TpmTrust, tpm_trust};
pub use vbs::enclave_trust;

/// An attester, and how far it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attester {
    /// Its name among the attesters of one piece of evidence: `sgx`, `tdx`, `snp`, `tpm`, `vtpm`, `vbs`.
    pub name: &'static str,
    /// What is proven of it.
    pub trust: TrustVector,
}

/// What a trustworthiness claim says, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Nothing.
    None,
    /// That what it is about is as it should be.
    Affirming,
    /// That it has known weaknesses.
    Warning,
    /// That it must not be trusted.
    Contraindicated,
}

impl Tier {
    /// The word in `ear_status`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Affirming => "affirming",
            Self::Warning => "warning",
            Self::Contraindicated => "contraindicated",
        }
    }
}

/// The value of one trustworthiness claim: 0, which says nothing, or what the claim's own module names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrustClaim(u8);

impl TrustClaim {
    /// No claim is made.
    const NONE: Self = Self(0);

    /// Its tier: affirming from 2, warning from 32, contraindicated from 96.
    #[must_use]
    pub const fn tier(self) -> Tier {
        match self.0 {
            0..2 => Tier::None,
            2..32 => Tier::Affirming,
            32..96 => Tier::Warning,
            96.. => Tier::Contraindicated,
        }
    }

    /// The one of both that warns more; this one where they are of one tier.
    fn or_worse(self, other: Self) -> Self {
        if other.tier() > self.tier() { other } else { self }
    }
}

/// `instance-identity`.
mod instance {
    use super::TrustClaim;

    /// A key that is recognized, of a machine not known to be compromised, vouches for the evidence.
    pub(super) const RECOGNIZED: TrustClaim = TrustClaim(2);
    /// It is recognized as one that must not be trusted.
    pub(super) const UNTRUSTWORTHY: TrustClaim = TrustClaim(96);
}

/// `configuration`.
mod configuration {
    use super::TrustClaim;

    /// No vulnerability of it is known.
    pub(super) const NOTHING_KNOWN: TrustClaim = TrustClaim(3);
    /// It has known vulnerabilities.
    pub(super) const VULNERABLE: TrustClaim = TrustClaim(32);
    /// Something that matters about it cannot be seen.
    pub(super) const UNSEEN: TrustClaim = TrustClaim(36);
    /// It is unacceptable.
    pub(super) const UNACCEPTABLE: TrustClaim = TrustClaim(96);
}

/// `executables`.
mod executables {
    use super::TrustClaim;

    /// What was loaded at the start is recognized and approved.
    pub(super) const APPROVED_START: TrustClaim = TrustClaim(3);
    /// Something is not recognized.
    pub(super) const UNRECOGNIZED: TrustClaim = TrustClaim(33);
}

/// `file-system`.
mod file_system {
    use super::TrustClaim;

    /// Something is not recognized.
    pub(super) const UNRECOGNIZED: TrustClaim = TrustClaim(32);
}

/// `hardware`.
mod hardware {
    use super::TrustClaim;

    /// Hardware and firmware are genuine and supported.
    pub(super) const GENUINE: TrustClaim = TrustClaim(2);
    /// They are genuine, and have known vulnerabilities.
    pub(super) const VULNERABLE: TrustClaim = TrustClaim(32);
    /// They are recognized as what must not be trusted.
    pub(super) const CONTRAINDICATED: TrustClaim = TrustClaim(96);
}

/// `runtime-opaque`.
mod runtime {
    use super::TrustClaim;

    /// Memory is encrypted, and closed to operating system, hypervisor and other programs.
    pub(super) const ENCRYPTED: TrustClaim = TrustClaim(2);
    /// Memory is closed to other programs and machines.
    pub(super) const ISOLATED: TrustClaim = TrustClaim(32);
    /// The host can see into it.
    pub(super) const VISIBLE: TrustClaim = TrustClaim(96);
}

/// What is proven of an attester: one value for each of the claims. By default nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrustVector {
    instance_identity: TrustClaim,
    configuration: TrustClaim,
    executables: TrustClaim,
    file_system: TrustClaim,
    hardware: TrustClaim,
    runtime_opaque: TrustClaim,
}

impl TrustVector {
    /// Every claim with its name. Nothing that is verified here proves how secrets are stored, or where data
    /// come from.
    fn claims(&self) -> [(&'static str, TrustClaim); 8] {
        [
            ("instance-identity", self.instance_identity),
            ("configuration", self.configuration),
            ("executables", self.executables),
            ("file-system", self.file_system),
            ("hardware", self.hardware),
            ("runtime-opaque", self.runtime_opaque),
            ("storage-opaque", TrustClaim::NONE),
            ("sourced-data", TrustClaim::NONE),
        ]
    }

    /// The worst tier of its claims.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.claims().into_iter().map(|(_, claim)| claim.tier()).max().unwrap_or(Tier::None)
    }

    /// All eight claims, also those that say nothing.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let members = self.claims().into_iter();
        let members = members.map(|(name, TrustClaim(value))| (name.to_owned(), value.into()));
        Value::Object(members.collect())
    }

    /// The same where nobody who counts vouches for it: what speaks for the attester may be made up, what
    /// speaks against it stays.
    #[must_use]
    pub fn without_affirmations(self) -> Self {
        let kept = |claim: TrustClaim| match claim.tier() {
            Tier::Affirming => TrustClaim::NONE,
            _ => claim,
        };
        Self {
            instance_identity: kept(self.instance_identity),
            configuration: kept(self.configuration),
            executables: kept(self.executables),
            file_system: kept(self.file_system),
            hardware: kept(self.hardware),
            runtime_opaque: kept(self.runtime_opaque),
        }
    }

    /// The same as far as a root vouches for it. Intel and AMD have roots of their own: whoever holds the key of
    /// any other can make up processors.
    #[must_use]
    pub fn under(self, vendor_root: &Root) -> Self {
        if vendor_root.is_built_in { self } else { self.without_affirmations() }
    }
}

/// Whether an operator knows the code that was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Recognition {
    /// No operator said which code of its kind is known.
    #[default]
    NotAsked,
    /// It is among what is known.
    Recognized,
    /// It is not.
    Unrecognized,
}

impl Recognition {
    /// `executables` of what starts as it was measured. What can be debugged may have been changed since.
    const fn executables(self, is_debuggable: bool) -> TrustClaim {
        match self {
            Self::Recognized if !is_debuggable => executables::APPROVED_START,
            Self::Unrecognized => executables::UNRECOGNIZED,
            Self::Recognized | Self::NotAsked => TrustClaim::NONE,
        }
    }
}

#[cfg(test)]
mod tests;

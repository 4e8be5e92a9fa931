//! What a kind of evidence is to the engine: an arm, which makes verified facts and claims of it.

use std::sync::Arc;

use avouch_claims::{Attester, BoundData, HeldData, ServiceClaim};
use avouch_policy::{Claim, Properties};
use avouch_wire::{EvidenceKind, FailedCheck, UnixTime};

use crate::azure::AzureArm;
use crate::intel::{IntelArm, QuoteVerifier};
use crate::snp::{ReportVerifier, SnpArm};
use crate::tpm::TpmArm;
use crate::{
    Anchors, AppraisalError, AppraisalRequest, AppraisalSettings, EndorsementSource, Finding,
    HeldDataRefused, Refused, Remembered, Root, TcbBaseline, VerifiedFacts,
};

/// Evidence as it was submitted, with all that it is judged by.
pub(crate) struct Submission<'a> {
    pub(crate) request: &'a AppraisalRequest,
    /// What the policy demands of verification.
    pub(crate) configuration: &'a Properties,
    /// What the provider demands, of verification and after it.
    pub(crate) settings: &'a AppraisalSettings,
    pub(crate) endorsements: &'a Arc<dyn EndorsementSource>,
    pub(crate) at: UnixTime,
}

/// Evidence that verified, with all that the steps after it need.
pub(crate) struct Verified {
    pub(crate) facts: Box<dyn VerifiedFacts>,
    /// Whether the provider's settings accept it.
    pub(crate) accepted: Result<(), Refused>,
    /// The claims of its kind.
    pub(crate) claims: Vec<ServiceClaim>,
    /// What the attester says of itself: nobody vouches for it.
    pub(crate) attester_claims: Vec<Claim>,
    /// Whom it is of, and how far each can be trusted: at least one.
    pub(crate) attesters: Vec<Attester>,
    /// The roots that it rests on; none if nobody vouches for it.
    pub(crate) roots: Vec<Root>,
    pub(crate) bound: Bound,
    /// What an operator should know of it, whatever is decided.
    pub(crate) findings: Vec<Finding>,
}

/// The held data that the evidence binds.
#[derive(Default)]
pub(crate) struct Bound {
    pub(crate) runtime_data: Option<BoundData>,
    pub(crate) init_time_data: Option<BoundData>,
}

/// Held data, if any were sent, as what the evidence binds by `check`.
pub(crate) fn bind<E: FailedCheck>(
    member: &'static str,
    data: Option<&HeldData>,
    check: impl FnOnce(&[u8]) -> Result<(), E>,
) -> Result<Option<BoundData>, HeldDataRefused<E>> {
    data.map(|data| BoundData::bind(data, check))
        .transpose()
        .map_err(|source| HeldDataRefused { member, source })
}

/// Verifies one family of evidence. What it remembers is what content proves, never a verdict.
pub(crate) trait Arm: Send + Sync {
    /// From bytes to verified facts, and what they are accepted for, claim, rest on and bind.
    ///
    /// # Errors
    /// [`AppraisalError`] if the evidence does not verify or does not bind the data sent along.
    fn verify(&self, submission: &Submission<'_>) -> Result<Verified, AppraisalError>;

    /// How much it remembers now.
    fn remembered(&self) -> Remembered;

    /// Lets go of what only endorsements that were replaced need.
    fn forget_endorsements(&self) {}

    /// The TCB baselines at hand; none where there is no such thing.
    fn tcb_baselines(
        &self,
        _kind: EvidenceKind,
        _endorsements: &dyn EndorsementSource,
    ) -> Option<Vec<TcbBaseline>> {
        None
    }
}

/// The arms, each with the kinds of evidence that it verifies.
pub(crate) struct Arms(Vec<(&'static [EvidenceKind], Box<dyn Arm>)>);

impl Arms {
    /// All arms; they remember at most `bytes`.
    pub(crate) fn new(anchors: Anchors, bytes: u64) -> Self {
        use EvidenceKind::{AzureGuest, OpenEnclave, Sgx, Snp, Tdx, Tpm};
        let quarter = bytes / 4;
        let rest = bytes.saturating_sub(quarter);
        let Anchors { intel, amd, tpm, vtpm, windows } = anchors;
        let quotes = Arc::new(QuoteVerifier::new(intel, rest));
        let reports = Arc::new(ReportVerifier::new(amd, quarter));
        let guests = AzureArm::new(vtpm.and(&tpm), windows.clone(), &reports, &quotes);
        Self(vec![
            (&[Sgx, OpenEnclave, Tdx], Box::new(IntelArm::new(quotes))),
            (&[Snp], Box::new(SnpArm::new(reports))),
            (&[Tpm], Box::new(TpmArm::new(tpm, windows))),
            (&[AzureGuest], Box::new(guests)),
        ])
    }

    /// The arm of a kind, if this build appraises it.
    pub(crate) fn of(&self, kind: EvidenceKind) -> Option<&dyn Arm> {
        let found = self.0.iter().find(|(kinds, _)| kinds.contains(&kind));
        found.map(|(_, arm)| arm.as_ref())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &dyn Arm> {
        self.0.iter().map(|(_, arm)| arm.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use avouch_wire::{DefaultPolicy, EvidenceKind};

    use super::Arms;
    use crate::{Anchors, PolicyInForce};

    #[test]
    fn the_kinds_that_are_appraised_are_those_with_an_arm_and_have_the_default_policy_of_the_table()
    {
        let arms = Arms::new(Anchors::built_in(), 0);
        for kind in EvidenceKind::all() {
            assert_eq!(arms.of(kind).is_some(), kind.is_appraised(), "{kind}");
            if kind.is_appraised() {
                let has_default = kind.default_policy() != DefaultPolicy::Absent;
                assert_eq!(PolicyInForce::default_for(kind).is_some(), has_default, "{kind}");
            }
        }
    }
}

//! The recipe of one appraisal.

use std::sync::Arc;

use arc_swap::ArcSwap;
use avouch_claims::{BoundData, SeenBy, ServiceClaim, common};
use avouch_policy::{Claim, Decision as PolicyDecision, Properties};
use avouch_wire::{Hex, UnixTime};

use crate::appraisal::{Appraisal, Decision, Permitted, Refused, VerifiedEvidence};
use crate::intel::IntelAppraiser;
use crate::preview_2018;
use crate::snp::SnpAppraiser;
use crate::token_claims::{self, TokenParts};
use crate::{
    Anchors, AppraisalError, AppraisalRequest, AppraisalSettings, EndorsementSource, EvidenceKind,
    Nonce, PolicyInForce, Remembered, TcbBaseline, TokenForm,
};

/// What an engine remembers if nothing else is asked for: some 8,000 platforms and 30,000
/// endorsement keys.
pub const REMEMBERED_BYTES: u64 = 128 * 1024 * 1024;

/// Appraises evidence. One engine serves all tenants; what it remembers is what content proves,
/// never a verdict.
pub struct Engine {
    intel: IntelAppraiser,
    snp: SnpAppraiser,
    endorsements: ArcSwap<Arc<dyn EndorsementSource>>,
}

/// Evidence that verified, with what its kind adds for the steps after it.
pub(crate) struct Verified {
    pub(crate) evidence: VerifiedEvidence,
    pub(crate) runtime_data: Option<BoundData>,
    pub(crate) init_time_data: Option<BoundData>,
    pub(crate) claims: Vec<ServiceClaim>,
    /// Label of the root it rests on, if that is not the vendor's own.
    pub(crate) foreign_root: Option<String>,
    /// SHA-256 of the quote without an Open Enclave header, for tokens of the 2018 preview.
    pub(crate) bare_quote_hash: Option<Hex<32>>,
}

impl Engine {
    /// An engine that trusts `anchors`, takes endorsements from `endorsements` and remembers at most
    /// [`REMEMBERED_BYTES`].
    #[must_use]
    pub fn new(anchors: Anchors, endorsements: Arc<dyn EndorsementSource>) -> Self {
        Self::remembering(anchors, endorsements, REMEMBERED_BYTES)
    }

    /// The same, with at most `bytes` for all that it remembers: half of them for platforms, a
    /// quarter each for collateral and for endorsement keys. What does not fit is verified each
    /// time.
    #[must_use]
    pub fn remembering(
        anchors: Anchors,
        endorsements: Arc<dyn EndorsementSource>,
        bytes: u64,
    ) -> Self {
        let (half, quarter) = (bytes / 2, bytes / 4);
        Self {
            intel: IntelAppraiser::new(anchors.intel, half, quarter),
            snp: SnpAppraiser::new(anchors.amd, quarter),
            endorsements: ArcSwap::from_pointee(endorsements),
        }
    }

    /// Takes other endorsements from now on. An appraisal under way goes on with those that it
    /// began with; a source itself must always give the same.
    pub fn replace_endorsements(&self, endorsements: Arc<dyn EndorsementSource>) {
        self.endorsements.store(Arc::new(endorsements));
        self.intel.forget_collateral();
    }

    fn endorsements(&self) -> Arc<dyn EndorsementSource> {
        Arc::clone(&self.endorsements.load())
    }

    /// How much it remembers now.
    #[must_use]
    pub fn remembered(&self) -> Remembered {
        self.intel.remembered().and(self.snp.remembered())
    }

    /// What endorsements are at hand, for people.
    #[must_use]
    pub fn endorsement_summary(&self) -> serde_json::Value {
        self.endorsements().summary()
    }

    /// The TCB baselines at hand for a kind of evidence; none for kinds that know no such thing.
    #[must_use]
    pub fn tcb_baselines(&self, kind: EvidenceKind) -> Option<Vec<TcbBaseline>> {
        kind.intel_tee().map(|tee| self.endorsements().tcb_baselines(tee))
    }

    /// Appraises evidence by a policy and a provider's settings, judged at `at`.
    ///
    /// # Errors
    /// [`AppraisalError`] if the evidence does not verify or does not bind the data sent along: then
    /// nothing is known. Evidence that verified always gives an [`Appraisal`], whatever settings
    /// and policy say.
    pub fn appraise(
        &self,
        request: &AppraisalRequest,
        policy: &PolicyInForce,
        settings: &AppraisalSettings,
        at: UnixTime,
    ) -> Result<Appraisal, AppraisalError> {
        // 1. What the policy demands of verification itself. Nothing of it runs here: until the
        //    evidence has verified, no rule costs anything.
        let configuration = policy.configuration().map_err(AppraisalError::Configuration)?;

        // 2. Evidence, endorsements and a moment become verified facts.
        let verified = self.verify(request, settings, configuration, at)?;

        // 3. Facts become claims.
        let (runtime, init_time) = (&verified.runtime_data, &verified.init_time_data);
        let attestation_type = request.kind.attestation_type();
        let mut claims = common(attestation_type, runtime.as_ref(), init_time.as_ref());
        claims.extend(verified.claims);
        let incoming = incoming(&claims, policy);

        // 4. Settings, then policy, permit or refuse.
        let mut findings = Vec::new();
        let decision = match self.accept(&verified.evidence, settings, at) {
            Err(refused) => Decision::Deny(refused),
            Ok(()) => match decide(policy, &incoming) {
                Err(refused) => Decision::Deny(refused),
                Ok(outgoing) => {
                    let parts = TokenParts {
                        service: &claims,
                        outgoing: &outgoing,
                        policy,
                        nonce: request.nonce.as_ref(),
                        foreign_root: verified.foreign_root.as_deref(),
                        bare_quote_hash: verified.bare_quote_hash.as_ref(),
                    };
                    let (claims, dropped) = match request.token_form {
                        TokenForm::Current => token_claims::compose(&parts),
                        TokenForm::Preview2018 => preview_2018::compose(&parts),
                    };
                    findings.extend(dropped);
                    // The older form has no nonce.
                    let nonce = match request.token_form {
                        TokenForm::Current => request.nonce.as_ref(),
                        TokenForm::Preview2018 => None,
                    };
                    let nonce = nonce.and_then(Nonce::as_integer);
                    Decision::Permit(Permitted { claims, integer_nonce: nonce.cloned() })
                }
            },
        };
        Ok(Appraisal {
            evidence: verified.evidence,
            service_claims: claims,
            incoming,
            decision,
            findings,
        })
    }

    fn verify(
        &self,
        request: &AppraisalRequest,
        settings: &AppraisalSettings,
        configuration: &Properties,
        at: UnixTime,
    ) -> Result<Verified, AppraisalError> {
        let endorsements = self.endorsements();
        match request.kind {
            EvidenceKind::Sgx | EvidenceKind::OpenEnclave | EvidenceKind::Tdx => {
                self.intel.verify(request, configuration, &*endorsements, at)
            }
            EvidenceKind::Snp => self.snp.verify(request, settings, &endorsements, at),
        }
    }

    fn accept(
        &self,
        evidence: &VerifiedEvidence,
        settings: &AppraisalSettings,
        at: UnixTime,
    ) -> Result<(), Refused> {
        match evidence {
            VerifiedEvidence::Quote(quote) => settings.intel.check(quote, at).map_err(|error| {
                Refused::NotAccepted { check: error.check(), message: error.to_string() }
            }),
            VerifiedEvidence::Report(report, _) => settings.snp.accept(report).map_err(|error| {
                Refused::NotAccepted { check: error.check(), message: error.to_string() }
            }),
        }
    }
}

/// The claims that a policy reads, all issued by the service.
fn incoming(claims: &[ServiceClaim], policy: &PolicyInForce) -> Vec<Claim> {
    let seen = claims.iter().filter(|claim| claim.seen_by != SeenBy::Token);
    let mut incoming: Vec<Claim> = seen
        .map(|claim| Claim::service(claim.name, token_claims::policy_value(&claim.value)))
        .collect();
    for name in ["x-ms-policy-hash", "policy_hash", "maa-policyHash"] {
        incoming.push(Claim::service(name, policy.hash()));
    }
    if let Some(signer) = policy.signer() {
        let text = avouch_token::json::to_canonical(signer);
        incoming.push(Claim::service("x-ms-policy-signer", text.as_str()));
        incoming.push(Claim::service("policy_signer", text.as_str()));
    }
    incoming
}

fn decide(policy: &PolicyInForce, incoming: &[Claim]) -> Result<Vec<Claim>, Refused> {
    let outcome = policy.policy().evaluate(incoming, policy.limits()).map_err(|error| {
        Refused::PolicyFailed { check: error.slug.name(), message: error.to_string() }
    })?;
    match outcome.decision {
        PolicyDecision::Permit => Ok(outcome.outgoing),
        PolicyDecision::Deny(reason) => {
            Err(Refused::Policy { check: reason.name(), message: reason.maa_message().to_owned() })
        }
    }
}

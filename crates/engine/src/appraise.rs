//! The recipe of one appraisal.

use std::sync::Arc;

use arc_swap::ArcSwap;
use avouch_claims::{SeenBy, ServiceClaim, common};
use avouch_policy::{Claim, Decision as PolicyDecision, TypeName, Value};
use avouch_tpm::TrustAnchors;
use avouch_wire::{EvidenceKind, UnixTime};

use crate::appraisal::{Appraisal, Decision, Refused};
use crate::arm::{Arms, Submission};
use crate::error::EventLogRefused;
use crate::token_claims::{self, Issued, TokenParts};
use crate::{
    Anchors, AppraisalError, AppraisalRequest, AppraisalSettings, EndorsementSource, PolicyInForce,
    Remembered, TcbBaseline,
};

/// What an engine remembers if nothing else is asked for: some 5,000 platforms and 30,000
/// endorsement keys.
pub const REMEMBERED_BYTES: u64 = 128 * 1024 * 1024;

/// Appraises evidence. One engine serves all tenants; what it remembers is what content proves,
/// never a verdict.
pub struct Engine {
    arms: Arms,
    tpm_anchors: TrustAnchors,
    endorsements: ArcSwap<Arc<dyn EndorsementSource>>,
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
        let tpm_anchors = anchors.tpm.clone();
        let arms = Arms::new(anchors, bytes);
        Self { arms, tpm_anchors, endorsements: ArcSwap::from_pointee(endorsements) }
    }

    /// Takes other endorsements from now on. An appraisal under way goes on with those that it
    /// began with.
    pub fn replace_endorsements(&self, endorsements: Arc<dyn EndorsementSource>) {
        self.endorsements.store(Arc::new(endorsements));
        for arm in self.arms.iter() {
            arm.forget_endorsements();
        }
    }

    fn endorsements(&self) -> Arc<dyn EndorsementSource> {
        Arc::clone(&self.endorsements.load())
    }

    /// The CAs of TPMs that it trusts: enrolment rests on them too.
    #[must_use]
    pub const fn tpm_anchors(&self) -> &TrustAnchors {
        &self.tpm_anchors
    }

    /// How much it remembers now.
    #[must_use]
    pub fn remembered(&self) -> Remembered {
        self.arms.iter().map(|arm| arm.remembered()).fold(Remembered::default(), Remembered::and)
    }

    /// What endorsements are at hand, for people.
    #[must_use]
    pub fn endorsement_summary(&self) -> serde_json::Value {
        self.endorsements().summary()
    }

    /// The TCB baselines at hand for a kind of evidence; none for kinds that know no such thing.
    #[must_use]
    pub fn tcb_baselines(&self, kind: EvidenceKind) -> Option<Vec<TcbBaseline>> {
        self.arms.of(kind)?.tcb_baselines(kind, &*self.endorsements())
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
        self.appraise_by(request, policy, settings, &self.endorsements(), at)
    }

    /// The same, by other endorsements than those in force: for who must know what was wanted of them,
    /// or asks what a change of them would change.
    ///
    /// # Errors
    /// As [`Engine::appraise`].
    pub fn appraise_by(
        &self,
        request: &AppraisalRequest,
        policy: &PolicyInForce,
        settings: &AppraisalSettings,
        endorsements: &Arc<dyn EndorsementSource>,
        at: UnixTime,
    ) -> Result<Appraisal, AppraisalError> {
        // 1. What the policy demands of verification itself. Nothing of it runs here: until the
        //    evidence has verified, no rule costs anything.
        let configuration = policy.configuration().map_err(AppraisalError::Configuration)?;

        // 2. Evidence, endorsements and a moment become verified facts.
        let arm = self.arms.of(request.kind).ok_or(AppraisalError::NotBuilt(request.kind))?;
        if request.event_log.is_some() && !request.kind.takes_event_log() {
            return Err(EventLogRefused::Kind.into());
        }
        let verified =
            arm.verify(&Submission { request, configuration, settings, endorsements, at })?;

        // 3. Facts become claims.
        let (runtime, init_time) = (verified.bound.runtime_data, verified.bound.init_time_data);
        let attestation_type = verified.facts.attestation_type();
        let attestation_type = attestation_type.unwrap_or(request.kind.attestation_type());
        let mut claims = common(attestation_type, runtime.as_ref(), init_time.as_ref());
        claims.extend(verified.claims);
        let mut incoming = incoming(&claims, policy);
        incoming.extend(verified.attester_claims);

        // 4. Settings, then policy, permit or refuse, and what the policy issues becomes a token's.
        let issued = verified.accepted.and_then(|()| decide(policy, &incoming));
        let mut findings = verified.findings;
        let decision = match issued {
            Err(refused) => Decision::Deny(refused),
            Ok(issued) => {
                let (roots, nonce) = (&verified.roots, request.nonce.as_ref());
                let attesters = &verified.attesters;
                let parts = TokenParts { issued: &issued, policy, nonce, roots, attesters };
                let (permitted, dropped) =
                    token_claims::compose(request.token_form, claims, &parts);
                findings.extend(dropped);
                Decision::Permit(permitted)
            }
        };
        let (facts, roots) = (verified.facts, verified.roots);
        Ok(Appraisal { facts, roots, incoming, decision, findings })
    }
}

/// The claims that a policy reads and that the service vouches for.
fn incoming(claims: &[ServiceClaim], policy: &PolicyInForce) -> Vec<Claim> {
    let seen = claims.iter().filter(|claim| claim.seen_by != SeenBy::Token);
    let mut incoming: Vec<Claim> = seen.map(token_claims::policy_claim).collect();
    let mut add = |name: &'static str, value: &Value| {
        incoming.push(Claim::service(TypeName::fixed(name), value.clone()));
    };
    let hash = policy.hash().into();
    for name in ["x-ms-policy-hash", "policy_hash", "maa-policyHash"] {
        add(name, &hash);
    }
    if let Some(signer) = policy.signer() {
        let text = avouch_wire::json::to_canonical(signer).into();
        add("x-ms-policy-signer", &text);
        add("policy_signer", &text);
    }
    incoming
}

fn decide(policy: &PolicyInForce, incoming: &[Claim]) -> Result<Issued, Refused> {
    let outcome = policy.policy().evaluate(incoming, policy.limits()).map_err(|error| {
        Refused::PolicyFailed { check: error.slug.name(), message: error.to_string() }
    })?;
    match outcome.decision {
        PolicyDecision::Permit => {
            Ok(Issued { claims: outcome.outgoing, properties: outcome.properties })
        }
        PolicyDecision::Deny(reason) => {
            Err(Refused::Policy { check: reason.name(), message: reason.maa_message().to_owned() })
        }
    }
}

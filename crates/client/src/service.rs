//! The evidence that a service carries in its signing certificate, verified as anybody's evidence is.

use std::sync::Arc;

use avouch_dcap::open_enclave::OpenEnclave;
use avouch_dcap::{Body, Quote, TeeType};
use avouch_engine::{
    Anchors, Appraisal, AppraisalError, AppraisalRequest, AppraisalSettings, Decision,
    EndorsementSource, Engine, PolicyInForce, PolicyRefused, Refused, Root, TokenForm, Workload,
};
use avouch_snp::maa_request::SnpEvidence;
use avouch_token::{Jwk, ServiceEvidence, ServiceEvidenceError};
use avouch_wire::{EvidenceKind, UnixTime, excerpt};
use thiserror::Error;

/// The kind of TEE that MAA names for guests of SEV-SNP that run its containers.
const ACI_SEV_SNP: &str = "acisevsnp";
/// Permits whatever verified; what is accepted of it is for settings.
const PERMIT: &str = "version=1.0; authorizationrules{=> permit();}; issuancerules{};";

/// Verifies what services say of themselves, by vendors' roots and endorsements.
pub struct ServiceVerifier {
    engine: Engine,
    settings: AppraisalSettings,
    permit: PolicyInForce,
}

/// Why the evidence of a service proves nothing.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// The key has no certificate, or the certificate no evidence.
    #[error("{0}: the service proves nothing about itself")]
    Absent(&'static str),
    /// The certificate's extensions cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ServiceEvidenceError),
    /// Evidence of a TEE that is not known.
    #[error("evidence of a TEE of kind {}, known is {ACI_SEV_SNP:?}", excerpt(.0))]
    UnknownTee(String),
    /// It does not verify.
    #[error(transparent)]
    Unverified(AppraisalError),
    /// It verifies, and is not accepted.
    #[error(transparent)]
    NotAccepted(Refused),
}

impl ServiceError {
    /// The checks of its own; the others are those of evidence.
    pub const CHECKS: [&'static str; 3] =
        ["service-evidence-absent", "service-evidence", "service-tee"];

    /// The stable name of the check that failed.
    #[must_use]
    pub fn check(&self) -> &'static str {
        let [absent, unreadable, tee] = Self::CHECKS;
        match self {
            Self::Absent(_) => absent,
            Self::Unreadable(_) => unreadable,
            Self::UnknownTee(_) => tee,
            Self::Unverified(error) => error.check(),
            Self::NotAccepted(refused) => refused.check(),
        }
    }

    /// Whether it is only that endorsements are not at hand: nothing speaks against the evidence.
    #[must_use]
    pub fn lacks_endorsements(&self) -> bool {
        self.check() == "endorsements-missing"
    }
}

/// A service whose evidence verified and is accepted.
///
/// Proven: a genuine TEE of its vendor's reported this workload and this report data, at some time. Not
/// proven: that the signing key is the workload's ([`avouch_token::check_key_binding`]), that the workload is
/// code that anybody published ([`crate::Measurements`]), and that the evidence is fresh: it names no time.
///
/// Only [`ServiceVerifier::verify`] makes one.
#[derive(Debug)]
pub struct VerifiedService {
    appraisal: Appraisal,
    is_debuggable: bool,
}

impl VerifiedService {
    /// What runs in the TEE.
    #[must_use]
    pub fn workload(&self) -> Option<Workload<'_>> {
        self.appraisal.facts.workload()
    }

    /// Whether its host can look into it, which the settings accept: then it proves nothing.
    #[must_use]
    pub const fn is_debuggable(&self) -> bool {
        self.is_debuggable
    }

    /// The roots that the evidence rests on.
    #[must_use]
    pub fn roots(&self) -> &[Root] {
        &self.appraisal.roots
    }

    /// Everything that was proven: a JSON object under the fields' standard names.
    #[must_use]
    pub fn facts(&self) -> serde_json::Value {
        self.appraisal.facts.to_json()
    }
}

impl ServiceVerifier {
    /// What is accepted of a service: TCB statuses as providers accept them by default, nothing that is
    /// debuggable or can be migrated, and no report that a host asked for.
    #[must_use]
    pub fn settings() -> AppraisalSettings {
        let mut settings = AppraisalSettings::default();
        settings.intel.refuse_debuggable = true;
        settings.intel.refuse_migratable = true;
        settings.snp.refuse_debuggable = true;
        settings.snp.refuse_migratable = true;
        settings
    }

    /// Verifies by these roots and endorsements; `settings` say what is accepted of what verified.
    ///
    /// # Errors
    /// [`PolicyRefused`] never but by a fault of this build.
    pub fn new(
        anchors: Anchors,
        endorsements: Arc<dyn EndorsementSource>,
        settings: AppraisalSettings,
    ) -> Result<Self, PolicyRefused> {
        let permit = PolicyInForce::from_text(PERMIT)?;
        Ok(Self { engine: Engine::new(anchors, endorsements), settings, permit })
    }

    /// Verifies the evidence in the certificate of a key that signs tokens, judged at `at`.
    ///
    /// # Errors
    /// [`ServiceError`] naming the check that failed.
    ///
    /// # Source
    /// `docs/maa/keys.md#signing-certificates`.
    pub fn verify(&self, key: &Jwk, at: UnixTime) -> Result<VerifiedService, ServiceError> {
        let (kind, evidence) = evidence(key)?;
        let request = AppraisalRequest {
            kind,
            evidence,
            runtime_data: None,
            init_time_data: None,
            event_log: None,
            challenged: None,
            nonce: None,
            token_form: TokenForm::Current,
        };
        let appraisal = self.engine.appraise(&request, &self.permit, &self.settings, at);
        let appraisal = appraisal.map_err(ServiceError::Unverified)?;
        match appraisal.decision {
            Decision::Permit(_) => {
                let is_debuggable = self.is_debuggable(&request, at);
                Ok(VerifiedService { appraisal, is_debuggable })
            }
            Decision::Deny(refused) => Err(ServiceError::NotAccepted(refused)),
        }
    }

    /// Whether evidence that is accepted would not be if nothing debuggable were.
    fn is_debuggable(&self, request: &AppraisalRequest, at: UnixTime) -> bool {
        let mut strict = self.settings.clone();
        strict.intel.refuse_debuggable = true;
        strict.snp.refuse_debuggable = true;
        let is_waived = strict.intel.refuse_debuggable != self.settings.intel.refuse_debuggable
            || strict.snp.refuse_debuggable != self.settings.snp.refuse_debuggable;
        let is_accepted = || {
            let appraisal = self.engine.appraise(request, &self.permit, &strict, at);
            appraisal.is_ok_and(|it| matches!(it.decision, Decision::Permit(_)))
        };
        is_waived && !is_accepted()
    }
}

/// The evidence for a key as a request for its kind takes it; neither is proven.
fn evidence(key: &Jwk) -> Result<(EvidenceKind, Vec<u8>), ServiceError> {
    let certificate = key
        .untrusted_certificates()
        .first()
        .ok_or(ServiceError::Absent("the signing key has no certificate"))?;
    let evidence = ServiceEvidence::of_certificate(certificate)?
        .ok_or(ServiceError::Absent("no quote in the signing certificate"))?;
    Ok(match evidence {
        ServiceEvidence::Quote(quote) => (kind_of_quote(&quote), quote),
        ServiceEvidence::OpenEnclaveReport(report) => (EvidenceKind::OpenEnclave, report),
        ServiceEvidence::Described { evidence_json, tee_kind } => {
            if tee_kind != ACI_SEV_SNP {
                return Err(ServiceError::UnknownTee(tee_kind));
            }
            (EvidenceKind::Snp, evidence_json.into_bytes())
        }
    })
}

/// The report data of evidence that was read and not verified: what must fit anyway.
pub(crate) fn untrusted_report_data(key: &Jwk) -> Option<[u8; 64]> {
    let (kind, evidence) = evidence(key).ok()?;
    match kind {
        EvidenceKind::Snp => {
            let document = SnpEvidence::parse(&evidence).ok()?;
            Some(document.report().untrusted_body().report_data.0)
        }
        EvidenceKind::OpenEnclave => Some(of_quote(OpenEnclave::parse(&evidence).ok()?.quote())),
        _ => Some(of_quote(&Quote::parse(&evidence).ok()?)),
    }
}

fn of_quote(quote: &Quote<'_>) -> [u8; 64] {
    match quote.body() {
        Body::Enclave(report) => report.report_data.0,
        Body::Td(report) => report.report_data.0,
    }
}

/// SGX or TDX, by the field of the quote that says so; what it says is verified as that.
fn kind_of_quote(quote: &[u8]) -> EvidenceKind {
    let is_td = Quote::parse(quote).is_ok_and(|quote| quote.tee_type() == TeeType::Tdx);
    if is_td { EvidenceKind::Tdx } else { EvidenceKind::Sgx }
}

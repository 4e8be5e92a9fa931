//! The evidence that a service carries in its signing certificate, verified as anybody's evidence is.

use std::sync::Arc;

use avouch_azure::{RuntimeClaims, RuntimeClaimsError};
use avouch_dcap::open_enclave::OpenEnclave;
use avouch_dcap::{Body, Quote, TeeType};
use avouch_engine::{
    Anchors, Appraisal, AppraisalError, AppraisalRequest, AppraisalSettings, DataType, Decision,
    EndorsementSource, Engine, HeldData, PolicyInForce, PolicyRefused, Refused, Root, TokenForm,
    Workload,
};
use avouch_snp::maa_request::SnpEvidence;
use avouch_token::{Jwk, ServiceEvidence, ServiceEvidenceError, TeeKind, evidence_member};
use avouch_wire::{EvidenceKind, FailedCheck as _, UnixTime, excerpt};
use thiserror::Error;

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
    #[error("evidence of a TEE of kind {}; known are {}", excerpt(.0), known_kinds())]
    UnknownTee(String),
    /// What the machine's paravisor says cannot be read.
    #[error(transparent)]
    RuntimeData(RuntimeClaimsError),
    /// The machine's guest gave its paravisor nothing that could be for a key.
    #[error("the paravisor's runtime data have no user-data: they are for no key")]
    NoGuestData,
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
            Self::Unreadable(_) | Self::NoGuestData => unreadable,
            Self::RuntimeData(error) => error.check(),
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

/// Why evidence that verified says nothing of the code of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CodeNotMeasured {
    /// A paravisor stands between the hardware and the service.
    #[error("the measurement is the paravisor's: it says nothing of the service's code")]
    Paravisor,
    /// The evidence is of a platform.
    #[error("the evidence is of no workload in a TEE")]
    NoWorkload,
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
    /// What a machine bound by way of its paravisor, which the hardware's report is over.
    guest_data: Option<[u8; 64]>,
}

impl VerifiedService {
    /// Evidence that was verified elsewhere.
    #[cfg(test)]
    pub(crate) const fn of(appraisal: Appraisal) -> Self {
        Self { appraisal, is_debuggable: false, guest_data: None }
    }

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

    /// The 64 bytes that the service had put into its evidence: its report data, or, of a machine whose
    /// paravisor reports, what that machine's guest gave it.
    #[must_use]
    pub fn bound_data(&self, workload: &Workload<'_>) -> [u8; 64] {
        self.guest_data.unwrap_or(*workload.report_data().as_bytes())
    }

    /// Whether the evidence is of a machine whose paravisor reports: what it measures is then the paravisor, and
    /// any guest of such a machine can bind a key.
    #[must_use]
    pub const fn is_of_a_paravisor(&self) -> bool {
        self.guest_data.is_some()
    }

    /// What runs there, if what is measured of it is the service's own code: what a list of published
    /// measurements is compared with.
    ///
    /// # Errors
    /// [`CodeNotMeasured`] for a machine whose paravisor reports: its measurement is that of all such machines,
    /// whatever runs in them.
    pub fn measured_code(&self) -> Result<Workload<'_>, CodeNotMeasured> {
        if self.is_of_a_paravisor() {
            return Err(CodeNotMeasured::Paravisor);
        }
        self.workload().ok_or(CodeNotMeasured::NoWorkload)
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
        let Presented { kind, evidence, runtime_data } = presented(key)?;
        let guest_data = runtime_data.as_deref().map(guest_data).transpose()?;
        let request = AppraisalRequest {
            kind,
            evidence,
            // Read as JSON: what speaks as a paravisor does is held to its rules.
            runtime_data: runtime_data.map(|bytes| HeldData { bytes, data_type: DataType::Json }),
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
                Ok(VerifiedService { appraisal, is_debuggable, guest_data })
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

/// The evidence for a key as a request for its kind takes it; none of it is proven.
struct Presented {
    kind: EvidenceKind,
    evidence: Vec<u8>,
    /// What a paravisor says beside its report.
    runtime_data: Option<Vec<u8>>,
}

fn presented(key: &Jwk) -> Result<Presented, ServiceError> {
    let certificate = key
        .untrusted_certificates()
        .first()
        .ok_or(ServiceError::Absent("the signing key has no certificate"))?;
    let evidence = ServiceEvidence::of_certificate(certificate)?
        .ok_or(ServiceError::Absent("no quote in the signing certificate"))?;
    let alone = |kind, evidence| Presented { kind, evidence, runtime_data: None };
    Ok(match evidence {
        ServiceEvidence::Quote(quote) => alone(kind_of_quote(&quote), quote),
        ServiceEvidence::OpenEnclaveReport(report) => alone(EvidenceKind::OpenEnclave, report),
        ServiceEvidence::Described { evidence_json, tee_kind } => {
            let kind = TeeKind::from_name(&tee_kind).ok_or(ServiceError::UnknownTee(tee_kind))?;
            let member = |name| evidence_member(&evidence_json, name);
            let runtime_data = match kind {
                TeeKind::AciSevSnp | TeeKind::Tdx => None,
                TeeKind::AzureSevSnp | TeeKind::AzureTdx => Some(member("RuntimeData")?),
            };
            let (kind, evidence) = match kind {
                TeeKind::Tdx | TeeKind::AzureTdx => (EvidenceKind::Tdx, member("TdxQuote")?),
                TeeKind::AciSevSnp | TeeKind::AzureSevSnp => {
                    (EvidenceKind::Snp, evidence_json.into_bytes())
                }
            };
            Presented { kind, evidence, runtime_data }
        }
    })
}

fn known_kinds() -> String {
    TeeKind::ALL.map(TeeKind::name).join(", ")
}

/// What the guest gave its paravisor.
fn guest_data(runtime_data: &[u8]) -> Result<[u8; 64], ServiceError> {
    let claims = RuntimeClaims::parse(runtime_data).map_err(ServiceError::RuntimeData)?;
    claims.user_data().copied().ok_or(ServiceError::NoGuestData)
}

/// The report data of evidence that was read and not verified: what must fit anyway.
pub(crate) fn untrusted_report_data(key: &Jwk) -> Option<[u8; 64]> {
    let Presented { kind, evidence, runtime_data } = presented(key).ok()?;
    if let Some(runtime_data) = runtime_data {
        return guest_data(&runtime_data).ok();
    }
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

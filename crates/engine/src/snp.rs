//! The arm for SEV-SNP.

mod verifier;

use std::sync::Arc;

use avouch_claims::{Attester, Recognition, ServiceClaim, report_trust, snp};
use avouch_pki::digest;
use avouch_snp::ghcb::CertificateTable;
use avouch_snp::maa_request::{MaaRequestError, SnpEvidence};
use avouch_snp::uvm::{self, UvmTrust, VerifiedUvmEndorsement};
use avouch_snp::{
    Acceptance, REPORT_LENGTH, Refusal, Report, VerifiedReport, bind_init_time_data,
    bind_runtime_data,
};
use avouch_wire::{EvidenceKind, UnixTime, base64url};
use serde_json::Value;

pub(crate) use self::verifier::ReportVerifier;

use crate::arm::{Arm, Bound, Submission, Verified, bind};
use crate::hcl;
use crate::{
    AppraisalError, AppraisalRequest, Finding, Grounds, OutdatedComponent, ReferenceSubject,
    Refused, Remembered, VerifiedFacts, Workload,
};

pub(crate) struct SnpArm {
    verifier: Arc<ReportVerifier>,
}

impl SnpArm {
    pub(crate) const fn new(verifier: Arc<ReportVerifier>) -> Self {
        Self { verifier }
    }
}

impl Arm for SnpArm {
    fn verify(&self, submission: &Submission<'_>) -> Result<Verified, AppraisalError> {
        let &Submission { request, settings, endorsements, at, .. } = submission;
        let submitted =
            Submitted::parse(&request.evidence).map_err(|error| named(error, &request.evidence))?;
        let sent = submitted.certificates();
        let report =
            self.verifier.verify(submitted.report(), sent.as_deref(), &**endorsements, at)?;
        let uvm = uvm_endorsement(&submitted, &report, &settings.uvm, at)?;
        let bound = bind_all(&report, request)?;
        hcl::check_spoken(bound.runtime_data.as_ref(), Some(report.body().vmpl))?;
        let roots = vec![report.endorsement_key().root.clone()];
        let status = settings.reference_values.status(ReferenceSubject::Guest(&report));
        let (claims, findings) = claims(&report, uvm.as_ref(), status);
        let known = settings.reference_values.recognize(ReferenceSubject::Guest(&report));
        let attesters = vec![attester(&report, endorsed(known, uvm.as_ref()), &settings.snp)];
        Ok(Verified {
            claims,
            accepted: settings
                .snp
                .check(&report)
                .map_err(|error| Refused::not_accepted(&error, outdated)),
            facts: Box::new(SnpFacts { report, uvm }),
            attester_claims: Vec::new(),
            attesters,
            roots,
            bound,
            findings: findings.into_iter().collect(),
        })
    }

    fn remembered(&self) -> Remembered {
        self.verifier.remembered()
    }
}

/// What a guest claims, with the compliance status that reference values give it, or else the
/// endorsement of its utility VM; and why it has none.
pub(crate) fn claims(
    report: &VerifiedReport,
    uvm: Option<&VerifiedUvmEndorsement>,
    by_reference_values: Result<&str, Finding>,
) -> (Vec<ServiceClaim>, Option<Finding>) {
    let endorsed = uvm.and_then(|uvm| uvm.facts().compliance_status.as_deref());
    let (status, finding) = match (by_reference_values, endorsed) {
        (Ok(status), _) | (Err(_), Some(status)) => (Some(status), None),
        (Err(finding), None) => (None, Some(finding)),
    };
    (snp(report, status), finding)
}

/// Known too is what a publisher whom the operator trusts endorses.
const fn endorsed(known: Recognition, uvm: Option<&VerifiedUvmEndorsement>) -> Recognition {
    if uvm.is_some() { Recognition::Recognized } else { known }
}

/// A guest, and how far it can be trusted that settings accept. Known too is what they list: others are not
/// accepted.
pub(crate) fn attester(
    report: &VerifiedReport,
    known: Recognition,
    settings: &Acceptance,
) -> Attester {
    let is_listed = settings.measurements.contains(&report.body().measurement);
    let known = if is_listed { Recognition::Recognized } else { known };
    let floor = settings.minimum_tcb.get(&report.product());
    let has_least_tcb = floor.is_some_and(|floor| floor.reported.is_some());
    report_trust(report, known, has_least_tcb)
}

/// A verified report, and a verified endorsement of its utility VM.
#[derive(Debug)]
struct SnpFacts {
    report: VerifiedReport,
    uvm: Option<VerifiedUvmEndorsement>,
}

impl VerifiedFacts for SnpFacts {
    fn to_json(&self) -> Value {
        let mut facts = serde_json::to_value(&self.report).unwrap_or_default();
        if let (Some(members), Some(uvm)) = (facts.as_object_mut(), &self.uvm) {
            let endorsement = serde_json::to_value(uvm.facts()).unwrap_or_default();
            members.insert("uvm_endorsement".to_owned(), endorsement);
        }
        facts
    }

    fn workload(&self) -> Option<Workload<'_>> {
        Some(Workload::Guest { report: &self.report, uvm: self.uvm.as_ref() })
    }

    fn reference_subject(&self) -> Option<ReferenceSubject<'_>> {
        Some(ReferenceSubject::Guest(&self.report))
    }

    fn grounds(&self) -> Grounds {
        grounds(&self.report)
    }
}

/// Whom a report is about and what it rests on.
pub(crate) fn grounds(report: &VerifiedReport) -> Grounds {
    let key = report.endorsement_key();
    let chip = report.certified_chip_id().unwrap_or(report.body().chip_id);
    Grounds {
        machine: vec![("product", report.product().to_string()), ("chip_id", chip.to_string())],
        endorsements: vec![
            ("endorsement_key", key.certificate_sha256),
            ("intermediate", key.intermediate_sha256),
        ],
        window: Some(key.window),
    }
}

/// A part of a TCB that is below its floor, or a guest's security version.
pub(crate) fn outdated(refusal: &Refusal) -> Option<OutdatedComponent> {
    match refusal {
        Refusal::Tcb { tcb, shortfall } => Some(OutdatedComponent {
            component: format!("{} of {tcb}", shortfall.component),
            found: shortfall.found.into(),
            minimum: shortfall.minimum.into(),
        }),
        Refusal::GuestSvn { found, minimum } => Some(OutdatedComponent {
            component: "guest SVN".to_owned(),
            found: *found,
            minimum: *minimum,
        }),
        _ => None,
    }
}

/// A report with what came along. Certificates are read only if they are not known by their bytes.
enum Submitted<'a> {
    /// MAA's JSON document.
    Document(Box<SnpEvidence>),
    /// A bare report.
    Bare(Box<Report>),
    /// A report with a certificate table behind it.
    Extended(Box<Report>, CertificateTable<'a>),
}

impl<'a> Submitted<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, AppraisalError> {
        if bytes.trim_ascii_start().first() == Some(&b'{') {
            return Ok(Self::Document(Box::new(SnpEvidence::parse(bytes)?)));
        }
        let (report, table) = bytes.split_at_checked(REPORT_LENGTH).unwrap_or((bytes, &[]));
        let report = Box::new(Report::parse(report).map_err(avouch_snp::VerifyError::from)?);
        if table.is_empty() {
            return Ok(Self::Bare(report));
        }
        let table = CertificateTable::parse(table)?;
        Ok(Self::Extended(report, table))
    }

    fn report(&self) -> &Report {
        match self {
            Self::Document(evidence) => evidence.report(),
            Self::Bare(report) | Self::Extended(report, _) => report,
        }
    }

    /// The certificates that came along; none if there is no place for any.
    fn certificates(&self) -> Option<Vec<&[u8]>> {
        match self {
            Self::Document(evidence) => Some(vec![evidence.certificates()]),
            Self::Bare(_) => None,
            Self::Extended(_, table) => Some(table.certificates()),
        }
    }

    /// What endorses the utility VM, each a `COSE_Sign1`.
    fn uvm_endorsements(&self) -> impl Iterator<Item = &[u8]> {
        let evidence = match self {
            Self::Document(evidence) => Some(evidence),
            Self::Bare(_) | Self::Extended(..) => None,
        };
        evidence.into_iter().flat_map(|evidence| evidence.uvm_endorsements())
    }
}

/// The first endorsement of the utility VM that counts here; all must verify.
fn uvm_endorsement(
    submitted: &Submitted<'_>,
    report: &VerifiedReport,
    trust: &UvmTrust,
    at: UnixTime,
) -> Result<Option<VerifiedUvmEndorsement>, AppraisalError> {
    let mut endorsement = None;
    for cose in submitted.uvm_endorsements() {
        match uvm::verify(cose, report, trust, at) {
            Ok(found) => endorsement = endorsement.or(Some(found)),
            // Genuine, of somebody who does not count here: as if it had not been sent.
            Err(error) if error.is_not_counted() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(endorsement)
}

/// What the report binds of the data sent along.
fn bind_all(report: &VerifiedReport, request: &AppraisalRequest) -> Result<Bound, AppraisalError> {
    let runtime_data = bind("runtimeData", request.runtime_data.as_ref(), |bytes| {
        bind_runtime_data(report, digest::sha256(bytes))
    })?;
    let init_time_data = bind("initTimeData", request.init_time_data.as_ref(), |bytes| {
        bind_init_time_data(report, digest::sha256(bytes))
    })?;
    Ok(Bound { runtime_data, init_time_data })
}

/// What was sent as a report, by itself or in MAA's document, where it looks like something else.
fn named(error: AppraisalError, evidence: &[u8]) -> AppraisalError {
    if evidence.trim_ascii_start().first() != Some(&b'{') {
        return error.named(EvidenceKind::Snp, evidence);
    }
    let is_of_report = matches!(error.evidence(), Some(MaaRequestError::Report(_)));
    let report = is_of_report.then(|| {
        let document: serde_json::Value = serde_json::from_slice(evidence).ok()?;
        base64url::decode_either(document.get("SnpReport")?.as_str()?).ok()
    });
    match report.flatten() {
        Some(report) => error.named(EvidenceKind::Snp, &report),
        None => error,
    }
}

//! The arm for SGX, Open Enclave and TDX.

mod verifier;

use std::sync::Arc;

use avouch_bootlog::ccel::ProvenLog;
use avouch_claims::{
    BoundData, Recognition, ServiceClaim, platform_exception, quote_trust, sgx, tdx, tdx_event_log,
};
use avouch_dcap::open_enclave::OpenEnclave;
use avouch_dcap::{
    AcceptedException, Body, JudgedQuote, Quote, Refusal, TcbEvaluation, TdReport, TeeType,
    VerifiedQuote, bind_init_time_data, bind_runtime_data,
};
use avouch_pki::digest;
use avouch_policy::Properties;
use avouch_wire::EvidenceKind;
use serde_json::Value;

pub(crate) use self::verifier::QuoteVerifier;

use crate::arm::{Arm, Bound, Submission, Verified, bind};
use crate::hcl;
use crate::{
    AppraisalError, AppraisalRequest, EndorsementSource, EventLogRefused, Finding, Grounds,
    NotAtHand, OutdatedComponent, ReferenceSubject, ReferenceValues, Refused, Remembered,
    TcbBaseline, TokenForm, VerifiedFacts, Workload, WrongTee,
};

/// Length of the header of an Open Enclave report.
const OPEN_ENCLAVE_REPORT_HEADER_BYTES: usize = 16;

pub(crate) struct IntelArm {
    verifier: Arc<QuoteVerifier>,
}

impl IntelArm {
    pub(crate) const fn new(verifier: Arc<QuoteVerifier>) -> Self {
        Self { verifier }
    }
}

impl Arm for IntelArm {
    fn verify(&self, submission: &Submission<'_>) -> Result<Verified, AppraisalError> {
        let &Submission { request, configuration, settings, endorsements, at } = submission;
        let wrapped = Wrapped::parse(request.kind, &request.evidence)
            .map_err(|error| error.named(request.kind, &request.evidence))?;
        let evaluation = baseline(configuration)?.unwrap_or(settings.tcb_evaluation);
        let judged = self.verifier.verify(wrapped.quote(), evaluation, &**endorsements, at)?;
        let verified = match judged {
            JudgedQuote::Listed(verified) => verified,
            JudgedQuote::Unlisted(unlisted) => unlisted.accept(&settings.intel, at)?,
        };
        let bound = bind_all(&wrapped, &verified, request)?;
        hcl::check_spoken(bound.runtime_data.as_ref(), None)?;
        let log = event_log(request, &verified)?;
        let roots = vec![verified.root().clone()];
        let quoted = wrapped.quoted(request);
        let (mut claims, findings) =
            claims(&verified, quoted, bound.runtime_data.as_ref(), &settings.reference_values);
        claims.extend(log.iter().flat_map(tdx_event_log));
        let exception = verified.platform_exception();
        claims.extend(exception.map(platform_exception));
        let findings = exception.map(excepted).into_iter().chain(findings).collect();
        let secure_boot = log.as_ref().and_then(|log| log.secure_boot);
        let known = recognition(&verified, &settings.reference_values);
        let attesters = vec![quote_trust(&verified, known, secure_boot)];
        Ok(Verified {
            claims,
            accepted: settings
                .intel
                .check(&verified, at)
                .map_err(|error| Refused::not_accepted(&error, outdated)),
            facts: match log {
                Some(log) => Box::new(BootedTd { quote: verified, log }),
                None => Box::new(verified),
            },
            attester_claims: Vec::new(),
            attesters,
            roots,
            bound,
            findings,
        })
    }

    fn remembered(&self) -> Remembered {
        self.verifier.remembered()
    }

    fn forget_endorsements(&self) {
        self.verifier.forget_collateral();
    }

    fn tcb_baselines(
        &self,
        kind: EvidenceKind,
        endorsements: &dyn EndorsementSource,
    ) -> Option<Vec<TcbBaseline>> {
        Some(endorsements.tcb_baselines(tee_of(kind)))
    }
}

impl VerifiedFacts for VerifiedQuote {
    fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn workload(&self) -> Option<Workload<'_>> {
        Some(Workload::of_quote(self))
    }

    fn reference_subject(&self) -> Option<ReferenceSubject<'_>> {
        self.td().map(|_| ReferenceSubject::TrustDomain(self))
    }

    fn grounds(&self) -> Grounds {
        let (pck, collateral) = (self.pck(), self.collateral());
        let instance = pck.platform_instance_id.map(|id| ("platform_instance_id", id.to_string()));
        let machine = [("fmspc", pck.fmspc.to_string()), ("ppid", pck.ppid.to_string())];
        let hashes = &collateral.hashes;
        Grounds {
            machine: machine.into_iter().chain(instance).collect(),
            endorsements: vec![
                ("tcb_info", hashes.tcb_info),
                ("tcb_info_certs", hashes.tcb_info_certs),
                ("qe_identity", hashes.qe_identity),
                ("qe_identity_certs", hashes.qe_identity_certs),
                ("root_ca_crl", hashes.tcb_info_crl),
                ("pck_crl", hashes.pck_crl),
            ],
            window: Some(collateral.window),
        }
    }
}

/// A trust domain's quote with the event log that its registers explain.
#[derive(Debug)]
struct BootedTd {
    quote: VerifiedQuote,
    log: ProvenLog,
}

impl VerifiedFacts for BootedTd {
    fn to_json(&self) -> Value {
        let mut facts = VerifiedFacts::to_json(&self.quote);
        if let Some(members) = facts.as_object_mut() {
            members.insert("secure_boot".to_owned(), self.log.secure_boot.into());
            let log = serde_json::to_value(&self.log).unwrap_or_default();
            members.insert("event_log".to_owned(), log);
        }
        facts
    }

    fn workload(&self) -> Option<Workload<'_>> {
        Some(Workload::of_quote(&self.quote))
    }

    fn reference_subject(&self) -> Option<ReferenceSubject<'_>> {
        self.quote.reference_subject()
    }

    fn grounds(&self) -> Grounds {
        self.quote.grounds()
    }
}

/// That the operator's word stands in for Intel's.
pub(crate) fn excepted(exception: &AcceptedException) -> Finding {
    let AcceptedException { name, reason, until, below_levels } = exception;
    let until = until.to_rfc3339();
    Finding {
        name: "platform-exception",
        message: format!(
            "no TCB level matches the platform ({below_levels}); accepted by exception {name:?} until \
             {until}: {reason}"
        ),
    }
}

/// What the better level of each part asks for.
pub(crate) fn outdated(refusal: &Refusal) -> Vec<OutdatedComponent> {
    let Refusal::TcbStatus { shortfalls, .. } = refusal else { return Vec::new() };
    let missing = shortfalls.iter().flat_map(|shortfall| &shortfall.missing);
    let outdated = missing.map(|svn| OutdatedComponent {
        component: svn.component.clone(),
        found: svn.has.into(),
        minimum: svn.needs.into(),
    });
    outdated.collect()
}

/// The TEE that a route is for.
const fn tee_of(kind: EvidenceKind) -> TeeType {
    match kind {
        EvidenceKind::Tdx => TeeType::Tdx,
        _ => TeeType::Sgx,
    }
}

/// Evidence as each route takes it.
enum Wrapped<'a> {
    Bare(Box<Quote<'a>>),
    OpenEnclave(Box<OpenEnclave<'a>>),
}

impl<'a> Wrapped<'a> {
    fn parse(kind: EvidenceKind, bytes: &'a [u8]) -> Result<Self, AppraisalError> {
        if kind == EvidenceKind::OpenEnclave {
            let parsed = OpenEnclave::parse(bytes)?;
            return Ok(Self::OpenEnclave(Box::new(parsed)));
        }
        let quote = Quote::parse(bytes)?;
        let expected = tee_of(kind);
        if quote.tee_type() != expected {
            let (expected, found) = (expected.name(), quote.tee_type().name());
            return Err(WrongTee { expected, found }.into());
        }
        Ok(Self::Bare(Box::new(quote)))
    }

    /// The bytes whose hash is claimed as the quote's: the evidence as it was sent; without the header
    /// of an Open Enclave report in the 2018 preview.
    fn quoted<'r>(&self, request: &'r AppraisalRequest) -> &'r [u8] {
        let header_bytes = match (request.token_form, self) {
            (TokenForm::Preview2018, Self::OpenEnclave(wrapper)) => match wrapper.as_ref() {
                OpenEnclave::Report(_) => OPEN_ENCLAVE_REPORT_HEADER_BYTES,
                OpenEnclave::Evidence(_) => 0,
            },
            _ => 0,
        };
        request.evidence.get(header_bytes..).unwrap_or_default()
    }

    fn quote(&self) -> &Quote<'a> {
        match self {
            Self::Bare(quote) => quote,
            Self::OpenEnclave(wrapper) => wrapper.quote(),
        }
    }
}

/// What the evidence binds: custom claims in an Open Enclave wrapper, and the data sent along.
fn bind_all(
    wrapped: &Wrapped<'_>,
    verified: &VerifiedQuote,
    request: &AppraisalRequest,
) -> Result<Bound, AppraisalError> {
    if let Wrapped::OpenEnclave(wrapper) = wrapped
        && let OpenEnclave::Evidence(evidence) = wrapper.as_ref()
    {
        evidence.bind_custom_claims(verified)?;
    }
    let runtime_data = bind("runtimeData", request.runtime_data.as_ref(), |bytes| {
        bind_runtime_data(verified, digest::sha256(bytes))
    })?;
    let init_time_data = bind("initTimeData", request.init_time_data.as_ref(), |bytes| {
        bind_init_time_data(verified, digest::sha256(bytes))
    })?;
    Ok(Bound { runtime_data, init_time_data })
}

/// What the event log proves that came along with the quote.
fn event_log(
    request: &AppraisalRequest,
    verified: &VerifiedQuote,
) -> Result<Option<ProvenLog>, EventLogRefused> {
    let (Some(log), Body::Td(report)) = (&request.event_log, verified.body()) else {
        return Ok(None);
    };
    let rtmrs = [&report.rtmr0, &report.rtmr1, &report.rtmr2, &report.rtmr3];
    ProvenLog::prove(log, rtmrs).map(Some).map_err(EventLogRefused::Log)
}

/// Whether reference values know a trust domain; of enclaves there are none.
fn recognition(quote: &VerifiedQuote, values: &ReferenceValues) -> Recognition {
    let subject = quote.reference_subject();
    subject.map_or(Recognition::NotAsked, |subject| values.recognize(subject))
}

/// The TCB recovery that the policy asks for by its number; none for the default baseline.
fn baseline(configuration: &Properties) -> Result<Option<TcbEvaluation>, NotAtHand> {
    match configuration.sgx_tcb_identifier() {
        "azuredefault" => Ok(None),
        identifier => identifier
            .parse()
            .map(|number| Some(TcbEvaluation::Number(number)))
            .map_err(|_| NotAtHand::TcbBaseline { identifier: identifier.to_owned() }),
    }
}

fn claims(
    verified: &VerifiedQuote,
    quoted: &[u8],
    runtime_data: Option<&BoundData>,
    reference_values: &ReferenceValues,
) -> (Vec<ServiceClaim>, Option<Finding>) {
    match verified.body() {
        Body::Enclave(report) => {
            let hash = digest::sha256(quoted);
            (sgx(report, &verified.collateral().hashes, &hash, runtime_data), None)
        }
        Body::Td(report) => {
            let status = reference_values.status(ReferenceSubject::TrustDomain(verified));
            td_claims(verified, report, status)
        }
    }
}

/// What a trust domain claims, with the compliance status that reference values give it, or why it
/// has none.
pub(crate) fn td_claims(
    verified: &VerifiedQuote,
    report: &TdReport,
    by_reference_values: Result<&str, Finding>,
) -> (Vec<ServiceClaim>, Option<Finding>) {
    let (status, finding) = match by_reference_values {
        Ok(status) => (Some(status), None),
        Err(finding) => (None, Some(finding)),
    };
    (tdx(report, verified.tcb().status, status), finding)
}

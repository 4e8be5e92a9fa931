//! What isolates a machine from its host: verified by the verifiers of its own kind.

use std::sync::Arc;

use avouch_azure::{Host, Isolation, ReportedKey, RuntimeClaims};
use avouch_claims::{Attester, IsolationProof, Recognition, platform_exception, quote_trust};
use avouch_dcap::{AcceptedException, Body, JudgedQuote, Quote, TeeType, VerifiedQuote};
use avouch_pki::{Root, digest};
use avouch_snp::VerifiedReport;
use avouch_snp::maa_request::SnpEvidence;
use avouch_wire::{EvidenceKind, UnixTime};

use crate::arm::Submission;
use crate::hcl::{HclRefused, check_vmpl};
use crate::intel::{self, QuoteVerifier};
use crate::snp::{self as snp_arm, ReportVerifier};
use crate::{
    AppraisalError, AppraisalSettings, Finding, Grounds, HeldDataRefused, ReferenceSubject,
    ReferenceValues, Refused, VerifiedFacts, WrongTee,
};

/// Bytes of the report data that hold the hash of the runtime data.
const HASH_BYTES: usize = 32;

/// The verifiers of the kinds that isolate.
pub(super) struct IsolationVerifier {
    reports: Arc<ReportVerifier>,
    quotes: Arc<QuoteVerifier>,
}

/// Hardware evidence that verified, and the runtime data that it binds.
#[derive(Debug)]
pub(super) struct VerifiedIsolation {
    hardware: Hardware,
    runtime: RuntimeClaims,
}

#[derive(Debug)]
enum Hardware {
    Snp(Box<VerifiedReport>),
    Tdx(Box<VerifiedQuote>),
}

impl IsolationVerifier {
    pub(super) fn new(reports: &Arc<ReportVerifier>, quotes: &Arc<QuoteVerifier>) -> Self {
        Self { reports: Arc::clone(reports), quotes: Arc::clone(quotes) }
    }

    /// Verifies the evidence of isolation, if there is some: hardware first, then that it binds the runtime
    /// data, of SEV-SNP at the paravisor's privilege.
    pub(super) fn verify(
        &self,
        isolation: &Isolation,
        submission: &Submission<'_>,
    ) -> Result<Option<VerifiedIsolation>, AppraisalError> {
        let (hardware, runtime_data) = match isolation {
            Isolation::TrustedLaunch => return Ok(None),
            Isolation::SevSnp { proof, runtime_data } => {
                (self.snp(proof, runtime_data, submission)?, runtime_data)
            }
            Isolation::Tdx { proof, runtime_data } => {
                (self.tdx(proof, runtime_data, submission)?, runtime_data)
            }
        };
        let runtime = RuntimeClaims::parse(runtime_data).map_err(HclRefused::from)?;
        Ok(Some(VerifiedIsolation { hardware, runtime }))
    }

    fn snp(
        &self,
        proof: &[u8],
        runtime_data: &[u8],
        submission: &Submission<'_>,
    ) -> Result<Hardware, AppraisalError> {
        let evidence = SnpEvidence::parse(proof)?;
        let sent = [evidence.certificates()];
        let (endorsements, at) = (&**submission.endorsements, submission.at);
        let report = self.reports.verify(evidence.report(), Some(&sent), endorsements, at)?;
        check_vmpl(Some(report.body().vmpl))?;
        avouch_snp::bind_runtime_data(&report, digest::sha256(runtime_data)).map_err(not_bound)?;
        Ok(Hardware::Snp(Box::new(report)))
    }

    fn tdx(
        &self,
        proof: &[u8],
        runtime_data: &[u8],
        submission: &Submission<'_>,
    ) -> Result<Hardware, AppraisalError> {
        let quote = Quote::parse(proof)?;
        if quote.tee_type() != TeeType::Tdx {
            let (expected, found) = (TeeType::Tdx.name(), quote.tee_type().name());
            return Err(WrongTee { expected, found }.into());
        }
        let evaluation = submission.settings.tcb_evaluation;
        let endorsements = &**submission.endorsements;
        let judged = self.quotes.verify(&quote, evaluation, endorsements, submission.at)?;
        let verified = match judged {
            JudgedQuote::Listed(verified) => verified,
            JudgedQuote::Unlisted(unlisted) => {
                unlisted.accept(&submission.settings.intel, submission.at)?
            }
        };
        avouch_dcap::bind_runtime_data(&verified, digest::sha256(runtime_data))
            .map_err(not_bound)?;
        if let Body::Td(report) = verified.body()
            && report.report_data.as_bytes().iter().skip(HASH_BYTES).any(|byte| *byte != 0)
        {
            return Err(HclRefused::ReportData.into());
        }
        Ok(Hardware::Tdx(Box::new(verified)))
    }
}

fn not_bound<E: avouch_wire::FailedCheck>(source: E) -> HeldDataRefused<E> {
    let source = avouch_claims::HeldDataError::NotBound(source);
    HeldDataRefused { member: "RunTimeData", source }
}

impl VerifiedIsolation {
    /// The attestation key that the hardware evidence binds.
    ///
    /// Without a certificate it counts only if an operator vouches for the paravisor that bound it: anybody's
    /// own machine can bind a key of its own making.
    pub(super) const fn reported_key(&self, is_known_paravisor: bool) -> ReportedKey<'_> {
        ReportedKey { key: self.runtime.ak(), is_known_paravisor }
    }

    /// The reference values of the paravisor that bound the runtime data, by name.
    ///
    /// Without, nothing says that the hardware evidence is of the machine whose virtual TPM quotes: whoever is
    /// root in some guest has evidence made that names any key.
    pub(super) fn paravisor<'v>(&self, values: &'v ReferenceValues) -> Result<&'v str, Finding> {
        values.paravisor(self.reference_subject())
    }

    /// What of it reference values speak of.
    pub(super) fn reference_subject(&self) -> ReferenceSubject<'_> {
        match &self.hardware {
            Hardware::Snp(report) => ReferenceSubject::Guest(report),
            Hardware::Tdx(quote) => ReferenceSubject::TrustDomain(quote),
        }
    }

    /// Who isolates, and how far it can be trusted. Without a known paravisor it may be another machine, so
    /// nothing of it speaks for this one.
    pub(super) fn attester(&self, settings: &AppraisalSettings) -> Attester {
        let known = settings.reference_values.recognize_paravisor(self.reference_subject());
        let attester = match &self.hardware {
            Hardware::Snp(report) => snp_arm::attester(report, known, &settings.snp),
            Hardware::Tdx(quote) => quote_trust(quote, known, None),
        };
        match known {
            Recognition::Recognized => attester,
            Recognition::NotAsked | Recognition::Unrecognized => {
                Attester { trust: attester.trust.without_affirmations(), ..attester }
            }
        }
    }

    /// The claims of its own kind's token, and the runtime data; and why it has no compliance status: its
    /// paravisor is not known, or no status is named. That of Azure's machines has one of another host only by
    /// the operator's word.
    pub(super) fn proof(
        &self,
        reference_values: &ReferenceValues,
        host: Host,
        paravisor: Result<&str, Finding>,
    ) -> (IsolationProof<'_>, Option<Finding>) {
        let is_known_paravisor = paravisor.is_ok();
        let status = paravisor.and_then(|_| match host {
            Host::Azure => reference_values.status(self.reference_subject()),
            Host::Other => reference_values.named_status(self.reference_subject()),
        });
        let (kind, (mut claims, finding)) = match &self.hardware {
            Hardware::Snp(report) => (EvidenceKind::Snp, snp_arm::claims(report, None, status)),
            Hardware::Tdx(quote) => {
                let claims = match quote.body() {
                    Body::Td(report) => intel::td_claims(quote, report, status),
                    Body::Enclave(_) => (Vec::new(), None),
                };
                (EvidenceKind::Tdx, claims)
            }
        };
        claims.extend(self.exception().map(platform_exception));
        let attestation_type = kind.attestation_type();
        let runtime = &self.runtime;
        (IsolationProof { attestation_type, claims, runtime, is_known_paravisor }, finding)
    }

    fn exception(&self) -> Option<&AcceptedException> {
        match &self.hardware {
            Hardware::Snp(_) => None,
            Hardware::Tdx(quote) => quote.platform_exception(),
        }
    }

    /// That an operator's word stood in for Intel's.
    pub(super) fn excepted(&self) -> Option<Finding> {
        self.exception().map(intel::excepted)
    }

    /// Whether the provider's settings for its kind accept it.
    pub(super) fn accepted(
        &self,
        settings: &AppraisalSettings,
        at: UnixTime,
    ) -> Result<(), Refused> {
        match &self.hardware {
            Hardware::Snp(report) => settings
                .snp
                .check(report)
                .map_err(|error| Refused::not_accepted(&error, snp_arm::outdated)),
            Hardware::Tdx(quote) => settings
                .intel
                .check(quote, at)
                .map_err(|error| Refused::not_accepted(&error, intel::outdated)),
        }
    }

    /// The vendor's root.
    pub(super) fn root(&self) -> &Root {
        match &self.hardware {
            Hardware::Snp(report) => &report.endorsement_key().root,
            Hardware::Tdx(quote) => quote.root(),
        }
    }

    /// Its facts, as those of its own kind, with the runtime data.
    pub(super) fn to_json(&self) -> serde_json::Value {
        let (kind, hardware) = match &self.hardware {
            Hardware::Snp(report) => (EvidenceKind::Snp, serde_json::to_value(report)),
            Hardware::Tdx(quote) => (EvidenceKind::Tdx, serde_json::to_value(quote)),
        };
        serde_json::json!({
            "kind": kind.name(),
            "hardware": hardware.unwrap_or_default(),
            "runtime_data": self.runtime.members(),
        })
    }

    /// What the hardware measured of the machine when it began: `measurement`, or `mr_td`; in hex.
    pub(super) fn measurement(&self) -> Option<String> {
        match &self.hardware {
            Hardware::Snp(report) => Some(report.body().measurement.to_string()),
            Hardware::Tdx(quote) => match quote.body() {
                Body::Td(report) => Some(report.mr_td.to_string()),
                Body::Enclave(_) => None,
            },
        }
    }

    /// Whom it is about and what it rests on.
    pub(super) fn grounds(&self) -> Grounds {
        match &self.hardware {
            Hardware::Snp(report) => snp_arm::grounds(report),
            Hardware::Tdx(quote) => quote.grounds(),
        }
    }
}

//! The arm for guest attestation: virtual machines with a virtual TPM, confidential ones too.

mod error;
mod facts;
mod isolation;

use std::sync::Arc;

use avouch_azure::{AttestationInfo, Conditions, VerifiedGuest, VtpmAnchors};
use avouch_bootlog::RegisterValues;
use avouch_bootlog::boot::{Expected, ProvenBoot, Recorded};
use avouch_bootlog::windows::WindowsAuthorities;
use avouch_claims::{Attester, GuestProof, Recognition, TpmTrust, guest, tpm_trust};
use avouch_pki::{Certificate, Root};
use avouch_tpm::{Standing, trim_padding};

pub use error::AzureRefused;

use self::facts::GuestEvidence;
use self::isolation::{IsolationVerifier, VerifiedIsolation};
use crate::arm::{Arm, Bound, Submission, Verified};
use crate::intel::QuoteVerifier;
use crate::snp::ReportVerifier;
use crate::tpm::quoted_values;
use crate::{
    AppraisalError, AppraisalRequest, AppraisalSettings, Finding, Remembered, TpmCasWanted,
};

pub(crate) struct AzureArm {
    anchors: VtpmAnchors,
    windows: WindowsAuthorities,
    isolation: IsolationVerifier,
}

impl AzureArm {
    pub(crate) fn new(
        anchors: VtpmAnchors,
        windows: WindowsAuthorities,
        reports: &Arc<ReportVerifier>,
        quotes: &Arc<QuoteVerifier>,
    ) -> Self {
        Self { anchors, windows, isolation: IsolationVerifier::new(reports, quotes) }
    }

    /// The log, which the quote explains; nothing if none was sent.
    fn boot(
        &self,
        info: &AttestationInfo,
        guest: &VerifiedGuest,
        values: &RegisterValues,
    ) -> Result<Option<ProvenBoot>, AzureRefused> {
        let log = info.untrusted_log();
        if log.is_empty() {
            return Ok(None);
        }
        let replayed = guest.attested_pcrs().bits();
        let expected = Expected { replayed, windows: &self.windows };
        Ok(Some(ProvenBoot::prove(Recorded { log, proven: values }, None, expected)?))
    }
}

impl Arm for AzureArm {
    /// The log is read only once the quote is known to be a virtual TPM's.
    fn verify(&self, submission: &Submission<'_>) -> Result<Verified, AppraisalError> {
        let &Submission { request, settings, at, .. } = submission;
        refuse_other_data(request)?;
        let info = AttestationInfo::parse(&request.evidence)
            .map_err(|error| AppraisalError::from(error).named(request.kind, &request.evidence))?;
        let isolation = self.isolation.verify(info.untrusted_isolation(), submission)?;
        let reference_values = &settings.reference_values;
        let paravisor = isolation.as_ref().map(|one| one.paravisor(reference_values)).transpose();
        let cas = cas(&info, submission);
        let cas: Vec<&[u8]> = cas.iter().map(Certificate::der).collect();
        let verified = info.verify(Conditions {
            anchors: &self.anchors,
            cas: &cas,
            rules: settings.tpm.keys,
            reported: isolation.as_ref().map(|one| one.reported_key(paravisor.is_ok())),
            at,
        })?;
        let values = quoted_values(verified.quote());
        let boot = self.boot(&info, &verified, &values)?;
        let mut findings: Vec<_> =
            isolation.as_ref().and_then(VerifiedIsolation::excepted).into_iter().collect();
        findings.extend(refused_certificate(&verified));
        let (host, paravisor) = (verified.host(), paravisor.map(Option::unwrap_or_default));
        let of_hardware =
            isolation.as_ref().map(|one| one.proof(reference_values, host, paravisor));
        let (of_hardware, finding) = of_hardware.unzip();
        findings.extend(finding.flatten());
        let claims = guest(GuestProof {
            info: &info,
            guest: &verified,
            boot: boot.as_ref(),
            isolation: of_hardware,
        });
        let windows = boot.as_ref().map_or(&[][..], ProvenBoot::windows_roots).to_vec();
        let of_isolation = isolation.as_ref().map(VerifiedIsolation::root).cloned();
        Ok(Verified {
            accepted: match &isolation {
                Some(isolation) => isolation.accepted(settings, at),
                None => Ok(()),
            },
            claims,
            findings,
            attester_claims: Vec::new(),
            attesters: attesters(&verified, boot.as_ref(), isolation.as_ref(), settings),
            roots: ak_root(&verified).into_iter().chain(of_isolation).chain(windows).collect(),
            bound: Bound::default(),
            facts: Box::new(GuestEvidence::new(&info, verified, boot, isolation)),
        })
    }

    /// What isolation evidence rests on is remembered by the arms of its kinds.
    fn remembered(&self) -> Remembered {
        Remembered::default()
    }
}

/// What isolates the machine, if something does, and the machine by its virtual TPM. A TPM that hardware evidence
/// alone vouches for is as good as that evidence's root.
fn attesters(
    guest: &VerifiedGuest,
    boot: Option<&ProvenBoot>,
    isolation: Option<&VerifiedIsolation>,
    settings: &AppraisalSettings,
) -> Vec<Attester> {
    let standing = guest.standing();
    let files = Recognition::NotAsked;
    let mut machine = tpm_trust(TpmTrust { name: "vtpm", standing, boot, files });
    if let (Standing::Reported, Some(isolation)) = (standing, isolation) {
        machine.trust = machine.trust.under(isolation.root());
    }
    isolation.map(|one| one.attester(settings)).into_iter().chain([machine]).collect()
}

/// Nothing in guest attestation binds what other kinds bind.
fn refuse_other_data(request: &AppraisalRequest) -> Result<(), AzureRefused> {
    let data = [("runtimeData", &request.runtime_data), ("initTimeData", &request.init_time_data)];
    match data.into_iter().find(|(_, data)| data.is_some()) {
        Some((member, _)) => Err(AzureRefused::HeldData { member }),
        None => Ok(()),
    }
}

/// CAs at hand that may stand above the attestation key's certificate. One that cannot be read is refused
/// where it is verified.
fn cas(info: &AttestationInfo, submission: &Submission<'_>) -> Vec<Certificate> {
    let certificate = info.untrusted_ak_certificate().map(trim_padding);
    let certificate = certificate.and_then(|der| Certificate::parse_for_its_key(der).ok());
    let at = submission.at;
    certificate.map_or_else(Vec::new, |certificate| {
        submission.endorsements.tpm_cas(&TpmCasWanted { certificate: &certificate, at })
    })
}

/// That a certificate was sent that vouches for nothing.
fn refused_certificate(guest: &VerifiedGuest) -> Option<Finding> {
    let error = guest.refused_certificate()?;
    let message = format!("the certificate of the attestation key does not count: {error}");
    Some(Finding { name: "ak-certificate-refused", message })
}

/// The CA that vouches for the attestation key, if one does.
fn ak_root(guest: &VerifiedGuest) -> Option<Root> {
    guest.ak_certificate().map(|certificate| certificate.root.clone())
}

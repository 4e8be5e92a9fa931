//! TPM evidence as it is submitted, and what its quote proves.

use avouch_pki::Certificate;
use avouch_tpm::protocol::{
    AikStanding, AttestationType, BareAttestation, Conditions, SignedRequest, VerifiedAttestation,
    VerifiedRequest,
};
use avouch_tpm::{PcrMask, TrustAnchors, trim_padding};

use super::error::TpmRefused;
use crate::arm::Submission;
use crate::{AppraisalError, Challenged, TpmCasWanted};

/// Evidence as its bytes say it is.
pub(super) enum Submitted {
    /// A request of MAA's protocol.
    Request(Box<SignedRequest>),
    /// An attestation by itself.
    Bare(Box<BareAttestation>),
}

/// What its signatures prove; its logs are not read yet.
pub(super) enum Proven {
    Request(Box<VerifiedRequest>),
    Bare { aik: Box<AikStanding>, current: Box<VerifiedAttestation> },
}

impl Submitted {
    pub(super) fn parse(evidence: &[u8]) -> Result<Self, AppraisalError> {
        if evidence.trim_ascii_start().first() == Some(&b'{') {
            return Ok(Self::Bare(Box::new(BareAttestation::read(evidence)?)));
        }
        let text = std::str::from_utf8(evidence).map_err(|_| TpmRefused::Form)?;
        Ok(Self::Request(Box::new(SignedRequest::read(text.trim())?)))
    }

    fn certificate(&self) -> Option<&[u8]> {
        match self {
            Self::Request(request) => request.untrusted_aik_certificate(),
            Self::Bare(attestation) => attestation.untrusted_aik_certificate(),
        }
    }

    /// Verifies all signatures, and that the quote answers what was asked.
    pub(super) fn verify(
        self,
        submission: &Submission<'_>,
        anchors: &TrustAnchors,
    ) -> Result<Proven, AppraisalError> {
        let &Submission { request, configuration, settings, at, .. } = submission;
        let Challenged { challenge, aik, enrolment } =
            request.challenged.as_ref().ok_or(TpmRefused::Challenge)?;
        let cas = self.cas(submission);
        let cas: Vec<&[u8]> = cas.iter().map(Certificate::der).collect();
        let conditions = Conditions {
            challenge,
            aik: *aik,
            enrolment: enrolment.as_ref(),
            aik_anchors: anchors,
            aik_cas: &cas,
            require_valid_aik_cert: configuration.require_valid_aik_cert(),
            rules: settings.tpm.keys,
            required: PcrMask::from_bits(configuration.required_pcr_mask())
                .unwrap_or(PcrMask::NONE),
            at,
        };
        Ok(match self {
            Self::Request(request) => Proven::Request(Box::new(request.verify(conditions)?)),
            Self::Bare(attestation) => {
                let verified = attestation.verify(conditions)?;
                let (aik, current) = (Box::new(verified.aik), Box::new(verified.current));
                Proven::Bare { aik, current }
            }
        })
    }

    /// CAs at hand that may stand above the AIK's certificate. One that cannot be read is refused where
    /// it is verified.
    fn cas(&self, submission: &Submission<'_>) -> Vec<Certificate> {
        let certificate = self.certificate().map(trim_padding);
        let certificate = certificate.and_then(|der| Certificate::parse_for_its_key(der).ok());
        let at = submission.at;
        certificate.map_or_else(Vec::new, |certificate| {
            submission.endorsements.tpm_cas(&TpmCasWanted { certificate: &certificate, at })
        })
    }
}

impl Proven {
    pub(super) fn aik(&self) -> &AikStanding {
        match self {
            Self::Request(request) => &request.aik,
            Self::Bare { aik, .. } => aik,
        }
    }

    pub(super) fn current(&self) -> &VerifiedAttestation {
        match self {
            Self::Request(request) => &request.current,
            Self::Bare { current, .. } => current,
        }
    }

    /// The attestation of the start before the machine slept.
    pub(super) fn before(&self) -> Option<&VerifiedAttestation> {
        match self {
            Self::Request(request) => request.boot.as_ref(),
            Self::Bare { .. } => None,
        }
    }

    pub(super) fn request(&self) -> Option<&VerifiedRequest> {
        match self {
            Self::Request(request) => Some(request),
            Self::Bare { .. } => None,
        }
    }

    /// The report of an enclave, if one came along: the text that it vouches for, and the report.
    pub(super) fn enclave(&self) -> Option<(&str, &[u8])> {
        match &self.request()?.kind {
            AttestationType::Basic => None,
            AttestationType::Vbs { report_signed, report } => Some((report_signed, report)),
        }
    }
}

//! One attestation: challenge, quote, logs, request, report.

use avouch_pki::PublicKey;
use avouch_tpm::protocol::{
    CustomClaim, Form, ProtocolError, ServiceMessage, enrolled_init_message, init_message,
    request_message,
};
use avouch_tpm::{Public, PublicError};
use avouch_wire::{UnixTime, failed_check};
use thiserror::Error;

use crate::payload::Payload;
use crate::{
    AttestationKeyFile, AttestationKeyFileError, Certification, EnrolError, HeldKey, KeySource,
    LogError, LogFiles, MeasureError, PcrChoice, RequestKey, RequestKeyError, Service,
    ServiceError, Standing, Tpm, TpmError, enrol, measure,
};

/// Bytes of a challenge: MAA's have 16. Fewer could come up twice; more do not fit into a quote.
const CHALLENGE_BYTES: std::ops::RangeInclusive<usize> = 16..=64;

/// What a machine says of itself, and by which keys.
#[derive(Debug)]
pub struct Attester<'a> {
    /// Which PCRs are quoted.
    pub pcrs: &'a PcrChoice,
    /// Where the logs are.
    pub logs: &'a LogFiles,
    /// The key that the token is for.
    pub request_key: &'a RequestKey,
    /// Persistent handles of further keys, which the attestation key certifies; at most two.
    pub certified_handles: &'a [u32],
    /// What the relying party calls itself.
    pub rp_id: Option<&'a str>,
    /// What the relying party gave, to stand in the token.
    pub rp_data: Option<&'a str>,
    /// What the machine says of itself without proof.
    pub custom_claims: &'a [CustomClaim],
}

/// How a machine enrols.
#[derive(Debug)]
pub struct Enrolment<'a> {
    /// Where its key is kept.
    pub file: &'a AttestationKeyFile,
    /// The certificate of its endorsement key in DER, if the TPM does not hold it.
    pub ek_certificate: Option<&'a [u8]>,
    /// Certificates between that and the manufacturer's root, in DER.
    pub ek_chain: &'a [Vec<u8>],
    /// Whether it may enrol; otherwise it must be enrolled already.
    pub is_allowed: bool,
    /// Now.
    pub at: UnixTime,
}

/// The service's answer: a signed token (JWT), whose signature is not looked at here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The token.
    pub token: String,
    /// Whether the key was enrolled on the way.
    pub enrolled: bool,
}

/// Why there is no token.
#[derive(Debug, Error)]
pub enum AttestError {
    /// The TPM refused.
    #[error(transparent)]
    Tpm(#[from] TpmError),
    /// There are no quoted values.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// A log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The service refused, or did not answer.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The answer is no message of the protocol.
    #[error("the service's answer cannot be read: {0}")]
    Protocol(#[from] ProtocolError),
    /// The answer is another message than the one that is due.
    #[error("the service answered with another message than {expected}")]
    Unexpected {
        /// What is due.
        expected: &'static str,
    },
    /// A challenge that is no challenge.
    #[error("the service's challenge has {found} bytes, expected 16 to 64")]
    Challenge {
        /// Its bytes.
        found: usize,
    },
    /// The TPM's public area of a key is not understood.
    #[error("the public area of a key of the TPM cannot be read: {0}")]
    Public(#[from] PublicError),
    /// The request's key does not sign.
    #[error(transparent)]
    RequestKey(#[from] RequestKeyError),
    /// The request cannot be written.
    #[error("the request cannot be written: {0}")]
    Payload(#[from] serde_json::Error),
    /// The key cannot be enrolled.
    #[error(transparent)]
    Enrol(#[from] EnrolError),
    /// The file of the key.
    #[error(transparent)]
    File(#[from] AttestationKeyFileError),
    /// No key that the service knows.
    #[error(
        "this machine has no attestation key that the service knows: enrol one with --enrol, or name one \
         that a CA certified with --ak-handle and --aik-certificate"
    )]
    NotEnrolled,
}

failed_check!(AttestError {
    Self::Tpm(error) => (error.check(), TpmError::checks()),
    Self::Measure(error) => (error.check(), MeasureError::checks()),
    Self::Log(error) => (error.check(), LogError::checks()),
    Self::Service(error) => (error.check(), ServiceError::checks()),
    Self::Protocol(error) => (error.check(), ProtocolError::checks()),
    Self::Unexpected { .. } => "attest-answer",
    Self::Challenge { .. } => "attest-challenge",
    Self::Public(error) => (error.check(), PublicError::checks()),
    Self::RequestKey(error) => (error.check(), RequestKeyError::checks()),
    Self::Payload(_) => "attest-payload",
    Self::Enrol(error) => (error.check(), EnrolError::checks()),
    Self::File(error) => (error.check(), AttestationKeyFileError::checks()),
    Self::NotEnrolled => "attest-not-enrolled",
});

impl AttestError {
    /// The service's no, if that is what it is.
    #[must_use]
    pub const fn refusal(&self) -> Option<&ServiceError> {
        match self {
            Self::Service(error) | Self::Enrol(EnrolError::Service(error)) => match error {
                ServiceError::Refused { .. } => Some(error),
                ServiceError::Unanswered(_) => None,
            },
            _ => None,
        }
    }

    /// Whether the service named this check, or one whose name begins with it and a hyphen.
    fn is_of(&self, check: &str) -> bool {
        self.refusal().is_some_and(|refusal| refusal.is_of(check))
    }
}

impl Attester<'_> {
    /// Attests by a key that has a standing; once more with a new challenge if the first one was no longer
    /// good when it was answered.
    ///
    /// # Errors
    /// [`AttestError`].
    pub fn attest(
        &self,
        tpm: &mut dyn Tpm,
        service: &mut dyn Service,
        key: &HeldKey,
    ) -> Result<String, AttestError> {
        match self.attest_once(tpm, service, key) {
            Err(error) if error.is_of("tpm-context") => self.attest_once(tpm, service, key),
            other => other,
        }
    }

    /// Attests by the key that is kept in a file; enrols it, or a new one, where it has no standing any
    /// more and that is allowed.
    ///
    /// # Errors
    /// [`AttestError`].
    pub fn attest_enrolled(
        &self,
        tpm: &mut dyn Tpm,
        service: &mut dyn Service,
        enrolment: &Enrolment<'_>,
    ) -> Result<Report, AttestError> {
        let (kept, standing) = match enrolment.file.read()? {
            Some((key, standing)) => (Some(KeySource::Wrapped(key)), standing),
            None => (None, None),
        };
        let standing = standing.filter(|standing| standing.counts_at(enrolment.at));
        if let (Some(source), Some(standing)) = (&kept, standing) {
            let key = HeldKey { source: source.clone(), standing };
            match self.attest(tpm, service, &key) {
                Err(error) if enrolment.is_allowed && has_no_standing(&error) => {}
                other => return other.map(|token| Report { token, enrolled: false }),
            }
        }
        if !enrolment.is_allowed {
            return Err(AttestError::NotEnrolled);
        }
        let key = enrolment.enrol(tpm, service, kept)?;
        let token = self.attest(tpm, service, &key)?;
        Ok(Report { token, enrolled: true })
    }

    fn attest_once(
        &self,
        tpm: &mut dyn Tpm,
        service: &mut dyn Service,
        key: &HeldKey,
    ) -> Result<String, AttestError> {
        let aik = Public::parse(&tpm.use_attestation_key(&key.source)?)?;
        let question = match &key.standing {
            Standing::Certified(der) => init_message(Form::Wrapped, Some(der)),
            Standing::Enrolled { enrolment, .. } => enrolled_init_message(Form::Wrapped, enrolment),
        };
        let answer = service.exchange(&question)?;
        let ServiceMessage::Challenge { challenge, service_context } =
            ServiceMessage::read(&answer)?
        else {
            return Err(AttestError::Unexpected { expected: "a challenge" });
        };
        if !CHALLENGE_BYTES.contains(&challenge.len()) {
            return Err(AttestError::Challenge { found: challenge.len() });
        }
        let certified = self.certify(tpm, &challenge)?;
        let qualifying_data = self.request_key.qualifying_data(&challenge);
        let measured = measure(tpm, &qualifying_data, self.pcrs)?;
        // IMA's list grows: what is read now reaches up to the quote.
        let logs = self.logs.read()?;
        let payload = Payload {
            challenge: &challenge,
            service_context: &service_context,
            aik: aik.key(),
            standing: &key.standing,
            measured: &measured,
            logs: &logs,
            request_key: self.request_key,
            certified: &certified,
            rp_id: self.rp_id,
            rp_data: self.rp_data,
            custom_claims: self.custom_claims,
        };
        let request = self.request_key.sign(&payload.text()?)?;
        match ServiceMessage::read(&service.exchange(&request_message(Form::Wrapped, &request))?)? {
            ServiceMessage::Report(token) => Ok(token),
            _ => Err(AttestError::Unexpected { expected: "a report" }),
        }
    }

    /// Certifications of the further keys, each for this challenge.
    fn certify(
        &self,
        tpm: &mut dyn Tpm,
        challenge: &[u8],
    ) -> Result<Vec<(PublicKey, Certification)>, AttestError> {
        let certify = |handle: &u32| {
            let certification = tpm.certify(*handle, challenge)?;
            let public = Public::parse(&certification.public)?;
            Ok((public.key().clone(), certification))
        };
        self.certified_handles.iter().map(certify).collect()
    }
}

impl Enrolment<'_> {
    /// Enrols the key that is kept, or a new one if there is none or the TPM does not take it, and keeps it.
    fn enrol(
        &self,
        tpm: &mut dyn Tpm,
        service: &mut dyn Service,
        kept: Option<KeySource>,
    ) -> Result<HeldKey, AttestError> {
        let endorsement = tpm.endorsement(self.ek_certificate)?;
        let usable = kept.filter(|kept| tpm.use_attestation_key(kept).is_ok());
        let source = match usable {
            Some(kept) => kept,
            None => KeySource::Wrapped(tpm.create_attestation_key()?),
        };
        let key = enrol(tpm, service, source, &endorsement, self.ek_chain)?;
        if let (KeySource::Wrapped(wrapped), Standing::Enrolled { enrolment, valid_until }) =
            (&key.source, &key.standing)
        {
            self.file.write(wrapped, enrolment, *valid_until)?;
        }
        Ok(key)
    }
}

/// Whether enrolling would help: the service does not take the enrolment any more, or the TPM not the key.
fn has_no_standing(error: &AttestError) -> bool {
    let is_off = error.is_of("tpm-enrolment-off");
    (error.is_of("tpm-enrolment") && !is_off)
        || matches!(error, AttestError::Tpm(TpmError::Refused { .. }))
}

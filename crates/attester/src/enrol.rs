//! Enrolment: the service learns that the attestation key lives in the TPM whose endorsement key a
//! manufacturer certified. Two messages; see [`avouch_tpm::protocol::Enroll`].

use avouch_tpm::protocol::{Activate, Enroll, Form, ProtocolError, ServiceMessage};
use avouch_tpm::trim_padding;
use avouch_wire::{TimeError, UnixTime, failed_check};
use thiserror::Error;

use crate::{Endorsement, HeldKey, KeySource, Service, ServiceError, Standing, Tpm, TpmError};

/// Longest text that is kept as an enrolment, in bytes; services give under 2 KB.
const ENROLMENT_BYTES_MAX: usize = 16 << 10;

/// Why a key is not enrolled.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnrolError {
    /// The TPM refused.
    #[error(transparent)]
    Tpm(#[from] TpmError),
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
    /// The answer's time is none.
    #[error("the service's valid_until: {0}")]
    Time(#[from] TimeError),
}

failed_check!(EnrolError {
    Self::Tpm(error) => (error.check(), TpmError::checks()),
    Self::Service(error) => (error.check(), ServiceError::checks()),
    Self::Protocol(error) => (error.check(), ProtocolError::checks()),
    Self::Unexpected { .. } => "enrol-answer",
    Self::Time(_) => "enrol-answer",
});

/// Enrols a key, which is taken into use in the TPM.
///
/// `ek_chain` are certificates between that of the endorsement key and its manufacturer's root, in DER.
///
/// # Errors
/// [`EnrolError`].
pub fn enrol(
    tpm: &mut dyn Tpm,
    service: &mut dyn Service,
    source: KeySource,
    endorsement: &Endorsement,
    ek_chain: &[Vec<u8>],
) -> Result<HeldKey, EnrolError> {
    let ak_public = tpm.use_attestation_key(&source)?;
    let question = Enroll {
        ek_certificate: trim_padding(&endorsement.certificate).to_vec(),
        ek_chain: ek_chain.to_vec(),
        ek_public: sized(&endorsement.public)?,
        ak_public: sized(&ak_public)?,
    };
    let answer = service.exchange(&question.message(Form::Wrapped))?;
    let ServiceMessage::Credential { credential, service_context } = ServiceMessage::read(&answer)?
    else {
        return Err(EnrolError::Unexpected { expected: "a credential" });
    };
    let secret = tpm.activate_credential(&credential)?;
    let question = Activate { secret, service_context };
    let answer = service.exchange(&question.message(Form::Wrapped))?;
    match ServiceMessage::read(&answer)? {
        ServiceMessage::Enrolment { enrolment, valid_until }
            if enrolment.len() <= ENROLMENT_BYTES_MAX =>
        {
            let valid_until = UnixTime::from_rfc3339(&valid_until)?;
            Ok(HeldKey { source, standing: Standing::Enrolled { enrolment, valid_until } })
        }
        _ => Err(EnrolError::Unexpected { expected: "an enrolment" }),
    }
}

/// Bytes behind their 16-bit size.
fn sized(bytes: &[u8]) -> Result<Vec<u8>, TpmError> {
    let length = u16::try_from(bytes.len())
        .map_err(|_| TpmError::Length { what: "a public area", found: bytes.len() })?;
    Ok([length.to_be_bytes().as_slice(), bytes].concat())
}

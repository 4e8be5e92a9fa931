//! An attestation by itself, as files of a machine make it: without a request, a key or a conversation.

use avouch_wire::json;

use super::attestation::{self, Attestation};
use super::members::Members;
use super::{ProtocolError, jwk};
use crate::Public;

/// Longest document: that of the service's largest body.
const DOCUMENT_BYTES_MAX: usize = 4 << 20;

/// An attestation as its bytes say it is: nothing in it is verified.
#[derive(Debug, Clone)]
pub struct BareAttestation {
    pub(super) attestation: Attestation,
    pub(super) public: Option<Public>,
}

impl BareAttestation {
    /// Reads the JSON that stands in `current_attestation` of a request of the second version. In place of
    /// `aik_pub` there may be `ak_public`, base64 of the key's `TPM2B_PUBLIC`, of any kind of key.
    ///
    /// # Errors
    /// [`ProtocolError`].
    pub fn read(document: &[u8]) -> Result<Self, ProtocolError> {
        let members = json::parse_object(document, DOCUMENT_BYTES_MAX)?;
        let data = Members::new("", &members);
        let public = match data.optional_bytes("ak_public")? {
            None => None,
            Some(_) if data.has("aik_pub") => {
                return data.refuse("ak_public", "it stands beside aik_pub");
            }
            Some(bytes) => Some(Public::parse_sized(&bytes)?),
        };
        let aik = match &public {
            Some(public) => public.key().clone(),
            None => jwk::any("aik_pub", data.value("aik_pub"))?,
        };
        Ok(Self { attestation: attestation::of_key(aik, data)?, public })
    }

    /// DER of the AIK's certificate, if there is one.
    #[must_use]
    pub fn untrusted_aik_certificate(&self) -> Option<&[u8]> {
        self.attestation.aik_certificate.as_deref()
    }

    /// The sealed enrolment that it names, if it names one.
    #[must_use]
    pub fn enrolment(&self) -> Option<&str> {
        self.attestation.enrolment.as_deref()
    }
}

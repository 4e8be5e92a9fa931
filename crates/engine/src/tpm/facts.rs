//! What TPM evidence proved, for people and programs.

use avouch_bootlog::boot::ProvenBoot;
use avouch_bootlog::ima::Facts as ImaFacts;
use avouch_tpm::VerifiedQuote;
use avouch_tpm::protocol::{AikStanding, CustomClaim, KeyBinding, ProtocolVersion, VerifiedKey};
use avouch_vbs::VerifiedReport;
use serde::Serialize;
use serde_json::Value;

use super::submitted::Proven;
use crate::machine_state::booted;
use crate::{Grounds, MachineState, VerifiedFacts};

/// What was proven.
#[derive(Debug, Serialize)]
pub(super) struct TpmFacts {
    aik: AikStanding,
    quote: VerifiedQuote,
    /// What the firmware's log proves; `null` if none was sent.
    boot: Option<ProvenBoot>,
    /// What the kernel's list proves; `null` if none was sent.
    ima: Option<ImaFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enclave: Option<VerifiedReport>,
}

/// What the request says, signed by its key.
#[derive(Debug, Serialize)]
struct RequestFacts {
    version: ProtocolVersion,
    rp_id: Option<String>,
    rp_data: Option<String>,
    request_key: KeyFacts,
    other_keys: Vec<KeyFacts>,
    custom_claims: Vec<CustomClaim>,
}

#[derive(Debug, Serialize)]
struct KeyFacts {
    jwk: Value,
    binding: KeyBinding,
    #[serde(skip)]
    spki: Vec<u8>,
}

impl From<&VerifiedKey> for KeyFacts {
    fn from(key: &VerifiedKey) -> Self {
        Self {
            jwk: serde_json::from_str(&key.canonical_jwk()).unwrap_or_default(),
            binding: key.binding.clone(),
            spki: key.key.spki_der().to_vec(),
        }
    }
}

impl TpmFacts {
    pub(super) fn new(
        proven: &Proven,
        boot: Option<ProvenBoot>,
        ima: Option<ImaFacts>,
        enclave: Option<VerifiedReport>,
    ) -> Self {
        let request = proven.request().map(|request| RequestFacts {
            version: request.version,
            rp_id: request.rp_id.clone(),
            rp_data: request.rp_data.clone(),
            request_key: KeyFacts::from(&request.request_key),
            other_keys: request.other_keys.iter().map(KeyFacts::from).collect(),
            custom_claims: request.custom_claims.clone(),
        });
        let (aik, quote) = (proven.aik().clone(), proven.current().quote.clone());
        Self { aik, quote, boot, ima, request, enclave }
    }
}

impl VerifiedFacts for TpmFacts {
    fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The request's key, if the TPM vouches for it.
    fn sender_key(&self) -> Option<&[u8]> {
        let key = &self.request.as_ref()?.request_key;
        (!matches!(key.binding, KeyBinding::Unbound)).then_some(key.spki.as_slice())
    }

    /// That of a TPM that somebody vouches for: by the certificate of its endorsement key, or else by its
    /// attestation key.
    fn machine_state(&self) -> Option<MachineState> {
        let enrolled = self.aik.enrolment.as_ref().map(|facts| facts.ek_certificate_sha256);
        let certified = self.aik.certificate.as_ref().map(|_| self.aik.key_sha256);
        let machine = enrolled.or(certified)?.to_string();
        let facts = booted(&self.quote, self.boot.as_ref())?;
        Some(MachineState { machine, facts })
    }

    fn grounds(&self) -> Grounds {
        let mut machine = vec![("aik_sha256", self.aik.key_sha256.to_string())];
        let enrolment = self.aik.enrolment.as_ref();
        machine.extend(
            enrolment
                .map(|facts| ("ek_certificate_sha256", facts.ek_certificate_sha256.to_string())),
        );
        let certificate = self.aik.certificate.as_ref();
        let root = certificate.map(|facts| &facts.root).or(enrolment.map(|facts| &facts.root));
        Grounds {
            machine,
            endorsements: root.map(|root| ("root_key", root.key_sha256)).into_iter().collect(),
            window: certificate.map(|facts| facts.window),
        }
    }
}

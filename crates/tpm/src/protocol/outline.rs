//! What a request says, for people to look at. Nothing of it is verified.

use avouch_pki::digest::sha256;
use avouch_wire::{Hex, encode_hex};
use serde::Serialize;

use super::attestation::{Attestation, Evidence};
use super::request::{Info, RequestedKey};
use super::{AttestationType, CustomClaim, LogKind, ProtocolVersion, SignedRequest};

/// What a request says.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is named as the member of the message it comes from")]
pub struct RequestOutline {
    pub version: ProtocolVersion,
    pub att_type: &'static str,
    pub rp_id: Option<String>,
    pub rp_data: Option<String>,
    pub challenge: String,
    pub current_attestation: AttestationOutline,
    pub boot_attestation: Option<AttestationOutline>,
    pub request_key: KeyOutline,
    pub other_keys: Vec<KeyOutline>,
    pub custom_claims: Vec<CustomClaim>,
    pub service_context: String,
}

/// What a request says of its TPM.
#[derive(Debug, Clone, Serialize)]
pub struct AttestationOutline {
    /// SHA-256 of the AIK's SubjectPublicKeyInfo.
    pub aik_sha256: Hex<32>,
    /// Bytes of its certificate, if there is one.
    pub aik_certificate_bytes: Option<usize>,
    /// The sealed enrolment in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrolment: Option<String>,
    /// The quote in hex, or Windows' claim.
    pub quote: String,
    /// Values of PCRs beside it; those inside of a claim are not counted.
    pub pcr_values: usize,
    /// Each log with its length in bytes.
    pub logs: Vec<(LogKind, usize)>,
}

/// A key, and what is said to bind it.
#[derive(Debug, Clone, Serialize)]
pub struct KeyOutline {
    /// The JWK as written.
    pub jwk: String,
    /// `none`, `tpm_quote` or `tpm_certify`.
    pub info: &'static str,
}

impl SignedRequest {
    /// What the request says.
    #[must_use]
    pub fn untrusted_outline(&self) -> RequestOutline {
        RequestOutline {
            version: self.version(),
            att_type: match self.kind {
                AttestationType::Basic => "basic",
                AttestationType::Vbs { .. } => "vbs",
            },
            rp_id: self.rp_id.clone(),
            rp_data: self.rp_data.clone(),
            challenge: encode_hex(&self.challenge),
            current_attestation: attestation(&self.current),
            boot_attestation: self.boot.as_ref().map(attestation),
            request_key: key(&self.request_key),
            other_keys: self.other_keys.iter().map(key).collect(),
            custom_claims: self.custom_claims.clone(),
            service_context: self.service_context().to_owned(),
        }
    }

    /// The report of an enclave as it was sent, if the request attests one.
    #[must_use]
    pub fn untrusted_vbs_report(&self) -> Option<&[u8]> {
        match &self.kind {
            AttestationType::Basic => None,
            AttestationType::Vbs { report, .. } => Some(report),
        }
    }
}

fn attestation(of: &Attestation) -> AttestationOutline {
    let (quote, pcr_values) = match &of.evidence {
        Evidence::Structures { quote, values, .. } => (encode_hex(quote), values.len()),
        Evidence::Blob(blob) => (encode_hex(blob), 0),
    };
    AttestationOutline {
        aik_sha256: sha256(of.aik.spki_der()),
        aik_certificate_bytes: of.aik_certificate.as_ref().map(Vec::len),
        enrolment: of.enrolment.clone(),
        quote,
        pcr_values,
        logs: of.logs.iter().map(|log| (log.kind, log.bytes.len())).collect(),
    }
}

fn key(of: &RequestedKey) -> KeyOutline {
    let info = match of.info {
        Info::None => "none",
        Info::Quote => "tpm_quote",
        Info::Certify { .. } => "tpm_certify",
    };
    KeyOutline { jwk: of.text.clone(), info }
}

//! What a signed request proves.

use avouch_pki::digest::sha256;
use avouch_pki::{PublicKey, digest};
use avouch_wire::{Hex, UnixTime};
use serde::Serialize;
use subtle::ConstantTimeEq;

use super::attestation::{Attestation, Evidence};
use super::request::{Info, RequestedKey};
use super::{
    AttestationType, BareAttestation, CustomClaim, Enrolment, EnrolmentFacts, Log, ProtocolVersion,
    RequestError, SignedRequest,
};
use crate::{
    AcceptableKey, AikFacts, AkRules, Attest, AttestationKey, CertifiedKey, Expected, PcrMask,
    Public, Signature, Standing, TrustAnchors, VerifiedQuote, verify_aik_certificate,
    verify_certify, verify_quote,
};

/// What a provider asks of requests.
#[derive(Debug, Clone, Copy)]
pub struct Conditions<'a> {
    /// What must be answered.
    pub challenge: &'a [u8],
    /// SHA-256 of the SubjectPublicKeyInfo of the AIK that the challenge was given for, if it was given
    /// for one.
    pub aik: Option<Hex<32>>,
    /// The enrolment that the request names, opened.
    pub enrolment: Option<&'a Enrolment>,
    /// The CAs of attestation keys.
    pub aik_anchors: &'a TrustAnchors,
    /// DER of certificates that may stand between such a CA and the AIK's certificate.
    pub aik_cas: &'a [&'a [u8]],
    /// Whether a request without a trusted AIK certificate is refused. Without it any software key can
    /// sign any quote.
    pub require_valid_aik_cert: bool,
    /// Which schemes are accepted.
    pub rules: AkRules,
    /// The PCRs that must be quoted.
    pub required: PcrMask,
    /// The moment to judge at.
    pub at: UnixTime,
}

/// How far the AIK is known to be a TPM's.
#[derive(Debug, Clone, Serialize)]
pub struct AikStanding {
    /// Whether a trusted CA certified it, or a TPM of a trusted manufacturer activated a credential for
    /// it.
    pub validated: bool,
    /// How it is known to be a TPM's.
    pub standing: Standing,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub key_sha256: Hex<32>,
    /// What its certificate says, if that is trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<AikFacts>,
    /// What its enrolment says, if that stands in place of a certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrolment: Option<EnrolmentFacts>,
}

/// A quote that holds, and logs that nothing is known of yet: they are to be replayed against it.
#[derive(Debug, Clone)]
pub struct VerifiedAttestation {
    /// The values of the PCRs.
    pub quote: VerifiedQuote,
    /// The logs, in the order in which they were measured.
    pub logs: Vec<Log>,
}

/// What binds a key to the TPM.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyBinding {
    /// Nothing.
    Unbound,
    /// The quote that answers the challenge holds its digest: who has the TPM chose it.
    Quoted,
    /// It lives in the TPM.
    Certified(Box<CertifiedKey>),
}

/// A key of the client's, and what binds it.
#[derive(Debug, Clone)]
pub struct VerifiedKey {
    /// The JWK as the client wrote it.
    pub jwk: String,
    /// The key.
    pub key: PublicKey,
    /// What binds it.
    pub binding: KeyBinding,
}

impl VerifiedKey {
    /// The key as a JWK of its required members, for `cnf`.
    #[must_use]
    pub fn canonical_jwk(&self) -> String {
        super::jwk::write(&self.key).to_string()
    }
}

/// What a request proves: the contents of a report. Only [`SignedRequest::verify`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedRequest {
    /// Version of the protocol.
    pub version: ProtocolVersion,
    /// What is attested. The enclave's report is not judged here.
    pub kind: AttestationType,
    /// What the relying party called itself.
    pub rp_id: Option<String>,
    /// What the relying party gave the client, to be given back.
    pub rp_data: Option<String>,
    /// The attestation key.
    pub aik: AikStanding,
    /// The state of the machine now: its quote answers the challenge.
    pub current: VerifiedAttestation,
    /// Its state at the boot before it slept, by the same AIK. That quote answers nothing: it is as old as
    /// its sender likes.
    pub boot: Option<VerifiedAttestation>,
    /// The key that signed the request: who holds it sent it.
    pub request_key: VerifiedKey,
    /// Further keys.
    pub other_keys: Vec<VerifiedKey>,
    /// The client's own word.
    pub custom_claims: Vec<CustomClaim>,
}

impl SignedRequest {
    /// Verifies a request, in this order: its own key signed it; its challenge is the one that was given;
    /// something ties its key to the TPM, which version 1 cannot say; the AIK is the one that the challenge was given for, and its certificate is trusted; the current
    /// quote holds and answers; the boot's quote holds, by the same AIK; what is said to be certified is.
    ///
    /// # Errors
    /// [`RequestError`] of the first check that does not hold.
    pub fn verify(self, conditions: Conditions<'_>) -> Result<VerifiedRequest, RequestError> {
        let version = self.version();
        if !self.jws.is_signed_by(&self.request_key.key) {
            return Err(RequestError::Signature);
        }
        // What it signed was read: it is not needed any more.
        drop(self.jws);
        let challenge = conditions.challenge;
        if !bool::from(self.challenge.ct_eq(challenge)) {
            return Err(RequestError::Challenge);
        }
        let is_bound = !matches!(self.request_key.info, Info::None);
        if version == ProtocolVersion::V2 && !is_bound {
            return Err(RequestError::KeyUnbound);
        }
        let (key, aik) = attestation_key(&self.current, None, conditions)?;
        let qualifying = match self.request_key.info {
            Info::Quote => quoted_digest(&self.request_key.text, challenge).to_vec(),
            Info::None | Info::Certify { .. } => challenge.to_vec(),
        };
        let current_aik = self.current.aik.clone();
        let current = attested(self.current, &key, Some(&qualifying), conditions.required)?;
        let boot = self.boot.map(|boot| boot_attested(boot, &current_aik, &key));
        let own_key = |requested| verified_key(requested, &key, challenge);
        Ok(VerifiedRequest {
            version,
            kind: self.kind,
            rp_id: self.rp_id,
            rp_data: self.rp_data,
            aik,
            current,
            boot: boot.transpose()?,
            request_key: own_key(self.request_key)?,
            other_keys: self.other_keys.into_iter().map(own_key).collect::<Result<_, _>>()?,
            custom_claims: self.custom_claims,
        })
    }
}

/// What a quote holds that binds a key: SHA-256 of its JWK as written, a zero byte and the challenge.
fn quoted_digest(jwk: &str, challenge: &[u8]) -> [u8; 32] {
    digest::sha256_of_parts(&[jwk.as_bytes(), &[0], challenge]).0
}

/// The AIK, and how it is known to be a TPM's. Where its public area was sent, that is judged too.
fn attestation_key(
    sent: &Attestation,
    public: Option<&Public>,
    conditions: Conditions<'_>,
) -> Result<(AttestationKey, AikStanding), RequestError> {
    let key_sha256 = sha256(sent.aik.spki_der());
    if let Some(expected) = conditions.aik.filter(|expected| *expected != key_sha256) {
        return Err(RequestError::AikSwapped { expected, found: key_sha256 });
    }
    let acceptable =
        public.map(|public| AcceptableKey::of(public, conditions.rules)).transpose()?;
    let standing = AikStanding {
        validated: true,
        standing: Standing::Certified,
        key_sha256,
        certificate: None,
        enrolment: None,
    };
    if sent.enrolment.is_some() {
        let enrolment = conditions.enrolment.ok_or(RequestError::EnrolmentUnopened)?;
        let enrolled = enrolment.aik_sha256();
        if enrolled != key_sha256 {
            return Err(RequestError::EnrolledKey { enrolled, found: key_sha256 });
        }
        let (facts, key) = (enrolment.facts(), enrolment.key());
        let standing = AikStanding { standing: key.standing(), ..standing };
        return Ok((key, AikStanding { enrolment: Some(facts), ..standing }));
    }
    let certificate = sent.aik_certificate.as_deref().map(|der| {
        verify_aik_certificate(der, conditions.aik_cas, conditions.aik_anchors, conditions.at)
    });
    let verified = match certificate {
        Some(Ok(verified)) => verified,
        Some(Err(error)) if conditions.require_valid_aik_cert => return Err(error.into()),
        None if conditions.require_valid_aik_cert => return Err(RequestError::AikMissing),
        Some(Err(_)) | None => {
            let key = match acceptable {
                Some(acceptable) => acceptable.self_asserted(),
                None => AttestationKey::self_asserted(&sent.aik, conditions.rules)?,
            };
            let standing = AikStanding { validated: false, standing: key.standing(), ..standing };
            return Ok((key, standing));
        }
    };
    let key = match acceptable {
        Some(acceptable) => acceptable.certified(&verified)?,
        None => AttestationKey::of_certificate(&verified, &sent.aik, conditions.rules)?,
    };
    Ok((key, AikStanding { certificate: Some(verified.facts()), ..standing }))
}

/// What an attestation by itself proves. Only [`BareAttestation::verify`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedBare {
    /// The attestation key.
    pub aik: AikStanding,
    /// The state of the machine: its quote holds the challenge.
    pub current: VerifiedAttestation,
}

impl BareAttestation {
    /// Verifies it as the attestation of a request is, but that the challenge is the whole qualifying
    /// data of the quote: no key is bound.
    ///
    /// # Errors
    /// [`RequestError`] of the first check that does not hold.
    pub fn verify(self, conditions: Conditions<'_>) -> Result<VerifiedBare, RequestError> {
        let (sent, public) = (self.attestation, self.public.as_ref());
        let (key, aik) = attestation_key(&sent, public, conditions)?;
        let current = attested(sent, &key, Some(conditions.challenge), conditions.required)?;
        Ok(VerifiedBare { aik, current })
    }
}

/// Verifies the quote of an attestation; without qualifying data it may say what it likes.
fn attested(
    sent: Attestation,
    key: &AttestationKey,
    qualifying_data: Option<&[u8]>,
    required: PcrMask,
) -> Result<VerifiedAttestation, RequestError> {
    let mut logs = sent.logs;
    let (quote, signature, values) = match sent.evidence {
        Evidence::Structures { quote, signature, values } => {
            (Attest::parse(&quote)?, Signature::parse(&signature)?, values)
        }
        Evidence::Blob(bytes) => {
            let blob = Evidence::blob(&bytes)?;
            let quote = Attest::parse(&blob.quote)?;
            let (signature, values) = (blob.signature(&quote)?, blob.quoted_values(&quote));
            if logs.is_empty() && !blob.log.is_empty() {
                logs.push(Log { kind: super::LogKind::Tcg, bytes: blob.log });
            }
            (quote, signature, values)
        }
    };
    let qualifying_data = qualifying_data.unwrap_or(quote.untrusted_extra_data());
    let expected = Expected { qualifying_data, required };
    let quote = verify_quote(&quote, &signature, key, expected, &values)?;
    Ok(VerifiedAttestation { quote, logs })
}

fn boot_attested(
    boot: Attestation,
    current: &PublicKey,
    key: &AttestationKey,
) -> Result<VerifiedAttestation, RequestError> {
    if boot.aik != *current {
        return Err(RequestError::BootAik);
    }
    attested(boot, key, None, PcrMask::NONE)
}

fn verified_key(
    requested: RequestedKey,
    aik: &AttestationKey,
    challenge: &[u8],
) -> Result<VerifiedKey, RequestError> {
    let binding = match &requested.info {
        Info::None => KeyBinding::Unbound,
        // The quote was judged by the digest of this very text.
        Info::Quote => KeyBinding::Quoted,
        Info::Certify { public, certification, signature } => {
            let public = Public::parse(public)?;
            let certification = Attest::parse(certification)?;
            let signature = Signature::parse(signature)?;
            let certified =
                verify_certify(&certification, &signature, aik, challenge, &public, None)?;
            if certified.public().key() != &requested.key {
                return Err(RequestError::CertifiedKey);
            }
            KeyBinding::Certified(Box::new(certified))
        }
    };
    Ok(VerifiedKey { jwk: requested.text, key: requested.key, binding })
}

//! Endorsement key certificates.

use avouch_pki::{PublicKey, Role, Root, VerifiedCertificate, Window, oid};
use avouch_wire::UnixTime;
use serde::Serialize;

use super::error::{self, CertificateKind, TpmCertificateError};
use super::path;
use super::subject::{self, Tpm};
use crate::TrustAnchors;

/// Extended key usage of endorsement key certificates, `tcg-kp-EKCertificate`.
const EK_USAGE: &str = "2.23.133.8.1";

/// The certificate of an endorsement key under a manufacturer that the operator trusts. Only
/// [`verify_ek_certificate`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedEk {
    certificate: VerifiedCertificate,
    facts: EkFacts,
}

/// What an endorsement key certificate says.
#[derive(Debug, Clone, Serialize)]
pub struct EkFacts {
    /// The TPM, as its manufacturer says.
    pub tpm: Tpm,
    /// Serial number of the certificate in hex.
    pub serial: String,
    /// When it and every certificate above it is valid.
    pub window: Window,
    /// The trusted CA; its label is its name and the SHA-256 of its certificate.
    pub root: Root,
    /// Subjects of the CAs in between, from the trusted one down.
    pub intermediates: Vec<String>,
    /// Certificate policies of each certificate below the trusted CA, from there down.
    pub policies: Vec<Vec<String>>,
}

impl VerifiedEk {
    /// The key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        self.certificate.certificate().public_key()
    }

    /// What it says.
    #[must_use]
    pub const fn facts(&self) -> &EkFacts {
        &self.facts
    }

    /// The certificate's DER, without what lay around it.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        self.certificate.certificate().der()
    }
}

/// Verifies the certificate of an endorsement key: DER, perhaps with padding behind it; `sent` are
/// certificates that came along.
///
/// Checked: a path to a trusted CA, each link valid at `at`; an end-entity certificate; a key usage with
/// keyEncipherment (RSA) or keyAgreement (ECC); the usage of EK certificates where it has extended ones;
/// the TPM's attributes well-formed where it has them, and in a critical extension where there is no
/// subject; certificate policies well-formed. Not checked: revocation, or whether the TPM is one that
/// the operator knows.
///
/// # Errors
/// [`TpmCertificateError`] of the first check that does not hold.
pub fn verify_ek_certificate(
    der: &[u8],
    sent: &[&[u8]],
    anchors: &TrustAnchors,
    at: UnixTime,
) -> Result<VerifiedEk, TpmCertificateError> {
    let kind = CertificateKind::Ek;
    let leaf = error::read(kind, der)?;
    let found = path::verify(kind, &leaf, sent, anchors, Role::Recipient, at)?;
    if leaf.extension(oid::KEY_USAGE).is_none() {
        return Err(TpmCertificateError::NoKeyUsage);
    }
    error::check_usage(kind, &leaf, EK_USAGE)?;
    let names = leaf.extension(oid::SUBJECT_ALT_NAME);
    let has_subject = leaf.subject().as_der() != EMPTY_NAME;
    if !has_subject && !names.is_some_and(|names| names.critical) {
        return Err(TpmCertificateError::NoSubject);
    }
    let tpm = subject::read(&leaf).map_err(|source| TpmCertificateError::Tpm { source })?;
    let facts = EkFacts {
        tpm,
        serial: leaf.serial().to_string(),
        window: found.leaf.window(),
        root: found.root,
        intermediates: found.intermediates,
        policies: found.policies,
    };
    Ok(VerifiedEk { certificate: found.leaf, facts })
}

/// DER of a name without attributes.
const EMPTY_NAME: [u8; 2] = [0x30, 0x00];

//! Certificates of endorsement keys and of attestation keys, up to a CA that the operator trusts.

mod ek;
mod error;
mod padding;
mod path;
mod policies;
mod subject;

use avouch_pki::{Certificate, PublicKey, Role, Root, VerifiedCertificate, Window};
use avouch_wire::UnixTime;
use serde::Serialize;

use crate::TrustAnchors;

pub use ek::{EkFacts, VerifiedEk, verify_ek_certificate};
pub use error::{CertificateKind, TpmCertificateError};
pub use padding::trim_padding;
pub use subject::{Tpm, TpmSpecification};

/// Extended key usage of attestation key certificates, `tcg-kp-AIKCertificate`.
const AIK_USAGE: &str = "2.23.133.8.3";

/// The certificate of an attestation key under a CA that the operator trusts to certify only keys that a
/// TPM proved to hold. Only [`verify_aik_certificate`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedAik {
    certificate: VerifiedCertificate,
    root: Root,
    intermediates: Vec<String>,
}

/// What an AIK certificate says.
#[derive(Debug, Clone, Serialize)]
pub struct AikFacts {
    /// Whom it is for; empty for many.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// Serial number in hex.
    pub serial: String,
    /// When it and every certificate above it is valid.
    pub window: Window,
    /// The trusted CA; its label is its name and the SHA-256 of its certificate.
    pub root: Root,
}

impl VerifiedAik {
    /// The key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        self.certificate.certificate().public_key()
    }

    /// When it and every certificate above it is valid.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.certificate.window()
    }

    /// The trusted CA.
    #[must_use]
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// Subjects of the CAs between it and the trusted one, from that down.
    #[must_use]
    pub fn intermediates(&self) -> &[String] {
        &self.intermediates
    }

    /// What it says.
    #[must_use]
    pub fn facts(&self) -> AikFacts {
        let certificate = self.certificate.certificate();
        AikFacts {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: certificate.serial().to_string(),
            window: self.window(),
            root: self.root.clone(),
        }
    }
}

/// The certificate of a CA under one that the operator trusts. Only [`verify_ca_certificate`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedCa {
    certificate: VerifiedCertificate,
}

impl VerifiedCa {
    /// The certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        self.certificate.certificate()
    }

    /// When it and every certificate above it is valid.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.certificate.window()
    }
}

/// Verifies the certificate of a CA that stands between a trusted one and keys: DER; `sent` are others
/// above it.
///
/// Checked: a path to a trusted CA, each link valid at `at` and a CA that may sign certificates;
/// certificate policies well-formed. Not checked: revocation, and whether it certifies TPMs at all.
///
/// # Errors
/// [`TpmCertificateError`] of the first check that does not hold.
pub fn verify_ca_certificate(
    der: &[u8],
    sent: &[&[u8]],
    anchors: &TrustAnchors,
    at: UnixTime,
) -> Result<VerifiedCa, TpmCertificateError> {
    let kind = CertificateKind::Ca;
    let ca = error::read(kind, der)?;
    let found = path::verify(kind, &ca, sent, anchors, Role::Ca, at)?;
    Ok(VerifiedCa { certificate: found.leaf })
}

/// Verifies the certificate of an attestation key: DER, perhaps with padding behind it; `sent` are
/// certificates that came along.
///
/// Checked: a path to a trusted CA, each link valid at `at`; an end-entity certificate; digitalSignature
/// where it has a key usage; the usage of AIK certificates where it has extended ones; certificate
/// policies well-formed. Not checked: revocation.
///
/// # Errors
/// [`TpmCertificateError`] of the first check that does not hold.
pub fn verify_aik_certificate(
    der: &[u8],
    sent: &[&[u8]],
    anchors: &TrustAnchors,
    at: UnixTime,
) -> Result<VerifiedAik, TpmCertificateError> {
    let kind = CertificateKind::Aik;
    let leaf = error::read(kind, der)?;
    let found = path::verify(kind, &leaf, sent, anchors, Role::Leaf, at)?;
    error::check_usage(kind, &leaf, AIK_USAGE)?;
    Ok(VerifiedAik {
        certificate: found.leaf,
        root: found.root,
        intermediates: found.intermediates,
    })
}

//! The vendor roots that evidence may rest on.

use avouch_pki::{Certificate, pem};
use thiserror::Error;

/// Trust anchors of all vendors: built in, and added by the operator.
#[derive(Debug, Clone)]
pub struct Anchors {
    /// Roots for SGX and TDX.
    pub intel: avouch_dcap::TrustAnchors,
    /// Roots for SEV-SNP.
    pub amd: avouch_snp::Anchors,
}

/// Why a file of certificates does not become trust anchors.
#[derive(Debug, Error)]
pub enum AnchorError {
    /// Not PEM.
    #[error("trust root is not PEM: {0}")]
    Pem(#[from] pem::PemError),
    /// A block is no certificate.
    #[error("trust root is not a certificate: {0}")]
    Certificate(#[from] avouch_pki::CertificateError),
    /// Not acceptable as a root for SGX and TDX.
    #[error(transparent)]
    Intel(#[from] avouch_dcap::AnchorError),
    /// Not acceptable as a root for SEV-SNP.
    #[error(transparent)]
    Amd(#[from] avouch_snp::AnchorError),
}

/// The most roots taken from one file.
const ROOTS_MAX: usize = 64;

impl Anchors {
    /// The vendors' own roots.
    #[must_use]
    pub fn built_in() -> Self {
        Self { intel: avouch_dcap::TrustAnchors::intel(), amd: avouch_snp::Anchors::amd() }
    }

    /// Adds every certificate of a PEM text: a root with an RSA key for SEV-SNP, whose roots are
    /// RSA, any other for SGX and TDX.
    ///
    /// # Errors
    /// [`AnchorError`] if the text or a certificate is malformed or not self-signed.
    pub fn with_pem(mut self, text: &[u8]) -> Result<Self, AnchorError> {
        for der in pem::certificates(text, ROOTS_MAX)? {
            let certificate = Certificate::parse(&der)?;
            let label = certificate.subject().to_string();
            match certificate.public_key().kind() {
                avouch_pki::KeyKind::Rsa { .. } => self.amd = self.amd.with_root(&certificate)?,
                _ => self.intel = self.intel.with_certificate(&label, &certificate)?,
            }
        }
        Ok(self)
    }
}

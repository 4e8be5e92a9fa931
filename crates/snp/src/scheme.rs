//! The one scheme by which AMD signs certificates and CRLs.

use avouch_pki::{Certificate, SignatureScheme};

use crate::{CertificateRole, VerifyError};

/// AMD signs certificates and CRLs by one scheme only: RSASSA-PSS with SHA-384, MGF1 with SHA-384
/// and a salt of 48 bytes.
pub(crate) const AMD_SCHEME: SignatureScheme = SignatureScheme::RsaPssSha384;

/// Refuses a certificate that is signed by another scheme, whoever signed it.
pub(crate) fn check_scheme(
    role: CertificateRole,
    certificate: &Certificate,
) -> Result<(), VerifyError> {
    match certificate.rsa_signature_scheme() {
        Some(AMD_SCHEME) => Ok(()),
        found => Err(VerifyError::CertificateScheme { role, found }),
    }
}

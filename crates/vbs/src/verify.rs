//! Who signed a report, and over what.

use std::ops::Deref;

use avouch_pki::SignatureScheme;
use avouch_pki::digest::sha512;
use avouch_wire::{Hex, failed_check};
use serde::Serialize;
use thiserror::Error;

use crate::{Report, ReportBody, SigningKey};

/// What signatures can be: the salt's length is not documented.
const SCHEMES: [SignatureScheme; 2] =
    [SignatureScheme::RsaPssSha256, SignatureScheme::RsaPssSha256LongestSalt];

/// Why a report proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// The key did not sign the report.
    #[error("the identity key of the secure kernel did not sign the report")]
    Signature,
    /// The report is over something else.
    #[error(
        "the report's EnclaveData is {found}, the SHA-512 of what it must vouch for is {expected}"
    )]
    EnclaveData {
        /// SHA-512 of what was sent.
        expected: Box<Hex<64>>,
        /// What the report has.
        found: Box<Hex<64>>,
    },
}

failed_check!(VerifyError {
    Self::Signature => "vbs-report-signature",
    Self::EnclaveData { .. } => "vbs-report-data",
});

/// A report that the owner of an identity key signed. Only [`verify_report`] makes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifiedReport {
    #[serde(flatten)]
    body: ReportBody,
    identity_key_sha256: Hex<32>,
}

impl VerifiedReport {
    /// SHA-256 of the SubjectPublicKeyInfo of the key that signed it.
    #[must_use]
    pub const fn identity_key_sha256(&self) -> &Hex<32> {
        &self.identity_key_sha256
    }
}

impl Deref for VerifiedReport {
    type Target = ReportBody;

    fn deref(&self) -> &Self::Target {
        &self.body
    }
}

/// Verifies that `key` signed `report`, and that the report vouches for `statement`, byte for byte as
/// it was received.
///
/// The signature is RSASSA-PSS with SHA-256 and MGF1 over SHA-256, with a salt as long as the digest or the
/// longest that fits. It proves that the secure kernel of that key has an enclave with this identity, which
/// asked for a report on SHA-512 of `statement`. It proves nothing of when: what is fresh about it must
/// stand in `statement`.
///
/// # Errors
/// [`VerifyError::Signature`] or [`VerifyError::EnclaveData`].
///
/// # Source
/// Windows SDK, `ntenclv.h`; Microsoft Learn, *Virtualization-based security (VBS) attestation protocol*.
pub fn verify_report(
    report: Report<'_>,
    key: &SigningKey,
    statement: &[u8],
) -> Result<VerifiedReport, VerifyError> {
    let is_signed = |scheme: &SignatureScheme| {
        key.public_key().verify(*scheme, report.signed, report.signature).is_ok()
    };
    if !SCHEMES.iter().any(is_signed) {
        return Err(VerifyError::Signature);
    }
    let (expected, found) = (sha512(statement), report.body.enclave_data);
    if found != expected {
        let (expected, found) = (Box::new(expected), Box::new(found));
        return Err(VerifyError::EnclaveData { expected, found });
    }
    Ok(VerifiedReport { body: report.body, identity_key_sha256: key.sha256() })
}

//! Who signed a report, and over what.

use std::ops::Deref;

use avouch_pki::digest::sha512;
use avouch_pki::{KeyError, KeyKind, PublicKey, SignatureScheme};
use avouch_wire::failed_check;
use thiserror::Error;

use crate::Report;

/// Shortest identity key accepted.
const MODULUS_BITS_MIN: usize = 2048;

/// The identity key that the secure kernel signs by.
#[derive(Debug, Clone)]
pub struct SigningKey(PublicKey);

impl SigningKey {
    /// The key of the numbers that measured boot proves (`VSM_IDKS_INFO`), big-endian.
    ///
    /// # Errors
    /// [`VerifyError::Key`] if they are no RSA key, [`VerifyError::WeakKey`] if it is shorter than 2048
    /// bits or its exponent is even or 1.
    pub fn of(modulus: &[u8], exponent: &[u8]) -> Result<Self, VerifyError> {
        let key = PublicKey::rsa(modulus, exponent)?;
        let (length, odd) = match (key.kind(), exponent.last()) {
            (KeyKind::Rsa { modulus_bits }, Some(last)) => (modulus_bits, last % 2 == 1),
            _ => (0, false),
        };
        let is_one =
            exponent.iter().rev().skip(1).all(|byte| *byte == 0) && exponent.ends_with(&[1]);
        if length < MODULUS_BITS_MIN || !odd || is_one {
            return Err(VerifyError::WeakKey { bits: length });
        }
        Ok(Self(key))
    }
}

/// Why a report proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// The numbers are no key to sign reports by.
    #[error("the identity key of the secure kernel: {0}")]
    Key(#[from] KeyError),
    /// The numbers are those of a key that anybody can sign by.
    #[error(
        "the identity key has {bits} bits, or an exponent that no key has; 2048 bits are needed"
    )]
    WeakKey {
        /// Length of the modulus.
        bits: usize,
    },
    /// The key did not sign the report.
    #[error("the identity key of the secure kernel did not sign the report")]
    Signature,
    /// The report is over something else.
    #[error("the report's EnclaveData is not the SHA-512 of what it must vouch for")]
    EnclaveData,
}

failed_check!(VerifyError {
    Self::Key(_) | Self::WeakKey { .. } => "vbs-report-key",
    Self::Signature => "vbs-report-signature",
    Self::EnclaveData => "vbs-report-data",
});

/// A report that the owner of an identity key signed. Only [`verify_report`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedReport<'a>(Report<'a>);

impl<'a> Deref for VerifiedReport<'a> {
    type Target = Report<'a>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Verifies that `key` signed `report`, and that the report vouches for `statement`, byte for byte as
/// it was received.
///
/// The signature is RSASSA-PSS with SHA-256; the length of its salt is not documented, so that of the
/// digest and the longest are accepted.
///
/// # Errors
/// [`VerifyError::Signature`] or [`VerifyError::EnclaveData`].
pub fn verify_report<'a>(
    report: Report<'a>,
    key: &SigningKey,
    statement: &[u8],
) -> Result<VerifiedReport<'a>, VerifyError> {
    let schemes = [SignatureScheme::RsaPssSha256, SignatureScheme::RsaPssSha256LongestSalt];
    let signed =
        |scheme: &SignatureScheme| key.0.verify(*scheme, report.signed, report.signature).is_ok();
    if !schemes.iter().any(signed) {
        return Err(VerifyError::Signature);
    }
    if report.enclave_data != sha512(statement) {
        return Err(VerifyError::EnclaveData);
    }
    Ok(VerifiedReport(report))
}

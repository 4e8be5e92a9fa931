//! Quotes with the values that were quoted: a PCR may be extended between reading and quoting.

use avouch_tpm::{Attest, AttestError, Attested, HashAlgorithm, PcrValue};
use avouch_wire::failed_check;
use thiserror::Error;

use crate::{Attestation, PcrChoice, Tpm, TpmError};

/// Attempts at values that stand still while they are read and quoted. IMA extends PCR 10 whenever a file
/// is used for the first time, so a machine that starts programs needs some.
const ATTEMPTS_MAX: u32 = 16;

/// A quote with the values that it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// The quote.
    pub quote: Attestation,
    /// The quoted values, in the order of the quote.
    pub values: Vec<PcrValue>,
}

/// Why there are no quoted values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MeasureError {
    /// The TPM refused.
    #[error(transparent)]
    Tpm(#[from] TpmError),
    /// What the TPM gave is no attestation structure.
    #[error("the TPM's quote cannot be read: {0}")]
    Attest(#[from] AttestError),
    /// The TPM has no such bank, or not for all of these PCRs.
    #[error(
        "the TPM gave {found} of the {expected} PCRs asked for in bank {bank}: the bank is not allocated \
         (`tpm2_getcap pcrs` lists those that are)"
    )]
    Bank {
        /// The bank.
        bank: HashAlgorithm,
        /// PCRs asked for.
        expected: usize,
        /// PCRs that it gave.
        found: usize,
    },
    /// The quote is over other PCRs than asked for.
    #[error("the TPM quoted other PCRs than it was asked for")]
    Selection,
    /// The values changed at each attempt.
    #[error("PCRs changed between reading and quoting, {attempts} times in a row")]
    Moving {
        /// How often it was tried.
        attempts: u32,
    },
}

failed_check!(MeasureError {
    Self::Tpm(error) => (error.check(), TpmError::checks()),
    Self::Attest(error) => (error.check(), AttestError::checks()),
    Self::Bank { .. } => "measure-bank",
    Self::Selection => "measure-selection",
    Self::Moving { .. } => "measure-moving",
});

/// Quotes PCRs together with their values, trying again while they change in between.
///
/// That values and quote fit is all that is looked at; the quote is for the service to verify.
///
/// # Errors
/// [`MeasureError`].
pub fn measure(
    tpm: &mut dyn Tpm,
    qualifying_data: &[u8],
    choice: &PcrChoice,
) -> Result<Measured, MeasureError> {
    for _ in 0..ATTEMPTS_MAX {
        let values = tpm.read_pcrs(choice.banks())?;
        check_complete(&values, choice)?;
        let quote = tpm.quote(qualifying_data, choice.banks())?;
        if is_over(&quote, &values, choice)? {
            return Ok(Measured { quote, values });
        }
    }
    Err(MeasureError::Moving { attempts: ATTEMPTS_MAX })
}

fn check_complete(values: &[PcrValue], choice: &PcrChoice) -> Result<(), MeasureError> {
    for asked in choice.banks() {
        let expected = asked.pcrs.iter().count();
        let found = values.iter().filter(|value| value.bank == asked.bank).count();
        if found != expected {
            return Err(MeasureError::Bank { bank: asked.bank, expected, found });
        }
    }
    Ok(())
}

/// Whether the quote's digest is that of the values.
fn is_over(
    quote: &Attestation,
    values: &[PcrValue],
    choice: &PcrChoice,
) -> Result<bool, MeasureError> {
    let quote = Attest::parse(&quote.attest)?;
    let Attested::Quote { selection, pcr_digest } = quote.untrusted_attested() else {
        return Err(MeasureError::Selection);
    };
    // The values stand in the order that was asked for, which is that of the digest.
    if selection.banks() != choice.banks() {
        return Err(MeasureError::Selection);
    }
    // The hash is that of the signing scheme, told by its length.
    let hashes =
        [HashAlgorithm::Sha1, HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512];
    let hash = hashes.into_iter().find(|hash| hash.digest_length() == pcr_digest.len());
    let parts: Vec<&[u8]> = values.iter().map(|value| value.digest.as_slice()).collect();
    let digest = hash.and_then(|hash| hash.hash(&parts));
    Ok(digest.is_some_and(|digest| digest.as_bytes() == *pcr_digest))
}

#[cfg(test)]
mod tests;

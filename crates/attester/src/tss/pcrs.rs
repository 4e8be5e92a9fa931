//! PCRs: selections in the order that was asked for, and their values.

use avouch_tpm::{BankSelection, HashAlgorithm, PcrValue};
use tss_esapi::structures::PcrSelectionList;
use tss_esapi::tss2_esys::{TPML_PCR_SELECTION, TPMS_PCR_SELECTION};
use tss_esapi::{Context, Error, WrapperErrorKind};

use super::advice::refused;
use crate::TpmError;

/// Bytes of a bitmap of 24 PCRs.
const BITMAP_BYTES: u8 = 3;
/// Commands for one reading: a TPM gives at least one value at a time, at most eight, of at most 24 in each
/// bank.
const READS_MAX: usize = 24 * 16;

/// A selection in the stack's own form. Its builder forgets the order of banks.
pub(super) fn list(selection: &[BankSelection]) -> Result<PcrSelectionList, Error> {
    let too_many = || Error::WrapperError(WrapperErrorKind::WrongParamSize);
    let count = u32::try_from(selection.len()).map_err(|_| too_many())?;
    let mut list = TPML_PCR_SELECTION { count, ..TPML_PCR_SELECTION::default() };
    if selection.len() > list.pcrSelections.len() {
        return Err(too_many());
    }
    for (place, BankSelection { bank, pcrs }) in list.pcrSelections.iter_mut().zip(selection) {
        *place = TPMS_PCR_SELECTION {
            hash: bank.tpm_id(),
            sizeofSelect: BITMAP_BYTES,
            pcrSelect: pcrs.bits().to_le_bytes(),
        };
    }
    PcrSelectionList::try_from(list)
}

/// The values of a selection; what the TPM does not have is left out.
pub(super) fn read(
    context: &mut Context,
    selection: &[BankSelection],
) -> Result<Vec<PcrValue>, TpmError> {
    let failed = |error| refused("TPM2_PCR_Read", error);
    let mut values: Vec<PcrValue> = Vec::new();
    for asked in selection {
        let mut left = *asked;
        for _ in 0..READS_MAX {
            if left.pcrs.is_empty() {
                break;
            }
            let list = list(&[left]).map_err(failed)?;
            let (_, read, digests) = context.pcr_read(list).map_err(failed)?;
            let read = TPML_PCR_SELECTION::from(read);
            let Some(pcrs) = read.pcrSelections.first().filter(|_| read.count == 1) else { break };
            let pcrs = avouch_tpm::PcrMask::from_bits(u32::from_le_bytes(pcrs.pcrSelect));
            let Some(pcrs) = pcrs.filter(|pcrs| !pcrs.is_empty()) else { break };
            for (index, digest) in pcrs.iter().zip(digests.value()) {
                values.push(value(asked.bank, index, digest.value()));
            }
            left.pcrs = pcrs.missing(left.pcrs);
        }
    }
    Ok(values)
}

fn value(bank: HashAlgorithm, index: u8, digest: &[u8]) -> PcrValue {
    PcrValue { bank, index: index.into(), digest: digest.to_vec() }
}

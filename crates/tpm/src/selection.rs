//! `TPML_PCR_SELECTION`: which PCRs of which banks.

use avouch_wire::{Cursor, ParseError, ParseErrorKind};

use crate::{HashAlgorithm, PcrMask};

/// Most banks of a selection (`HASH_COUNT`).
const BANKS_MAX: u32 = 16;
/// Most bytes of a bitmap. PCRs end at 23, so a fourth byte is zero.
const BITMAP_BYTES_MAX: u8 = 4;

/// The PCRs selected of one bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BankSelection {
    /// The bank.
    pub bank: HashAlgorithm,
    /// The PCRs.
    pub pcrs: PcrMask,
}

/// Which PCRs of which banks, in the order in which they were hashed; no bank stands twice.
///
/// It is the requester's choice: what it leaves out is not attested.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PcrSelection(Vec<BankSelection>);

impl PcrSelection {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        let before = cursor.clone();
        let count = cursor.u32_be("pcr_select_count")?;
        if count > BANKS_MAX {
            return Err(before.over_limit("pcr_select_count", count, BANKS_MAX));
        }
        let mut banks: Vec<BankSelection> = Vec::new();
        for _ in 0..count {
            let before = cursor.clone();
            let found = bank(cursor)?;
            if banks.iter().any(|known| known.bank == found.bank) {
                let text = format!("bank {} stands twice", found.bank);
                return Err(before.error("pcr_select_bank", ParseErrorKind::Malformed(text)));
            }
            banks.push(found);
        }
        Ok(Self(banks))
    }

    /// The banks in order.
    #[must_use]
    pub fn banks(&self) -> &[BankSelection] {
        &self.0
    }

    /// The PCRs selected of a bank.
    #[must_use]
    pub fn of(&self, bank: HashAlgorithm) -> PcrMask {
        self.0.iter().find(|found| found.bank == bank).map_or(PcrMask::NONE, |found| found.pcrs)
    }
}

fn bank(cursor: &mut Cursor<'_>) -> Result<BankSelection, ParseError> {
    let before = cursor.clone();
    let id = cursor.u16_be("pcr_select_bank")?;
    let bank = HashAlgorithm::from_tpm_id(id).ok_or_else(|| {
        before.unexpected("pcr_select_bank", "a known hash algorithm", format_args!("{id:#06x}"))
    })?;
    let before = cursor.clone();
    let size = cursor.u8("pcr_select_size")?;
    if size > BITMAP_BYTES_MAX {
        return Err(before.over_limit("pcr_select_size", size, BITMAP_BYTES_MAX));
    }
    let before = cursor.clone();
    let bytes = cursor.take("pcr_select", size.into())?;
    let mut bitmap = [0; 4];
    for (to, from) in bitmap.iter_mut().zip(bytes) {
        *to = *from;
    }
    let pcrs = PcrMask::from_bits(u32::from_le_bytes(bitmap))
        .ok_or_else(|| before.unexpected("pcr_select", "PCRs 0 to 23", "a higher one"))?;
    Ok(BankSelection { bank, pcrs })
}

//! Which PCRs to quote, as people write it.

use avouch_tpm::{BankSelection, HashAlgorithm, PcrMask};
use avouch_wire::failed_check;
use thiserror::Error;

/// Banks by the names that people know.
const BANKS: [(&str, HashAlgorithm); 4] = [
    ("sha1", HashAlgorithm::Sha1),
    ("sha256", HashAlgorithm::Sha256),
    ("sha384", HashAlgorithm::Sha384),
    ("sha512", HashAlgorithm::Sha512),
];
/// The highest PCR of a platform.
const LAST_PCR: u8 = 23;

/// PCRs of one or more banks, such as `sha256:0-7,10` or `sha256:all+sha384:0-7`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PcrChoice(Vec<BankSelection>);

/// Why a choice of PCRs is not understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PcrChoiceError {
    /// A part without a colon.
    #[error("{0:?}: expected BANK:PCRS, such as sha256:0-7,10 or sha256:all")]
    Form(String),
    /// A bank that is not known.
    #[error("{0:?} is no bank: known are sha1, sha256, sha384, sha512")]
    Bank(String),
    /// A bank that stands twice.
    #[error("bank {0} stands twice")]
    BankTwice(HashAlgorithm),
    /// Not a PCR, nor a range of them.
    #[error("{0:?} is neither a PCR (0 to 23) nor a range such as 0-7")]
    Pcr(String),
}

failed_check!(PcrChoiceError {
    Self::Form(_) => "pcr-choice",
    Self::Bank(_) => "pcr-choice-bank",
    Self::BankTwice(_) => "pcr-choice-bank",
    Self::Pcr(_) => "pcr-choice-pcr",
});

impl PcrChoice {
    /// The banks with their PCRs, in the order in which they were written.
    #[must_use]
    pub fn banks(&self) -> &[BankSelection] {
        &self.0
    }
}

impl std::str::FromStr for PcrChoice {
    type Err = PcrChoiceError;

    fn from_str(text: &str) -> Result<Self, PcrChoiceError> {
        let mut banks: Vec<BankSelection> = Vec::new();
        for part in text.split('+') {
            let found = bank(part)?;
            if banks.iter().any(|known| known.bank == found.bank) {
                return Err(PcrChoiceError::BankTwice(found.bank));
            }
            banks.push(found);
        }
        Ok(Self(banks))
    }
}

fn bank(part: &str) -> Result<BankSelection, PcrChoiceError> {
    let (name, pcrs) = part.split_once(':').ok_or_else(|| PcrChoiceError::Form(part.to_owned()))?;
    let known = BANKS.iter().find(|(known, _)| *known == name);
    let (_, bank) = known.ok_or_else(|| PcrChoiceError::Bank(name.to_owned()))?;
    let mut chosen = PcrMask::NONE;
    for item in pcrs.split(',') {
        let range = if item == "all" { Some((0, LAST_PCR)) } else { range(item) };
        let refused = || PcrChoiceError::Pcr(item.to_owned());
        let (first, last) = range.ok_or_else(refused)?;
        for pcr in first..=last {
            chosen = chosen.with(pcr).ok_or_else(refused)?;
        }
    }
    Ok(BankSelection { bank: *bank, pcrs: chosen })
}

/// `7`, or `0-7`.
fn range(item: &str) -> Option<(u8, u8)> {
    let (first, last) = item.split_once('-').unwrap_or((item, item));
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits)
    };
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests;

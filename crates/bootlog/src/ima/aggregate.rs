//! `boot_aggregate`: the first entry, over the registers that firmware and boot loader extended.

use super::content::kernel_algorithm;
use super::{Content, File, ProvenList};
use crate::{HashAlgorithm, Register, RegisterValues};

/// Name of the entry.
pub(super) const NAME: &[u8] = b"boot_aggregate";

/// Whether the first entry is about the boot that the same quote proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootAggregate {
    /// It is the hash of the quoted registers: the list began in this boot.
    Matches {
        /// Algorithm of the hash, and of the bank.
        algorithm: HashAlgorithm,
    },
    /// It is another one: the list began elsewhere, or without a TPM.
    Differs,
    /// The quote has not all registers that it is over, or its algorithm is not computed here.
    NotQuoted,
    /// The first proven entry is another, or nothing is proven.
    Absent,
}

impl BootAggregate {
    /// Its name in what we print.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Matches { .. } => "matches",
            Self::Differs => "differs",
            Self::NotQuoted => "not-quoted",
            Self::Absent => "absent",
        }
    }

    /// Whether the list began in this boot.
    #[must_use]
    pub const fn matches(self) -> bool {
        matches!(self, Self::Matches { .. })
    }

    /// Compares the first proven entry with the quoted registers.
    pub(super) fn of(list: &ProvenList<'_, '_>, proven: &RegisterValues) -> Self {
        match first(list) {
            Some(file) => compare(&file, proven),
            None => Self::Absent,
        }
    }
}

/// The first proven entry, if it is the aggregate.
fn first<'l>(list: &ProvenList<'l, '_>) -> Option<File<'l>> {
    match list.entries().next()?.content()? {
        Content::File(file) if file.name.as_bytes() == NAME => Some(file),
        _ => None,
    }
}

fn compare(file: &File<'_>, proven: &RegisterValues) -> BootAggregate {
    let Some(algorithm) = kernel_algorithm(file.digest.algorithm) else {
        return BootAggregate::NotQuoted;
    };
    let values: Option<Vec<&[u8]>> = (0..registers(algorithm))
        .map(|index| Some(proven.get(algorithm, Register::Pcr(index))?.as_bytes()))
        .collect();
    let Some(hash) = values.and_then(|values| algorithm.hash(&values)) else {
        return BootAggregate::NotQuoted;
    };
    if hash.as_bytes() == file.digest.bytes {
        BootAggregate::Matches { algorithm }
    } else {
        BootAggregate::Differs
    }
}

/// How many registers it is over: 0 to 7 in SHA-1, and 8 and 9 too in any other.
const fn registers(algorithm: HashAlgorithm) -> u8 {
    match algorithm {
        HashAlgorithm::Sha1 => 8,
        _ => 10,
    }
}

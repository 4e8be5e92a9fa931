//! Registers that events extend, and the values that a quote proved of them.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Digest, HashAlgorithm};

/// Number of a TPM's registers that a log can speak of.
pub const PCR_COUNT: u8 = 24;

/// A register that events extend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Register {
    /// A TPM's PCR, 0 to 23.
    Pcr(u8),
    /// A trust domain's `MRTD`: measured by the TDX module while the domain is built, extended by no event.
    MrTd,
    /// A trust domain's `RTMR`, 0 to 3.
    Rtmr(u8),
}

impl Register {
    /// What the register holds before anything extends it. Locality, which changes PCR 0, is added by
    /// the replay.
    #[must_use]
    pub(crate) fn reset_value(self, algorithm: HashAlgorithm) -> Digest {
        match self {
            // Only a dynamic launch resets these to zero.
            Self::Pcr(17..=22) => Digest::filled(algorithm, 0xFF),
            _ => Digest::filled(algorithm, 0),
        }
    }
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pcr(index) => write!(f, "PCR {index}"),
            Self::MrTd => f.write_str("MRTD"),
            Self::Rtmr(index) => write!(f, "RTMR {index}"),
        }
    }
}

/// What the registers of a log's indices are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegisterMap {
    /// A TPM's log: index n is PCR n, 0 to 23.
    Tpm,
    /// A confidential-computing event log of a trust domain: 0 is `MRTD`, n is `RTMR` n - 1, up to 4.
    Tdx,
}

impl RegisterMap {
    /// The register of `index`; `None` if there is none.
    #[must_use]
    pub fn register(self, index: u32) -> Option<Register> {
        let index = u8::try_from(index).ok()?;
        match self {
            Self::Tpm => (index < PCR_COUNT).then_some(Register::Pcr(index)),
            Self::Tdx => match index {
                0 => Some(Register::MrTd),
                1..=4 => index.checked_sub(1).map(Register::Rtmr),
                _ => None,
            },
        }
    }
}

/// Values of registers, bank by bank: what a verified quote proved, or what a log replays to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegisterValues {
    banks: BTreeMap<HashAlgorithm, BTreeMap<Register, Digest>>,
}

impl RegisterValues {
    /// No values.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value to the bank of its algorithm, and gives the one that it replaces.
    pub fn insert(&mut self, register: Register, value: Digest) -> Option<Digest> {
        self.banks.entry(value.algorithm()).or_default().insert(register, value)
    }

    /// The value of `register` in the bank of `algorithm`.
    #[must_use]
    pub fn get(&self, algorithm: HashAlgorithm, register: Register) -> Option<&Digest> {
        self.banks.get(&algorithm)?.get(&register)
    }

    /// The algorithms of the banks that have values.
    pub fn algorithms(&self) -> impl Iterator<Item = HashAlgorithm> {
        self.banks.keys().copied()
    }

    /// The values of one bank, by register.
    pub fn bank(&self, algorithm: HashAlgorithm) -> impl Iterator<Item = (Register, &Digest)> {
        self.banks.get(&algorithm).into_iter().flatten().map(|(register, value)| (*register, value))
    }
}

impl FromIterator<(Register, Digest)> for RegisterValues {
    fn from_iter<I: IntoIterator<Item = (Register, Digest)>>(values: I) -> Self {
        let mut all = Self::new();
        for (register, value) in values {
            all.insert(register, value);
        }
        all
    }
}

//! PCRs: sets of them, and values as a sender supplies them.

use serde::{Serialize, Serializer};

use crate::HashAlgorithm;

/// A set of PCRs, 0 to 23.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PcrMask(u32);

impl PcrMask {
    /// No PCR.
    pub const NONE: Self = Self(0);
    /// All that a platform has.
    const ALL: u32 = 0x00ff_ffff;

    /// The PCRs whose bits are set; `None` if one is above 23.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits & !Self::ALL == 0 { Some(Self(bits)) } else { None }
    }

    /// The bits: PCR n is bit n.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// These PCRs; `None` if one is above 23.
    #[must_use]
    pub fn of(pcrs: &[u8]) -> Option<Self> {
        pcrs.iter().try_fold(Self::NONE, |mask, pcr| mask.with(*pcr))
    }

    /// With one more; `None` if it is above 23.
    #[must_use]
    pub fn with(self, pcr: u8) -> Option<Self> {
        let bit = 1_u32.checked_shl(pcr.into())?;
        Self::from_bits(self.0 | bit)
    }

    /// Whether this PCR is among them.
    #[must_use]
    pub fn contains(self, pcr: u8) -> bool {
        1_u32.checked_shl(pcr.into()).is_some_and(|bit| self.0 & bit != 0)
    }

    /// Those of `other` that are not here.
    #[must_use]
    pub const fn missing(self, other: Self) -> Self {
        Self(other.0 & !self.0)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The PCRs, ascending.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..24).filter(move |pcr| self.contains(*pcr))
    }
}

impl std::fmt::Display for PcrMask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (count, pcr) in self.iter().enumerate() {
            write!(f, "{}{pcr}", if count == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl Serialize for PcrMask {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// A PCR's value as a sender supplies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PcrValue {
    /// The bank.
    pub bank: HashAlgorithm,
    /// Which PCR.
    pub index: u32,
    /// The value.
    pub digest: Vec<u8>,
}

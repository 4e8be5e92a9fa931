//! What the registers of a machine hold after a boot.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{Algorithm, Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};

/// A bank of registers, by its hash algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bank {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Bank {
    /// Every bank.
    pub const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];

    /// `TPM_ALG_ID` of the algorithm.
    #[must_use]
    pub const fn tpm_id(self) -> u16 {
        match self {
            Self::Sha1 => 0x04,
            Self::Sha256 => 0x0b,
            Self::Sha384 => 0x0c,
            Self::Sha512 => 0x0d,
        }
    }

    /// Bytes of a digest.
    #[must_use]
    pub const fn digest_length(self) -> u16 {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The digest of `parts`, one after the other.
    #[must_use]
    pub fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        let mut context = Context::new(self.algorithm());
        for part in parts {
            context.update(part);
        }
        context.finish().as_ref().to_vec()
    }

    /// A digest whose bytes are all `byte`.
    pub(crate) fn filled(self, byte: u8) -> Vec<u8> {
        vec![byte; self.digest_length().into()]
    }

    const fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &SHA256,
            Self::Sha384 => &SHA384,
            Self::Sha512 => &SHA512,
        }
    }
}

/// The values of registers, by bank and index.
///
/// The index is the one in the log: of a PCR, or of a confidential-computing register, where `RTMR`
/// n is n + 1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registers(BTreeMap<(Bank, u32), Vec<u8>>);

impl Registers {
    /// The value of a register.
    #[must_use]
    pub fn get(&self, bank: Bank, index: u32) -> Option<&[u8]> {
        self.0.get(&(bank, index)).map(Vec::as_slice)
    }

    /// All values.
    pub fn iter(&self) -> impl Iterator<Item = (Bank, u32, &[u8])> {
        self.0.iter().map(|((bank, index), value)| (*bank, *index, value.as_slice()))
    }

    /// Sets a value.
    pub fn set(&mut self, bank: Bank, index: u32, value: Vec<u8>) {
        self.0.insert((bank, index), value);
    }

    /// Extends a register, if there is one: the hash of its value and `digest`.
    pub fn extend(&mut self, bank: Bank, index: u32, digest: &[u8]) {
        if let Some(value) = self.0.get_mut(&(bank, index)) {
            *value = bank.digest(&[value, digest]);
        }
    }

    /// `RTMR0` to `RTMR3`, for [`TdOptions::rtmrs`](crate::TdOptions::rtmrs); zeros where there is no
    /// such register.
    #[must_use]
    pub fn rtmrs(&self) -> [[u8; 48]; 4] {
        [1, 2, 3, 4].map(|index| {
            let value = self.get(Bank::Sha384, index).and_then(|value| value.try_into().ok());
            value.unwrap_or([0; 48])
        })
    }
}

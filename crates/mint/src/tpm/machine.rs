//! A machine that booted: its log, the list of its kernel, and the values of its PCRs.

use crate::MintError;
use crate::bootlog::{Bank, BootLog, Ground, Registers};
use crate::ima::{Extension, FileKey, FileKeyKind, ImaEntry, ImaList, SignedEntry};

/// What a machine booted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TpmMachine {
    /// Which boot.
    pub boot: Ground,
    /// Whether its kernel measured files.
    pub measures_files: bool,
}

impl Default for TpmMachine {
    fn default() -> Self {
        Self { boot: Ground::Linux, measures_files: false }
    }
}

/// What a machine measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measurements {
    /// Its TCG log.
    pub log: Vec<u8>,
    /// Its kernel's list.
    pub ima: Option<Vec<u8>>,
    /// PCR 0 to 23, SHA-256.
    pub pcrs: Vec<[u8; 32]>,
}

/// PCRs of a platform.
const PCR_COUNT: u32 = 24;
/// PCRs that only a late launch resets to zero.
const LATE_LAUNCH: std::ops::RangeInclusive<u32> = 17..=22;

impl TpmMachine {
    /// What it measured.
    ///
    /// # Errors
    /// As [`Ground::log`].
    pub fn measurements(self) -> Result<Measurements, MintError> {
        let log = self.boot.log()?;
        let list = match self.measures_files {
            true => Some(files(&log)?),
            false => None,
        };
        Measurements::of(&log, list.as_ref())
    }
}

/// A signed program, its library that is not signed, and the kernel's release.
fn files(log: &BootLog) -> Result<ImaList, MintError> {
    let key = FileKey::new(FileKeyKind::P256)?;
    let by = SignedEntry { key: &key, version: 2, verity: false };
    Ok(ImaList::begin(&with_all(&log.registers()), Bank::Sha256)
        .with(ImaEntry::buffer("kernel_version", b"6.1.0-minted"))
        .with(ImaEntry::signed("/usr/bin/tool", b"\x7fELF tool", by)?)
        .with(ImaEntry::unsigned("/usr/lib/libtool.so", b"\x7fELF library")))
}

impl Measurements {
    /// What a machine with this log and this list measured.
    ///
    /// # Errors
    /// [`MintError::TooLong`].
    pub fn of(log: &BootLog, list: Option<&ImaList>) -> Result<Self, MintError> {
        let mut registers = with_all(&log.registers());
        if let Some(list) = list {
            let value = list.pcr10(Bank::Sha256, Extension::Own, usize::MAX);
            registers.set(Bank::Sha256, 10, value);
        }
        Ok(Self {
            log: log.to_bytes()?,
            ima: list.map(ImaList::binary),
            pcrs: (0..PCR_COUNT).map(|pcr| value(&registers, pcr)).collect(),
        })
    }
}

/// The registers, those too that nothing extended.
fn with_all(registers: &Registers) -> Registers {
    let mut all = registers.clone();
    for pcr in 0..PCR_COUNT {
        all.set(Bank::Sha256, pcr, value(registers, pcr).to_vec());
    }
    all
}

fn value(registers: &Registers, pcr: u32) -> [u8; 32] {
    let reset = if LATE_LAUNCH.contains(&pcr) { [0xff; 32] } else { [0; 32] };
    let found = registers.get(Bank::Sha256, pcr).and_then(|value| value.try_into().ok());
    found.unwrap_or(reset)
}

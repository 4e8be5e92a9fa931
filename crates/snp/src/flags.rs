//! The report's bit fields: guest policy, platform information, key flags.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// `POLICY`: what the guest's owner allowed at launch. Unknown higher bits are carried through.
///
/// # Source
/// AMD 56860, guest policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuestPolicy(pub u64);

/// `PLATFORM_INFO`: how the platform was set up. Unknown bits are carried through: newer firmware
/// adds some (bit 6 on Turin).
///
/// # Source
/// AMD 56860, `PLATFORM_INFO`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlatformInfo(pub u64);

const fn bit(value: u64, number: u32) -> bool {
    value & (1_u64.rotate_left(number)) != 0
}

impl GuestPolicy {
    /// Bits that this version of Avouch has a name for, with the ABI version and bit 17.
    const KNOWN: u64 = 0x03ff_ffff;

    /// Least minor ABI version, bits 7:0.
    #[must_use]
    pub const fn abi_minor(self) -> u8 {
        self.0.to_le_bytes()[0]
    }

    /// Least major ABI version, bits 15:8.
    #[must_use]
    pub const fn abi_major(self) -> u8 {
        self.0.to_le_bytes()[1]
    }

    /// Simultaneous multithreading is allowed (bit 16).
    #[must_use]
    pub const fn smt_allowed(self) -> bool {
        bit(self.0, 16)
    }

    /// Bit 17, reserved, always 1.
    #[must_use]
    pub const fn reserved_one(self) -> bool {
        bit(self.0, 17)
    }

    /// A migration agent is allowed (bit 18).
    #[must_use]
    pub const fn migrate_ma_allowed(self) -> bool {
        bit(self.0, 18)
    }

    /// Debugging is allowed (bit 19): the host can read and write the guest's memory.
    #[must_use]
    pub const fn debug_allowed(self) -> bool {
        bit(self.0, 19)
    }

    /// The guest may run on one socket only (bit 20).
    #[must_use]
    pub const fn single_socket(self) -> bool {
        bit(self.0, 20)
    }

    /// CXL devices and memory are allowed (bit 21).
    #[must_use]
    pub const fn cxl_allowed(self) -> bool {
        bit(self.0, 21)
    }

    /// AES-256-XTS memory encryption is required (bit 22).
    #[must_use]
    pub const fn mem_aes_256_xts(self) -> bool {
        bit(self.0, 22)
    }

    /// Running average power limiting must be disabled (bit 23).
    #[must_use]
    pub const fn rapl_dis(self) -> bool {
        bit(self.0, 23)
    }

    /// Ciphertext hiding for DRAM is required (bit 24).
    #[must_use]
    pub const fn ciphertext_hiding_dram(self) -> bool {
        bit(self.0, 24)
    }

    /// Guest page swap must be disabled (bit 25).
    #[must_use]
    pub const fn page_swap_disable(self) -> bool {
        bit(self.0, 25)
    }

    /// Bits without a name here.
    #[must_use]
    pub const fn unknown_bits(self) -> u64 {
        self.0 & !Self::KNOWN
    }
}

impl Serialize for GuestPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("raw", &format!("{:#x}", self.0))?;
        map.serialize_entry("abi_major", &self.abi_major())?;
        map.serialize_entry("abi_minor", &self.abi_minor())?;
        map.serialize_entry("smt_allowed", &self.smt_allowed())?;
        map.serialize_entry("migrate_ma_allowed", &self.migrate_ma_allowed())?;
        map.serialize_entry("debug_allowed", &self.debug_allowed())?;
        map.serialize_entry("single_socket", &self.single_socket())?;
        map.serialize_entry("cxl_allowed", &self.cxl_allowed())?;
        map.serialize_entry("mem_aes_256_xts", &self.mem_aes_256_xts())?;
        map.serialize_entry("rapl_dis", &self.rapl_dis())?;
        map.serialize_entry("ciphertext_hiding_dram", &self.ciphertext_hiding_dram())?;
        map.serialize_entry("page_swap_disable", &self.page_swap_disable())?;
        map.serialize_entry("unknown_bits", &format!("{:#x}", self.unknown_bits()))?;
        map.end()
    }
}

impl PlatformInfo {
    /// Bits 0 to 5 and 7 have a name here.
    const KNOWN: u64 = 0xbf;

    /// Simultaneous multithreading is enabled (bit 0).
    #[must_use]
    pub const fn smt_en(self) -> bool {
        bit(self.0, 0)
    }

    /// Transparent memory encryption is enabled (bit 1).
    #[must_use]
    pub const fn tsme_en(self) -> bool {
        bit(self.0, 1)
    }

    /// The memory has error correction (bit 2).
    #[must_use]
    pub const fn ecc_en(self) -> bool {
        bit(self.0, 2)
    }

    /// Running average power limiting is disabled (bit 3).
    #[must_use]
    pub const fn rapl_dis(self) -> bool {
        bit(self.0, 3)
    }

    /// Ciphertext hiding for DRAM is enabled (bit 4).
    #[must_use]
    pub const fn ciphertext_hiding_dram_en(self) -> bool {
        bit(self.0, 4)
    }

    /// Memory aliasing was checked for since the last reset (bit 5, the answer to CVE-2024-21944).
    #[must_use]
    pub const fn alias_check_complete(self) -> bool {
        bit(self.0, 5)
    }

    /// Trusted I/O is enabled (bit 7).
    #[must_use]
    pub const fn tio_en(self) -> bool {
        bit(self.0, 7)
    }

    /// Bits without a name here.
    #[must_use]
    pub const fn unknown_bits(self) -> u64 {
        self.0 & !Self::KNOWN
    }
}

impl Serialize for PlatformInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("raw", &format!("{:#x}", self.0))?;
        map.serialize_entry("smt_en", &self.smt_en())?;
        map.serialize_entry("tsme_en", &self.tsme_en())?;
        map.serialize_entry("ecc_en", &self.ecc_en())?;
        map.serialize_entry("rapl_dis", &self.rapl_dis())?;
        map.serialize_entry("ciphertext_hiding_dram_en", &self.ciphertext_hiding_dram_en())?;
        map.serialize_entry("alias_check_complete", &self.alias_check_complete())?;
        map.serialize_entry("tio_en", &self.tio_en())?;
        map.serialize_entry("unknown_bits", &format!("{:#x}", self.unknown_bits()))?;
        map.end()
    }
}

/// The 32 bits at 0x48: which key signed, and two switches of the host's and the guest's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyFlags(pub u32);

impl KeyFlags {
    /// `AUTHOR_KEY_EN` (bit 0): the ID block was signed through an author key.
    #[must_use]
    pub const fn author_key_en(self) -> bool {
        self.0 & 1 != 0
    }

    /// `MASK_CHIP_KEY` (bit 1): the firmware writes zeros in place of a signature.
    #[must_use]
    pub const fn mask_chip_key(self) -> bool {
        self.0 & 2 != 0
    }

    /// `SIGNING_KEY` (bits 4:2): 0 VCEK, 1 VLEK, 2 chip-secret VCEK, 7 none.
    #[must_use]
    pub const fn signing_key(self) -> u32 {
        self.0 >> 2 & 7
    }

    /// Bits 31:5.
    #[must_use]
    pub const fn reserved(self) -> u32 {
        self.0 & !0x1f
    }
}

/// Which kind of versioned endorsement key signed a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum VekKind {
    /// Versioned Chip Endorsement Key: derived from a secret of the chip, certified for that chip.
    Vcek,
    /// Versioned Loaded Endorsement Key: derived from a seed that AMD gave to a cloud provider.
    Vlek,
}

impl VekKind {
    /// `SIGNING_KEY` of reports that this kind signs.
    #[must_use]
    pub const fn signing_key(self) -> u32 {
        match self {
            Self::Vcek => 0,
            Self::Vlek => 1,
        }
    }

    /// Common name of the certificate's subject.
    #[must_use]
    pub const fn common_name(self) -> &'static str {
        match self {
            Self::Vcek => "SEV-VCEK",
            Self::Vlek => "SEV-VLEK",
        }
    }
}

impl std::fmt::Display for VekKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Vcek => "VCEK",
            Self::Vlek => "VLEK",
        })
    }
}

#[cfg(test)]
mod tests;

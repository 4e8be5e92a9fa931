//! Tagged events: number, length, data, and containers of them.

use std::collections::BTreeSet;
use std::fmt;

use avouch_wire::{Cursor, ParseError};

use super::WindowsError;

/// Most containers accepted inside each other. Windows nests two.
pub const DEPTH_LIMIT: usize = 8;
/// Most tags accepted in one log. Windows measures some two thousand.
pub const TAG_LIMIT: usize = 1 << 14;

/// The bit of a tag that is a container of tags.
const AGGREGATION: u32 = 0x4000_0000;
/// The bit of a tag that is not measured by itself.
const NOT_MEASURED: u32 = 0x8000_0000;

/// Number of a tag: `SIPAEVENT_…` in the Windows SDK's `wbcl.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagId(pub u32);

/// What the data of a tag are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One byte, 0 or 1.
    Flag,
    /// Four bytes, little-endian.
    U32,
    /// Eight bytes, little-endian.
    U64,
    /// UTF-16, little-endian, ending in a NUL.
    Text,
    /// Something else.
    Bytes,
}

macro_rules! tags {
    ($($name:ident = $value:literal, $kind:ident;)+) => {
        impl TagId {
            $(
                #[doc = concat!("`SIPAEVENT_", stringify!($name), "`.")]
                pub const $name: Self = Self($value);
            )+

            /// Its name in `wbcl.h` without `SIPAEVENT_`.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($name)),)+
                    _ => None,
                }
            }

            pub(super) const fn kind(self) -> Kind {
                match self.0 {
                    $($value => Kind::$kind,)+
                    _ => Kind::Bytes,
                }
            }
        }
    };
}

tags! {
    TRUSTBOUNDARY = 0x4001_0001, Bytes;
    ELAM_AGGREGATION = 0x4001_0002, Bytes;
    LOADEDMODULE_AGGREGATION = 0x4001_0003, Bytes;
    TRUSTPOINT_AGGREGATION = 0xC001_0004, Bytes;
    KSR_AGGREGATION = 0x4001_0005, Bytes;
    KSR_SIGNED_MEASUREMENT_AGGREGATION = 0x4001_0006, Bytes;

    INFORMATION = 0x0002_0001, Bytes;
    BOOTCOUNTER = 0x0002_0002, U64;
    TRANSFER_CONTROL = 0x0002_0003, U32;
    APPLICATION_RETURN = 0x0002_0004, Bytes;
    BITLOCKER_UNLOCK = 0x0002_0005, U32;
    EVENTCOUNTER = 0x0002_0006, U64;
    COUNTERID = 0x0002_0007, U64;
    MORBIT_NOT_CANCELABLE = 0x0002_0008, Bytes;
    APPLICATION_SVN = 0x0002_0009, U32;
    SVN_CHAIN_STATUS = 0x0002_000A, U32;
    MORBIT_API_STATUS = 0x0002_000B, U32;
    IDK_GENERATION_STATUS = 0x0002_000C, Bytes;

    FIRMWAREERROR = 0x0003_0001, Bytes;
    TPMERROR = 0x8003_0002, Bytes;
    INTERNALERROR = 0x0003_0003, Bytes;

    BOOTDEBUGGING = 0x0004_0001, Flag;
    BOOT_REVOCATION_LIST = 0x0004_0002, Bytes;

    OSKERNELDEBUG = 0x0005_0001, Flag;
    CODEINTEGRITY = 0x0005_0002, Flag;
    TESTSIGNING = 0x0005_0003, Flag;
    DATAEXECUTIONPREVENTION = 0x0005_0004, U64;
    SAFEMODE = 0x0005_0005, Flag;
    WINPE = 0x0005_0006, Flag;
    PHYSICALADDRESSEXTENSION = 0x0005_0007, U64;
    OSDEVICE = 0x0005_0008, Bytes;
    SYSTEMROOT = 0x0005_0009, Text;
    HYPERVISOR_LAUNCH_TYPE = 0x0005_000A, U64;
    HYPERVISOR_PATH = 0x0005_000B, Text;
    HYPERVISOR_IOMMU_POLICY = 0x0005_000C, U64;
    HYPERVISOR_DEBUG = 0x0005_000D, Flag;
    DRIVER_LOAD_POLICY = 0x0005_000E, U32;
    SI_POLICY = 0x0005_000F, Bytes;
    HYPERVISOR_MMIO_NX_POLICY = 0x0005_0010, U64;
    HYPERVISOR_MSR_FILTER_POLICY = 0x0005_0011, U64;
    VSM_LAUNCH_TYPE = 0x0005_0012, U64;
    OS_REVOCATION_LIST = 0x0005_0013, Bytes;
    SMT_STATUS = 0x0005_0014, U32;
    VSM_IDK_INFO = 0x0005_0020, Bytes;
    FLIGHTSIGNING = 0x0005_0021, Flag;
    PAGEFILE_ENCRYPTION_ENABLED = 0x0005_0022, Flag;
    VSM_IDKS_INFO = 0x0005_0023, Bytes;
    HIBERNATION_DISABLED = 0x0005_0024, Flag;
    DUMPS_DISABLED = 0x0005_0025, Flag;
    DUMP_ENCRYPTION_ENABLED = 0x0005_0026, Flag;
    DUMP_ENCRYPTION_KEY_DIGEST = 0x0005_0027, Bytes;
    LSAISO_CONFIG = 0x0005_0028, U32;
    SBCP_INFO = 0x0005_0029, Bytes;
    HYPERVISOR_BOOT_DMA_PROTECTION = 0x0005_0030, Bytes;
    SI_POLICY_SIGNER = 0x0005_0031, Bytes;
    SI_POLICY_UPDATE_SIGNER = 0x0005_0032, Bytes;
    VSM_SEALED_SI_POLICY = 0x0005_003A, Bytes;
    VSM_DRTM_KEYROLL_DETECTED = 0x0005_003B, Bytes;
    VSM_SRTM_UNSEAL_POLICY = 0x0005_003C, Bytes;
    VSM_SRTM_ANTI_ROLLBACK_COUNTER = 0x0005_003D, Bytes;
    VTL1_DUMP_CONFIG = 0x0005_0040, Bytes;

    NOAUTHORITY = 0x0006_0001, Flag;
    AUTHORITYPUBKEY = 0x0006_0002, Bytes;

    FILEPATH = 0x0007_0001, Text;
    IMAGESIZE = 0x0007_0002, U64;
    HASHALGORITHMID = 0x0007_0003, U32;
    AUTHENTICODEHASH = 0x0007_0004, Bytes;
    AUTHORITYISSUER = 0x0007_0005, Text;
    AUTHORITYSERIAL = 0x0007_0006, Bytes;
    IMAGEBASE = 0x0007_0007, U64;
    AUTHORITYPUBLISHER = 0x0007_0008, Text;
    AUTHORITYSHA1THUMBPRINT = 0x0007_0009, Bytes;
    IMAGEVALIDATED = 0x0007_000A, Flag;
    MODULE_SVN = 0x0007_000B, U32;
    MODULE_PLUTON = 0x0007_000C, Bytes;
    MODULE_ORIGINAL_FILENAME = 0x0007_000D, Text;
    MODULE_VERSION = 0x0007_000E, Bytes;
    PUBLISHER_OEMNAME = 0x0007_000F, Text;

    ELAM_KEYNAME = 0x0009_0001, Text;
    ELAM_CONFIGURATION = 0x0009_0002, Bytes;
    ELAM_POLICY = 0x0009_0003, Bytes;
    ELAM_MEASURED = 0x0009_0004, Bytes;

    VBS_VSM_REQUIRED = 0x000A_0001, Flag;
    VBS_SECUREBOOT_REQUIRED = 0x000A_0002, Flag;
    VBS_IOMMU_REQUIRED = 0x000A_0003, Flag;
    VBS_MMIO_NX_REQUIRED = 0x000A_0004, Flag;
    VBS_MSR_FILTERING_REQUIRED = 0x000A_0005, Flag;
    VBS_MANDATORY_ENFORCEMENT = 0x000A_0006, Flag;
    VBS_HVCI_POLICY = 0x000A_0007, U64;
    VBS_MICROSOFT_BOOT_CHAIN_REQUIRED = 0x000A_0008, Flag;
    VBS_DUMP_USES_AMEROOT = 0x000A_0009, Bytes;
    VBS_VSM_NOSECRETS_ENFORCED = 0x000A_000A, Flag;
}

impl TagId {
    /// Whether its data are tags again.
    #[must_use]
    pub const fn is_container(self) -> bool {
        self.0 & AGGREGATION != 0
    }

    /// Whether it counts where it stands outside of a container.
    pub(super) const fn is_measured(self) -> bool {
        self.0 & NOT_MEASURED == 0
    }

    /// Whether it may stand more than once in a container. Settings, counters and keys may not.
    const fn repeats(self) -> bool {
        !matches!(self, Self::TRUSTBOUNDARY | Self::VSM_IDK_INFO | Self::VSM_IDKS_INFO)
            && matches!(self.kind(), Kind::Bytes | Kind::Text)
    }
}

impl fmt::Display for TagId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#010x}", self.0),
        }
    }
}

/// A tag with its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Its number.
    pub id: TagId,
    data: &'a [u8],
}

impl<'a> Tag<'a> {
    /// Reads `bytes`, which must be tags and nothing else. A tag that decides a fact must have the
    /// length and one of the values that Windows gives it, and may stand once in a container.
    ///
    /// # Errors
    /// [`WindowsError`].
    ///
    /// # Source
    /// Windows SDK, `wbcl.h`.
    pub fn parse_all(bytes: &'a [u8]) -> Result<Tags<'a>, WindowsError> {
        Tags::parse(bytes, &mut { TAG_LIMIT })
    }

    /// Its data, unless it is a container.
    #[must_use]
    pub fn bytes(&self) -> Option<&'a [u8]> {
        (!self.id.is_container()).then_some(self.data)
    }

    /// The tags in it; none unless it is a container.
    #[must_use]
    pub fn members(&self) -> Tags<'a> {
        Tags(if self.id.is_container() { self.data } else { &[] })
    }
}

/// Tags side by side. They were read once, and are read anew when they are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tags<'a>(&'a [u8]);

impl<'a> Tags<'a> {
    /// Reads `bytes`, in which may be at most `left` tags, and takes as many away from it.
    pub(super) fn parse(bytes: &'a [u8], left: &mut usize) -> Result<Self, WindowsError> {
        check_all(Cursor::new(STRUCTURE, bytes), DEPTH_LIMIT, left)?;
        Ok(Self(bytes))
    }

    /// Tags in bytes that were read before.
    pub(super) const fn of_checked(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The first tag of that number.
    #[must_use]
    pub fn first(mut self, id: TagId) -> Option<Tag<'a>> {
        self.find(|tag| tag.id == id)
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        let mut cursor = Cursor::new(STRUCTURE, self.0);
        let tag = next(&mut cursor).ok();
        self.0 = if tag.is_some() { cursor.rest() } else { &[] };
        tag
    }
}

const STRUCTURE: &str = "SIPA event";

/// The next tag, which nothing was asked of.
fn next<'a>(cursor: &mut Cursor<'a>) -> Result<Tag<'a>, ParseError> {
    let id = TagId(cursor.u32_le("id")?);
    let length = cursor.length_u32_le("size", u32::MAX)?;
    Ok(Tag { id, data: cursor.take("data", length)? })
}

/// Reads tags to the end of `cursor`, with at most `depth` containers inside each other.
fn check_all(mut cursor: Cursor<'_>, depth: usize, left: &mut usize) -> Result<(), WindowsError> {
    let mut seen = BTreeSet::new();
    while !cursor.is_empty() {
        *left = left.checked_sub(1).ok_or(WindowsError::TooManyTags { limit: TAG_LIMIT })?;
        let Tag { id, data } = next(&mut cursor)?;
        if !id.repeats() && !seen.insert(id) {
            return Err(WindowsError::TagTwice { id });
        }
        if id.is_container() {
            let deeper =
                depth.checked_sub(1).ok_or(WindowsError::TooDeep { limit: DEPTH_LIMIT })?;
            let start = cursor.offset().saturating_sub(data.len());
            check_all(Cursor::at(STRUCTURE, data, start), deeper, left)?;
        } else {
            check(id, data)?;
        }
    }
    Ok(())
}

/// Whether the data of a tag can be what its number says.
fn check(id: TagId, bytes: &[u8]) -> Result<(), WindowsError> {
    let expected = match id.kind() {
        Kind::Flag => 1,
        Kind::U32 => 4,
        Kind::U64 => 8,
        Kind::Text | Kind::Bytes => return Ok(()),
    };
    if bytes.len() != expected {
        return Err(WindowsError::TagLength { id, expected, found: bytes.len() });
    }
    match (id.kind(), bytes) {
        (Kind::Flag, [found]) if *found > 1 => Err(WindowsError::TagValue { id, found: *found }),
        _ => Ok(()),
    }
}

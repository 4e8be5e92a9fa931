//! The report of a TDX trust domain: 584 bytes (1.0), 648 (1.5) or 885 (1.5 extended).

use avouch_wire::{Cursor, Hex, ParseError};
use serde::Serialize;

/// Bytes of a TD report body 1.0.
pub const TD_REPORT_10_BYTES: usize = 584;
/// Bytes of a TD report body 1.5.
pub const TD_REPORT_15_BYTES: usize = 648;
/// Bytes of a TD report body 1.5 extended.
pub const TD_REPORT_15_EXTENDED_BYTES: usize = 885;

/// Which TD report body a quote holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum TdReportKind {
    /// TD 1.0: all version 4 quotes, and body type 2 of version 5.
    #[serde(rename = "1.0")]
    Td10,
    /// TD 1.5: body type 3.
    #[serde(rename = "1.5")]
    Td15,
    /// TD 1.5 extended: body type 4.
    #[serde(rename = "1.5-extended")]
    Td15Extended,
}

impl TdReportKind {
    /// Bytes of the body.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Td10 => TD_REPORT_10_BYTES,
            Self::Td15 => TD_REPORT_15_BYTES,
            Self::Td15Extended => TD_REPORT_15_EXTENDED_BYTES,
        }
    }
}

/// `TEE_TCB_SVN`: security versions of what runs below a TD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct TeeTcbSvn(pub Hex<16>);

impl TeeTcbSvn {
    /// All sixteen components.
    #[must_use]
    pub const fn components(&self) -> &[u8; 16] {
        &self.0.0
    }

    /// Byte 0: SVN of the TDX module.
    #[must_use]
    pub const fn module_svn(&self) -> u8 {
        let [svn, ..] = self.0.0;
        svn
    }

    /// Byte 1: major version of the TDX module. Zero is judged by the platform levels alone;
    /// another value names a module identity.
    #[must_use]
    pub const fn module_major_version(&self) -> u8 {
        let [_, major, ..] = self.0.0;
        major
    }

    /// Index of the first component that the platform's levels judge: bytes 0 and 1 name the module,
    /// and with a major version they are judged by its identity.
    pub(crate) const fn first_platform_component(&self) -> usize {
        if self.module_major_version() == 0 { 0 } else { 2 }
    }
}

/// `TDATTRIBUTES`, 8 bytes little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct TdAttributes(pub Hex<8>);

impl TdAttributes {
    /// The bits as a number.
    #[must_use]
    pub const fn bits(self) -> u64 {
        u64::from_le_bytes(self.0.0)
    }

    /// Bit 0, and it alone: the host may debug the TD.
    #[must_use]
    pub fn debug(self) -> bool {
        self.bit(0)
    }

    /// Any bit of the "TD under debug" byte (0 to 7: debug, and profiling in TDX 1.5): the TD is
    /// not to be trusted.
    #[must_use]
    pub const fn is_untrusted(self) -> bool {
        self.bits() & 0xff != 0
    }

    /// Bit 16: defence against single-stepping by counting instructions (`ICSSD`).
    #[must_use]
    pub fn icssd(self) -> bool {
        self.bit(16)
    }

    /// Bit 17: the report speaks of service TDs, which may hold this one's state (`SERVTD_EXT`).
    #[must_use]
    pub fn service_td_extension(self) -> bool {
        self.bit(17)
    }

    /// Bit 27: linear address space separation.
    #[must_use]
    pub fn lass(self) -> bool {
        self.bit(27)
    }

    /// Bit 28: EPT violations are not turned into exceptions in the TD.
    #[must_use]
    pub fn septve_disable(self) -> bool {
        self.bit(28)
    }

    /// Bit 29: a migration TD may move this one, and so holds its keys and memory.
    #[must_use]
    pub fn migratable(self) -> bool {
        self.bit(29)
    }

    /// Bit 30: supervisor protection keys.
    #[must_use]
    pub fn protection_keys(self) -> bool {
        self.bit(30)
    }

    /// Bit 31: key locker.
    #[must_use]
    pub fn key_locker(self) -> bool {
        self.bit(31)
    }

    /// Bit 62: TDX connect provisioning agent.
    #[must_use]
    pub fn tpa(self) -> bool {
        self.bit(62)
    }

    /// Bit 63: performance monitoring.
    #[must_use]
    pub fn perfmon(self) -> bool {
        self.bit(63)
    }

    /// Intel's names of the bits that are set, lowest bit first; bits 1 to 7 of the "TD under
    /// debug" byte as `TUD_1` to `TUD_7`.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        const NAMES: [(u32, &str); 17] = [
            (0, "DEBUG"),
            (1, "TUD_1"),
            (2, "TUD_2"),
            (3, "TUD_3"),
            (4, "TUD_4"),
            (5, "TUD_5"),
            (6, "TUD_6"),
            (7, "TUD_7"),
            (16, "ICSSD"),
            (17, "SERVTD_EXT"),
            (27, "LASS"),
            (28, "SEPT_VE_DISABLE"),
            (29, "MIGRATABLE"),
            (30, "PKS"),
            (31, "KL"),
            (62, "TPA"),
            (63, "PERFMON"),
        ];
        NAMES.into_iter().filter(|(index, _)| self.bit(*index)).map(|(_, name)| name).collect()
    }

    fn bit(self, index: u32) -> bool {
        self.bits().checked_shr(index).unwrap_or(0) & 1 == 1
    }
}

/// `XFAM`, 8 bytes little-endian: the processor state components that the TD may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Xfam(pub Hex<8>);

impl Xfam {
    /// The bits as a number.
    #[must_use]
    pub const fn bits(self) -> u64 {
        u64::from_le_bytes(self.0.0)
    }
}

/// What TDX 1.5 adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TdReport15 {
    /// `TEE_TCB_SVN2`: the versions that run now; [`TdReport::tee_tcb_svn`] are those at launch.
    pub tee_tcb_svn2: TeeTcbSvn,
    /// `MRSERVICETD`, 48 bytes; zero if no service TD is bound.
    pub mr_service_td: Hex<48>,
}

/// What the extended TD 1.5 body adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TdReport15Extended {
    /// Virtual machine id inside the TD.
    pub vm_id: u8,
    /// TD id, 32 bytes.
    pub td_id: Hex<32>,
    /// Hash of the device information, 48 bytes.
    pub device_info_hash: Hex<48>,
    /// Hash of the service TD bound first, 48 bytes.
    pub initial_service_td_hash: Hex<48>,
    /// Attributes of the service TD bound first, 8 bytes.
    pub initial_service_td_attributes: Hex<8>,
    /// `CPUSVN` at launch, 16 bytes.
    pub initial_cpu_svn: Hex<16>,
    /// `TEE_TCB_SVN` at launch, 16 bytes.
    pub initial_tee_tcb_svn: TeeTcbSvn,
    /// FMSPC of the platform at launch, 12 bytes.
    pub initial_tee_fmspc: Hex<12>,
    /// Hash of the service TD bound now, 48 bytes.
    pub current_service_td_hash: Hex<48>,
    /// Attributes of the service TD bound now, 8 bytes.
    pub current_service_td_attributes: Hex<8>,
}

/// The report of a trust domain, field by field in the order of the structure. Parsing proves
/// nothing.
///
/// Source: Intel TDX DCAP Quoting Library API, A.3.2 and A.3.3 (`sgx_report2_body_t`, `_v1_5`);
/// the extended body as in Intel's quote verification library of 2026.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TdReport {
    /// Which of the three bodies it is.
    #[serde(rename = "td_report_version")]
    pub kind: TdReportKind,
    /// `TEE_TCB_SVN` at launch, 16 bytes.
    pub tee_tcb_svn: TeeTcbSvn,
    /// `MRSEAM`: measurement of the TDX module, 48 bytes.
    pub mr_seam: Hex<48>,
    /// `MRSIGNERSEAM`, 48 bytes; zero for Intel's modules.
    pub mr_signer_seam: Hex<48>,
    /// `SEAMATTRIBUTES`, 8 bytes; zero for production modules.
    pub seam_attributes: Hex<8>,
    /// `TDATTRIBUTES`, 8 bytes.
    pub td_attributes: TdAttributes,
    /// `XFAM`, 8 bytes.
    pub xfam: Xfam,
    /// `MRTD`: measurement of the TD's initial contents, 48 bytes.
    pub mr_td: Hex<48>,
    /// `MRCONFIGID`, 48 bytes.
    pub mr_config_id: Hex<48>,
    /// `MROWNER`, 48 bytes.
    pub mr_owner: Hex<48>,
    /// `MROWNERCONFIG`, 48 bytes.
    pub mr_owner_config: Hex<48>,
    /// `RTMR0`, 48 bytes.
    pub rtmr0: Hex<48>,
    /// `RTMR1`, 48 bytes.
    pub rtmr1: Hex<48>,
    /// `RTMR2`, 48 bytes.
    pub rtmr2: Hex<48>,
    /// `RTMR3`, 48 bytes.
    pub rtmr3: Hex<48>,
    /// `REPORTDATA`: 64 bytes that the TD chose.
    pub report_data: Hex<64>,
    /// Fields of TDX 1.5, if the body has them.
    #[serde(flatten)]
    pub v15: Option<TdReport15>,
    /// Fields of the extended body, if it is one.
    #[serde(flatten)]
    pub extended: Option<TdReport15Extended>,
}

impl TdReport {
    /// Takes the body of `kind` at the cursor.
    ///
    /// # Errors
    /// [`ParseError`] if bytes are missing.
    pub fn parse(cursor: &mut Cursor<'_>, kind: TdReportKind) -> Result<Self, ParseError> {
        Ok(Self {
            kind,
            tee_tcb_svn: TeeTcbSvn(cursor.hex("tee_tcb_svn")?),
            mr_seam: cursor.hex("mr_seam")?,
            mr_signer_seam: cursor.hex("mr_signer_seam")?,
            seam_attributes: cursor.hex("seam_attributes")?,
            td_attributes: TdAttributes(cursor.hex("td_attributes")?),
            xfam: Xfam(cursor.hex("xfam")?),
            mr_td: cursor.hex("mr_td")?,
            mr_config_id: cursor.hex("mr_config_id")?,
            mr_owner: cursor.hex("mr_owner")?,
            mr_owner_config: cursor.hex("mr_owner_config")?,
            rtmr0: cursor.hex("rtmr0")?,
            rtmr1: cursor.hex("rtmr1")?,
            rtmr2: cursor.hex("rtmr2")?,
            rtmr3: cursor.hex("rtmr3")?,
            report_data: cursor.hex("report_data")?,
            v15: match kind {
                TdReportKind::Td10 => None,
                TdReportKind::Td15 | TdReportKind::Td15Extended => Some(parse_15(cursor)?),
            },
            extended: match kind {
                TdReportKind::Td10 | TdReportKind::Td15 => None,
                TdReportKind::Td15Extended => Some(parse_15_extended(cursor)?),
            },
        })
    }

    /// The versions at launch, then, for TD 1.5, those that run now.
    pub(crate) fn tcb_svns(&self) -> impl Iterator<Item = &TeeTcbSvn> {
        std::iter::once(&self.tee_tcb_svn).chain(self.v15.as_ref().map(|v15| &v15.tee_tcb_svn2))
    }

    /// Whether a service TD is, or may become, bound to this one: `SERVTD_EXT` is set, or
    /// `MRSERVICETD` or one of the service TD hashes of the extended body is not zero.
    #[must_use]
    pub fn has_service_td(&self) -> bool {
        let bound = self.v15.as_ref().is_some_and(|v15| !v15.mr_service_td.is_zero());
        let extended = self.extended.as_ref().is_some_and(|extended| {
            !extended.initial_service_td_hash.is_zero()
                || !extended.current_service_td_hash.is_zero()
        });
        self.td_attributes.service_td_extension() || bound || extended
    }
}

fn parse_15(cursor: &mut Cursor<'_>) -> Result<TdReport15, ParseError> {
    Ok(TdReport15 {
        tee_tcb_svn2: TeeTcbSvn(cursor.hex("tee_tcb_svn2")?),
        mr_service_td: cursor.hex("mr_service_td")?,
    })
}

fn parse_15_extended(cursor: &mut Cursor<'_>) -> Result<TdReport15Extended, ParseError> {
    Ok(TdReport15Extended {
        vm_id: cursor.u8("vm_id")?,
        td_id: cursor.hex("td_id")?,
        device_info_hash: cursor.hex("device_info_hash")?,
        initial_service_td_hash: cursor.hex("initial_service_td_hash")?,
        initial_service_td_attributes: cursor.hex("initial_service_td_attributes")?,
        initial_cpu_svn: cursor.hex("initial_cpu_svn")?,
        initial_tee_tcb_svn: TeeTcbSvn(cursor.hex("initial_tee_tcb_svn")?),
        initial_tee_fmspc: cursor.hex("initial_tee_fmspc")?,
        current_service_td_hash: cursor.hex("current_service_td_hash")?,
        current_service_td_attributes: cursor.hex("current_service_td_attributes")?,
    })
}

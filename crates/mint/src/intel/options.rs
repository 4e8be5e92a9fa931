//! What an Intel platform, enclave or trust domain shall look like.

use super::hierarchy::COMPONENTS;
use crate::bootlog::TdBoot;

/// An Intel TCB status, in Intel's spelling by [`TcbStatus::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TcbStatus {
    /// Nothing to do.
    UpToDate,
    /// The enclave's own code must mitigate.
    SwHardeningNeeded,
    /// The platform's configuration must change.
    ConfigurationNeeded,
    /// Both of the above.
    ConfigurationAndSwHardeningNeeded,
    /// The platform must be updated.
    OutOfDate,
    /// The platform must be updated and its configuration must change.
    OutOfDateConfigurationNeeded,
    /// The keys of this level are not to be trusted.
    Revoked,
}

impl TcbStatus {
    /// Every status that a platform level can have.
    pub const ALL: [Self; 7] = [
        Self::UpToDate,
        Self::SwHardeningNeeded,
        Self::ConfigurationNeeded,
        Self::ConfigurationAndSwHardeningNeeded,
        Self::OutOfDate,
        Self::OutOfDateConfigurationNeeded,
        Self::Revoked,
    ];

    /// Intel's spelling.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UpToDate => "UpToDate",
            Self::SwHardeningNeeded => "SWHardeningNeeded",
            Self::ConfigurationNeeded => "ConfigurationNeeded",
            Self::ConfigurationAndSwHardeningNeeded => "ConfigurationAndSWHardeningNeeded",
            Self::OutOfDate => "OutOfDate",
            Self::OutOfDateConfigurationNeeded => "OutOfDateConfigurationNeeded",
            Self::Revoked => "Revoked",
        }
    }
}

/// Which CA issues the PCK certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PckCa {
    /// Single-socket machines; the certificate has no platform fields.
    Processor,
    /// Scalable machines; the certificate has instance id and configuration.
    Platform,
}

/// Form of the TCB info.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TcbInfoVersion {
    /// PCS v2 and v3 API: no `id`, flat component names, no advisories; SGX only.
    V2,
    /// PCS v4 API.
    V3,
}

/// How the PCK chain is written into the quote. All of these are seen in real quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ChainStyle {
    /// Leaf, intermediate, root; ends with a line feed.
    #[default]
    LeafToRoot,
    /// The same, ends with a line feed and a NUL.
    NulTerminated,
    /// The same, without a line feed at the end.
    NoFinalLineFeed,
    /// Leaf, root, intermediate.
    RootSecond,
    /// Leaf, intermediate, root, with CR LF at line ends.
    CrLf,
}

/// The platform: its PCK certificate and what its collateral says of it.
#[derive(Debug, Clone)]
pub struct PlatformOptions {
    /// Issuer of the PCK certificate.
    pub ca: PckCa,
    /// FMSPC: family, model, stepping, platform and custom SKU.
    pub fmspc: [u8; 6],
    /// Id of the provisioning certification enclave.
    pub pce_id: [u8; 2],
    /// Which of the machines under one hierarchy: those of other numbers have other PPIDs, instance ids
    /// and PCK certificates.
    pub machine: u32,
    /// SVN of the platform's first TCB component.
    pub svn: u8,
    /// SVN of that component at the TCB level with the chosen status; the platform's own if absent. A
    /// platform one below it lands on the level below, which is OutOfDate.
    pub level_svn: Option<u8>,
    /// Status of the TCB level that the platform lands on.
    pub tcb_status: TcbStatus,
    /// Advisories of that level (TCB info v3 only).
    pub advisory_ids: Vec<String>,
    /// Status of the level that the quoting enclave lands on: UpToDate, OutOfDate or Revoked.
    pub qe_status: TcbStatus,
    /// `tcbEvaluationDataNumber` of the TCB info and, unless another is chosen, the QE identity.
    pub evaluation_data_number: u32,
    /// `tcbEvaluationDataNumber` of the QE identity, where it is another than the TCB info's.
    pub qe_evaluation_data_number: Option<u32>,
    /// CRL number of both CRLs.
    pub crl_number: u64,
    /// Form of the TCB info.
    pub tcb_info_version: TcbInfoVersion,
    /// How the chain stands in the quote.
    pub chain_style: ChainStyle,
    /// The QE's authentication data; Intel's own quoting service uses `00 01 .. 1f`.
    pub qe_auth_data: Vec<u8>,
    /// Zero bytes after the quote, as fixed buffers of cloud agents leave them.
    pub padding_bytes: usize,
}

impl Default for PlatformOptions {
    fn default() -> Self {
        Self {
            ca: PckCa::Platform,
            fmspc: [0xa0, 0xc0, 0x6d, 0, 0, 0],
            pce_id: [0, 0],
            machine: 0,
            svn: COMPONENTS[0],
            level_svn: None,
            tcb_status: TcbStatus::UpToDate,
            advisory_ids: Vec::new(),
            qe_status: TcbStatus::UpToDate,
            evaluation_data_number: 21,
            qe_evaluation_data_number: None,
            crl_number: 1,
            tcb_info_version: TcbInfoVersion::V3,
            chain_style: ChainStyle::default(),
            qe_auth_data: (0..32).collect(),
            padding_bytes: 0,
        }
    }
}

/// The attested SGX enclave. Values left out depend on the seed.
#[derive(Debug, Clone)]
pub struct EnclaveOptions {
    /// MRENCLAVE; from the seed if absent.
    pub mr_enclave: Option<[u8; 32]>,
    /// MRSIGNER; from the seed if absent.
    pub mr_signer: Option<[u8; 32]>,
    /// ISVPRODID, the product id.
    pub isv_prod_id: u16,
    /// ISVSVN, the security version.
    pub isv_svn: u16,
    /// MISCSELECT, little-endian in the report.
    pub misc_select: u32,
    /// ATTRIBUTES.DEBUG: the host can read and write the enclave.
    pub debug: bool,
    /// Key separation and sharing; sets ATTRIBUTES.KSS.
    pub kss: Option<Kss>,
    /// All 64 bytes of report data, instead of SHA-256 of the runtime data and zeros.
    pub report_data: Option<[u8; 64]>,
}

impl Default for EnclaveOptions {
    fn default() -> Self {
        Self {
            mr_enclave: None,
            mr_signer: None,
            isv_prod_id: 1,
            isv_svn: 1,
            misc_select: 0,
            debug: false,
            kss: None,
            report_data: None,
        }
    }
}

/// The KSS fields of an enclave report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kss {
    /// CONFIGID; without it, SHA-256 of the init-time data and zeros.
    pub config_id: Option<[u8; 64]>,
    /// CONFIGSVN, the security version of the configuration.
    pub config_svn: u16,
    /// ISVEXTPRODID, the extended product id.
    pub isv_ext_prod_id: [u8; 16],
    /// ISVFAMILYID, the family of products.
    pub isv_family_id: [u8; 16],
}

impl Default for Kss {
    fn default() -> Self {
        Self {
            config_id: None,
            config_svn: 3,
            isv_ext_prod_id: *b"avouch-mint-ext!",
            isv_family_id: *b"avouch-mint-fam!",
        }
    }
}

/// How Open Enclave wraps the quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OpenEnclaveFormat {
    /// Remote report: 16-byte header (version 1, type 2, size), then the quote.
    #[default]
    Report,
    /// Evidence: 28-byte header (version 3, format UUID, size), the quote, then the runtime data
    /// as custom claims buffer.
    Evidence,
    /// Evidence without its header: the quote, then the runtime data as custom claims buffer.
    EvidenceWithoutHeader,
}

/// Form of a TDX quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TdQuoteFormat {
    /// Version 4: a TD report of 584 bytes.
    #[default]
    V4,
    /// Version 5, body type 2: the same 584 bytes with type and size before them.
    V5Td10,
    /// Version 5, body type 3: 648 bytes, with TEE_TCB_SVN2 and MRSERVICETD.
    V5Td15,
    /// Version 5, body type 4: 885 bytes.
    V5Td15Extended,
}

/// ATTRIBUTES.SEPT_VE_DISABLE of a TD.
pub const TD_SEPT_VE_DISABLE: u64 = 1 << 28;
/// ATTRIBUTES.DEBUG of a TD.
pub const TD_DEBUG: u64 = 1;
/// ATTRIBUTES.MIGRATABLE of a TD.
pub const TD_MIGRATABLE: u64 = 1 << 29;

/// The attested trust domain. Values left out depend on the seed.
#[derive(Debug, Clone)]
pub struct TdOptions {
    /// Quote version and body of the report.
    pub format: TdQuoteFormat,
    /// TEE_TCB_SVN: module SVN, module major version, SEAM loader SVN, zeros.
    pub tee_tcb_svn: [u8; 16],
    /// TEE_TCB_SVN2, the module that runs now (body types 3 and 4).
    pub tee_tcb_svn2: [u8; 16],
    /// Status of the module level with SVN 13, the default TEE_TCB_SVN: UpToDate, OutOfDate or
    /// Revoked. The module level with SVN 5 is always OutOfDate.
    pub module_status: TcbStatus,
    /// TDATTRIBUTES, as the number that is written little-endian.
    pub attributes: u64,
    /// XFAM, as the number that is written little-endian.
    pub xfam: u64,
    /// MRTD; from the seed if absent.
    pub mr_td: Option<[u8; 48]>,
    /// MRSEAM; from the seed if absent.
    pub mr_seam: Option<[u8; 48]>,
    /// MRCONFIGID; without it, SHA-256 of the init-time data and zeros.
    pub mr_config_id: Option<[u8; 48]>,
    /// MROWNER; zero by default.
    pub mr_owner: [u8; 48],
    /// MROWNERCONFIG; zero by default.
    pub mr_owner_config: [u8; 48],
    /// RTMR0 to RTMR3; from the seed, or those that `boot` leads to, if absent.
    pub rtmrs: Option<[[u8; 48]; 4]>,
    /// How it booted; its event log is handed in beside the quote.
    pub boot: Option<TdBoot>,
    /// MRSERVICETD (body types 3 and 4).
    pub mr_service_td: [u8; 48],
    /// All 64 bytes of report data, instead of SHA-256 of the runtime data and zeros.
    pub report_data: Option<[u8; 64]>,
}

/// Module 1 with SVN 13 under a SEAM loader of SVN 4.
pub(crate) const TEE_TCB_SVN: [u8; 16] = [13, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

impl Default for TdOptions {
    fn default() -> Self {
        Self {
            format: TdQuoteFormat::V4,
            tee_tcb_svn: TEE_TCB_SVN,
            tee_tcb_svn2: TEE_TCB_SVN,
            module_status: TcbStatus::UpToDate,
            attributes: TD_SEPT_VE_DISABLE,
            xfam: 0x0006_18e7,
            mr_td: None,
            mr_seam: None,
            mr_config_id: None,
            mr_owner: [0; 48],
            mr_owner_config: [0; 48],
            rtmrs: None,
            boot: None,
            mr_service_td: [0; 48],
            report_data: None,
        }
    }
}

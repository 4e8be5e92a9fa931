//! What kind of SEV-SNP platform and guest to mint.

/// Processor family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SnpProduct {
    /// EPYC 7003.
    Milan,
    /// EPYC 9004.
    Genoa,
    /// EPYC 9005.
    Turin,
}

impl SnpProduct {
    /// Every product.
    pub const ALL: [Self; 3] = [Self::Milan, Self::Genoa, Self::Turin];

    /// The name in certificates.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Milan => "Milan",
            Self::Genoa => "Genoa",
            Self::Turin => "Turin",
        }
    }

    /// CPUID family, model and stepping.
    pub(crate) const fn cpuid(self) -> [u8; 3] {
        match self {
            Self::Milan => [0x19, 0x01, 0x01],
            Self::Genoa => [0x19, 0x11, 0x01],
            Self::Turin => [0x1a, 0x02, 0x01],
        }
    }

    /// Bytes of a chip's hardware id.
    pub(crate) const fn hardware_id_length(self) -> usize {
        match self {
            Self::Milan | Self::Genoa => 64,
            Self::Turin => 8,
        }
    }
}

/// Which key signs the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SnpKey {
    /// Versioned Chip Endorsement Key.
    Vcek,
    /// Versioned Loaded Endorsement Key.
    Vlek,
}

impl SnpKey {
    /// `SIGNING_KEY` in the report.
    pub(crate) const fn signing_key(self) -> u32 {
        match self {
            Self::Vcek => 0,
            Self::Vlek => 1,
        }
    }
}

/// How the certificate writes the hardware id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HardwareIdForm {
    /// The bytes without a tag.
    Raw,
    /// An OCTET STRING.
    OctetString,
}

/// Security patch levels. `fmc` goes into reports of Turin only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnpTcb {
    /// Level of the first mutable code; Turin only.
    pub fmc: u8,
    /// Level of the PSP boot loader.
    pub boot_loader: u8,
    /// Level of the PSP operating system.
    pub tee: u8,
    /// Level of the SNP firmware.
    pub snp: u8,
    /// Level of the microcode.
    pub microcode: u8,
}

impl Default for SnpTcb {
    /// Microcode above 127, so that its INTEGER has two content bytes.
    fn default() -> Self {
        Self { fmc: 1, boot_loader: 4, tee: 2, snp: 24, microcode: 219 }
    }
}

impl SnpTcb {
    /// `TCB_VERSION`, 8 bytes in memory order.
    pub(crate) const fn bytes(self, product: SnpProduct) -> [u8; 8] {
        match product {
            SnpProduct::Milan | SnpProduct::Genoa => {
                [self.boot_loader, self.tee, 0, 0, 0, 0, self.snp, self.microcode]
            }
            SnpProduct::Turin => {
                [self.fmc, self.boot_loader, self.tee, self.snp, 0, 0, 0, self.microcode]
            }
        }
    }
}

/// Generation of a utility VM's endorsement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UvmForm {
    /// `iss`, `feed` and `signingtime` as headers, a JSON payload.
    Json,
    /// CWT claims in header 15, the measurement as payload.
    Cwt,
}

/// What stands at the top of the chain that an endorsement of the utility VM carries, and is named
/// by its publisher's `did:x509`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UvmTop {
    /// The root.
    Root,
    /// A CA whose issuer is not sent along.
    Ca,
    /// The same, with a key usage that allows no certificates.
    CaForCrlsOnly,
    /// The same, with a path length that allows no CA below.
    CaAboveLeavesOnly,
    /// The same, with a critical extension that nobody knows.
    CaWithCriticalExtension,
    /// The same, with name constraints, which are not critical.
    CaWithNameConstraints,
}

/// The SEV-SNP platform and guest.
#[derive(Debug, Clone)]
pub struct SnpOptions {
    /// Processor family; decides the layout of TCB versions.
    pub product: SnpProduct,
    /// VCEK or VLEK.
    pub key: SnpKey,
    /// `VERSION` of the report: 2 to 6.
    pub report_version: u32,
    /// REPORTED TCB, and the key's.
    pub tcb: SnpTcb,
    /// COMMITTED TCB; as `tcb` if absent.
    pub committed_tcb: Option<SnpTcb>,
    /// CURRENT TCB; as `tcb` if absent.
    pub current_tcb: Option<SnpTcb>,
    /// LAUNCH TCB; as `tcb` if absent.
    pub launch_tcb: Option<SnpTcb>,
    /// `POLICY`; bit 17 must be set.
    pub policy: u64,
    /// `PLATFORM_INFO`, all 64 bits.
    pub platform_info: u64,
    /// `VMPL`.
    pub vmpl: u32,
    /// `GUEST_SVN`, of the ID block.
    pub guest_svn: u32,
    /// `FAMILY_ID`, of the ID block.
    pub family_id: [u8; 16],
    /// `IMAGE_ID`, of the ID block.
    pub image_id: [u8; 16],
    /// `AUTHOR_KEY_DIGEST`; zero without an author key.
    pub author_key_digest: [u8; 48],
    /// `REPORT_DATA`; the hash of the runtime data if absent.
    pub report_data: Option<[u8; 64]>,
    /// `REPORT_ID`; from the seed if absent.
    pub report_id: Option<[u8; 32]>,
    /// `MEASUREMENT`; from the seed if absent.
    pub measurement: Option<[u8; 48]>,
    /// `ID_KEY_DIGEST`; from the seed if absent.
    pub id_key_digest: Option<[u8; 48]>,
    /// Whether the host masks CHIP_ID.
    pub mask_chip_id: bool,
    /// How the VCEK's certificate writes the hardware id.
    pub hardware_id_form: HardwareIdForm,
    /// Whether a CRL of the root comes with the certificates.
    pub with_crl: bool,
    /// An endorsement of the measurement by the mint's own UVM publisher. With one, the evidence is
    /// MAA's JSON document and not the bare report, which has no place for it.
    pub uvm: Option<UvmForm>,
    /// Security version in that endorsement.
    pub uvm_svn: u64,
    /// The top of the chain in that endorsement.
    pub uvm_top: UvmTop,
}

impl Default for SnpOptions {
    fn default() -> Self {
        Self {
            product: SnpProduct::Milan,
            key: SnpKey::Vcek,
            report_version: 3,
            tcb: SnpTcb::default(),
            committed_tcb: None,
            current_tcb: None,
            launch_tcb: None,
            policy: 0x3_001f,
            platform_info: 0x25,
            vmpl: 0,
            guest_svn: 2,
            family_id: id_that_begins_with(1),
            image_id: id_that_begins_with(2),
            author_key_digest: [0; 48],
            report_data: None,
            report_id: None,
            measurement: None,
            id_key_digest: None,
            mask_chip_id: false,
            hardware_id_form: HardwareIdForm::Raw,
            with_crl: true,
            uvm: None,
            uvm_svn: 104,
            uvm_top: UvmTop::Root,
        }
    }
}

/// An id as Azure's guests have it: one byte, then zeros.
const fn id_that_begins_with(first: u8) -> [u8; 16] {
    [first, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

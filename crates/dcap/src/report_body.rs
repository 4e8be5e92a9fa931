//! The 384-byte report of an SGX enclave: the attested one's, and the quoting enclave's own.

use avouch_wire::{Cursor, Hex, ParseError};
use serde::Serialize;

/// Bytes of an enclave report body.
pub const ENCLAVE_REPORT_BYTES: usize = 384;

/// The `ATTRIBUTES` of an enclave: 8 bytes of flags, then 8 bytes of XFRM, both little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct EnclaveAttributes(pub Hex<16>);

impl EnclaveAttributes {
    /// The flags as a number.
    #[must_use]
    pub const fn flags(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// XFRM: the processor state components that the enclave may use.
    #[must_use]
    pub const fn xfrm(self) -> u64 {
        let [.., a, b, c, d, e, f, g, h] = self.0.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// Bit 0: the enclave was initialised. Always set in a genuine report.
    #[must_use]
    pub fn is_initialised(self) -> bool {
        self.bit(0)
    }

    /// Bit 1: a debugger may read and write the enclave's memory.
    #[must_use]
    pub fn is_debuggable(self) -> bool {
        self.bit(1)
    }

    /// Bit 2: a 64-bit enclave.
    #[must_use]
    pub fn is_64_bit(self) -> bool {
        self.bit(2)
    }

    /// Bit 4: may use the provisioning key.
    #[must_use]
    pub fn has_provision_key(self) -> bool {
        self.bit(4)
    }

    /// Bit 5: may use the EINITTOKEN key.
    #[must_use]
    pub fn has_einittoken_key(self) -> bool {
        self.bit(5)
    }

    /// Bit 6: control-flow enforcement.
    #[must_use]
    pub fn has_cet(self) -> bool {
        self.bit(6)
    }

    /// Bit 7: key separation and sharing; only then do `CONFIGID`, `CONFIGSVN`, `ISVEXTPRODID` and
    /// `ISVFAMILYID` mean anything.
    #[must_use]
    pub fn has_kss(self) -> bool {
        self.bit(7)
    }

    /// Bit 10: the enclave may be notified of asynchronous exits.
    #[must_use]
    pub fn has_aex_notify(self) -> bool {
        self.bit(10)
    }

    /// Intel's names of the flags that are set, lowest bit first.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        const NAMES: [(u32, &str); 8] = [
            (0, "INIT"),
            (1, "DEBUG"),
            (2, "MODE64BIT"),
            (4, "PROVISION_KEY"),
            (5, "EINITTOKEN_KEY"),
            (6, "CET"),
            (7, "KSS"),
            (10, "AEX_NOTIFY"),
        ];
        NAMES.into_iter().filter(|(index, _)| self.bit(*index)).map(|(_, name)| name).collect()
    }

    fn bit(self, index: u32) -> bool {
        self.flags().checked_shr(index).unwrap_or(0) & 1 == 1
    }
}

/// The report body of an SGX enclave, field by field in the order of the structure. Parsing proves
/// nothing; whose report it is follows from the signature over it.
///
/// Offsets 20..48, 96..128, 160..192 and 262..304 are reserved and not demanded to be zero, since
/// later processors have put fields there before (KSS).
///
/// Source: Intel SDM volume 3D, table "Layout of REPORT".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnclaveReport {
    /// `CPUSVN` as the processor encodes it, 16 bytes. Not comparable with TCB levels: the PCK
    /// certificate's components are.
    pub cpu_svn: Hex<16>,
    /// `MISCSELECT` as it stands in the report, 4 bytes (bit 0 EXINFO, bit 1 CPINFO).
    pub misc_select: Hex<4>,
    /// `ISVEXTPRODID`, 16 bytes, meaningful with KSS only.
    pub isv_ext_prod_id: Hex<16>,
    /// `ATTRIBUTES`, 16 bytes.
    pub attributes: EnclaveAttributes,
    /// `MRENCLAVE`: the measurement of the enclave, 32 bytes.
    pub mr_enclave: Hex<32>,
    /// `MRSIGNER`: the SHA-256 of the signer's modulus, 32 bytes.
    pub mr_signer: Hex<32>,
    /// `CONFIGID`, 64 bytes, meaningful with KSS only.
    pub config_id: Hex<64>,
    /// `ISVPRODID`.
    pub isv_prod_id: u16,
    /// `ISVSVN`.
    pub isv_svn: u16,
    /// `CONFIGSVN`, meaningful with KSS only.
    pub config_svn: u16,
    /// `ISVFAMILYID`, 16 bytes, meaningful with KSS only.
    pub isv_family_id: Hex<16>,
    /// `REPORTDATA`: 64 bytes that the enclave chose.
    pub report_data: Hex<64>,
}

impl EnclaveReport {
    /// Takes the 384 bytes at the cursor.
    ///
    /// # Errors
    /// [`ParseError`] if bytes are missing.
    pub fn parse(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        let cpu_svn = cursor.hex("cpu_svn")?;
        let misc_select = cursor.hex("misc_select")?;
        cursor.take("reserved_20", 12)?;
        let isv_ext_prod_id = cursor.hex("isv_ext_prod_id")?;
        let attributes = EnclaveAttributes(cursor.hex("attributes")?);
        let mr_enclave = cursor.hex("mr_enclave")?;
        cursor.take("reserved_96", 32)?;
        let mr_signer = cursor.hex("mr_signer")?;
        cursor.take("reserved_160", 32)?;
        let config_id = cursor.hex("config_id")?;
        let isv_prod_id = cursor.u16_le("isv_prod_id")?;
        let isv_svn = cursor.u16_le("isv_svn")?;
        let config_svn = cursor.u16_le("config_svn")?;
        cursor.take("reserved_262", 42)?;
        let isv_family_id = cursor.hex("isv_family_id")?;
        let report_data = cursor.hex("report_data")?;
        Ok(Self {
            cpu_svn,
            misc_select,
            isv_ext_prod_id,
            attributes,
            mr_enclave,
            mr_signer,
            config_id,
            isv_prod_id,
            isv_svn,
            config_svn,
            isv_family_id,
            report_data,
        })
    }
}

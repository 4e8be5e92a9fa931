//! The 48 bytes that every Intel quote begins with.

use avouch_wire::{Cursor, Hex, ParseError, encode_hex};
use serde::Serialize;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 48;

/// Vendor id of Intel's quoting enclaves.
pub const INTEL_QE_VENDOR_ID: Hex<16> = Hex([
    0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07,
]);

/// Attestation key type 2: ECDSA with P-256 and SHA-256, the only one that is verified.
pub const ATTESTATION_KEY_ECDSA_P256: u16 = 2;

/// Which kind of trusted execution environment a quote speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TeeType {
    /// An SGX enclave, TEE type 0.
    Sgx,
    /// A TDX trust domain, TEE type 0x81.
    Tdx,
}

impl TeeType {
    /// The value in the quote's header.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Sgx => 0,
            Self::Tdx => 0x81,
        }
    }

    /// `SGX` or `TDX`, as in a TCB info's `id`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sgx => "SGX",
            Self::Tdx => "TDX",
        }
    }
}

impl std::fmt::Display for TeeType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Quote versions that Avouch reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QuoteVersion {
    /// Version 3: an SGX enclave report.
    V3,
    /// Version 4: a TD report 1.0.
    V4,
    /// Version 5: a TD report with its type and size in front.
    V5,
}

impl QuoteVersion {
    /// The value in the quote's header.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::V3 => 3,
            Self::V4 => 4,
            Self::V5 => 5,
        }
    }
}

impl Serialize for QuoteVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(self.code())
    }
}

/// The header of a quote. Signed by the attestation key, yet only the version, key type, TEE type
/// and vendor id decide anything: the SVNs in it are not the ones that TCB levels speak of.
///
/// Source: Intel SGX ECDSA QuoteLibReference, appendix A.3; TDX DCAP Quoting Library API, A.3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Header {
    /// 3 for SGX, 4 or 5 for TDX.
    pub version: QuoteVersion,
    /// Attestation key type; always [`ATTESTATION_KEY_ECDSA_P256`].
    pub attestation_key_type: u16,
    /// TEE type; zero bytes in version 3.
    pub tee_type: TeeType,
    /// QE SVN in version 3, reserved later. The QE report holds the one that counts.
    pub untrusted_qe_svn: u16,
    /// PCE SVN in version 3, reserved later. The PCK certificate holds the one that counts.
    pub untrusted_pce_svn: u16,
    /// Vendor of the quoting enclave; always [`INTEL_QE_VENDOR_ID`].
    pub qe_vendor_id: Hex<16>,
    /// Free bytes of the platform: QEID in the first 16, mostly.
    pub user_data: Hex<20>,
}

impl Header {
    /// Takes the 48 bytes at the cursor.
    ///
    /// # Errors
    /// [`ParseError`] if bytes are missing, or the version, the key type, the TEE type or the vendor
    /// is not one that Avouch verifies.
    pub fn parse(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        let version = parse_version(cursor)?;
        let attestation_key_type = parse_key_type(cursor)?;
        let tee_type = parse_tee_type(cursor, version)?;
        let untrusted_qe_svn = cursor.u16_le("qe_svn")?;
        let untrusted_pce_svn = cursor.u16_le("pce_svn")?;
        let qe_vendor_id = parse_vendor_id(cursor)?;
        let user_data = cursor.hex("user_data")?;
        Ok(Self {
            version,
            attestation_key_type,
            tee_type,
            untrusted_qe_svn,
            untrusted_pce_svn,
            qe_vendor_id,
            user_data,
        })
    }
}

fn parse_version(cursor: &mut Cursor<'_>) -> Result<QuoteVersion, ParseError> {
    let before = cursor.clone();
    match cursor.u16_le("version")? {
        3 => Ok(QuoteVersion::V3),
        4 => Ok(QuoteVersion::V4),
        5 => Ok(QuoteVersion::V5),
        other => Err(before.unexpected("version", "3, 4 or 5", other)),
    }
}

fn parse_key_type(cursor: &mut Cursor<'_>) -> Result<u16, ParseError> {
    let before = cursor.clone();
    match cursor.u16_le("attestation_key_type")? {
        ATTESTATION_KEY_ECDSA_P256 => Ok(ATTESTATION_KEY_ECDSA_P256),
        other => {
            Err(before.unexpected("attestation_key_type", "2 (ECDSA P-256 with SHA-256)", other))
        }
    }
}

/// Versions 4 and 5 could hold SGX enclaves by Intel's headers; none is known in production, and
/// their TEE type would let one kind of evidence pass as the other, so they are refused.
fn parse_tee_type(cursor: &mut Cursor<'_>, version: QuoteVersion) -> Result<TeeType, ParseError> {
    let before = cursor.clone();
    let found = cursor.u32_le("tee_type")?;
    let wanted = match version {
        QuoteVersion::V3 => TeeType::Sgx,
        QuoteVersion::V4 | QuoteVersion::V5 => TeeType::Tdx,
    };
    if found == wanted.code() {
        return Ok(wanted);
    }
    let expected = format!("{:#x} ({wanted}) in version {}", wanted.code(), version.code());
    Err(before.unexpected("tee_type", expected, format!("{found:#x}")))
}

fn parse_vendor_id(cursor: &mut Cursor<'_>) -> Result<Hex<16>, ParseError> {
    let before = cursor.clone();
    let found = cursor.hex::<16>("qe_vendor_id")?;
    if found == INTEL_QE_VENDOR_ID {
        return Ok(found);
    }
    let expected = encode_hex(INTEL_QE_VENDOR_ID.as_bytes());
    Err(before.unexpected("qe_vendor_id", expected, found))
}

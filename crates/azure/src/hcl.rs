//! HCL reports: what a confidential machine's paravisor leaves in the TPM, a hardware report and the
//! runtime data that it binds.

mod error;
mod runtime;
mod td_report;

use avouch_pki::HashAlgorithm;
use avouch_wire::Cursor;

pub use error::HclError;
pub use runtime::{RuntimeClaims, RuntimeClaimsError};
pub use td_report::TdReport;

/// The first four bytes.
pub const HCL_SIGNATURE: [u8; 4] = *b"HCLA";

/// Bytes before the hardware report that are reserved.
const RESERVED_BYTES: usize = 12;
/// Bytes that a hardware report has room in: those of an SNP report.
const AREA_BYTES: usize = 1184;
/// Longest runtime data that is read: an NV index holds less than 3 KiB.
const RUNTIME_BYTES_MAX: u32 = 64 * 1024;
/// Versions of SNP reports that are read.
const SNP_VERSIONS: std::ops::RangeInclusive<u32> = 2..=5;
/// `REPORTTYPE` of a report of a trust domain.
const TD_REPORT_TYPE: u8 = 0x81;

/// An HCL report, as its bytes say it is. Its header proves nothing: only the hardware report, once its
/// own verifier has verified it, and the runtime data that it binds count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HclReport<'a> {
    version: u32,
    request_type: u32,
    hardware: HardwareReport<'a>,
    hash: HashAlgorithm,
    runtime: &'a [u8],
}

/// The hardware report, for its own verifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HardwareReport<'a> {
    /// An SEV-SNP report, 1,184 bytes.
    Snp(&'a [u8]),
    /// A report of a trust domain (`TDREPORT_STRUCT`). Only its platform can check it: what proves anything
    /// is a quote of the same domain.
    Tdx(Box<TdReport<'a>>),
}

impl<'a> HclReport<'a> {
    /// Reads a report as it lies in NV index 0x01400001: header (32 bytes), hardware report (1,184), runtime
    /// data header (20), runtime data, zeros.
    ///
    /// # Errors
    /// [`HclError`] naming the field. Reports of VBS, of Trusted Launch and of CCA are not read: nothing in
    /// them is proven.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, HclError> {
        let mut cursor = Cursor::new("HCL report", bytes);
        if cursor.take("signature", HCL_SIGNATURE.len())? != HCL_SIGNATURE {
            return Err(HclError::Signature);
        }
        let version = cursor.u32_le("version")?;
        if !matches!(version, 1 | 2) {
            return Err(HclError::Version { found: version });
        }
        // Nobody measures the size of the report.
        cursor.u32_le("report_size")?;
        let request_type = cursor.u32_le("request_type")?;
        cursor.u32_le("status")?;
        cursor.take("reserved", RESERVED_BYTES)?;
        let area = cursor.take("hardware_report", AREA_BYTES)?;
        cursor.u32_le("data_size")?;
        let data_version = cursor.u32_le("data_version")?;
        if data_version != 1 {
            return Err(HclError::DataVersion { found: data_version });
        }
        let hardware = hardware(cursor.u32_le("report_type")?, area)?;
        let hash_type = cursor.u32_le("hash_type")?;
        let hash = match hash_type {
            1 => HashAlgorithm::Sha256,
            2 => HashAlgorithm::Sha384,
            3 => HashAlgorithm::Sha512,
            found => return Err(HclError::HashType { found }),
        };
        let length = cursor.length_u32_le("runtime_length", RUNTIME_BYTES_MAX)?;
        let runtime = cursor.take("runtime_data", length)?;
        if cursor.rest().iter().any(|byte| *byte != 0) {
            return Err(HclError::Trailing);
        }
        Ok(Self { version, request_type, hardware, hash, runtime })
    }

    /// The version of its header.
    #[must_use]
    pub const fn untrusted_version(&self) -> u32 {
        self.version
    }

    /// What it was made for: 1 for the release of a key, 2 for the certificate of an attestation key, 3 for
    /// a wrapped key.
    #[must_use]
    pub const fn untrusted_request_type(&self) -> u32 {
        self.request_type
    }

    /// The hardware report.
    #[must_use]
    pub const fn hardware(&self) -> &HardwareReport<'a> {
        &self.hardware
    }

    /// The hash by which the hardware report binds the runtime data.
    #[must_use]
    pub const fn hash(&self) -> HashAlgorithm {
        self.hash
    }

    /// The runtime data, JSON. Nothing binds them until [`HclReport::check_binding`].
    #[must_use]
    pub const fn untrusted_runtime_data(&self) -> &'a [u8] {
        self.runtime
    }

    /// Checks that the report data of a verified hardware report, 64 bytes, are the hash of the runtime data
    /// and zeros.
    ///
    /// # Errors
    /// [`HclError::NotBound`].
    pub fn check_binding(&self, report_data: &[u8; 64]) -> Result<(), HclError> {
        let digest = self.hash.hash(&[self.runtime]).ok_or(HclError::NotBound)?;
        let (hash, rest) =
            report_data.split_at_checked(digest.as_bytes().len()).ok_or(HclError::NotBound)?;
        if hash == digest.as_bytes() && rest.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        Err(HclError::NotBound)
    }
}

/// The area as the report of the type that is said, if it is one.
fn hardware(report_type: u32, area: &[u8]) -> Result<HardwareReport<'_>, HclError> {
    match report_type {
        2 => {
            let mut cursor = Cursor::new("SNP report", area);
            let version = cursor.u32_le("version")?;
            if !SNP_VERSIONS.contains(&version) {
                return Err(HclError::Area { said: "an SEV-SNP report" });
            }
            Ok(HardwareReport::Snp(area))
        }
        4 => {
            if area.first() != Some(&TD_REPORT_TYPE) {
                return Err(HclError::Area { said: "a report of a trust domain" });
            }
            Ok(HardwareReport::Tdx(Box::new(TdReport::read(area)?)))
        }
        found => Err(HclError::ReportType { found }),
    }
}

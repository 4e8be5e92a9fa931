//! `VBS_ENCLAVE_REPORT_PKG_HEADER`, `VBS_ENCLAVE_REPORT` and the blocks that follow it.

use avouch_wire::{Cursor, Hex, ParseError, ParseErrorKind, failed_check};
use thiserror::Error;

/// Length of what the enclave has signed, in bytes.
pub const ENCLAVE_DATA_LENGTH: usize = 64;
/// Most modules accepted in a report.
pub const MODULES_MAX: usize = 64;

/// Longest report accepted, in bytes.
const LENGTH_MAX: u32 = 1 << 17;
const PACKAGE_VERSION: u32 = 1;
const REPORT_VERSION: u32 = 1;
/// `SHA256_RSA_PSS_SHA256`, the only scheme that is defined.
const SCHEME: u32 = 1;
/// `VBS_ENCLAVE_VARDATA_MODULE`, the only block that is defined.
const MODULE: u32 = 1;
const BLOCK_HEADER: u32 = 8;

/// Why bytes are no report.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(transparent)]
pub struct ReportError(#[from] pub ParseError);

failed_check!(ReportError {
    _ => "vbs-report-structure",
});

/// A report as it was sent: nothing in it counts before [`crate::verify_report`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report<'a> {
    /// What the enclave had signed.
    pub enclave_data: Hex<ENCLAVE_DATA_LENGTH>,
    /// Who created the enclave, by its own word.
    pub owner_id: Hex<32>,
    /// Hash of the primary image.
    pub unique_id: Hex<32>,
    /// Hash of the author who signed the image.
    pub author_id: Hex<32>,
    /// Family of the image, chosen by its author.
    pub family_id: Hex<16>,
    /// The image among its family, chosen by its author.
    pub image_id: Hex<16>,
    /// Security version of the image.
    pub enclave_svn: u32,
    /// Security version of the secure kernel.
    pub secure_kernel_svn: u32,
    /// Security version of the platform.
    pub platform_svn: u32,
    /// 1 full debugging, 2 dynamic debugging, 4 dynamic debugging in use.
    pub flags: u32,
    /// By whom images must be signed to be loaded into the enclave.
    pub signing_level: u32,
    /// 0x10 an enclave of VBS, 0x11 a basic one.
    pub enclave_type: u32,
    /// What else is loaded in the enclave.
    pub modules: Vec<Module>,
    pub(crate) signed: &'a [u8],
    pub(crate) signature: &'a [u8],
}

/// A module in an enclave beside the primary image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Hash of the image.
    pub unique_id: Hex<32>,
    /// Hash of its author.
    pub author_id: Hex<32>,
    /// Its family.
    pub family_id: Hex<16>,
    /// Its number within the family.
    pub image_id: Hex<16>,
    /// Its security version.
    pub svn: u32,
    /// Its name.
    pub name: String,
}

impl<'a> Report<'a> {
    /// Reads a report that fills `bytes`.
    ///
    /// # Errors
    /// [`ReportError`] with the structure, the field and the offset.
    ///
    /// # Source
    /// Windows SDK, `ntenclv.h`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReportError> {
        let mut package = Cursor::new("VBS_ENCLAVE_REPORT_PKG_HEADER", bytes);
        expect(&mut package, "PackageSize", length(bytes))?;
        expect(&mut package, "Version", PACKAGE_VERSION)?;
        expect(&mut package, "SignatureScheme", SCHEME)?;
        let statement_length = package.length_u32_le("SignedStatementSize", LENGTH_MAX)?;
        let signature_length = package.length_u32_le("SignatureSize", LENGTH_MAX)?;
        package.zeros("Reserved", 4)?;
        let mut statement =
            package.clone().sub("statement", "VBS_ENCLAVE_REPORT", statement_length)?;
        let signed = package.take("statement", statement_length)?;
        let signature = package.take("signature", signature_length)?;
        package.finish()?;

        expect(&mut statement, "ReportSize", length(signed))?;
        expect(&mut statement, "ReportVersion", REPORT_VERSION)?;
        let mut report = Self {
            enclave_data: statement.hex("EnclaveData")?,
            owner_id: statement.hex("OwnerId")?,
            unique_id: statement.hex("UniqueId")?,
            author_id: statement.hex("AuthorId")?,
            family_id: statement.hex("FamilyId")?,
            image_id: statement.hex("ImageId")?,
            enclave_svn: statement.u32_le("EnclaveSvn")?,
            secure_kernel_svn: statement.u32_le("SecureKernelSvn")?,
            platform_svn: statement.u32_le("PlatformSvn")?,
            flags: statement.u32_le("Flags")?,
            signing_level: statement.u32_le("SigningLevel")?,
            enclave_type: statement.u32_le("EnclaveType")?,
            modules: Vec::new(),
            signed,
            signature,
        };
        while !statement.is_empty() {
            if report.modules.len() == MODULES_MAX {
                let limit = MODULES_MAX.try_into().unwrap_or(u64::MAX);
                let value = limit.saturating_add(1);
                return Err(statement
                    .error("modules", ParseErrorKind::OverLimit { value, limit })
                    .into());
            }
            report.modules.push(block(&mut statement)?);
        }
        Ok(report)
    }
}

fn block(statement: &mut Cursor<'_>) -> Result<Module, ParseError> {
    expect(statement, "DataType", MODULE)?;
    let before = statement.clone();
    let size = statement.u32_le("Size")?;
    let inner = size.checked_sub(BLOCK_HEADER).and_then(|inner| usize::try_from(inner).ok());
    let inner = inner.ok_or_else(|| unexpected(&before, "Size", "8 or more", &size.to_string()))?;
    let mut module = statement.sub("block", "VBS_ENCLAVE_REPORT_MODULE", inner)?;
    Ok(Module {
        unique_id: module.hex("UniqueId")?,
        author_id: module.hex("AuthorId")?,
        family_id: module.hex("FamilyId")?,
        image_id: module.hex("ImageId")?,
        svn: module.u32_le("Svn")?,
        name: name(&mut module)?,
    })
}

/// UTF-16 to the end of the block, which is its only NUL.
fn name(module: &mut Cursor<'_>) -> Result<String, ParseError> {
    let before = module.clone();
    let (units, odd) = module.rest().as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    let text = units.strip_suffix(&[0]).filter(|text| odd.is_empty() && !text.contains(&0));
    text.and_then(|text| String::from_utf16(text).ok()).ok_or_else(|| {
        let problem = "not UTF-16 that ends in its only NUL".to_owned();
        before.error("ModuleName", ParseErrorKind::Malformed(problem))
    })
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn expect(cursor: &mut Cursor<'_>, field: &'static str, expected: u32) -> Result<(), ParseError> {
    let before = cursor.clone();
    let found = cursor.u32_le(field)?;
    if found == expected {
        return Ok(());
    }
    Err(unexpected(&before, field, &expected.to_string(), &found.to_string()))
}

fn unexpected(at: &Cursor<'_>, field: &'static str, expected: &str, found: &str) -> ParseError {
    let (expected, found) = (expected.to_owned(), found.to_owned());
    at.error(field, ParseErrorKind::Unexpected { expected, found })
}

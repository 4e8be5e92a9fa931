//! `VBS_ENCLAVE_REPORT_PKG_HEADER`, `VBS_ENCLAVE_REPORT` and the blocks that follow it.

use std::ops::Deref;

use avouch_wire::{Cursor, Hex, ParseError, ParseErrorKind, failed_check};
use serde::Serialize;
use thiserror::Error;

use crate::Flags;

/// Length of what the enclave has signed, in bytes.
pub const ENCLAVE_DATA_LENGTH: usize = 64;
/// Most modules accepted in a report.
pub const MODULES_MAX: usize = 64;

/// Longest statement accepted, in bytes: sixty-four modules have room for names of two thousand.
const STATEMENT_BYTES_MAX: u32 = 1 << 17;
/// Longest signature accepted, in bytes: RSA with 8192 bits.
const SIGNATURE_BYTES_MAX: u32 = 1024;
const PACKAGE_VERSION: u32 = 1;
const REPORT_VERSION: u32 = 1;
/// `SHA256_RSA_PSS_SHA256`, the only scheme that is defined.
const SCHEME: u32 = 1;
/// `VBS_ENCLAVE_VARDATA_MODULE`, the only block that is defined.
const MODULE: u32 = 1;
const BLOCK_HEADER: u32 = 8;

/// Why bytes are no report. Each says the structure, the field and the offset.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReportError {
    /// It is cut short, followed by more, or a field that must be zero is not.
    #[error(transparent)]
    Structure(#[from] ParseError),
    /// A size is not that of what it is the size of.
    #[error(transparent)]
    Size(ParseError),
    /// A version that is not defined.
    #[error(transparent)]
    Version(ParseError),
    /// A signature scheme that is not defined.
    #[error(transparent)]
    Scheme(ParseError),
    /// It is of no enclave that VBS protects.
    #[error(transparent)]
    EnclaveType(ParseError),
    /// A block that is not defined.
    #[error(transparent)]
    Block(ParseError),
    /// More modules than are read.
    #[error(transparent)]
    Modules(ParseError),
    /// A module's name does not end where its block does, or is no text.
    #[error(transparent)]
    ModuleName(ParseError),
}

failed_check!(ReportError {
    Self::Structure(_) => "vbs-report-structure",
    Self::Size(_) => "vbs-report-size",
    Self::Version(_) => "vbs-report-version",
    Self::Scheme(_) => "vbs-report-scheme",
    Self::EnclaveType(_) => "vbs-enclave-type",
    Self::Block(_) => "vbs-report-block",
    Self::Modules(_) => "vbs-report-modules",
    Self::ModuleName(_) => "vbs-report-module-name",
});

/// `ENCLAVE_TYPE_…` of an enclave that VBS protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnclaveType {
    /// 0x10.
    Vbs,
    /// 0x11.
    VbsBasic,
}

/// What a report says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportBody {
    /// What the enclave had signed, 64 bytes.
    pub enclave_data: Hex<ENCLAVE_DATA_LENGTH>,
    /// Who created the enclave, by its creator's own word (`ENCLAVE_CREATE_INFO_VBS`).
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
    /// Whether it can be debugged.
    pub flags: Flags,
    /// By whom images must be signed to be loaded into the enclave.
    pub signing_level: u32,
    /// What kind of enclave it is.
    pub enclave_type: EnclaveType,
    /// What else is loaded in the enclave.
    pub modules: Vec<Module>,
}

/// A module in an enclave beside the primary image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

/// A report as it was sent: nothing in it counts before [`crate::verify_report`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report<'a> {
    pub(crate) body: ReportBody,
    pub(crate) signed: &'a [u8],
    pub(crate) signature: &'a [u8],
}

impl Deref for Report<'_> {
    type Target = ReportBody;

    fn deref(&self) -> &Self::Target {
        &self.body
    }
}

impl<'a> Report<'a> {
    /// Reads a report that fills `bytes`: a header of 24 bytes, the statement (224 bytes, then a block for
    /// each module), the signature.
    ///
    /// # Errors
    /// [`ReportError`] with the structure, the field and the offset.
    ///
    /// # Source
    /// Windows SDK, `ntenclv.h`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReportError> {
        let mut package = Cursor::new("VBS_ENCLAVE_REPORT_PKG_HEADER", bytes);
        expect(&mut package, "PackageSize", length(bytes), ReportError::Size)?;
        expect(&mut package, "Version", PACKAGE_VERSION, ReportError::Version)?;
        expect(&mut package, "SignatureScheme", SCHEME, ReportError::Scheme)?;
        let statement_length = size(&mut package, "SignedStatementSize", STATEMENT_BYTES_MAX)?;
        let signature_length = size(&mut package, "SignatureSize", SIGNATURE_BYTES_MAX)?;
        package.zeros("Reserved", 4)?;
        let signed = package.clone().take("statement", statement_length);
        let signed = signed.map_err(ReportError::Size)?;
        let statement = package.sub("statement", "VBS_ENCLAVE_REPORT", statement_length)?;
        let signature = package.take("signature", signature_length).map_err(ReportError::Size)?;
        package.finish().map_err(ReportError::Size)?;
        Ok(Self { body: ReportBody::read(statement, length(signed))?, signed, signature })
    }

    /// What is signed, as it was sent.
    #[must_use]
    pub const fn untrusted_statement(&self) -> &'a [u8] {
        self.signed
    }

    /// The signature, as it was sent.
    #[must_use]
    pub const fn untrusted_signature(&self) -> &'a [u8] {
        self.signature
    }
}

impl ReportBody {
    /// Reads a statement of `length` bytes.
    fn read(mut statement: Cursor<'_>, length: u32) -> Result<Self, ReportError> {
        expect(&mut statement, "ReportSize", length, ReportError::Size)?;
        expect(&mut statement, "ReportVersion", REPORT_VERSION, ReportError::Version)?;
        let mut body = Self {
            enclave_data: statement.hex("EnclaveData")?,
            owner_id: statement.hex("OwnerId")?,
            unique_id: statement.hex("UniqueId")?,
            author_id: statement.hex("AuthorId")?,
            family_id: statement.hex("FamilyId")?,
            image_id: statement.hex("ImageId")?,
            enclave_svn: statement.u32_le("EnclaveSvn")?,
            secure_kernel_svn: statement.u32_le("SecureKernelSvn")?,
            platform_svn: statement.u32_le("PlatformSvn")?,
            flags: Flags(statement.u32_le("Flags")?),
            signing_level: statement.u32_le("SigningLevel")?,
            enclave_type: EnclaveType::read(&mut statement)?,
            modules: Vec::new(),
        };
        while !statement.is_empty() {
            if body.modules.len() == MODULES_MAX {
                let found = MODULES_MAX.saturating_add(1);
                let error = statement.over_limit("modules", found, MODULES_MAX);
                return Err(ReportError::Modules(error));
            }
            body.modules.push(Module::read(&mut statement)?);
        }
        Ok(body)
    }
}

impl EnclaveType {
    fn read(statement: &mut Cursor<'_>) -> Result<Self, ReportError> {
        let before = statement.clone();
        match statement.u32_le("EnclaveType")? {
            0x10 => Ok(Self::Vbs),
            0x11 => Ok(Self::VbsBasic),
            found => {
                let (wanted, found) = ("16 (VBS) or 17 (basic VBS)", found.to_string());
                let error = before.unexpected("EnclaveType", wanted, &found);
                Err(ReportError::EnclaveType(error))
            }
        }
    }
}

impl Module {
    /// Reads a block: its type, its size with that of its header, and a module.
    fn read(statement: &mut Cursor<'_>) -> Result<Self, ReportError> {
        expect(statement, "DataType", MODULE, ReportError::Block)?;
        let before = statement.clone();
        let size = statement.u32_le("Size")?;
        let inner = size.checked_sub(BLOCK_HEADER).and_then(|inner| usize::try_from(inner).ok());
        let inner = inner.filter(|inner| *inner <= statement.remaining()).ok_or_else(|| {
            let wanted = format!("8 to {}", statement.remaining().saturating_add(8));
            ReportError::Size(before.unexpected("Size", &wanted, size.to_string()))
        })?;
        let mut module = statement.sub("block", "VBS_ENCLAVE_REPORT_MODULE", inner)?;
        Ok(Self {
            unique_id: module.hex("UniqueId")?,
            author_id: module.hex("AuthorId")?,
            family_id: module.hex("FamilyId")?,
            image_id: module.hex("ImageId")?,
            svn: module.u32_le("Svn")?,
            name: name(&mut module)?,
        })
    }
}

/// UTF-16 to the end of the block, which is its only NUL.
fn name(module: &mut Cursor<'_>) -> Result<String, ReportError> {
    let before = module.clone();
    text(module.rest()).ok_or_else(|| {
        let problem = "not UTF-16 that ends in its only NUL".to_owned();
        ReportError::ModuleName(before.error("ModuleName", ParseErrorKind::Malformed(problem)))
    })
}

fn text(bytes: &[u8]) -> Option<String> {
    let (units, odd) = bytes.as_chunks::<2>();
    let units =
        units.strip_suffix(&[[0, 0]]).filter(|units| odd.is_empty() && !units.contains(&[0, 0]))?;
    let chars = || char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit)));
    let length = chars().map(|char| char.map_or(0, char::len_utf8)).sum();
    // Of exactly the length that is needed: nothing is held twice.
    let mut text = String::with_capacity(length);
    for char in chars() {
        text.push(char.ok()?);
    }
    Some(text)
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// Reads a number that must be `wanted`; another one is refused by `refusal`.
fn expect(
    cursor: &mut Cursor<'_>,
    field: &'static str,
    wanted: u32,
    refusal: fn(ParseError) -> ReportError,
) -> Result<(), ReportError> {
    let before = cursor.clone();
    let found = cursor.u32_le(field)?;
    if found == wanted {
        return Ok(());
    }
    Err(refusal(before.unexpected(field, wanted.to_string(), found.to_string())))
}

fn size(cursor: &mut Cursor<'_>, field: &'static str, limit: u32) -> Result<usize, ReportError> {
    cursor.length_u32_le(field, limit).map_err(ReportError::Size)
}

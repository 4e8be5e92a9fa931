//! Remote reports and evidence.

use avouch_pki::digest;
use avouch_wire::{Cursor, Hex, ParseError, ParseErrorKind};

use crate::binding::BindingError;
use crate::error::QuoteError;
use crate::quote::Quote;
use crate::verify::VerifiedQuote;

/// Largest report or evidence accepted, custom claims included.
pub const OPEN_ENCLAVE_BYTES_MAX: usize = 64 * 1024;

/// Format of evidence that holds an SGX quote and custom claims: `OE_FORMAT_UUID_SGX_ECDSA`.
pub const FORMAT_SGX_ECDSA: Hex<16> = Hex([
    0xa3, 0xa2, 0x1e, 0x87, 0x1b, 0x4d, 0x40, 0x14, 0xb7, 0x0a, 0xa1, 0x25, 0xd2, 0xfb, 0xcd, 0x8c,
]);

/// Formats that are known and cannot be verified here, by name.
const OTHER_FORMATS: [(&str, &str); 6] = [
    ("c8303454d9234c2ca691df7def460a76", "LEGACY_REPORT_REMOTE"),
    ("1923d91e12d24c72b22025cd8dace871", "RAW_SGX_QUOTE_ECDSA"),
    ("09268c336e0b45e58a2715644d0ef89a", "SGX_LOCAL_ATTESTATION"),
    ("f228aa3fde4d49d3884cb2aa87a50da6", "SGX_EPID_LINKABLE"),
    ("5c35d290a2c24c559e135ad732746c88", "SGX_EPID_UNLINKABLE"),
    ("8ba70286c1cf11edafa10242ac120002", "TDX_QUOTE_ECDSA"),
];

/// Type of a report that another enclave can check on another machine.
const REPORT_TYPE_SGX_REMOTE: u32 = 2;

/// What the `OpenEnclave` route takes: a remote report (version 1) or evidence (version 3).
#[derive(Debug)]
pub enum OpenEnclave<'a> {
    /// A report with its 16-byte header.
    Report(Report<'a>),
    /// Evidence with its 28-byte header.
    Evidence(Evidence<'a>),
}

/// A remote report: `oe_get_report`'s header and an SGX quote. Nothing in it is proven.
#[derive(Debug)]
pub struct Report<'a> {
    quote: Quote<'a>,
}

/// Evidence in the format SGX_ECDSA: a header, an SGX quote, and custom claims (maybe none).
/// Nothing in it is proven.
#[derive(Debug)]
pub struct Evidence<'a> {
    quote: Quote<'a>,
    custom_claims: &'a [u8],
}

/// Custom claims that the quote's report data vouch for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedCustomClaims<'a>(&'a [u8]);

impl<'a> OpenEnclave<'a> {
    /// Parses a report or evidence, told apart by its version.
    ///
    /// # Errors
    /// [`QuoteError`] if it is neither, too large, of a type or format that cannot be verified, if
    /// its size field does not match, or if the quote in it is malformed.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, QuoteError> {
        let mut cursor = Cursor::new("OpenEnclaveHeader", bytes);
        match cursor.u32_le("open_enclave_version")? {
            1 => Report::parse(bytes).map(Self::Report),
            3 => Evidence::parse(bytes).map(Self::Evidence),
            other => Err(Cursor::new("OpenEnclaveHeader", bytes).unexpected(
                "open_enclave_version",
                "1 (remote report) or 3 (evidence)",
                other,
            ))?,
        }
    }

    /// The quote inside.
    #[must_use]
    pub const fn quote(&self) -> &Quote<'a> {
        match self {
            Self::Report(report) => &report.quote,
            Self::Evidence(evidence) => &evidence.quote,
        }
    }
}

impl<'a> Report<'a> {
    /// Parses a report: u32 version 1, u32 type 2, u64 size of what follows, SGX quote.
    ///
    /// # Errors
    /// As [`OpenEnclave::parse`]; bytes after the quote are refused, as Open Enclave does.
    ///
    /// # Source
    /// Open Enclave, `oe_report_header_t`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, QuoteError> {
        let mut cursor = Cursor::new("OpenEnclaveReportHeader", bytes);
        check_size(&cursor)?;
        cursor.expect_u32_le("open_enclave_version", 1)?;
        cursor.expect_u32_le("open_enclave_type", REPORT_TYPE_SGX_REMOTE)?;
        check_rest(&mut cursor)?;
        let quote = sgx_quote(cursor.clone())?;
        match quote.untrusted_trailing().len() {
            0 => Ok(Self { quote }),
            extra => {
                Err(cursor.error("signature_data_length", ParseErrorKind::Trailing { extra }))?
            }
        }
    }

    /// The quote.
    #[must_use]
    pub const fn quote(&self) -> &Quote<'a> {
        &self.quote
    }
}

impl<'a> Evidence<'a> {
    /// Parses evidence with its header: u32 version 3, format UUID, u64 size of what follows, SGX
    /// quote, custom claims to the end.
    ///
    /// # Errors
    /// As [`OpenEnclave::parse`].
    ///
    /// # Source
    /// Open Enclave, `oe_attestation_header_t`, plugin `sgx_ecdsa`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, QuoteError> {
        let mut cursor = Cursor::new("OpenEnclaveEvidenceHeader", bytes);
        check_size(&cursor)?;
        cursor.expect_u32_le("open_enclave_version", 3)?;
        let before = cursor.clone();
        let format = cursor.hex::<16>("open_enclave_format")?;
        if format != FORMAT_SGX_ECDSA {
            let found = format_name(format);
            Err(before.unexpected("open_enclave_format", "SGX_ECDSA", found))?;
        }
        check_rest(&mut cursor)?;
        Ok(Self::parse_body(cursor)?)
    }

    /// Parses evidence without its header: an SGX quote, then custom claims to the end.
    ///
    /// # Errors
    /// [`QuoteError`] if it is too large or the quote is malformed.
    pub fn parse_without_header(bytes: &'a [u8]) -> Result<Self, QuoteError> {
        let cursor = Cursor::new("OpenEnclaveEvidence", bytes);
        check_size(&cursor)?;
        Ok(Self::parse_body(cursor)?)
    }

    fn parse_body(cursor: Cursor<'a>) -> Result<Self, ParseError> {
        let quote = sgx_quote(cursor)?;
        Ok(Self { custom_claims: quote.untrusted_trailing(), quote })
    }

    /// The quote.
    #[must_use]
    pub const fn quote(&self) -> &Quote<'a> {
        &self.quote
    }

    /// The custom claims buffer, whose hash has not been compared with the report data.
    #[must_use]
    pub const fn untrusted_custom_claims(&self) -> &'a [u8] {
        self.custom_claims
    }

    /// Compares the hash of the custom claims with the report data of the verified quote. Evidence
    /// without claims binds the hash of nothing.
    ///
    /// # Errors
    /// [`BindingError::CustomClaims`] with both hashes, also if `verified` is another quote's.
    pub fn bind_custom_claims(
        &self,
        verified: &VerifiedQuote,
    ) -> Result<VerifiedCustomClaims<'a>, BindingError> {
        let expected = digest::sha256(self.custom_claims);
        let found = crate::binding::first_half(verified.report_data());
        if expected != found {
            return Err(BindingError::CustomClaims { expected, found });
        }
        Ok(VerifiedCustomClaims(self.custom_claims))
    }
}

impl<'a> VerifiedCustomClaims<'a> {
    /// The buffer as the enclave wrote it: Open Enclave's serialisation of claims, or anything else.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

fn check_size(cursor: &Cursor<'_>) -> Result<(), ParseError> {
    if cursor.remaining() <= OPEN_ENCLAVE_BYTES_MAX {
        return Ok(());
    }
    Err(cursor.over_limit("length", cursor.remaining(), OPEN_ENCLAVE_BYTES_MAX))
}

/// The size field must say exactly what is left.
fn check_rest(cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
    let before = cursor.clone();
    let size = cursor.u64_le("open_enclave_size")?;
    let left = cursor.remaining();
    if usize::try_from(size) == Ok(left) {
        return Ok(());
    }
    Err(before.unexpected("open_enclave_size", left, size))
}

/// The quote at the cursor, which must be one of an SGX enclave.
fn sgx_quote(cursor: Cursor<'_>) -> Result<Quote<'_>, ParseError> {
    let version = cursor.clone().u16_le("version")?;
    if version != 3 {
        return Err(cursor.unexpected("version", "3 (SGX)", version));
    }
    Quote::parse_wrapped(cursor)
}

fn format_name(format: Hex<16>) -> String {
    let text = format.to_string();
    OTHER_FORMATS
        .iter()
        .find(|(uuid, _)| *uuid == text)
        .map_or(text.clone(), |(_, name)| format!("{name} ({text})"))
}

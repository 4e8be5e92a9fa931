//! A whole quote: header, body, signature data, and what follows it.

use std::sync::OnceLock;

use avouch_wire::{Cursor, Hex, ParseError};
use serde::Serialize;

use crate::error::QuoteError;
use crate::header::{HEADER_BYTES, Header, QuoteVersion, TeeType};
use crate::report_body::{ENCLAVE_REPORT_BYTES, EnclaveReport};
use crate::signature_data::SignatureData;
use crate::td_report::{TdReport, TdReportKind};

/// Largest quote accepted, padding included. Cloud agents hand out buffers of up to 8,000 bytes.
pub const QUOTE_BYTES_MAX: usize = 16 * 1024;

/// What a quote speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "one per quote, moved twice; a box costs more")]
pub enum Body {
    /// An SGX enclave.
    Enclave(EnclaveReport),
    /// A TDX trust domain.
    Td(TdReport),
}

/// A quote that has the right shape. **Nothing in it is proven**: that takes
/// [`crate::verify_quote`].
///
/// Accepted are version 3 (SGX), version 4 (TD 1.0) and version 5 (TD 1.0, TD 1.5, TD 1.5
/// extended), always with ECDSA P-256 keys of Intel's quoting enclave.
#[derive(Debug)]
pub struct Quote<'a> {
    header: Header,
    body: Body,
    signed_bytes: &'a [u8],
    signature_data: SignatureData<'a>,
    untrusted_trailing: &'a [u8],
    signature_data_digest: OnceLock<Hex<32>>,
}

impl<'a> Quote<'a> {
    /// Parses a quote. Bytes after it are allowed, since agents pad their buffers; they are outside
    /// every signature (see [`Self::untrusted_trailing`]).
    ///
    /// # Errors
    /// [`QuoteError`] with structure, field and offset: bytes missing, a length that points beyond
    /// the input or leaves bytes over inside the signature data, an unknown version, key type, TEE
    /// type, vendor, body type or certification type, or more than [`QUOTE_BYTES_MAX`] bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, QuoteError> {
        let cursor = Cursor::new("Quote", bytes);
        check_size(&cursor)?;
        Ok(Self::parse_wrapped(cursor)?)
    }

    /// Parses a quote that begins at `cursor`, inside a wrapper that has a limit of its own.
    pub(crate) fn parse_wrapped(mut cursor: Cursor<'a>) -> Result<Self, ParseError> {
        let start = cursor.clone();
        let header = Header::parse(&mut cursor.sub("header", "Header", HEADER_BYTES)?)?;
        let body = parse_body(&mut cursor, header.version)?;
        let signed_bytes = consumed(&start, &cursor);
        let left = u32::try_from(cursor.remaining().saturating_sub(4)).unwrap_or(u32::MAX);
        let length = cursor.length_u32_le("signature_data_length", left)?;
        let signature_data = cursor.sub("signature_data", "SignatureData", length)?;
        let signature_data = SignatureData::parse(signature_data, header.version)?;
        Ok(Self {
            header,
            body,
            signed_bytes,
            signature_data,
            untrusted_trailing: cursor.rest(),
            signature_data_digest: OnceLock::new(),
        })
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// SGX or TDX.
    #[must_use]
    pub const fn tee_type(&self) -> TeeType {
        self.header.tee_type
    }

    /// What the quote speaks of.
    #[must_use]
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// The bytes that the attestation key signs: header and body, with the body's type and size in
    /// version 5.
    #[must_use]
    pub const fn signed_bytes(&self) -> &'a [u8] {
        self.signed_bytes
    }

    /// The signature data.
    #[must_use]
    pub const fn signature_data(&self) -> &SignatureData<'a> {
        &self.signature_data
    }

    /// Bytes after the quote: padding of a buffer, or anything else. No signature covers them.
    #[must_use]
    pub const fn untrusted_trailing(&self) -> &'a [u8] {
        self.untrusted_trailing
    }

    /// SHA-256 over what a platform proof rests on, computed once; see
    /// [`SignatureData::platform_digest`].
    pub(crate) fn signature_data_digest(&self) -> Hex<32> {
        *self.signature_data_digest.get_or_init(|| {
            let (version, tee_type) = (self.header.version.code(), self.header.tee_type.code());
            let [v0, v1] = version.to_le_bytes();
            let [t0, t1, t2, t3] = tee_type.to_le_bytes();
            self.signature_data.platform_digest(&[v0, v1, t0, t1, t2, t3])
        })
    }
}

fn check_size(cursor: &Cursor<'_>) -> Result<(), ParseError> {
    let size = cursor.remaining();
    if size <= QUOTE_BYTES_MAX {
        return Ok(());
    }
    Err(cursor.over_limit("length", size, QUOTE_BYTES_MAX))
}

/// The bytes between two states of one cursor.
fn consumed<'a>(start: &Cursor<'a>, now: &Cursor<'a>) -> &'a [u8] {
    let length = start.remaining().saturating_sub(now.remaining());
    start.clone().rest().get(..length).unwrap_or_default()
}

fn parse_body(cursor: &mut Cursor<'_>, version: QuoteVersion) -> Result<Body, ParseError> {
    match version {
        QuoteVersion::V3 => {
            let mut body = cursor.sub("body", "EnclaveReport", ENCLAVE_REPORT_BYTES)?;
            EnclaveReport::parse(&mut body).map(Body::Enclave)
        }
        QuoteVersion::V4 => parse_td(cursor, TdReportKind::Td10),
        QuoteVersion::V5 => {
            let kind = parse_body_header(cursor)?;
            parse_td(cursor, kind)
        }
    }
}

fn parse_td(cursor: &mut Cursor<'_>, kind: TdReportKind) -> Result<Body, ParseError> {
    let mut body = cursor.sub("body", "TdReport", kind.bytes())?;
    TdReport::parse(&mut body, kind).map(Body::Td)
}

/// Body type and size of version 5. Type 1 (an SGX enclave) does not go with TEE type TDX.
fn parse_body_header(cursor: &mut Cursor<'_>) -> Result<TdReportKind, ParseError> {
    let before = cursor.clone();
    let kind = match cursor.u16_le("body_type")? {
        2 => TdReportKind::Td10,
        3 => TdReportKind::Td15,
        4 => TdReportKind::Td15Extended,
        other => return Err(before.unexpected("body_type", "2, 3 or 4 (TDX)", other)),
    };
    let before = cursor.clone();
    let size = cursor.u32_le("body_size")?;
    if usize::try_from(size) == Ok(kind.bytes()) {
        return Ok(kind);
    }
    Err(before.unexpected("body_size", kind.bytes(), size))
}

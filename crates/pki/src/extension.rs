//! Extensions of certificates, CRLs and their entries, and the values that are understood.

use avouch_wire::{Cursor, ParseError, ParseErrorKind};

use crate::{der, oid};

/// One extension of a certificate or CRL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Its identifier in dotted form.
    pub oid: String,
    /// Whether it is marked critical.
    pub critical: bool,
    /// The content of its OCTET STRING.
    pub value: Vec<u8>,
}

/// Why a list of extensions is refused.
pub(crate) enum ExtensionsError {
    Malformed(ParseError),
    /// The identifier that appears twice.
    Duplicate(String),
}

impl From<ParseError> for ExtensionsError {
    fn from(error: ParseError) -> Self {
        Self::Malformed(error)
    }
}

/// Most extensions in one list; certificates in use have up to 19 (AMD's VCEK).
const EXTENSIONS_MAX: usize = 64;

/// `SEQUENCE SIZE (1..MAX) OF Extension`; no two have the same identifier (RFC 5280, section 4.2).
pub(crate) fn read_all(cursor: &mut Cursor<'_>) -> Result<Vec<Extension>, ExtensionsError> {
    let mut list = der::open(cursor, "extensions", der::SEQUENCE)?;
    let mut found = vec![read(&mut list)?];
    while !list.is_empty() {
        if found.len() == EXTENSIONS_MAX {
            let kind = ParseErrorKind::Malformed(format!("more than {EXTENSIONS_MAX} extensions"));
            return Err(list.error("extensions", kind).into());
        }
        found.push(read(&mut list)?);
    }
    let mut identifiers: Vec<&str> = found.iter().map(|extension| extension.oid.as_str()).collect();
    identifiers.sort_unstable();
    let twice = identifiers.windows(2).find_map(|pair| match pair {
        [one, other] if one == other => Some((*one).to_owned()),
        _ => None,
    });
    twice.map_or(Ok(found), |oid| Err(ExtensionsError::Duplicate(oid)))
}

fn read(list: &mut Cursor<'_>) -> Result<Extension, ParseError> {
    let mut extension = der::open(list, "extension", der::SEQUENCE)?;
    let oid = oid::dotted(der::identifier(&mut extension, "extension_identifier")?);
    let critical = der::boolean_or_false(&mut extension, "extension_critical")?;
    let value = der::open(&mut extension, "extension_value", der::OCTET_STRING)?.rest().to_vec();
    extension.finish()?;
    Ok(Extension { oid, critical, value })
}

/// `BasicConstraints` (RFC 5280, section 4.2.1.9).
#[derive(Debug, Clone, Copy)]
pub(crate) struct BasicConstraints {
    pub(crate) ca: bool,
    pub(crate) path_length: Option<u32>,
}

impl BasicConstraints {
    pub(crate) fn read(value: &[u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("BasicConstraints", value);
        let mut fields = der::open(&mut cursor, "constraints", der::SEQUENCE)?;
        cursor.finish()?;
        let ca = der::boolean_or_false(&mut fields, "ca")?;
        let path_length = if fields.is_empty() {
            None
        } else {
            Some(der::unsigned_32(&mut fields, "path_length")?)
        };
        fields.finish()?;
        Ok(Self { ca, path_length })
    }
}

/// The bits of `KeyUsage` that matter here (RFC 5280, section 4.2.1.3).
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyUsage {
    pub(crate) digital_signature: bool,
    pub(crate) key_encipherment: bool,
    pub(crate) key_agreement: bool,
    pub(crate) key_cert_sign: bool,
    pub(crate) crl_sign: bool,
}

impl KeyUsage {
    pub(crate) fn read(value: &[u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("KeyUsage", value);
        let bits = der::named_bits(&mut cursor, "bits")?;
        cursor.finish()?;
        Ok(Self {
            digital_signature: bits & 0x80 != 0,
            key_encipherment: bits & 0x20 != 0,
            key_agreement: bits & 0x08 != 0,
            key_cert_sign: bits & 0x04 != 0,
            crl_sign: bits & 0x02 != 0,
        })
    }
}

/// The purposes of `ExtKeyUsageSyntax` in dotted form (RFC 5280, section 4.2.1.12): at least one.
pub(crate) fn extended_key_usages(value: &[u8]) -> Result<Vec<String>, ParseError> {
    let mut cursor = Cursor::new("ExtKeyUsageSyntax", value);
    let mut list = der::open(&mut cursor, "purposes", der::SEQUENCE)?;
    cursor.finish()?;
    let mut usages = vec![oid::dotted(der::identifier(&mut list, "purpose")?)];
    while !list.is_empty() {
        usages.push(oid::dotted(der::identifier(&mut list, "purpose")?));
    }
    Ok(usages)
}

/// `CRLNumber` (RFC 5280, section 5.2.3) as big-endian bytes, one zero byte for zero.
pub(crate) fn crl_number(value: &[u8]) -> Result<Vec<u8>, ParseError> {
    let mut cursor = Cursor::new("CRLNumber", value);
    let number = der::unsigned(&mut cursor, "number")?;
    cursor.finish()?;
    Ok(if number.is_empty() { vec![0] } else { number.to_vec() })
}

//! The certificate table of an extended report: what the host put beside the report.

use std::fmt;

use avouch_wire::{Cursor, Hex, ParseError, ParseErrorKind};

use crate::{ChainError, Endorsements};

/// Most entries in a table; hosts send three to five.
const ENTRIES_MAX: usize = 64;
/// Most bytes in a table with its bodies.
const TABLE_BYTES_MAX: usize = 1024 * 1024;

/// A GUID in the byte order of RFC 4122, which is that of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// `63da758d-e664-4564-adc5-f4b93be8accd`
    pub const VCEK: Self = Self(0x63da_758d_e664_4564_adc5_f4b9_3be8_accd_u128.to_be_bytes());
    /// `a8074bc2-a25a-483e-aae6-39c045a0b8a1`
    pub const VLEK: Self = Self(0xa807_4bc2_a25a_483e_aae6_39c0_45a0_b8a1_u128.to_be_bytes());
    /// `4ab7b379-bbac-4fe4-a02f-05aef327c782`, the ASK and also the ASVK.
    pub const ASK: Self = Self(0x4ab7_b379_bbac_4fe4_a02f_05ae_f327_c782_u128.to_be_bytes());
    /// `c0b406a4-a803-4952-9743-3fb6014cd0ae`
    pub const ARK: Self = Self(0xc0b4_06a4_a803_4952_9743_3fb6_014c_d0ae_u128.to_be_bytes());
    /// `92f81bc3-5811-4d3d-97ff-d19f88dc67ea`
    pub const CRL: Self = Self(0x92f8_1bc3_5811_4d3d_97ff_d19f_88dc_67ea_u128.to_be_bytes());

    /// Whether Avouch knows what its entry holds.
    #[must_use]
    pub fn is_known(&self) -> bool {
        [Self::VCEK, Self::VLEK, Self::ASK, Self::ARK, Self::CRL].contains(self)
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = Hex(self.0).to_string();
        let mut rest = hex.as_str();
        for length in [8, 4, 4, 4] {
            if let Some((part, after)) = rest.split_at_checked(length) {
                write!(f, "{part}-")?;
                rest = after;
            }
        }
        f.write_str(rest)
    }
}

/// An entry and its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What the body is.
    pub guid: Guid,
    /// DER or PEM, not judged.
    pub body: &'a [u8],
}

/// A certificate table as its bytes say it is: parsed, not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateTable<'a> {
    entries: Vec<Entry<'a>>,
}

impl<'a> CertificateTable<'a> {
    /// Reads the table (`auxblob` of Linux' configfs-TSM, or the data page of
    /// `SNP_GUEST_REQUEST` for an extended report).
    ///
    /// Entries of 24 bytes (GUID, offset from the start of the table and length in bytes, both
    /// little-endian) end with one of zeros. Bodies lie anywhere after that; what lies between them
    /// or after them is ignored, since tables are padded to pages.
    ///
    /// # Errors
    /// [`ParseError`]: no end, too many entries, a GUID twice, or a body outside of the table.
    ///
    /// # Source
    /// AMD 56421, GHCB specification, SNP extended guest request.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("CertificateTable", bytes);
        if bytes.len() > TABLE_BYTES_MAX {
            return Err(cursor.error("table", over_limit(bytes.len(), TABLE_BYTES_MAX)));
        }
        let mut raw: Vec<(Cursor<'a>, Guid, u32, u32)> = Vec::new();
        loop {
            let place = cursor.clone();
            let guid = Guid(*cursor.array("guid")?);
            let offset = cursor.u32_le("offset")?;
            let length = cursor.u32_le("length")?;
            if guid.0 == [0; 16] && offset == 0 && length == 0 {
                break;
            }
            if raw.len() >= ENTRIES_MAX {
                let kind = over_limit(raw.len().saturating_add(1), ENTRIES_MAX);
                return Err(place.error("entries", kind));
            }
            if raw.iter().any(|(_, known, _, _)| *known == guid) {
                let kind = ParseErrorKind::Malformed(format!("GUID {guid} appears twice"));
                return Err(place.error("guid", kind));
            }
            raw.push((place, guid, offset, length));
        }
        let bodies_from = cursor.offset();
        let entries = raw
            .into_iter()
            .map(|(place, guid, offset, length)| {
                let body = body(bytes, bodies_from, offset, length);
                let body = body.ok_or_else(|| {
                    let found = format!("{length} bytes at {offset:#x}");
                    let expected = format!("bytes in {bodies_from:#x}..{:#x}", bytes.len());
                    place.error("offset", ParseErrorKind::Unexpected { expected, found })
                })?;
                Ok(Entry { guid, body })
            })
            .collect::<Result<_, ParseError>>()?;
        Ok(Self { entries })
    }

    /// All entries in order, also of unknown GUIDs.
    #[must_use]
    pub fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// The body of a GUID's entry.
    #[must_use]
    pub fn body(&self, guid: Guid) -> Option<&'a [u8]> {
        self.entries.iter().find(|entry| entry.guid == guid).map(|entry| entry.body)
    }

    /// The certificates and CRLs in it. Entries of unknown GUIDs and empty ones are ignored.
    ///
    /// # Errors
    /// [`ChainError`] if one of the known entries cannot be read.
    pub fn endorsements(&self) -> Result<Endorsements, ChainError> {
        let known = self.entries.iter().filter(|entry| entry.guid.is_known());
        let bodies: Vec<&[u8]> =
            known.map(|entry| entry.body).filter(|body| !body.is_empty()).collect();
        Endorsements::parse(&bodies)
    }
}

fn body(bytes: &[u8], bodies_from: usize, offset: u32, length: u32) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    if start < bodies_from {
        return None;
    }
    bytes.get(start..end)
}

fn over_limit(value: usize, limit: usize) -> ParseErrorKind {
    let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    ParseErrorKind::OverLimit { value: wide(value), limit: wide(limit) }
}

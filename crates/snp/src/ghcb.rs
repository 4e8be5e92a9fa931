//! The certificate table of an extended report: what the host put beside the report.

use std::fmt;

use avouch_wire::{Cursor, Hex, ParseError, ParseErrorKind};

use crate::chain::SENT_BYTES_MAX;

/// Most entries in a table; hosts send three to five.
const ENTRIES_MAX: usize = 16;

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
    /// little-endian) end with one of zeros. Bodies lie anywhere after that, each in bytes of its own;
    /// what lies between them or after them is ignored, since tables are padded to pages. A table
    /// has at most 64 KiB.
    ///
    /// # Errors
    /// [`ParseError`]: no end, too many entries, a GUID twice, a body outside of the table or in
    /// that of another entry.
    ///
    /// # Source
    /// AMD 56421, GHCB specification, SNP extended guest request.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("CertificateTable", bytes);
        if bytes.len() > SENT_BYTES_MAX {
            return Err(cursor.over_limit("table", bytes.len(), SENT_BYTES_MAX));
        }
        let mut raw: Vec<RawEntry<'a>> = Vec::new();
        loop {
            let place = cursor.clone();
            let guid = Guid(*cursor.array("guid")?);
            let offset = cursor.u32_le("offset")?;
            let length = cursor.u32_le("length")?;
            if guid.0 == [0; 16] && offset == 0 && length == 0 {
                break;
            }
            if raw.len() >= ENTRIES_MAX {
                let found = raw.len().saturating_add(1);
                return Err(place.over_limit("entries", found, ENTRIES_MAX));
            }
            if raw.iter().any(|known| known.guid == guid) {
                let kind = ParseErrorKind::Malformed(format!("GUID {guid} appears twice"));
                return Err(place.error("guid", kind));
            }
            raw.push(RawEntry { place, guid, offset, length });
        }
        let bodies_from = cursor.offset();
        let entries = raw
            .iter()
            .map(|entry| Ok(Entry { guid: entry.guid, body: entry.body(bytes, bodies_from)? }))
            .collect::<Result<_, ParseError>>()?;
        check_apart(raw)?;
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

    /// The bodies of VCEK, VLEK, ASK or ASVK, and ARK that are not empty, for
    /// [`crate::ChainCacheKey`] and [`crate::Chain::parse_sent`]. A CRL that came along is not
    /// read: who sends evidence does not choose what it is judged by.
    #[must_use]
    pub fn certificates(&self) -> Vec<&'a [u8]> {
        let certificates = [Guid::VCEK, Guid::VLEK, Guid::ASK, Guid::ARK];
        let known = self.entries.iter().filter(|entry| certificates.contains(&entry.guid));
        known.map(|entry| entry.body).filter(|body| !body.is_empty()).collect()
    }
}

/// An entry as it stands in the table.
struct RawEntry<'a> {
    place: Cursor<'a>,
    guid: Guid,
    offset: u32,
    length: u32,
}

impl RawEntry<'_> {
    /// The bytes that the entry speaks of, which lie behind all entries.
    fn body<'a>(&self, table: &'a [u8], bodies_from: usize) -> Result<&'a [u8], ParseError> {
        let body = usize::try_from(self.offset)
            .ok()
            .filter(|start| *start >= bodies_from)
            .zip(usize::try_from(self.end()).ok())
            .and_then(|(start, end)| table.get(start..end));
        body.ok_or_else(|| {
            let found = format!("{} bytes at {:#x}", self.length, self.offset);
            let expected = format!("bytes in {bodies_from:#x}..{:#x}", table.len());
            self.place.error("offset", ParseErrorKind::Unexpected { expected, found })
        })
    }

    fn end(&self) -> u64 {
        u64::from(self.offset).saturating_add(self.length.into())
    }
}

/// That no two entries speak of the same bytes, which would have them read as often as there are
/// entries.
fn check_apart(mut entries: Vec<RawEntry<'_>>) -> Result<(), ParseError> {
    entries.retain(|entry| entry.length > 0);
    entries.sort_by_key(|entry| entry.offset);
    for (before, entry) in entries.iter().zip(entries.iter().skip(1)) {
        if before.end() > entry.offset.into() {
            let text = format!("bodies of {} and {} overlap", before.guid, entry.guid);
            return Err(entry.place.error("offset", ParseErrorKind::Malformed(text)));
        }
    }
    Ok(())
}

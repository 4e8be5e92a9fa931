//! Lists of certificates and digests: `PK`, `KEK`, `db`, `dbx`.

use avouch_wire::{Cursor, ParseError, ParseErrorKind};

use super::Guid;

/// One entry of an `EFI_SIGNATURE_LIST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature<'a> {
    /// `SignatureType` of its list: what the data are.
    pub kind: Guid,
    /// `EFI_SIGNATURE_DATA` whole: owner and data, as an authority event repeats it.
    pub entry: &'a [u8],
    /// `SignatureOwner`.
    pub owner: Guid,
    /// `SignatureData`: a certificate in DER, or a digest.
    pub data: &'a [u8],
}

/// Length of what stands before a list's header: type and three lengths.
const LIST_HEAD: usize = 28;
/// Length of an owner.
const OWNER: usize = 16;

/// `EFI_SIGNATURE_LIST`s that fill bytes exactly. They were read once, and are read anew when they
/// are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signatures<'a> {
    bytes: &'a [u8],
    count: usize,
}

/// Reads `EFI_SIGNATURE_LIST`s that fill `bytes` exactly.
///
/// # Errors
/// [`ParseError`] with field and offset.
///
/// # Source
/// UEFI Specification 2.10, section 32.4.1.
pub fn signatures(bytes: &[u8]) -> Result<Signatures<'_>, ParseError> {
    let mut cursor = Cursor::new("EFI_SIGNATURE_LIST", bytes);
    let mut count = 0_usize;
    while !cursor.is_empty() {
        count = count.saturating_add(list(&mut cursor)?.count());
    }
    Ok(Signatures { bytes, count })
}

impl<'a> Signatures<'a> {
    /// How many entries there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = Signature<'a>> + use<'a> {
        let mut cursor = Cursor::new("EFI_SIGNATURE_LIST", self.bytes);
        let lists =
            std::iter::from_fn(
                move || {
                    if cursor.is_empty() { None } else { list(&mut cursor).ok() }
                },
            );
        lists.flatten()
    }
}

/// The entries of the next list, each as long as it says that they are.
fn list<'a>(
    cursor: &mut Cursor<'a>,
) -> Result<impl Iterator<Item = Signature<'a>> + use<'a>, ParseError> {
    let kind = Guid(*cursor.array("SignatureType")?);
    let sizes = cursor.clone();
    let list_size = cursor.length_u32_le("SignatureListSize", u32::MAX)?;
    let header_size = cursor.length_u32_le("SignatureHeaderSize", u32::MAX)?;
    let size = cursor.length_u32_le("SignatureSize", u32::MAX)?;
    let Some(body) = list_size.checked_sub(LIST_HEAD) else {
        return Err(wrong(&sizes, "SignatureListSize", "shorter than its own head"));
    };
    let mut list = cursor.sub("Signatures", "EFI_SIGNATURE_LIST", body)?;
    list.take("SignatureHeader", header_size)?;
    if size <= OWNER && !list.is_empty() {
        return Err(wrong(&sizes, "SignatureSize", "no room for anything beside the owner"));
    }
    let before = list.clone();
    let entries = list.rest();
    // No entry is empty, so that 1 stands for any length where there are none.
    let size = size.max(1);
    if !entries.len().is_multiple_of(size) {
        return Err(wrong(&before, "Signature", "the last one is cut"));
    }
    Ok(entries.chunks_exact(size).filter_map(move |entry| {
        let (owner, data) = entry.split_first_chunk::<OWNER>()?;
        Some(Signature { kind, entry, owner: Guid(*owner), data })
    }))
}

fn wrong(at: &Cursor<'_>, field: &'static str, why: &str) -> ParseError {
    at.error(field, ParseErrorKind::Malformed(why.to_owned()))
}

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

/// Reads `EFI_SIGNATURE_LIST`s that fill `bytes` exactly.
///
/// # Errors
/// [`ParseError`] with field and offset.
///
/// # Source
/// UEFI Specification 2.10, section 32.4.1.
pub fn signatures(bytes: &[u8]) -> Result<Vec<Signature<'_>>, ParseError> {
    let mut cursor = Cursor::new("EFI_SIGNATURE_LIST", bytes);
    let mut signatures = Vec::new();
    while !cursor.is_empty() {
        list(&mut cursor, &mut signatures)?;
    }
    Ok(signatures)
}

fn list<'a>(cursor: &mut Cursor<'a>, into: &mut Vec<Signature<'a>>) -> Result<(), ParseError> {
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
    while !list.is_empty() {
        let entry = list.take("Signature", size)?;
        let Some((owner, data)) = entry.split_first_chunk::<OWNER>() else { continue };
        into.push(Signature { kind, entry, owner: Guid(*owner), data });
    }
    Ok(())
}

fn wrong(at: &Cursor<'_>, field: &'static str, why: &str) -> ParseError {
    at.error(field, ParseErrorKind::Malformed(why.to_owned()))
}

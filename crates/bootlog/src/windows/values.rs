//! Values of tags, and what all of them together say.

use super::{Tag, TagId};
use crate::Register;
use crate::uefi::utf16;

/// The number that a tag of one, four or eight bytes holds.
pub(super) fn number(tag: &Tag<'_>) -> Option<u64> {
    match tag.bytes()? {
        [byte] => Some(u64::from(*byte)),
        bytes => match <[u8; 4]>::try_from(bytes) {
            Ok(four) => Some(u64::from(u32::from_le_bytes(four))),
            Err(_) => <[u8; 8]>::try_from(bytes).ok().map(u64::from_le_bytes),
        },
    }
}

/// Longest text that is read, in bytes of UTF-16. Paths have some hundred.
const TEXT_BYTES_MAX: usize = 4096;

/// UTF-16 up to its NUL, which must be its end.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_suffix(&[0, 0]).unwrap_or(bytes);
    let text = (bytes.len() <= TEXT_BYTES_MAX).then(|| utf16(bytes)).flatten()?;
    (!text.contains('\0')).then_some(text)
}

/// The values of the tags of one number.
pub(super) fn numbers<'a>(
    tags: impl Iterator<Item = (Register, Tag<'a>)>,
    id: TagId,
) -> impl Iterator<Item = u64> {
    tags.filter(move |(_, tag)| tag.id == id).filter_map(|(_, tag)| number(&tag))
}

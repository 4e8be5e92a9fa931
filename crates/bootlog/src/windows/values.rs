//! Values of tags, and what all of them together say.

use super::{Tag, TagId};

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

/// UTF-16 up to its NUL, which must be its end.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    let units = units.strip_suffix(&[0]).unwrap_or(&units);
    (rest.is_empty() && !units.contains(&0)).then(|| String::from_utf16(units).ok()).flatten()
}

/// Whether something that weakens a system was on at any time; `None` if nothing says so either way.
pub(super) fn any(values: impl IntoIterator<Item = bool>) -> Option<bool> {
    values.into_iter().reduce(|one, other| one || other)
}

/// Whether something that strengthens a system was on every time; `None` if nothing says so either way.
pub(super) fn all(values: impl IntoIterator<Item = bool>) -> Option<bool> {
    values.into_iter().reduce(|one, other| one && other)
}

/// The values of the tags of one number.
pub(super) fn numbers<'t, 'a: 't>(
    tags: impl IntoIterator<Item = &'t Tag<'a>>,
    id: TagId,
) -> Vec<u64> {
    tags.into_iter().filter(|tag| tag.id == id).filter_map(number).collect()
}

/// The tags of one number.
pub(super) fn first<'t, 'a>(tags: &'t [Tag<'a>], id: TagId) -> Option<&'t Tag<'a>> {
    tags.iter().find(|tag| tag.id == id)
}

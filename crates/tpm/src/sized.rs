//! `TPM2B_*`: a 16-bit size and as many bytes.

use avouch_wire::{Cursor, ParseError};

/// Takes a `TPM2B_*` of at most `limit` bytes.
pub(crate) fn sized<'a>(
    cursor: &mut Cursor<'a>,
    field: &'static str,
    limit: u16,
) -> Result<&'a [u8], ParseError> {
    let before = cursor.clone();
    let length = cursor.u16_be(field)?;
    if length > limit {
        return Err(before.over_limit(field, length, limit));
    }
    cursor.take(field, length.into())
}

/// Opens bytes that are one `TPM2B_*` and nothing else.
pub(crate) fn unsized_whole<'a>(
    structure: &'static str,
    bytes: &'a [u8],
) -> Result<&'a [u8], ParseError> {
    let mut cursor = Cursor::new(structure, bytes);
    let content = sized(&mut cursor, "size", u16::MAX)?;
    cursor.finish()?;
    Ok(content)
}

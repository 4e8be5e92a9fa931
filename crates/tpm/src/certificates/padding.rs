//! Certificates as they lie in a TPM's memory.

/// Before a certificate: `TCG_PCCLIENT_STORED_CERT` of a full certificate, then its length in two
/// bytes (TCG PC Client Implementation Specification 1.21, section 7.3.2).
const STORED_FULL_CERTIFICATE: [u8; 3] = [0x10, 0x01, 0x00];

/// Takes a certificate out of an area that is larger than it: without the five bytes that some have
/// before it, and without the fill of 0x00 and 0xFF behind it. Bytes without such fill come back as
/// they are, for their reader to refuse.
///
/// What is cut off is told by the length of the outer DER element alone.
#[must_use]
pub fn trim_padding(area: &[u8]) -> &[u8] {
    let stored = area.strip_prefix(&STORED_FULL_CERTIFICATE);
    let body = stored.and_then(|rest| rest.get(2..)).unwrap_or(area);
    let Some((certificate, fill)) =
        outer_length(body).and_then(|length| body.split_at_checked(length))
    else {
        return body;
    };
    let is_fill = fill.iter().all(|byte| matches!(byte, 0x00 | 0xff));
    if is_fill { certificate } else { body }
}

/// Bytes of the SEQUENCE at the beginning, with its tag and length.
fn outer_length(body: &[u8]) -> Option<usize> {
    let rest = body.strip_prefix(&[0x30])?;
    let (first, rest) = rest.split_first()?;
    let (header, content) = match first {
        short @ 0..=0x7f => (2_usize, usize::from(*short)),
        0x81 => (3, usize::from(*rest.first()?)),
        0x82 => (4, usize::from(u16::from_be_bytes(*rest.first_chunk::<2>()?))),
        _ => return None,
    };
    header.checked_add(content)
}

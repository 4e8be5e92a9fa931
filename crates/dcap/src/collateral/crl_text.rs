//! CRLs as services hand them out: DER, PEM, or hex of DER.

use avouch_wire::{base64url, decode_hex};

use super::CollateralError;
use crate::error::CrlName;

const PEM_BEGIN: &str = "-----BEGIN X509 CRL-----";
const PEM_END: &str = "-----END X509 CRL-----";

/// DER of a CRL in any of the three encodings, told apart by content. A final NUL, which Azure's
/// client adds to everything, is dropped.
pub(super) fn decode(name: CrlName, bytes: &[u8]) -> Result<Vec<u8>, CollateralError> {
    if bytes.first() == Some(&0x30) && !bytes.iter().all(u8::is_ascii_graphic) {
        return Ok(without_nul_after_der(bytes).to_vec());
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| CollateralError::CrlEncoding(name))?
        .trim_end_matches('\0')
        .trim();
    let der = match text.split_once(PEM_BEGIN) {
        Some((_, rest)) => rest.split_once(PEM_END).and_then(|(body, _)| decode_pem_body(body)),
        None => decode_hex(text).ok(),
    };
    match der {
        Some(der) if !der.is_empty() => Ok(der),
        _ => Err(CollateralError::CrlEncoding(name)),
    }
}

fn decode_pem_body(body: &str) -> Option<Vec<u8>> {
    let compact: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    base64url::decode_standard(&compact).ok()
}

/// Drops NULs after the outer DER element, if its length says that it ends before them.
fn without_nul_after_der(bytes: &[u8]) -> &[u8] {
    let end = match bytes {
        [0x30, 0x82, high, low, ..] => {
            usize::from(u16::from_be_bytes([*high, *low])).saturating_add(4)
        }
        [0x30, 0x81, length, ..] => usize::from(*length).saturating_add(3),
        _ => return bytes,
    };
    match bytes.split_at_checked(end) {
        Some((der, rest)) if rest.iter().all(|byte| *byte == 0) => der,
        _ => bytes,
    }
}

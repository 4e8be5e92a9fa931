//! CRLs as services hand them out: DER, PEM, or hex of DER.

use avouch_pki::{der, pem};
use avouch_wire::{Cursor, decode_hex};

use super::CollateralError;
use crate::error::CrlName;

/// Label of a PEM block with a CRL.
const LABEL: &str = "X509 CRL";
/// Blocks of a PEM text that are looked through.
const BLOCKS_MAX: usize = 64;

/// DER of a CRL in any of the three encodings, told apart by content. A final NUL, which Azure's
/// client adds to everything, is dropped.
pub(super) fn decode(name: CrlName, bytes: &[u8]) -> Result<Vec<u8>, CollateralError> {
    if bytes.first() == Some(&der::SEQUENCE) && !bytes.iter().all(u8::is_ascii_graphic) {
        return Ok(without_nul_after_der(bytes).to_vec());
    }
    let der = match pem::blocks_of_any_label(bytes, BLOCKS_MAX) {
        Ok(blocks) => {
            let crl = blocks.iter().find(|block| block.label() == LABEL);
            crl.and_then(|block| block.der().ok())
        }
        Err(_) => hex(bytes),
    };
    der.filter(|der| !der.is_empty()).ok_or(CollateralError::CrlEncoding(name))
}

fn hex(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    decode_hex(text.trim_end_matches('\0').trim()).ok()
}

/// Drops NULs after the outer DER element, if its length says that it ends before them.
fn without_nul_after_der(bytes: &[u8]) -> &[u8] {
    let mut cursor = Cursor::new("Crl", bytes);
    match der::any(&mut cursor, "crl") {
        Ok(element) if cursor.rest().iter().all(|byte| *byte == 0) => element.whole,
        _ => bytes,
    }
}

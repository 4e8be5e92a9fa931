//! The endorsements blob that Open Enclave's `oe_get_evidence` gives beside SGX evidence.

use avouch_wire::{Cursor, ParseError, ParseErrorKind};

use crate::collateral::{Collateral, CollateralError, CollateralParts};

/// Largest blob accepted. The real one at hand has 13 KB.
pub const ENDORSEMENTS_BYTES_MAX: usize = 1024 * 1024;

/// Elements of a blob: version, seven parts of collateral, creation time.
const ELEMENTS: u32 = 9;

/// An endorsements blob, cut into its elements. Nothing in it is trusted.
///
/// Layout, little-endian: u32 version 1, u32 enclave type 2 (SGX), u32 size of what follows the
/// next field, u32 number of elements 9, one u32 offset per element, counted from the end of the
/// offsets, then the elements. They follow each other without gaps.
///
/// Source: Open Enclave, `oe_endorsements_t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endorsements<'a> {
    parts: CollateralParts<'a>,
    untrusted_creation_time: &'a [u8],
}

impl<'a> Endorsements<'a> {
    /// Cuts a blob into its elements.
    ///
    /// # Errors
    /// [`ParseError`] if it is too large, of another version, type or number of elements, if its
    /// size does not match, or if offsets do not rise from 0 to the end.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("OpenEnclaveEndorsements", bytes);
        check_size(&cursor)?;
        cursor.expect_u32_le("version", 1)?;
        cursor.expect_u32_le("enclave_type", 2)?;
        let before = cursor.clone();
        let size = cursor.u32_le("buffer_size")?;
        cursor.expect_u32_le("number_of_elements", ELEMENTS)?;
        if usize::try_from(size) != Ok(cursor.remaining()) {
            return Err(before.unexpected("buffer_size", cursor.remaining(), size));
        }
        let mut offsets = [0_u32; 9];
        for offset in &mut offsets {
            *offset = cursor.u32_le("offset")?;
        }
        let elements = cut(cursor, &offsets)?;
        let [version, tcb_info, tcb_chain, pck_crl, root_crl, crl_chain, qe, qe_chain, created] =
            elements;
        if version != 1_u32.to_le_bytes() {
            let found = avouch_wire::encode_hex(version);
            return Err(before.unexpected("collateral_version", "01000000", found));
        }
        Ok(Self {
            parts: CollateralParts {
                tcb_info,
                tcb_info_issuer_chain: tcb_chain,
                qe_identity: qe,
                qe_identity_issuer_chain: qe_chain,
                root_ca_crl: root_crl,
                pck_crl,
                pck_crl_issuer_chain: crl_chain,
            },
            untrusted_creation_time: created,
        })
    }

    /// The seven parts of collateral.
    #[must_use]
    pub const fn parts(&self) -> &CollateralParts<'a> {
        &self.parts
    }

    /// When the blob was made, as it says: text with a final NUL. No signature covers it.
    #[must_use]
    pub const fn untrusted_creation_time(&self) -> &'a [u8] {
        self.untrusted_creation_time
    }

    /// The parts as collateral, to be verified.
    ///
    /// # Errors
    /// [`CollateralError`] if a document or the encoding of a CRL is malformed.
    pub fn collateral(&self) -> Result<Collateral, CollateralError> {
        Collateral::from_parts(&self.parts)
    }
}

fn check_size(cursor: &Cursor<'_>) -> Result<(), ParseError> {
    if cursor.remaining() <= ENDORSEMENTS_BYTES_MAX {
        return Ok(());
    }
    Err(cursor.over_limit("length", cursor.remaining(), ENDORSEMENTS_BYTES_MAX))
}

/// Cuts the buffer at the offsets, which must begin at 0 and never fall.
fn cut<'a>(mut buffer: Cursor<'a>, offsets: &[u32; 9]) -> Result<[&'a [u8]; 9], ParseError> {
    let size = u32::try_from(buffer.remaining()).unwrap_or(u32::MAX);
    let ends = offsets.iter().skip(1).copied().chain([size]);
    let mut elements = [[].as_slice(); 9];
    let mut at = 0_u32;
    for ((element, start), end) in elements.iter_mut().zip(offsets).zip(ends) {
        let length = end.checked_sub(*start).filter(|_| *start == at).ok_or_else(|| {
            let text = format!("offsets {offsets:?} do not rise from 0 to {size}");
            buffer.error("offset", ParseErrorKind::Malformed(text))
        })?;
        *element = buffer.take("element", usize::try_from(length).unwrap_or(usize::MAX))?;
        at = end;
    }
    Ok(elements)
}

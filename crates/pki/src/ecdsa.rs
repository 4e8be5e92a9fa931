//! The two forms of an ECDSA signature: `r || s`, each big-endian and as long as the curve's order, and the
//! DER of a SEQUENCE of the two (RFC 7518, section 3.4; RFC 3279, section 2.2.3).
//!
//! The crypto library reads and makes DER alone. Asked for the other form it goes by way of numbers of its
//! own, which costs a fiftieth of a verification.

use avouch_wire::Cursor;

use crate::der::{self, write};

/// The DER of a signature `r || s`, whose length is even.
#[must_use]
pub fn to_der(fixed: &[u8]) -> Vec<u8> {
    let (r, s) = fixed.split_at(fixed.len() / 2);
    write::sequence(&[write::integer(r), write::integer(s)])
}

/// `r || s` of a signature in DER, each of so many bytes; none if it is no such DER, or a number is longer.
#[must_use]
pub fn to_fixed(signature: &[u8], scalar_bytes: usize) -> Option<Vec<u8>> {
    let mut cursor = Cursor::new("EcdsaSignature", signature);
    let mut numbers = der::open(&mut cursor, "structure", der::SEQUENCE).ok()?;
    cursor.finish().ok()?;
    let mut fixed = Vec::with_capacity(scalar_bytes.checked_mul(2)?);
    for name in ["r", "s"] {
        let number = der::unsigned(&mut numbers, name).ok()?;
        let missing = scalar_bytes.checked_sub(number.len())?;
        fixed.resize(fixed.len().checked_add(missing)?, 0);
        fixed.extend_from_slice(number);
    }
    numbers.finish().ok()?;
    Some(fixed)
}

#[cfg(test)]
mod tests {
    use super::{to_der, to_fixed};

    #[test]
    fn both_forms_say_the_same_whatever_the_numbers_begin_with() {
        for (r, s, der) in [
            ([0x7f, 1], [1, 2], &[0x30, 8, 2, 2, 0x7f, 1, 2, 2, 1, 2][..]),
            ([0x80, 1], [0xff, 0], &[0x30, 10, 2, 3, 0, 0x80, 1, 2, 3, 0, 0xff, 0]),
            ([0, 1], [0, 0x80], &[0x30, 7, 2, 1, 1, 2, 2, 0, 0x80]),
            ([0, 0], [0, 0], &[0x30, 6, 2, 1, 0, 2, 1, 0]),
        ] {
            let fixed = [r, s].concat();
            assert_eq!(to_der(&fixed), der);
            assert_eq!(to_fixed(der, 2), Some(fixed));
            for end in 0..der.len() {
                assert_eq!(to_fixed(&der[..end], 2), None, "cut at {end}");
            }
            assert_eq!(to_fixed(&[der, &[0]].concat(), 2), None, "a byte behind");
        }
        let long = [0x30, 8, 2, 3, 1, 0, 0, 2, 1, 1];
        assert_eq!((to_fixed(&long, 2), to_fixed(&long, 3)), (None, Some(vec![1, 0, 0, 0, 0, 1])));
        let more = [0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1];
        let negative = [0x30, 6, 2, 1, 0x80, 2, 1, 1];
        assert_eq!((to_fixed(&more, 2), to_fixed(&negative, 2)), (None, None));
    }
}

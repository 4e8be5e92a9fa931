//! Canonical Huffman codes (RFC 1951, section 3.2.2).

use super::super::GzipError;

/// The longest code, in bits.
pub(super) const BITS_MAX: usize = 15;

/// A code: how many symbols have each length, and the symbols in the order of their codes.
#[derive(Debug)]
pub(super) struct Code {
    counts: [u16; BITS_MAX + 1],
    symbols: Vec<u16>,
}

impl Code {
    /// The code in which symbol n has `lengths[n]` bits, 0 for none.
    ///
    /// Codes must be complete, or have one symbol of one bit, or none (a block without distances).
    pub(super) fn new(lengths: &[u8]) -> Result<Self, GzipError> {
        const OVERSUBSCRIBED: GzipError = GzipError::Malformed("a code has too many symbols");
        let mut counts = [0_u16; BITS_MAX + 1];
        for length in lengths {
            let count = counts.get_mut(usize::from(*length)).ok_or(OVERSUBSCRIBED)?;
            *count = count.saturating_add(1);
        }
        let used = counts.iter().skip(1).fold(0_u16, |sum, count| sum.saturating_add(*count));
        let mut left = 1_i32;
        for count in counts.iter().skip(1) {
            left = left.saturating_mul(2).saturating_sub(i32::from(*count));
            if left < 0 {
                return Err(OVERSUBSCRIBED);
            }
        }
        let [_, of_one_bit, ..] = counts;
        if left > 0 && (used > 1 || used != of_one_bit) {
            return Err(GzipError::Malformed("a code is incomplete"));
        }
        let mut symbols = Vec::with_capacity(usize::from(used));
        for wanted in 1_u8..=15 {
            let of_length = lengths.iter().zip(0_u16..).filter(|(length, _)| **length == wanted);
            symbols.extend(of_length.map(|(_, symbol)| symbol));
        }
        Ok(Self { counts, symbols })
    }

    /// The next symbol, whose bits come one by one from `bit`, the highest first.
    pub(super) fn decode(
        &self,
        mut bit: impl FnMut() -> Result<u32, GzipError>,
    ) -> Result<u16, GzipError> {
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for count in self.counts.iter().skip(1).map(|count| u32::from(*count)) {
            code |= bit()?;
            let offset = code.wrapping_sub(first);
            if offset < count {
                let at = usize::try_from(index.saturating_add(offset)).ok();
                let symbol = at.and_then(|at| self.symbols.get(at));
                return symbol.copied().ok_or(GzipError::Malformed("a code stands for nothing"));
            }
            index = index.saturating_add(count);
            first = first.saturating_add(count) << 1;
            code <<= 1;
        }
        Err(GzipError::Malformed("a code stands for nothing"))
    }
}

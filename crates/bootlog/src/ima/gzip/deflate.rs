//! Deflate (RFC 1951), expanded into one growing list of bytes.

use super::super::GzipError;
use super::huffman::Code;

/// Symbol that ends a block; below it are bytes, above it lengths.
const END: u16 = 256;
/// Lengths by symbol from 257: the least, and how many more bits say what is added.
const LENGTHS: [(u16, u32); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];
/// Distances by symbol, in the same way.
const DISTANCES: [(u16, u32); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];
/// In which order the lengths of the code for code lengths come.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

pub(super) struct Inflater<'a> {
    input: &'a [u8],
    /// The next byte of the input.
    at: usize,
    /// Bits read of the input and not used yet, the lowest first.
    held: u32,
    held_count: u32,
    out: Vec<u8>,
    bytes_max: usize,
}

impl<'a> Inflater<'a> {
    /// Expands `input` to at most `bytes_max` bytes, of which `expected` get their place at once.
    pub(super) fn new(input: &'a [u8], expected: usize, bytes_max: usize) -> Self {
        let out = Vec::with_capacity(expected);
        Self { input, at: 0, held: 0, held_count: 0, out, bytes_max }
    }

    /// All blocks: what they expand to, and how many bytes they take.
    pub(super) fn run(mut self) -> Result<(Vec<u8>, usize), GzipError> {
        loop {
            let is_last = self.bits(1)? == 1;
            match self.bits(2)? {
                0 => self.stored()?,
                1 => self.fixed()?,
                2 => self.dynamic()?,
                _ => return Err(GzipError::Malformed("a block has no such type")),
            }
            if is_last {
                return Ok((self.out, self.at));
            }
        }
    }

    fn byte(&mut self) -> Result<u8, GzipError> {
        let byte = *self.input.get(self.at).ok_or(GzipError::Short)?;
        self.at = self.at.saturating_add(1);
        Ok(byte)
    }

    /// The next `count` bits, at most 13, as a number.
    fn bits(&mut self, count: u32) -> Result<u32, GzipError> {
        while self.held_count < count {
            self.held |= u32::from(self.byte()?) << self.held_count;
            self.held_count = self.held_count.saturating_add(8);
        }
        let value = self.held & !(u32::MAX << count);
        self.held >>= count;
        self.held_count = self.held_count.saturating_sub(count);
        Ok(value)
    }

    fn symbol(&mut self, code: &Code) -> Result<u16, GzipError> {
        code.decode(|| self.bits(1))
    }

    fn push(&mut self, byte: u8) -> Result<(), GzipError> {
        if self.out.len() >= self.bytes_max {
            return Err(GzipError::Expansion { limit: self.bytes_max });
        }
        self.out.push(byte);
        Ok(())
    }

    /// Section 3.2.4: from the next byte on, a length, its complement, and as many bytes.
    fn stored(&mut self) -> Result<(), GzipError> {
        self.held = 0;
        self.held_count = 0;
        let [low, high, not_low, not_high] =
            [self.byte()?, self.byte()?, self.byte()?, self.byte()?];
        if [!low, !high] != [not_low, not_high] {
            return Err(GzipError::Malformed("the length of a stored block does not hold"));
        }
        for _ in 0..u16::from_le_bytes([low, high]) {
            let byte = self.byte()?;
            self.push(byte)?;
        }
        Ok(())
    }

    /// Section 3.2.6.
    fn fixed(&mut self) -> Result<(), GzipError> {
        let runs = [(144, 8_u8), (112, 9), (24, 7), (8, 8)];
        let lengths: Vec<u8> = runs
            .into_iter()
            .flat_map(|(count, length)| std::iter::repeat_n(length, count))
            .collect();
        self.block(&Code::new(&lengths)?, &Code::new(&[5; 32])?)
    }

    /// Section 3.2.7: the lengths of both codes come first, in a code of their own.
    fn dynamic(&mut self) -> Result<(), GzipError> {
        let mut count = |bits, base: usize| {
            self.bits(bits).map(|more| base.saturating_add(usize::try_from(more).unwrap_or(0)))
        };
        let (literals, distances, lengths) = (count(5, 257)?, count(5, 1)?, count(4, 4)?);
        let mut of_lengths = [0_u8; 19];
        for symbol in ORDER.into_iter().take(lengths) {
            let length = self.bits(3)?;
            if let Some(slot) = of_lengths.get_mut(symbol) {
                *slot = u8::try_from(length).unwrap_or(0);
            }
        }
        let lengths =
            self.code_lengths(&Code::new(&of_lengths)?, literals.saturating_add(distances))?;
        let (literals, distances) =
            lengths.split_at_checked(literals).ok_or(GzipError::Malformed("codes are missing"))?;
        self.block(&Code::new(literals)?, &Code::new(distances)?)
    }

    fn code_lengths(&mut self, code: &Code, count: usize) -> Result<Vec<u8>, GzipError> {
        const REPEATED: GzipError = GzipError::Malformed("a repeated length is none");
        let mut lengths = Vec::with_capacity(count);
        while lengths.len() < count {
            let (length, times) = match self.symbol(code)? {
                16 => {
                    let last = *lengths.last().ok_or(REPEATED)?;
                    (last, self.bits(2)?.saturating_add(3))
                }
                17 => (0, self.bits(3)?.saturating_add(3)),
                18 => (0, self.bits(7)?.saturating_add(11)),
                length => (u8::try_from(length).map_err(|_| REPEATED)?, 1),
            };
            lengths.extend(std::iter::repeat_n(length, usize::try_from(times).unwrap_or(0)));
        }
        if lengths.len() == count { Ok(lengths) } else { Err(REPEATED) }
    }

    fn block(&mut self, literals: &Code, distances: &Code) -> Result<(), GzipError> {
        loop {
            let symbol = self.symbol(literals)?;
            match u8::try_from(symbol) {
                Ok(byte) => self.push(byte)?,
                Err(_) if symbol == END => return Ok(()),
                Err(_) => {
                    let length = self.number(&LENGTHS, symbol.saturating_sub(257))?;
                    let symbol = self.symbol(distances)?;
                    let distance = self.number(&DISTANCES, symbol)?;
                    self.copy(length, distance)?;
                }
            }
        }
    }

    fn number(&mut self, table: &[(u16, u32)], symbol: u16) -> Result<usize, GzipError> {
        let (base, bits) = *table
            .get(usize::from(symbol))
            .ok_or(GzipError::Malformed("a length or distance is none"))?;
        let more = usize::try_from(self.bits(bits)?).unwrap_or(0);
        Ok(usize::from(base).saturating_add(more))
    }

    /// Repeats what stands `distance` bytes before; what is repeated may be what was just written.
    fn copy(&mut self, length: usize, distance: usize) -> Result<(), GzipError> {
        for _ in 0..length {
            let from = self.out.len().checked_sub(distance);
            let byte = from.and_then(|from| self.out.get(from)).copied();
            self.push(byte.ok_or(GzipError::Malformed("a distance leads before the beginning"))?)?;
        }
        Ok(())
    }
}

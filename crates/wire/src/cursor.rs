//! A cursor over foreign bytes that knows where it stands.

use crate::{Hex, ParseError, ParseErrorKind, encode_hex};

/// Takes fields from the front of a byte slice.
///
/// Every method that fails returns a [`ParseError`] with the structure's name, the field's name and
/// the offset in the *whole* input, also inside a structure opened with [`Cursor::sub`]. Nothing is
/// allocated on the word of a length field: lengths are compared with what is left first.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    structure: &'static str,
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of `bytes`, which claim to be a `structure`.
    #[must_use]
    pub const fn new(structure: &'static str, bytes: &'a [u8]) -> Self {
        Self { structure, rest: bytes, offset: 0 }
    }

    /// A cursor over `bytes` that stand at `offset` of the whole input.
    #[must_use]
    pub const fn at(structure: &'static str, bytes: &'a [u8], offset: usize) -> Self {
        Self { structure, rest: bytes, offset }
    }

    /// Name of the structure that the bytes claim to be.
    #[must_use]
    pub const fn structure(&self) -> &'static str {
        self.structure
    }

    /// Offset of the next field in the whole input, in bytes.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Bytes left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// An error about `field` at the current offset.
    #[must_use]
    pub const fn error(&self, field: &'static str, kind: ParseErrorKind) -> ParseError {
        ParseError { structure: self.structure, field, offset: self.offset, kind }
    }

    /// An error about `field` at the current offset: it has another value than what is allowed.
    #[must_use]
    pub fn unexpected(
        &self,
        field: &'static str,
        expected: impl ToString,
        found: impl ToString,
    ) -> ParseError {
        let (expected, found) = (expected.to_string(), found.to_string());
        self.error(field, ParseErrorKind::Unexpected { expected, found })
    }

    /// An error about `field` at the current offset: a count or length that is beyond `limit`.
    #[must_use]
    pub fn over_limit<N: TryInto<u64>>(
        &self,
        field: &'static str,
        value: N,
        limit: N,
    ) -> ParseError {
        let (value, limit) = (value.try_into(), limit.try_into());
        let (value, limit) = (value.unwrap_or(u64::MAX), limit.unwrap_or(u64::MAX));
        self.error(field, ParseErrorKind::OverLimit { value, limit })
    }

    /// Takes the next `N` bytes as `field`.
    ///
    /// # Errors
    /// [`ParseErrorKind::Short`] if fewer are left.
    pub fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<&'a [u8; N], ParseError> {
        let Some((head, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.short(field, N));
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(N);
        Ok(head)
    }

    /// Takes the next `N` bytes as `field`, by value.
    ///
    /// # Errors
    /// [`ParseErrorKind::Short`] if fewer are left.
    pub fn hex<const N: usize>(&mut self, field: &'static str) -> Result<Hex<N>, ParseError> {
        self.array::<N>(field).map(|bytes| Hex(*bytes))
    }

    /// Takes the next `length` bytes as `field`.
    ///
    /// # Errors
    /// [`ParseErrorKind::Short`] if fewer are left.
    pub fn take(&mut self, field: &'static str, length: usize) -> Result<&'a [u8], ParseError> {
        let Some((head, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.short(field, length));
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(length);
        Ok(head)
    }

    /// Takes all that is left.
    pub const fn rest(&mut self) -> &'a [u8] {
        let rest = self.rest;
        self.offset = self.offset.saturating_add(rest.len());
        self.rest = &[];
        rest
    }

    /// Opens the next `length` bytes as a structure of their own, keeping absolute offsets.
    ///
    /// # Errors
    /// [`ParseErrorKind::Short`] if fewer are left.
    pub fn sub(
        &mut self,
        field: &'static str,
        structure: &'static str,
        length: usize,
    ) -> Result<Cursor<'a>, ParseError> {
        let offset = self.offset;
        let bytes = self.take(field, length)?;
        Ok(Cursor::at(structure, bytes, offset))
    }

    /// Takes one byte.
    ///
    /// # Errors
    /// [`ParseErrorKind::Short`] if nothing is left.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, ParseError> {
        self.array(field).map(|bytes: &[u8; 1]| u8::from_le_bytes(*bytes))
    }

    /// Takes a little-endian 16-bit integer.
    ///
    /// # Errors
    /// [`ParseErrorKind::Short`] if fewer than 2 bytes are left.
    pub fn u16_le(&mut self, field: &'static str) -> Result<u16, ParseError> {
        self.array(field).map(|bytes| u16::from_le_bytes(*bytes))
    }

    /// Takes a little-endian 32-bit integer.
    ///
    /// # Errors
    /// [`ParseErrorKind::Short`] if fewer than 4 bytes are left.
    pub fn u32_le(&mut self, field: &'static str) -> Result<u32, ParseError> {
        self.array(field).map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// Takes a little-endian 64-bit integer.
    ///
    /// # Errors
    /// [`ParseErrorKind::Short`] if fewer than 8 bytes are left.
    pub fn u64_le(&mut self, field: &'static str) -> Result<u64, ParseError> {
        self.array(field).map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// Takes a big-endian 16-bit integer.
    ///
    /// # Errors
    /// [`ParseErrorKind::Short`] if fewer than 2 bytes are left.
    pub fn u16_be(&mut self, field: &'static str) -> Result<u16, ParseError> {
        self.array(field).map(|bytes| u16::from_be_bytes(*bytes))
    }

    /// Takes a big-endian 32-bit integer.
    ///
    /// # Errors
    /// [`ParseErrorKind::Short`] if fewer than 4 bytes are left.
    pub fn u32_be(&mut self, field: &'static str) -> Result<u32, ParseError> {
        self.array(field).map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// Takes a big-endian 64-bit integer.
    ///
    /// # Errors
    /// [`ParseErrorKind::Short`] if fewer than 8 bytes are left.
    pub fn u64_be(&mut self, field: &'static str) -> Result<u64, ParseError> {
        self.array(field).map(|bytes| u64::from_be_bytes(*bytes))
    }

    /// Takes a little-endian 32-bit length and refuses one over `limit`.
    ///
    /// # Errors
    /// [`ParseErrorKind::Short`] or [`ParseErrorKind::OverLimit`].
    pub fn length_u32_le(&mut self, field: &'static str, limit: u32) -> Result<usize, ParseError> {
        let before = self.clone();
        let length = self.u32_le(field)?;
        let usable = usize::try_from(length).ok().filter(|_| length <= limit);
        usable.ok_or_else(|| before.over_limit(field, length, limit))
    }

    /// Takes a little-endian 32-bit integer that must be `expected`.
    ///
    /// # Errors
    /// [`ParseErrorKind::Short`] or [`ParseErrorKind::Unexpected`].
    pub fn expect_u32_le(&mut self, field: &'static str, expected: u32) -> Result<(), ParseError> {
        let before = self.clone();
        let found = self.u32_le(field)?;
        if found == expected { Ok(()) } else { Err(before.unexpected(field, expected, found)) }
    }

    /// Takes `length` reserved bytes that must be zero.
    ///
    /// # Errors
    /// [`ParseErrorKind::Short`] or [`ParseErrorKind::ReservedNotZero`].
    pub fn zeros(&mut self, field: &'static str, length: usize) -> Result<(), ParseError> {
        let before = self.clone();
        let bytes = self.take(field, length)?;
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        Err(before.error(field, ParseErrorKind::ReservedNotZero { found: encode_hex(bytes) }))
    }

    /// Ends the structure: nothing may be left.
    ///
    /// # Errors
    /// [`ParseErrorKind::Trailing`] with the number of bytes left.
    pub const fn finish(self) -> Result<(), ParseError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(self.error("end", ParseErrorKind::Trailing { extra: self.rest.len() }))
    }

    const fn short(&self, field: &'static str, needed: usize) -> ParseError {
        self.error(field, ParseErrorKind::Short { needed, left: self.rest.len() })
    }
}

//! Fixed-size byte strings that show themselves as lower-case hex.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// `N` bytes that show, print and serialise as `2 * N` lower-case hex digits in memory order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hex<const N: usize>(pub [u8; N]);

impl<const N: usize> Hex<N> {
    /// All bytes zero.
    pub const ZERO: Self = Self([0; N]);

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; N] {
        &self.0
    }

    /// Whether all bytes are zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// Reads exactly `2 * N` hex digits of either case.
    ///
    /// # Errors
    /// [`HexError`] if the length differs or a character is no hex digit.
    pub fn from_hex(text: &str) -> Result<Self, HexError> {
        let bytes = decode_hex(text)?;
        let found = bytes.len();
        <[u8; N]>::try_from(bytes).map(Self).map_err(|_| HexError::Length { expected: N, found })
    }
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode_hex(&self.0))
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode_hex(&self.0))
    }
}

/// Reads exactly `2 * N` hex digits of either case.
impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).map_err(D::Error::custom)
    }
}

impl<const N: usize> From<[u8; N]> for Hex<N> {
    fn from(bytes: [u8; N]) -> Self {
        Self(bytes)
    }
}

/// Why a text is not the hex string that was wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HexError {
    /// A character is no hex digit.
    #[error("character {index} is not a hex digit")]
    Digit {
        /// Index of the byte in the text.
        index: usize,
    },
    /// An odd number of digits.
    #[error("odd number of hex digits: {0}")]
    Odd(usize),
    /// Another number of bytes than wanted.
    #[error("expected {expected} bytes in hex, found {found}")]
    Length {
        /// Bytes wanted.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
}

/// Lower-case hex of `bytes`.
#[must_use]
pub fn encode_hex(bytes: &[u8]) -> String {
    let mut digits = vec![0; bytes.len().saturating_mul(2)];
    let (pairs, _) = digits.as_chunks_mut::<2>();
    for (pair, byte) in pairs.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 0x0f)];
    }
    // They are ASCII.
    String::from_utf8(digits).unwrap_or_default()
}

/// Lower-case hex of the first `bytes_max` of `bytes`: how a message shows foreign ones.
#[must_use]
pub fn hex_beginning(bytes: &[u8], bytes_max: usize) -> String {
    encode_hex(bytes.get(..bytes_max).unwrap_or(bytes))
}

/// Without a branch, so that many are made at once.
const fn digit(nibble: u8) -> u8 {
    let letters = if nibble > 9 { b'a' - b'0' - 10 } else { 0 };
    nibble.wrapping_add(b'0').wrapping_add(letters)
}

/// The bytes that hex digits of either case stand for.
///
/// # Errors
/// [`HexError::Odd`] or [`HexError::Digit`].
pub fn decode_hex(text: &str) -> Result<Vec<u8>, HexError> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err(HexError::Odd(text.len()));
    }
    pairs
        .iter()
        .enumerate()
        .map(|(pair, [high, low])| {
            let at = pair.saturating_mul(2);
            let high = nibble(*high).ok_or(HexError::Digit { index: at })?;
            let low = nibble(*low).ok_or(HexError::Digit { index: at.saturating_add(1) })?;
            Ok(high << 4 | low)
        })
        .collect()
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(digit.wrapping_sub(b'a').wrapping_add(10)),
        b'A'..=b'F' => Some(digit.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    }
}

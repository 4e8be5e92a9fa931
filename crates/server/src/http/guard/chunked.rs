//! Where a chunked body ends.
//!
//! Stricter than the HTTP library, which reads the same bytes: what both take means the same to
//! any reader.

/// Bytes of a chunk's extension, or of one line of the trailer.
const LINE_BYTES_MAX: usize = 1024;
/// Lines of the trailer.
const TRAILER_LINES_MAX: usize = 32;
/// Hexadecimal digits of a length.
const DIGITS_MAX: u8 = 8;

/// The place in a chunked body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunked {
    place: Place,
    /// Length of the chunk.
    length: u64,
    trailer_lines: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Among the digits of a length, so many of them read.
    Size(u8),
    /// In an extension, so many bytes of it read.
    Extension(usize),
    /// Before the LF that ends a length.
    SizeEnd,
    /// In the data, so many bytes from their end.
    Data(u64),
    /// Before the CR, then the LF behind the data.
    DataCr,
    DataLf,
    /// In a line of the trailer, so many bytes of it read.
    Trailer(usize),
    /// Before the LF that ends a line of the trailer; whether it had none but its end.
    TrailerEnd {
        is_empty: bool,
    },
    Ended,
}

/// Bytes that are no chunked body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

impl Chunked {
    pub(super) const fn new() -> Self {
        Self { place: Place::Size(0), length: 0, trailer_lines: 0 }
    }

    /// Whether the body is over.
    pub(super) fn is_over(&self) -> bool {
        self.place == Place::Ended
    }

    /// How many of these bytes belong to the body.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut rest = bytes;
        while !self.is_over() {
            if let Place::Data(left) = self.place {
                let taken = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                rest = rest.get(taken..).unwrap_or_default();
                let left = left.saturating_sub(taken as u64);
                self.place = if left == 0 { Place::DataCr } else { Place::Data(left) };
            }
            let Some((byte, after)) = rest.split_first() else { break };
            if matches!(self.place, Place::Data(_)) {
                break;
            }
            self.place = self.step(*byte)?;
            rest = after;
        }
        Ok(bytes.len().saturating_sub(rest.len()))
    }

    fn step(&mut self, byte: u8) -> Result<Place, Malformed> {
        match (self.place, byte) {
            (Place::Size(0..=DIGITS_MAX), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                self.digit(byte)
            }
            (Place::Size(1..), b';') => Ok(Place::Extension(0)),
            (Place::Size(1..) | Place::Extension(_), b'\r') => Ok(Place::SizeEnd),
            (Place::Extension(read), 0x20..=0x7e | b'\t') => line(read).map(Place::Extension),
            (Place::SizeEnd, b'\n') if self.length == 0 => Ok(Place::Trailer(0)),
            (Place::SizeEnd, b'\n') => Ok(Place::Data(self.length)),
            (Place::DataCr, b'\r') => Ok(Place::DataLf),
            (Place::DataLf, b'\n') => {
                self.length = 0;
                Ok(Place::Size(0))
            }
            (Place::Trailer(read), b'\r') => Ok(Place::TrailerEnd { is_empty: read == 0 }),
            (Place::Trailer(read), 0x20..=0x7e | b'\t') => line(read).map(Place::Trailer),
            (Place::TrailerEnd { is_empty: true }, b'\n') => Ok(Place::Ended),
            (Place::TrailerEnd { is_empty: false }, b'\n') => {
                self.trailer_lines = self.trailer_lines.saturating_add(1);
                let few = self.trailer_lines <= TRAILER_LINES_MAX;
                if few { Ok(Place::Trailer(0)) } else { Err(Malformed) }
            }
            _ => Err(Malformed),
        }
    }

    fn digit(&mut self, byte: u8) -> Result<Place, Malformed> {
        let Place::Size(read @ 0..DIGITS_MAX) = self.place else { return Err(Malformed) };
        let digit = char::from(byte).to_digit(16).ok_or(Malformed)?;
        self.length = self.length.saturating_mul(16).saturating_add(u64::from(digit));
        Ok(Place::Size(read.saturating_add(1)))
    }
}

fn line(read: usize) -> Result<usize, Malformed> {
    let read = read.saturating_add(1);
    if read <= LINE_BYTES_MAX { Ok(read) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use super::{Chunked, Malformed};

    /// However the bytes are cut, the body ends at the same one.
    fn end_of(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
        let mut whole = Chunked::new();
        let at_once = whole.advance(bytes).map(|taken| whole.is_over().then_some(taken));
        let mut piecewise = Chunked::new();
        let mut taken = 0;
        for byte in bytes {
            match piecewise.advance(&[*byte]) {
                Ok(one) => taken = one.saturating_add(taken),
                Err(error) => {
                    assert_eq!(at_once, Err(error));
                    return Err(error);
                }
            }
        }
        assert_eq!(at_once, Ok(piecewise.is_over().then_some(taken)));
        at_once
    }

    #[test]
    fn a_chunked_body_ends_after_its_trailer() {
        for (bytes, length) in [
            ("0\r\n\r\nGET", 5),
            ("3\r\nabc\r\n0\r\n\r\nGET", 13),
            ("A;x=y\r\n0123456789\r\n0\r\n\r\n", 24),
            ("00000001\r\na\r\n0\r\nname: value\r\n\r\nGET", 31),
        ] {
            assert_eq!(end_of(bytes.as_bytes()), Ok(Some(length)), "{bytes:?}");
        }
        for bytes in ["", "3", "3\r\nab", "3\r\nabc\r\n", "0\r\n", "0\r\na: b\r\n"] {
            assert_eq!(end_of(bytes.as_bytes()), Ok(None), "{bytes:?}");
        }
    }

    #[test]
    fn what_another_reader_might_take_otherwise_is_refused() {
        for bytes in [
            "\r\n",
            "x\r\n",
            "+3\r\nabc\r\n",
            "0x3\r\nabc\r\n",
            " 3\r\nabc\r\n",
            "3 \r\nabc\r\n",
            "3\nabc\n",
            "3\r\nabcd\r\n",
            "3\r\nabc\n0\r\n\r\n",
            "3\r\nabc\r0\r\n\r\n",
            "000000001\r\na\r\n",
            "fffffffff\r\n",
            "1;a\nb\r\n",
            "0\r\na: b\n\r\n",
        ] {
            assert_eq!(end_of(bytes.as_bytes()), Err(Malformed), "{bytes:?}");
        }
        let long = format!("1;{}\r\n", "x".repeat(1025));
        assert_eq!(end_of(long.as_bytes()), Err(Malformed));
        let many = format!("0\r\n{}\r\n", "a: b\r\n".repeat(33));
        assert_eq!(end_of(many.as_bytes()), Err(Malformed));
    }
}

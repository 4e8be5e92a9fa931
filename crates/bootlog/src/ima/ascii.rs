//! The kernel's ascii form, `ascii_runtime_measurements`, brought into its binary one.
//!
//! A line is the register, the template hash in hex, the template's name and its fields, with one
//! space between. A name has no spaces: the kernel measures underscores for them. It may have line
//! breaks, though: what looks like several lines is then one entry, and the hashes of what is read
//! instead do not fit.

use super::binary::{OLD_DIGEST_BYTES, OLD_NAME_BYTES_MAX};
use super::template::Field;
use super::{ListError, Template};

/// As many digits as the shortest digest has, of MD5.
const DIGEST_DIGITS_MIN: usize = 32;

/// The list in binary form. It gets as much place as it needs at once: what it needs is counted first.
pub(super) fn to_binary(text: &[u8]) -> Result<Vec<u8>, ListError> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let mut length = Length(0);
    for line in text.split(|byte| *byte == b'\n') {
        // What is wrong with a line is said when it is read.
        if entry(line, &mut length).is_err() {
            break;
        }
    }
    let mut out = Vec::with_capacity(length.0);
    let mut hash_length = None;
    for (line, number) in text.split(|byte| *byte == b'\n').zip(1_usize..) {
        let length =
            entry(line, &mut out).map_err(|what| ListError::Line { line: number, what })?;
        if *hash_length.get_or_insert(length) != length {
            let what = "its template hash has another length than that of the first";
            return Err(ListError::Line { line: number, what });
        }
    }
    Ok(out)
}

/// Where the binary form goes: into memory, or, to see how much it takes, nowhere.
trait Sink {
    /// How many bytes there are.
    fn length(&self) -> usize;
    /// Appends bytes.
    fn put(&mut self, bytes: &[u8]);
    /// Appends the bytes that lower-case hex stands for.
    fn hex(&mut self, word: &[u8]) -> Result<(), &'static str>;
    /// Writes a length over the four bytes at a place.
    fn set_length(&mut self, at: usize, length: u32);
}

struct Length(usize);

impl Sink for Length {
    fn length(&self) -> usize {
        self.0
    }

    fn put(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len());
    }

    fn hex(&mut self, word: &[u8]) -> Result<(), &'static str> {
        self.0 = self.0.saturating_add(word.len() / 2);
        Ok(())
    }

    fn set_length(&mut self, _: usize, _: u32) {}
}

impl Sink for Vec<u8> {
    fn length(&self) -> usize {
        self.len()
    }

    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn hex(&mut self, word: &[u8]) -> Result<(), &'static str> {
        let (pairs, rest) = word.as_chunks::<2>();
        if !rest.is_empty() {
            return Err("hex has an odd number of digits");
        }
        // What is no digit shows in the high bits; one look at all of them is enough.
        let mut seen = 0;
        self.extend(pairs.iter().map(|[high, low]| {
            let (high, low) = (nibble(*high), nibble(*low));
            seen |= high | low;
            (high << 4) | (low & 0xf)
        }));
        if seen > 0xf { Err("a digit is not one of lower-case hex") } else { Ok(()) }
    }

    fn set_length(&mut self, at: usize, length: u32) {
        if let Some(slot) = self.get_mut(at..at.saturating_add(size_of::<u32>())) {
            slot.copy_from_slice(&length.to_le_bytes());
        }
    }
}

/// Appends what a line stands for and gives the length of its template hash.
fn entry(line: &[u8], out: &mut impl Sink) -> Result<usize, &'static str> {
    let line = line.strip_prefix(b" ").unwrap_or(line);
    let mut words = line.split(|byte| *byte == b' ');
    let mut word = |what| words.next().ok_or(what);
    out.put(&register(word("the register is missing")?)?.to_le_bytes());
    let before = out.length();
    out.hex(word("the template hash is missing")?)?;
    let hash_length = out.length().saturating_sub(before);
    let name = word("the template is missing")?;
    let template = Template::from_name(name).ok_or("its template is not read")?;
    with_length(out, |out| {
        out.put(name);
        Ok(())
    })?;
    if template == Template::Ima {
        let before = out.length();
        out.hex(word("the digest is missing")?)?;
        if out.length().saturating_sub(before) != OLD_DIGEST_BYTES {
            return Err("the digest has not 20 bytes");
        }
        let name = word("the name is missing")?;
        if u32::try_from(name.len()).map_or(true, |length| length > OLD_NAME_BYTES_MAX) {
            return Err("the name has more than 255 bytes");
        }
        with_length(out, |out| {
            out.put(name);
            Ok(())
        })?;
    } else {
        with_length(out, |out| {
            template.fields().iter().try_for_each(|kind| {
                let word = word("a field of the template is missing")?;
                with_length(out, |out| field(*kind, word, out))
            })
        })?;
    }
    match words.next() {
        None => Ok(hash_length),
        Some(_) => Err("something follows the fields of the template"),
    }
}

fn register(word: &[u8]) -> Result<u32, &'static str> {
    let digits = std::str::from_utf8(word).ok().filter(|word| matches!(word.len(), 1 | 2));
    digits
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .ok_or("the register is no number")
}

fn field(kind: Field, word: &[u8], out: &mut impl Sink) -> Result<(), &'static str> {
    match kind {
        Field::AppendedDigest if word.is_empty() => Ok(()),
        Field::Digest | Field::TypedDigest | Field::AppendedDigest => {
            let colon = word.iter().rposition(|byte| *byte == b':');
            let (algorithm, digest) = colon
                .and_then(|colon| word.split_at_checked(colon.saturating_add(1)))
                .ok_or("the digest has no algorithm")?;
            if digest.len() < DIGEST_DIGITS_MIN {
                return Err("the digest is too short");
            }
            out.put(algorithm);
            out.put(&[0]);
            out.hex(digest)
        }
        Field::Name => {
            out.put(word);
            out.put(&[0]);
            Ok(())
        }
        Field::Signature | Field::Buffer | Field::AppendedSignature => out.hex(word),
    }
}

/// Appends what `write` appends, with its length (u32) before it.
fn with_length<S: Sink>(
    out: &mut S,
    write: impl FnOnce(&mut S) -> Result<(), &'static str>,
) -> Result<(), &'static str> {
    let at = out.length();
    out.put(&[0; size_of::<u32>()]);
    let start = out.length();
    write(out)?;
    let length = out.length().saturating_sub(start);
    out.set_length(at, u32::try_from(length).map_err(|_| "it is too long")?);
    Ok(())
}

/// What a digit of lower-case hex stands for; 255 for anything else.
fn nibble(digit: u8) -> u8 {
    NIBBLES.get(usize::from(digit)).copied().unwrap_or(u8::MAX)
}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, of a byte")]
const NIBBLES: [u8; 256] = {
    let mut nibbles = [u8::MAX; 256];
    let (mut digits, mut value): (&[u8], u8) = (b"0123456789abcdef", 0);
    while let [digit, rest @ ..] = digits {
        nibbles[*digit as usize] = value;
        value = value.wrapping_add(1);
        digits = rest;
    }
    nibbles
};

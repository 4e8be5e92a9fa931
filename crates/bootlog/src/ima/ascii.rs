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

/// The list in binary form, and how many entries it has.
///
/// Hex takes twice the place of what it stands for: what is saved in the first line is saved in each,
/// so that the list gets as much place as it needs at once, and rarely grows.
pub(super) fn to_binary(text: &[u8]) -> Result<(Vec<u8>, usize), ListError> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let count = text.split(|byte| *byte == b'\n').count();
    let mut out = Vec::new();
    let mut hash_length = None;
    for (line, number) in text.split(|byte| *byte == b'\n').zip(1_usize..) {
        let length =
            entry(line, &mut out).map_err(|what| ListError::Line { line: number, what })?;
        if hash_length.is_none() {
            let saved = line.len().saturating_sub(out.len()).saturating_mul(count);
            out.reserve_exact(text.len().saturating_sub(saved));
        }
        if *hash_length.get_or_insert(length) != length {
            let what = "its template hash has another length than that of the first";
            return Err(ListError::Line { line: number, what });
        }
    }
    Ok((out, count))
}

/// Appends what a line stands for and gives the length of its template hash.
fn entry(line: &[u8], out: &mut Vec<u8>) -> Result<usize, &'static str> {
    let line = line.strip_prefix(b" ").unwrap_or(line);
    let mut words = line.split(|byte| *byte == b' ');
    let mut word = |what| words.next().ok_or(what);
    out.extend(register(word("the register is missing")?)?.to_le_bytes());
    let before = out.len();
    hex(word("the template hash is missing")?, out)?;
    let hash_length = out.len().saturating_sub(before);
    let name = word("the template is missing")?;
    let template = Template::from_name(name).ok_or("its template is not read")?;
    with_length(out, |out| {
        out.extend(name);
        Ok(())
    })?;
    if template == Template::Ima {
        let before = out.len();
        hex(word("the digest is missing")?, out)?;
        if out.len().saturating_sub(before) != OLD_DIGEST_BYTES {
            return Err("the digest has not 20 bytes");
        }
        let name = word("the name is missing")?;
        if u32::try_from(name.len()).map_or(true, |length| length > OLD_NAME_BYTES_MAX) {
            return Err("the name has more than 255 bytes");
        }
        with_length(out, |out| {
            out.extend(name);
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

fn field(kind: Field, word: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
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
            out.extend(algorithm);
            out.push(0);
            hex(digest, out)
        }
        Field::Name => {
            out.extend(word);
            out.push(0);
            Ok(())
        }
        Field::Signature | Field::Buffer | Field::AppendedSignature => hex(word, out),
    }
}

/// Appends what `write` appends, with its length (u32) before it.
fn with_length(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), &'static str>,
) -> Result<(), &'static str> {
    let at = out.len();
    out.extend([0; size_of::<u32>()]);
    let start = out.len();
    write(out)?;
    let length = u32::try_from(out.len().saturating_sub(start)).map_err(|_| "it is too long")?;
    if let Some(slot) = out.get_mut(at..start) {
        slot.copy_from_slice(&length.to_le_bytes());
    }
    Ok(())
}

/// Appends the bytes that lower-case hex stands for.
fn hex(word: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
    let (pairs, rest) = word.as_chunks::<2>();
    if !rest.is_empty() {
        return Err("hex has an odd number of digits");
    }
    for [high, low] in pairs {
        let (high, low) = (nibble(*high)?, nibble(*low)?);
        out.push((high << 4) | low);
    }
    Ok(())
}

const fn nibble(digit: u8) -> Result<u8, &'static str> {
    match digit {
        b'0'..=b'9' => Ok(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Ok(digit.wrapping_sub(b'a').wrapping_add(10)),
        _ => Err("a digit is not one of lower-case hex"),
    }
}

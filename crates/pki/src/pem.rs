//! PEM blocks as evidence and collateral carry them (RFC 7468, read leniently about white space and
//! text between blocks, strictly about what a block holds).

use std::borrow::Cow;

use avouch_wire::{base64url, excerpt};
use thiserror::Error;

use crate::der::SEQUENCE;

/// Why a text is not a list of PEM blocks of the labels that it may have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PemError {
    /// The text is not UTF-8.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// No block at all.
    #[error("no certificate block")]
    Empty,
    /// More blocks than accepted.
    #[error("more than {limit} certificate blocks")]
    TooMany {
        /// The largest number accepted.
        limit: usize,
    },
    /// A block that has no place here.
    #[error("block {index} is {}, expected \"CERTIFICATE\"", excerpt(.label))]
    OtherLabel {
        /// Index of the block, from 0.
        index: usize,
        /// Its label.
        label: String,
    },
    /// A block without its end line.
    #[error("block {index} has no matching end line")]
    Unterminated {
        /// Index of the block, from 0.
        index: usize,
    },
    /// The content of a block is not base64.
    #[error("block {index}: {source}")]
    Base64 {
        /// Index of the block, from 0.
        index: usize,
        /// What is wrong with the base64.
        source: base64url::DecodeError,
    },
}

/// What every block begins with.
pub const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";
const CERTIFICATE: &str = "CERTIFICATE";

/// A block as it stands in its text: found, not decoded.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// Index of the block, from 0.
    index: usize,
    label: &'a str,
    body: &'a str,
}

impl<'a> Block<'a> {
    /// What the block says that it holds, such as `CERTIFICATE`.
    #[must_use]
    pub const fn label(&self) -> &'a str {
        self.label
    }

    /// The content, decoded.
    ///
    /// # Errors
    /// [`PemError::Base64`].
    pub fn der(&self) -> Result<Vec<u8>, PemError> {
        base64url::decode_standard(&self.base64())
            .map_err(|source| PemError::Base64 { index: self.index, source })
    }

    /// The content without the white space in it, which may stand anywhere: base64, or not.
    #[must_use]
    pub fn base64(&self) -> String {
        let mut text = String::with_capacity(self.body.len());
        for line in self.body.lines() {
            // Rare inside of lines: looked for without a branch at each byte.
            if line.bytes().fold(false, |found, byte| found | byte.is_ascii_whitespace()) {
                line.split_ascii_whitespace().for_each(|piece| text.push_str(piece));
            } else {
                text.push_str(line);
            }
        }
        text
    }
}

/// Each block of a text in order, at most `limit` of them, all of a label that is in `labels`.
///
/// CR LF, missing final line ends, final NUL bytes and text between blocks are accepted, as
/// quotes in the field have them. The text is read once, whatever stands in it.
///
/// # Errors
/// [`PemError`] naming the block.
pub fn blocks<'a>(
    text: &'a [u8],
    labels: &[&str],
    limit: usize,
) -> Result<Vec<Block<'a>>, PemError> {
    accepted_blocks(text, |label| labels.contains(&label), limit)
}

/// As [`blocks`], of whatever label.
///
/// # Errors
/// [`PemError`] naming the block.
pub fn blocks_of_any_label(text: &[u8], limit: usize) -> Result<Vec<Block<'_>>, PemError> {
    accepted_blocks(text, |_| true, limit)
}

/// The block of this label that is the whole text, but for white space around it.
#[must_use]
pub fn only_block<'a>(text: &'a str, label: &str) -> Option<Block<'a>> {
    let after = text.trim().strip_prefix(BEGIN)?;
    let (block, rest) = block(after, 0, |found| found == label).ok()?;
    rest.is_empty().then_some(block)
}

fn accepted_blocks(
    text: &[u8],
    accepts: impl Fn(&str) -> bool,
    limit: usize,
) -> Result<Vec<Block<'_>>, PemError> {
    let mut rest = std::str::from_utf8(text).map_err(|_| PemError::NotUtf8)?;
    let mut blocks = Vec::new();
    while let Some((_, after)) = split_once(rest, BEGIN) {
        let index = blocks.len();
        if index >= limit {
            return Err(PemError::TooMany { limit });
        }
        let (block, after) = block(after, index, &accepts)?;
        blocks.push(block);
        rest = after;
    }
    if blocks.is_empty() { Err(PemError::Empty) } else { Ok(blocks) }
}

/// The certificates of a file, as DER: of a PEM text, or the one that the file is itself. That is not read.
///
/// # Errors
/// [`PemError`] as [`certificates`] has it.
pub fn certificates_or_der(file: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, PemError> {
    match file.first() {
        Some(&SEQUENCE) => Ok(vec![file.to_vec()]),
        _ => certificates(file, limit),
    }
}

/// DER of each `CERTIFICATE` block in order, at most `limit` of them; see [`blocks`].
///
/// # Errors
/// [`PemError`] naming the block.
pub fn certificates(text: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, PemError> {
    blocks(text, &[CERTIFICATE], limit)?.iter().map(Block::der).collect()
}

/// What [`certificates`] reads of a text and nothing that it passes over: its blocks as [`encode`]
/// writes them, the last without its final LF, whatever stands around them and between their lines. Of
/// two texts with one content both are read, as the same certificates, or neither is. `None` if the text
/// is refused whatever its blocks hold.
///
/// A text that is written so already, as Intel's are, is not copied.
#[must_use]
pub fn content(text: &[u8], limit: usize) -> Option<Cow<'_, [u8]>> {
    if let Some(plain) = plain(text, limit) {
        return Some(Cow::Borrowed(plain));
    }
    let mut content = String::with_capacity(text.len());
    for block in blocks(text, &[CERTIFICATE], limit).ok()? {
        write_block(CERTIFICATE, &block.base64(), &mut content);
    }
    content.pop();
    Some(Cow::Owned(content.into_bytes()))
}

const BEGIN_LINE: &[u8] = b"-----BEGIN CERTIFICATE-----\n";
const END_LINE: &[u8] = b"\n-----END CERTIFICATE-----";
const LINE_BYTES: usize = 64;

/// The blocks of a text that consists of them alone, as [`encode`] writes them, but for line ends and NUL
/// bytes at its end.
fn plain(text: &[u8], limit: usize) -> Option<&[u8]> {
    let mut rest = text;
    for _ in 0..limit {
        rest = plain_block(rest)?;
        match rest.strip_prefix(b"\n") {
            Some(next) if next.starts_with(BEGIN_LINE) => rest = next,
            _ if rest.iter().all(|byte| matches!(byte, 0 | b'\n')) => {
                return text.get(..text.len().checked_sub(rest.len())?);
            }
            _ => return None,
        }
    }
    None
}

/// What stands behind a block with full lines but for its last, which is not empty. A line holds neither
/// white space nor a dash, so that the block ends here for every reader, and holds what every reader finds.
fn plain_block(text: &[u8]) -> Option<&[u8]> {
    let holds = |line: &[u8]| {
        line.iter().fold(true, |so_far, byte| so_far & byte.is_ascii_graphic() & (*byte != b'-'))
    };
    let mut rest = text.strip_prefix(BEGIN_LINE)?;
    while let Some((line, after)) = rest.split_at_checked(LINE_BYTES)
        && holds(line)
    {
        match after.strip_prefix(END_LINE) {
            Some(after) => return Some(after),
            None => rest = after.strip_prefix(b"\n")?,
        }
    }
    let end =
        rest.iter().take(LINE_BYTES).position(|byte| *byte == b'\n').filter(|end| *end > 0)?;
    let (line, after) = rest.split_at_checked(end)?;
    if holds(line) { after.strip_prefix(END_LINE) } else { None }
}

/// Finds a block after `-----BEGIN `; returns it and what follows it.
fn block(
    text: &str,
    index: usize,
    accepts: impl Fn(&str) -> bool,
) -> Result<(Block<'_>, &str), PemError> {
    let unterminated = PemError::Unterminated { index };
    let (label, body) = text.split_once(DASHES).ok_or_else(|| unterminated.clone())?;
    if !accepts(label) {
        let label = label.chars().take(40).collect();
        return Err(PemError::OtherLabel { index, label });
    }
    let end = format!("-----END {label}{DASHES}");
    let (body, rest) = split_once(body, &end).ok_or(unterminated)?;
    Ok((Block { index, label, body }, rest))
}

/// As [`str::split_once`], for a `mark` that begins with a dash: base64 has none, so that looking for
/// dashes alone is several times as fast.
fn split_once<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    text.match_indices('-').find_map(|(index, _)| {
        let (before, from) = text.split_at_checked(index)?;
        Some((before, from.strip_prefix(mark)?))
    })
}

/// A PEM block with lines of 64 characters, LF line ends and a final LF.
#[must_use]
pub fn encode(label: &str, der: &[u8]) -> String {
    let mut text = String::new();
    write_block(label, &base64url::encode_standard(der), &mut text);
    text
}

fn write_block(label: &str, base64: &str, text: &mut String) {
    text.push_str(&format!("{BEGIN}{label}{DASHES}\n"));
    for (index, character) in base64.chars().enumerate() {
        if index > 0 && index % LINE_BYTES == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str(&format!("\n-----END {label}{DASHES}\n"));
}

//! PEM certificate blocks as evidence and collateral carry them (RFC 7468, read leniently
//! about white space and text between blocks, strictly about what a block holds).

use avouch_wire::base64url;
use thiserror::Error;

/// Why a text is not a list of PEM certificates.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PemError {
    /// The text is not UTF-8 up to its final NUL bytes.
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
    /// A block that is no certificate.
    #[error("block {index} is {label:?}, expected \"CERTIFICATE\"")]
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

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END CERTIFICATE-----";
const DASHES: &str = "-----";

/// DER of each `CERTIFICATE` block in order, at most `limit` of them.
///
/// CR LF, missing final line ends, final NUL bytes and text between blocks are accepted, as
/// quotes in the field have them. Blocks of another label are refused.
///
/// # Errors
/// [`PemError`] naming the block.
pub fn certificates(text: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, PemError> {
    let trimmed = text.trim_ascii_end();
    let unpadded =
        trimmed.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    let text = text.get(..unpadded).unwrap_or_default();
    let mut rest = std::str::from_utf8(text).map_err(|_| PemError::NotUtf8)?;
    let mut blocks = Vec::new();
    while let Some((_, after)) = split_once(rest, BEGIN) {
        let index = blocks.len();
        if index >= limit {
            return Err(PemError::TooMany { limit });
        }
        let (der, after) = block(after, index)?;
        blocks.push(der);
        rest = after;
    }
    if blocks.is_empty() { Err(PemError::Empty) } else { Ok(blocks) }
}

/// Reads a block after `-----BEGIN `; returns its DER and what follows it.
fn block(text: &str, index: usize) -> Result<(Vec<u8>, &str), PemError> {
    let unterminated = PemError::Unterminated { index };
    let (label, body) = text.split_once(DASHES).ok_or_else(|| unterminated.clone())?;
    if label != "CERTIFICATE" {
        let label = label.chars().take(40).collect();
        return Err(PemError::OtherLabel { index, label });
    }
    let (body, rest) = split_once(body, END).ok_or(unterminated)?;
    // White space other than line ends is not base64 either, and rare: looked for only then.
    let decoded = base64url::decode_standard(&joined(body.len(), body.lines()));
    let der = match decoded {
        Ok(der) => der,
        Err(_) => base64url::decode_standard(&joined(body.len(), body.split_ascii_whitespace()))
            .map_err(|source| PemError::Base64 { index, source })?,
    };
    Ok((der, rest))
}

fn joined<'a>(length: usize, pieces: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::with_capacity(length);
    pieces.for_each(|piece| text.push_str(piece));
    text
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
    let body = base64url::encode_standard(der);
    let mut text = format!("{BEGIN}{label}{DASHES}\n");
    let mut line = 0_usize;
    for character in body.chars() {
        if line == 64 {
            text.push('\n');
            line = 0;
        }
        text.push(character);
        line = line.saturating_add(1);
    }
    text.push_str(&format!("\n-----END {label}{DASHES}\n"));
    text
}

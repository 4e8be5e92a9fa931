//! The device mapper's text: groups that end in `;`, of pairs `key=value` between commas. In names and
//! identifiers, which are chosen by whoever makes a device, a backslash stands before `\`, `;`, `=`
//! and `,`. What some targets add of their own is not escaped.

use std::borrow::Cow;

/// Groups of a text, each without its semicolon.
#[derive(Debug, Clone, Copy)]
pub(super) struct Groups<'a> {
    text: &'a [u8],
    /// Whether the whole text is one group.
    is_one: bool,
}

/// The groups of a text. None if the text does not end with a semicolon.
pub(super) fn groups(text: &[u8]) -> Option<Groups<'_>> {
    let ended = split(text, b';').last()?.is_empty();
    ended.then_some(Groups { text, is_one: false })
}

/// A text that is one group, semicolons in it or not.
pub(super) const fn one_group(text: &[u8]) -> Groups<'_> {
    Groups { text, is_one: true }
}

impl<'a> Iterator for Groups<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.is_one {
            self.is_one = false;
            return Some(std::mem::take(&mut self.text));
        }
        while !self.text.is_empty() {
            let group = split(self.text, b';').next()?;
            self.text = self.text.get(group.len().saturating_add(1)..).unwrap_or_default();
            if !group.is_empty() {
                return Some(group);
            }
        }
        None
    }
}

/// A pair's key and value.
pub(super) type Pair<'a> = (&'a [u8], &'a [u8]);

/// Most pairs of a group that are read: a target of verity has some twenty.
const PAIRS_MAX: usize = 64;

/// The pairs of a group. None if one has no equals sign, or there are more than are read.
pub(super) fn pairs(group: &[u8]) -> Option<Vec<Pair<'_>>> {
    let few = split(group, b',').nth(PAIRS_MAX).is_none();
    few.then(|| split(group, b',').map(pair).collect()).flatten()
}

fn pair(text: &[u8]) -> Option<Pair<'_>> {
    let equals = text.iter().position(|byte| *byte == b'=')?;
    let (key, value) = text.split_at_checked(equals)?;
    Some((key, value.get(1..)?))
}

/// The value of the next pair, which must have this key.
pub(super) fn next<'a>(pairs: &mut impl Iterator<Item = Pair<'a>>, key: &str) -> Option<&'a [u8]> {
    pairs.next().filter(|(found, _)| *found == key.as_bytes()).map(|(_, value)| value)
}

/// A decimal number without sign.
pub(super) fn number(value: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(value).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// `sha256:` and 64 lower-case digits, as they stand.
pub(super) fn table_hash(value: &[u8]) -> Option<&[u8]> {
    let hex = value.strip_prefix(b"sha256:")?;
    let is_hex = hex.len() == 64 && hex.iter().all(|byte| b"0123456789abcdef".contains(byte));
    is_hex.then_some(value)
}

/// The longest name or identifier, in bytes, without its backslashes.
const NAME_BYTES_MAX: usize = 128;

/// A name without its backslashes. None if it is longer than the device mapper's.
pub(super) fn unescaped(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    if value.len() > NAME_BYTES_MAX.saturating_mul(2) {
        return None;
    }
    let name =
        if value.contains(&b'\\') { Cow::Owned(without_backslashes(value)?) } else { value.into() };
    (name.len() <= NAME_BYTES_MAX).then_some(name)
}

fn without_backslashes(value: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.iter();
    while let Some(byte) = bytes.next() {
        out.push(if *byte == b'\\' { *bytes.next()? } else { *byte });
    }
    Some(out)
}

/// The parts between separators that no backslash stands before.
fn split(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut escaped = false;
    text.split(move |byte| {
        let separates = *byte == separator && !escaped;
        escaped = *byte == b'\\' && !escaped;
        separates
    })
}

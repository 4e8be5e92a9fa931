//! Bytes written as text: hex, base64, lists of numbers, dumps, in the forms that tools print.

use avouch_wire::{base64url, decode_hex};

/// Most forms around each other, such as hex in base64.
const DEPTH_MAX: usize = 3;

/// Bytes, and the form in which they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// Such as `hex`; of one form in another, the outer first: `base64, hex`.
    pub(crate) form: String,
    pub(crate) bytes: Vec<u8>,
}

/// What `bytes` stand for, if they are text in a form that is known; forms in forms are undone.
pub(crate) fn decode(bytes: &[u8]) -> Option<Decoded> {
    let mut found: Option<Decoded> = None;
    for _ in 0..DEPTH_MAX {
        let current = found.as_ref().map_or(bytes, |found| found.bytes.as_slice());
        let Some((form, decoded)) = decode_once(current) else { break };
        let form = match found {
            None => form.to_owned(),
            Some(outer) => format!("{}, {form}", outer.form),
        };
        found = Some(Decoded { form, bytes: decoded });
    }
    found
}

/// A reader of one form.
type Reader = fn(&str) -> Option<Vec<u8>>;

/// The forms, the most peculiar first: hex digits are base64 too, of other bytes.
const FORMS: [(&str, Reader); 4] =
    [("dump", dump), ("list of bytes", list), ("hex", hex), ("base64", base64)];

fn decode_once(bytes: &[u8]) -> Option<(&'static str, Vec<u8>)> {
    let text = text(bytes)?;
    let text = unquoted(text.trim().trim_end_matches('\0').trim());
    // The mark of PEM is letters and hyphens, as base64url is.
    if text.is_empty() || text.starts_with("-----") {
        return None;
    }
    FORMS.iter().find_map(|(form, read)| read(&text).map(|decoded| (*form, decoded)))
}

/// The text: UTF-8, or UTF-16 with its mark, as Windows' shells write it.
fn text(bytes: &[u8]) -> Option<String> {
    if let Some(utf16) = bytes.strip_prefix(&[0xff, 0xfe]) {
        let (units, rest) = utf16.as_chunks::<2>();
        let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
        let text: Result<String, _> = char::decode_utf16(units).collect();
        return text.ok().filter(|_| rest.is_empty());
    }
    let text = std::str::from_utf8(bytes).ok()?;
    Some(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned())
}

/// Without the quotation marks of JSON, a shell or Python's `b'…'`.
fn unquoted(text: &str) -> String {
    if let Ok(inner) = serde_json::from_str::<String>(text) {
        return inner;
    }
    let inner = text.strip_prefix('b').unwrap_or(text);
    let marks = ['"', '\''];
    marks
        .iter()
        .find_map(|mark| inner.strip_prefix(*mark)?.strip_suffix(*mark))
        .unwrap_or(text)
        .to_owned()
}

/// Hex digits of either case, with or without `0x`; white space and colons between them.
fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let digits: String = digits.chars().filter(|c| !c.is_whitespace() && *c != ':').collect();
    decode_hex(&digits).ok().filter(|bytes| !bytes.is_empty())
}

/// Base64 of either alphabet, also in lines.
fn base64(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    base64url::decode_either(&compact).ok().filter(|bytes| !bytes.is_empty())
}

/// Numbers from 0 to 255 between brackets or braces, decimal or with `0x`, apart by commas or spaces.
fn list(text: &str) -> Option<Vec<u8>> {
    let inner = [('[', ']'), ('{', '}')]
        .iter()
        .find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close))?;
    let apart = |char: char| char == ',' || char.is_whitespace();
    let numbers = inner.split(apart).filter(|number| !number.is_empty());
    let bytes: Vec<u8> = numbers.map(number).collect::<Option<_>>()?;
    (bytes.len() > 1).then_some(bytes)
}

fn number(text: &str) -> Option<u8> {
    match text.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// What `xxd`, `hexdump`, `hexdump -C` and `od -t x1` print: an offset and up to 16 bytes a line, then
/// maybe the characters; `*` for lines like the one before.
fn dump(text: &str) -> Option<Vec<u8>> {
    const LINE_BYTES: usize = 16;
    const BYTES_MAX: usize = 64 * 1024 * 1024;
    let style = Style::of(text.lines().next()?)?;
    let mut bytes: Vec<u8> = Vec::new();
    let mut last: Vec<u8> = Vec::new();
    let (mut repeats, mut has_ended) = (false, false);
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        if line == "*" {
            repeats = true;
            continue;
        }
        let (offset, row) = style.line(line).filter(|_| !has_ended)?;
        if repeats && last.len() == LINE_BYTES {
            while bytes.len() < offset.min(BYTES_MAX) {
                bytes.extend_from_slice(&last);
            }
        }
        repeats = false;
        // The last line may be an offset alone: how long all of it is.
        has_ended = row.is_empty();
        if has_ended && offset <= bytes.len() {
            bytes.truncate(offset);
        }
        if offset != bytes.len() {
            return None;
        }
        bytes.extend_from_slice(&row);
        last = row;
    }
    (!bytes.is_empty()).then_some(bytes)
}

/// How a dump writes its lines.
#[derive(Clone, Copy)]
struct Style {
    /// Whether offsets are octal, as `od` has them.
    is_octal: bool,
    /// Whether groups of four digits are numbers, the lower byte last: `hexdump` without options.
    has_words: bool,
}

impl Style {
    fn of(first: &str) -> Option<Self> {
        let (offset, rest) = split_offset(first)?;
        let is_xxd = rest.starts_with(':');
        let is_zero = !offset.is_empty() && offset.bytes().all(|digit| digit == b'0');
        let group = rest.trim_start_matches(':').split_whitespace().next()?;
        let is_group = group.bytes().all(|digit| digit.is_ascii_hexdigit());
        let has_words = !is_xxd && group.len() == 4;
        let is_octal = offset.len() == 7 && group.len() == 2;
        let known = is_xxd || matches!(group.len(), 2 | 4);
        (is_zero && is_group && known && offset.len() >= 7).then_some(Self { is_octal, has_words })
    }

    /// The offset and the bytes of a line.
    fn line(self, line: &str) -> Option<(usize, Vec<u8>)> {
        let (offset, rest) = split_offset(line)?;
        let radix = if self.is_octal { 8 } else { 16 };
        let offset = usize::from_str_radix(offset, radix).ok()?;
        let rest = rest.trim_start_matches(':').trim_start();
        // Two spaces or a bar come before the characters; `hexdump -C` has two in the middle as well.
        let digits = match rest.split_once('|') {
            Some((digits, _)) => digits,
            None if self.has_words || self.is_octal => rest,
            None => rest.split_once("  ").map_or(rest, |(digits, _)| digits),
        };
        let mut bytes = Vec::new();
        for group in digits.split_whitespace() {
            let mut group = decode_hex(group).ok()?;
            if self.has_words {
                group.reverse();
            }
            bytes.extend(group);
        }
        Some((offset, bytes))
    }
}

fn split_offset(line: &str) -> Option<(&str, &str)> {
    let end = line.find(|char: char| !char.is_ascii_hexdigit()).unwrap_or(line.len());
    line.split_at_checked(end)
}

#[cfg(test)]
mod tests;

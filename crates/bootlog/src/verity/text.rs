//! The device mapper's text: groups that end in `;`, of pairs `key=value` between commas. In names and
//! identifiers, which are chosen by whoever makes a device, a backslash stands before `\`, `;`, `=`
//! and `,`. What some targets add of their own is not escaped.

/// The groups of a text, each without its semicolon. None if the text does not end with one.
pub(super) fn groups(text: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let ended = split(text, b';').last()?.is_empty();
    // Behind the last semicolon there is nothing.
    ended.then(|| split(text, b';').filter(|group| !group.is_empty()))
}

/// A pair's key and value.
pub(super) type Pair<'a> = (&'a [u8], &'a [u8]);

/// The pairs of a group. None if one has no equals sign.
pub(super) fn pairs(group: &[u8]) -> Option<Vec<Pair<'_>>> {
    split(group, b',').map(pair).collect()
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

/// A name without its backslashes.
pub(super) fn unescaped(value: &[u8]) -> Option<Vec<u8>> {
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

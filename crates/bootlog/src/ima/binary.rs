//! The kernel's binary form, into which the others are brought: `binary_runtime_measurements`.
//!
//! Each entry is a register (u32), the template hash, the template's name with its length (u32), and
//! the template data with their length (u32). All numbers are little-endian. The data of `ima` have no
//! length: 20 bytes, and the name with its length.

use avouch_wire::{Cursor, ParseError, ParseErrorKind, excerpt};

use super::{ListError, Template};
use crate::{HashAlgorithm, PCR_COUNT};

/// Where an entry's parts are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    /// Where its template hash starts.
    pub(super) hash: u32,
    /// Where its template data start, behind their length.
    pub(super) data: u32,
    /// Where they end.
    pub(super) end: u32,
    pub(super) template: Template,
    pub(super) pcr: u8,
}

/// The longest name of a template that is shown.
const TEMPLATE_NAME_BYTES_MAX: u32 = 256;
/// The longest name in data of the template `ima`, without NUL.
pub(super) const OLD_NAME_BYTES_MAX: u32 = 255;
/// Length of the digest in data of the template `ima`.
pub(super) const OLD_DIGEST_BYTES: usize = 20;
/// Algorithms that a list's template hashes may have. The kernel writes a list with SHA-1, and beside
/// it one for each other bank (`binary_runtime_measurements_sha256`).
const HASHES: [HashAlgorithm; 4] =
    [HashAlgorithm::Sha1, HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512];

/// Where the entries are, and the algorithm of the template hashes: that of the first entry, whose
/// template's name shows how long the hash before it is. They are counted first, and get their place at
/// once.
pub(super) fn read(bytes: &[u8]) -> Result<(HashAlgorithm, Vec<Slot>), ListError> {
    if bytes.is_empty() {
        return Err(ListError::Empty);
    }
    let begins = |hash: &HashAlgorithm| matches!(entry(&mut cursor(bytes), *hash), Ok(Some(_)));
    let hash = HASHES.into_iter().find(begins).unwrap_or(HashAlgorithm::Sha1);
    let mut count = 0_usize;
    for slot in slots(bytes, hash) {
        slot?;
        count = count.saturating_add(1);
    }
    let mut all = Vec::with_capacity(count);
    all.extend(slots(bytes, hash).filter_map(Result::ok));
    Ok((hash, all))
}

/// The entries one after the other; none behind an error.
fn slots(bytes: &[u8], hash: HashAlgorithm) -> impl Iterator<Item = Result<Slot, ListError>> {
    let (mut cursor, mut index, mut failed) = (cursor(bytes), 0_usize, false);
    std::iter::from_fn(move || {
        if cursor.is_empty() || failed {
            return None;
        }
        let mut named = cursor.clone();
        let slot = match entry(&mut cursor, hash) {
            Ok(Some(slot)) => Ok(slot),
            Ok(None) => Err(unknown(&mut named, hash, index)),
            Err(error) => Err(error.into()),
        };
        failed = slot.is_err();
        index = index.saturating_add(1);
        Some(slot)
    })
}

const fn cursor(bytes: &[u8]) -> Cursor<'_> {
    Cursor::new("ima_template_entry", bytes)
}

/// One entry; none if its template is not known.
fn entry(cursor: &mut Cursor<'_>, hash: HashAlgorithm) -> Result<Option<Slot>, ParseError> {
    let before = cursor.clone();
    let pcr = cursor.u32_le("pcr")?;
    let pcr = u8::try_from(pcr).ok().filter(|pcr| *pcr < PCR_COUNT).ok_or_else(|| {
        let limit = u64::from(PCR_COUNT).saturating_sub(1);
        before.error("pcr", ParseErrorKind::OverLimit { value: u64::from(pcr), limit })
    })?;
    let hash_at = place(cursor)?;
    cursor.take("template_hash", hash.digest_length())?;
    let Some(template) = Template::from_name(name(cursor)?) else { return Ok(None) };
    let data;
    if template == Template::Ima {
        data = place(cursor)?;
        cursor.take("digest", OLD_DIGEST_BYTES)?;
        let length = cursor.length_u32_le("name_length", OLD_NAME_BYTES_MAX)?;
        cursor.take("name", length)?;
    } else {
        let length = cursor.length_u32_le("template_data_length", u32::MAX)?;
        data = place(cursor)?;
        cursor.take("template_data", length)?;
    }
    Ok(Some(Slot { hash: hash_at, data, end: place(cursor)?, template, pcr }))
}

fn name<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], ParseError> {
    let length = cursor.length_u32_le("template_name_length", TEMPLATE_NAME_BYTES_MAX)?;
    cursor.take("template_name", length)
}

/// Where the cursor stands. Lists are far shorter than what a u32 counts.
fn place(cursor: &Cursor<'_>) -> Result<u32, ParseError> {
    u32::try_from(cursor.offset()).map_err(|_| {
        let value = u64::try_from(cursor.offset()).unwrap_or(u64::MAX);
        cursor.error("offset", ParseErrorKind::OverLimit { value, limit: u64::from(u32::MAX) })
    })
}

/// The error about an entry whose template is not known.
fn unknown(cursor: &mut Cursor<'_>, hash: HashAlgorithm, index: usize) -> ListError {
    let skip = hash.digest_length().saturating_add(size_of::<u32>());
    match cursor.take("until_template_name", skip).and_then(|_| name(cursor)) {
        Ok(name) => {
            ListError::Template { index, name: excerpt(&String::from_utf8_lossy(name)).to_string() }
        }
        Err(error) => error.into(),
    }
}

//! A table: what a device would give to read if it were resumed.

use super::text::{Pair, next, number, pairs};
use crate::HashAlgorithm;

/// A loaded table.
#[derive(Debug, Clone)]
pub(super) struct Table<'a> {
    /// As many targets as the table has.
    targets_expected: u64,
    /// How many the list has shown.
    targets: u64,
    /// The only target, if it is one of verity over the whole device, unread.
    verity: Option<&'a [u8]>,
    /// Whether the text of a target is not what it must be.
    opaque: bool,
    /// The text that shows it, or begins to.
    first: &'a [u8],
    /// Those that go on: a long table takes several.
    more: Vec<&'a [u8]>,
}

/// The target `verity`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verity<'a> {
    pub(super) sectors: u64,
    pub(super) algorithm: &'a [u8],
    pub(super) root_digest: &'a [u8],
    pub(super) salt: &'a [u8],
    /// `hash_failed=C`: blocks were found that do not fit.
    pub(super) corrupted: bool,
    pub(super) check_at_most_once: bool,
    /// Whether a block that does not fit is refused to readers.
    pub(super) enforced: bool,
    /// The key that the root digest was signed by, as the kernel was told.
    pub(super) signature_key: Option<&'a [u8]>,
}

/// What a target's text says.
struct Target<'a> {
    index: u64,
    begin: u64,
    verity: Option<Verity<'a>>,
}

impl<'a> Table<'a> {
    /// A table of which a text shows the first targets. `targets` are their groups.
    pub(super) fn begin(
        targets_expected: u64,
        chunk: &'a [u8],
        targets: impl Iterator<Item = &'a [u8]>,
    ) -> Self {
        let (targets_shown, opaque, more) = (0, false, Vec::new());
        let mut table = Self {
            targets_expected,
            targets: targets_shown,
            verity: None,
            opaque,
            first: chunk,
            more,
        };
        table.show(targets);
        table
    }

    /// Whether a text whose first target has that index goes on with this table.
    pub(super) fn goes_on(&self, targets_expected: u64, first_index: Option<u64>) -> bool {
        self.targets_expected == targets_expected
            && !self.is_complete()
            && first_index.is_some_and(|index| index > 0)
    }

    /// Adds the targets of a text.
    pub(super) fn add(&mut self, chunk: &'a [u8], targets: impl Iterator<Item = &'a [u8]>) {
        self.more.push(chunk);
        self.show(targets);
    }

    fn show(&mut self, targets: impl Iterator<Item = &'a [u8]>) {
        for group in targets {
            match target(group) {
                Some(target) if target.index == self.targets => {
                    let is_whole = self.targets_expected == 1 && target.begin == 0;
                    self.verity = target.verity.filter(|_| is_whole).map(|_| group);
                }
                _ => self.opaque = true,
            }
            self.targets = self.targets.saturating_add(1);
        }
    }

    fn is_complete(&self) -> bool {
        self.targets >= self.targets_expected
    }

    /// The kernel's hash of it, as its events write it; none if a text is missing.
    pub(super) fn hash(&self) -> Option<String> {
        let whole = self.targets == self.targets_expected || self.opaque;
        let hash = match self.more.as_slice() {
            [] => HashAlgorithm::Sha256.hash(&[self.first]),
            more => HashAlgorithm::Sha256.hash(&[&[self.first], more].concat()),
        };
        Some(format!("sha256:{}", hash.filter(|_| whole)?))
    }

    /// What it is of verity, if it is that alone.
    pub(super) fn verity(&self) -> Option<Verity<'a>> {
        let is_known = self.targets == self.targets_expected && !self.opaque;
        self.verity.filter(|_| is_known).and_then(target)?.verity
    }
}

/// The index that a target's text begins with.
pub(super) fn target_index(group: &[u8]) -> Option<u64> {
    let rest = group.strip_prefix(b"target_index=")?;
    number(rest.split(|byte| *byte == b',').next()?)
}

/// A target. No key may come twice: some values are foreign and not escaped.
fn target(group: &[u8]) -> Option<Target<'_>> {
    let pairs = pairs(group)?;
    let mut keys: Vec<&[u8]> = pairs.iter().map(|(key, _)| *key).collect();
    keys.sort_unstable();
    if keys.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
        return None;
    }
    let mut pairs = pairs.into_iter();
    let index = number(next(&mut pairs, "target_index")?)?;
    let begin = number(next(&mut pairs, "target_begin")?)?;
    let sectors = number(next(&mut pairs, "target_len")?)?;
    let name = next(&mut pairs, "target_name")?;
    next(&mut pairs, "target_version")?;
    let verity = if name == b"verity" { Some(verity(sectors, &mut pairs)?) } else { None };
    Some(Target { index, begin, verity })
}

fn verity<'a>(sectors: u64, pairs: &mut impl Iterator<Item = Pair<'a>>) -> Option<Verity<'a>> {
    let corrupted = match next(pairs, "hash_failed")? {
        b"V" => false,
        b"C" => true,
        _ => return None,
    };
    next(pairs, "verity_version")?;
    next(pairs, "data_device_name")?;
    next(pairs, "hash_device_name")?;
    let algorithm = next(pairs, "verity_algorithm")?;
    let root_digest = hex(next(pairs, "root_digest")?)?;
    let salt = next(pairs, "salt").filter(|salt| *salt == b"-" || hex(salt).is_some())?;
    next(pairs, "ignore_zero_blocks").and_then(yes)?;
    let check_at_most_once = next(pairs, "check_at_most_once").and_then(yes)?;
    let mut verity = Verity {
        sectors,
        algorithm,
        root_digest,
        salt,
        corrupted,
        check_at_most_once,
        enforced: true,
        signature_key: None,
    };
    for (key, value) in pairs {
        match key {
            b"root_hash_sig_key_desc" => verity.signature_key = Some(value),
            b"verity_mode" => {
                verity.enforced =
                    matches!(value, b"restart_on_corruption" | b"panic_on_corruption");
            }
            _ => return None,
        }
    }
    Some(verity)
}

fn yes(value: &[u8]) -> Option<bool> {
    match value {
        b"y" => Some(true),
        b"n" => Some(false),
        _ => None,
    }
}

/// Lower-case hex of whole bytes, as it stands.
fn hex(value: &[u8]) -> Option<&[u8]> {
    let is_hex = !value.is_empty()
        && value.len().is_multiple_of(2)
        && value.iter().all(|byte| b"0123456789abcdef".contains(byte));
    is_hex.then_some(value)
}

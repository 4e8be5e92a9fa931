//! Volumes of verity as facts.

use avouch_wire::decode_hex;

use super::table::Verity;
use crate::HashAlgorithm;
use crate::ima::References;

/// A volume that runs, every block of which leads to its root digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Volume {
    /// Name of the device, as whoever made it chose; what is not UTF-8 is replaced.
    pub name: String,
    /// Its identifier; may be empty.
    pub uuid: String,
    /// The root digest, in lower-case hex.
    pub root_digest: String,
    /// The algorithm, as the kernel was told.
    pub algorithm: String,
    /// The salt in lower-case hex, or `-`.
    pub salt: String,
    /// How much of it is covered, in sectors of 512 bytes.
    pub sectors: u64,
    /// Whether a block that does not fit is refused: the mode is not `ignore_corruption`, and no
    /// block was found to be corrupt when the table was loaded.
    pub enforced: bool,
    /// Whether blocks are checked only when they are first read.
    pub check_at_most_once: bool,
    /// The key by which the kernel checked a signature of the root digest, as it was told.
    pub signature_key: Option<String>,
    /// Whether no other table ran under this name since the list began.
    pub steady: bool,
    /// The name's own bytes.
    name_bytes: Vec<u8>,
}

impl Volume {
    pub(super) fn new(name: &[u8], uuid: &[u8], verity: &Verity<'_>, steady: bool) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            name: text(name),
            uuid: text(uuid),
            root_digest: text(verity.root_digest),
            algorithm: text(verity.algorithm),
            salt: text(verity.salt),
            sectors: verity.sectors,
            enforced: verity.enforced && !verity.corrupted,
            check_at_most_once: verity.check_at_most_once,
            signature_key: verity.signature_key.map(text),
            steady,
            name_bytes: name.to_vec(),
        }
    }

    /// Whether it has that name.
    #[must_use]
    pub fn is_called(&self, name: &[u8]) -> bool {
        self.name_bytes == name
    }

    /// Whether the operator expects it: this root digest under this name, in SHA-256, SHA-384 or
    /// SHA-512.
    #[must_use]
    pub fn is_listed(&self, references: &References) -> bool {
        let strong = [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512];
        let algorithm = strong.into_iter().find(|strong| strong.name() == self.algorithm);
        let digest = decode_hex(&self.root_digest).ok().filter(|digest| {
            algorithm.is_some_and(|algorithm| algorithm.digest_length() == digest.len())
        });
        digest.is_some_and(|digest| references.lists_volume(&self.name_bytes, &digest))
    }
}

/// What the device mapper runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Volumes {
    /// Volumes of verity, by name.
    pub running: Vec<Volume>,
    /// Devices whose table is of another kind.
    pub others: usize,
    /// Devices whose table the list does not show.
    pub unknown: usize,
    /// Events of the device mapper.
    pub events: usize,
    /// Those whose text is none that it writes, and entries of the list that prove nothing, which may
    /// be events. With any of them nothing is known of what runs.
    pub malformed: usize,
}

impl Volumes {
    /// Nothing is known of what runs, for so many entries that prove nothing.
    pub(crate) const fn unknown(malformed: usize) -> Self {
        Self { running: Vec::new(), others: 0, unknown: 0, events: 0, malformed }
    }

    pub(super) fn new(
        mut running: Vec<Volume>,
        others: usize,
        unknown: usize,
        events: usize,
        malformed: usize,
    ) -> Self {
        running.sort_unstable();
        if malformed > 0 {
            running.clear();
        }
        Self { running, others, unknown, events, malformed }
    }
}

//! A list as it was sent: read, and nothing of it proven.

use std::borrow::Cow;

use super::binary::{self, OLD_DIGEST_BYTES, Slot};
use super::{Content, ContentError, ListError, Template, ascii, gzip};
use crate::{Digest, HashAlgorithm};

/// The longest list that is read, expanded, in bytes: some 100,000 entries.
pub const LIST_BYTES_MAX: usize = 16 << 20;

/// In which form a list was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `ascii_runtime_measurements`.
    Ascii,
    /// `binary_runtime_measurements`.
    Binary,
}

/// A measurement list. Only [`prove`](super::prove) says which of its entries count.
#[derive(Debug, Clone)]
pub struct List<'a> {
    /// In binary form.
    bytes: Cow<'a, [u8]>,
    slots: Vec<Slot>,
    hash: HashAlgorithm,
    form: Form,
    compressed: bool,
}

impl<'a> List<'a> {
    /// Reads a list in the kernel's ascii or binary form, or either compressed by gzip, which expands
    /// to at most [`LIST_BYTES_MAX`] and to a bounded multiple of its length. All entries are read or
    /// none; the template hashes are not compared with anything yet.
    ///
    /// # Errors
    /// [`ListError`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, ListError> {
        if gzip::is_gzip(bytes) {
            let expanded = gzip::inflate(bytes, LIST_BYTES_MAX)?;
            return Self::expanded(Cow::Owned(expanded), true);
        }
        Self::expanded(Cow::Borrowed(bytes), false)
    }

    fn expanded(bytes: Cow<'a, [u8]>, compressed: bool) -> Result<Self, ListError> {
        if bytes.len() > LIST_BYTES_MAX {
            return Err(ListError::TooLong { found: bytes.len(), limit: LIST_BYTES_MAX });
        }
        let is_ascii = is_ascii(&bytes);
        let bytes = if is_ascii { Cow::Owned(ascii::to_binary(&bytes)?) } else { bytes };
        let (hash, slots) = binary::read(&bytes)?;
        let form = if is_ascii { Form::Ascii } else { Form::Binary };
        Ok(Self { bytes, slots, hash, form, compressed })
    }

    /// How many entries it has; at least one.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether it has none, which is never so.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The form in which it was sent.
    #[must_use]
    pub const fn form(&self) -> Form {
        self.form
    }

    /// Whether it was sent compressed.
    #[must_use]
    pub const fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// Algorithm of the template hashes in it.
    #[must_use]
    pub const fn hash_algorithm(&self) -> HashAlgorithm {
        self.hash
    }

    /// Its entries in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.slots.iter().enumerate().map(|(index, slot)| Entry {
            index,
            slot: *slot,
            hash: self.hash,
            bytes: &self.bytes,
        })
    }
}

/// Ascii begins with the number of a register, in decimal and to two places; binary with one of four
/// bytes, below 24.
fn is_ascii(bytes: &[u8]) -> bool {
    let digits = bytes.strip_prefix(b" ").unwrap_or(bytes);
    digits.first().is_some_and(u8::is_ascii_digit)
}

/// One entry of a list. What it says is proven by a replay only.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'l> {
    index: usize,
    slot: Slot,
    hash: HashAlgorithm,
    bytes: &'l [u8],
}

/// What follows the name in data of the template `ima`, up to 256 bytes with it.
const ZEROS: [u8; 256] = [0; 256];

impl<'l> Entry<'l> {
    /// Its place in the list, from 0.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// The register that it says to extend.
    #[must_use]
    pub const fn pcr(&self) -> u8 {
        self.slot.pcr
    }

    /// What it says about its template.
    #[must_use]
    pub const fn untrusted_template(&self) -> Template {
        self.slot.template
    }

    /// The template hash in the list.
    #[must_use]
    pub fn untrusted_hash(&self) -> &'l [u8] {
        let start = usize::try_from(self.slot.hash).unwrap_or(usize::MAX);
        let end = start.saturating_add(self.hash.digest_length());
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Whether it stands for a violation: something was written while it was measured, or measured
    /// while it was open for writing. Nothing of what such an entry says is covered by any digest.
    #[must_use]
    pub fn is_violation(&self) -> bool {
        self.untrusted_hash().iter().all(|byte| *byte == 0)
    }

    /// The template data as they stand in the list.
    #[must_use]
    pub fn untrusted_data(&self) -> &'l [u8] {
        let [start, end] =
            [self.slot.data, self.slot.end].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// What the data say, if they are what a kernel writes.
    ///
    /// # Errors
    /// [`ContentError`].
    pub fn untrusted_content(&self) -> Result<Content<'l>, ContentError> {
        Content::read(self.slot.template, self.untrusted_data())
    }

    /// The hash of the template data.
    #[must_use]
    pub fn data_hash(&self, algorithm: HashAlgorithm) -> Option<Digest> {
        let data = self.untrusted_data();
        if self.slot.template != Template::Ima {
            return algorithm.hash(&[data]);
        }
        let (digest, rest) = data.split_at_checked(OLD_DIGEST_BYTES)?;
        let name = rest.get(size_of::<u32>()..)?;
        algorithm.hash(&[digest, name, ZEROS.get(name.len()..)?])
    }

    /// Whether the template hash in the list is that of its data.
    #[must_use]
    pub fn hash_is_of_data(&self) -> bool {
        let hash = self.data_hash(self.hash);
        hash.is_some_and(|hash| hash.as_bytes() == self.untrusted_hash())
    }
}

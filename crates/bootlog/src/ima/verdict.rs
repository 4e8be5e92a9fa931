//! The verdict on one proven entry.

use super::content::kernel_algorithm;
use super::keys::{signed_digest, strong_hash};
use super::replay::Proof;
use super::{
    Buffer, Content, File, FileKeys, Name, ProvenEntry, References, SignatureHeader, SignatureKind,
    aggregate,
};

/// What one proven entry is, and what the operator's keys and reference values say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryVerdict<'l> {
    /// The aggregate of the boot, or its repetition after kexec.
    BootAggregate,
    /// A file.
    File {
        /// Its name.
        name: Name<'l>,
        /// Whether it is signed.
        signed: Signed,
        /// Whether it is listed.
        listing: Listing,
    },
    /// Bytes of the kernel's.
    Buffer(Buffer<'l>),
    /// Something was written while it was measured; which file it was is not proven.
    Violation,
    /// Its hash is not that of its data, or they are not what a kernel writes.
    Unreadable,
}

/// Whether a file is signed by a key of the operator's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// Yes: over the digest in this entry.
    By {
        /// Identifier of the key.
        key_id: [u8; 4],
    },
    /// The entry has no signature, or its template none.
    Not,
    /// The signature names a key that the operator did not give.
    UnknownKey {
        /// Identifier of the key.
        key_id: [u8; 4],
    },
    /// The signature is not one of that key over this digest.
    Invalid,
    /// The signature is malformed.
    Malformed,
    /// It is by SHA-1 or another hash that does not count.
    WeakHash,
    /// It covers metadata that are not in the list (portable EVM).
    NotInList,
}

impl Signed {
    /// Whether it is signed.
    #[must_use]
    pub const fn holds(self) -> bool {
        matches!(self, Self::By { .. })
    }

    /// Its name in what we print.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::By { .. } => "signed",
            Self::Not => "unsigned",
            Self::UnknownKey { .. } => "unknown-key",
            Self::Invalid => "invalid",
            Self::Malformed => "malformed",
            Self::WeakHash => "weak-hash",
            Self::NotInList => "portable-evm",
        }
    }

    fn of(file: &File<'_>, keys: &FileKeys) -> Self {
        let Some(bytes) = file.signature else { return Self::Not };
        let Ok(header) = SignatureHeader::parse(bytes) else { return Self::Malformed };
        if header.kind == SignatureKind::PortableEvm {
            return Self::NotInList;
        }
        let Some(algorithm) = strong_hash(header.hash) else { return Self::WeakHash };
        if !keys.know(header.key_id) {
            return Self::UnknownKey { key_id: header.key_id };
        }
        let is_of_digest = kernel_algorithm(file.digest.algorithm) == Some(algorithm);
        let digest = signed_digest(file, &header, algorithm).filter(|_| is_of_digest);
        match digest {
            Some(digest) if keys.signed(&header, algorithm, &digest) => {
                Self::By { key_id: header.key_id }
            }
            _ => Self::Invalid,
        }
    }
}

/// What the operator's reference values say about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// This content is listed under this name.
    Listed,
    /// The name is excluded: whatever the content is.
    Excluded,
    /// The name is listed, but with other contents.
    OtherDigest,
    /// The name is not listed.
    Unlisted,
}

impl Listing {
    /// Its name in what we print.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Excluded => "excluded",
            Self::OtherDigest => "other-digest",
            Self::Unlisted => "unlisted",
        }
    }
}

impl<'l> EntryVerdict<'l> {
    /// Judges one entry. `aggregate` is what the list's first entry holds, if it is the aggregate of
    /// this boot.
    pub(super) fn of(
        entry: &ProvenEntry<'l>,
        boot: Option<File<'l>>,
        references: &References,
        keys: &FileKeys,
    ) -> Self {
        let file = match entry.proof() {
            Proof::Violation => return Self::Violation,
            Proof::Nothing => return Self::Unreadable,
            Proof::Content(Content::Buffer(buffer)) => return Self::Buffer(buffer),
            Proof::Content(Content::File(file)) => file,
        };
        let is_aggregate = file.name.as_bytes() == aggregate::NAME
            && boot.is_some_and(|boot| boot.digest == file.digest);
        if is_aggregate {
            return Self::BootAggregate;
        }
        let listing = references.listing(&file);
        Self::File { name: file.name, signed: Signed::of(&file, keys), listing }
    }
}

//! Partition tables as firmware measures them.

use avouch_wire::{Cursor, ParseError, ParseErrorKind};

use super::Guid;
use super::variable::utf16;

/// `UEFI_GPT_DATA`: a disk and its partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionTable<'a> {
    /// `DiskGUID`.
    pub disk: Guid,
    /// `UEFIPartitions`, each of `size` bytes.
    entries: &'a [u8],
    size: usize,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartitionEntry {
    /// `PartitionTypeGUID`.
    pub kind: Guid,
    /// `UniquePartitionGUID`.
    pub unique: Guid,
    /// `StartingLBA`, in blocks.
    pub first_block: u64,
    /// `EndingLBA`, in blocks, the last that belongs to it.
    pub last_block: u64,
    /// `PartitionName`; empty if it is no UTF-16.
    pub name: String,
}

const SIGNATURE: &[u8; 8] = b"EFI PART";
/// Most partitions accepted: as many as Linux makes.
const PARTITIONS_MAX: u64 = 256;
/// Lengths of an entry: the defined part, and the longest accepted.
const ENTRY: (usize, u32) = (128, 4096);

impl<'a> PartitionTable<'a> {
    /// Whether bytes say that they are a partition table.
    #[must_use]
    pub fn is(bytes: &[u8]) -> bool {
        bytes.starts_with(SIGNATURE)
    }

    /// Reads `bytes`, of which none may be left over.
    ///
    /// # Errors
    /// [`ParseError`] with field and offset.
    ///
    /// # Source
    /// TCG PC Client Platform Firmware Profile Specification 1.06, section 10.2.7; UEFI Specification
    /// 2.10, section 5.3.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("UEFI_GPT_DATA", bytes);
        let start = cursor.clone();
        if cursor.array("Signature")? != SIGNATURE {
            let kind = ParseErrorKind::Malformed("no partition table".to_owned());
            return Err(start.error("Signature", kind));
        }
        // Revision, lengths and checksums (16), and four block numbers (32).
        cursor.take("UEFIPartitionHeader", 48)?;
        let disk = Guid(*cursor.array("DiskGUID")?);
        cursor.u64_le("PartitionEntryLBA")?;
        cursor.u32_le("NumberOfPartitionEntries")?;
        let sizes = cursor.clone();
        let size = cursor.length_u32_le("SizeOfPartitionEntry", ENTRY.1)?;
        if size < ENTRY.0 {
            let kind = ParseErrorKind::Malformed("shorter than an entry".to_owned());
            return Err(sizes.error("SizeOfPartitionEntry", kind));
        }
        cursor.u32_le("PartitionEntryArrayCRC32")?;
        let counted = cursor.clone();
        let count = cursor.u64_le("NumberOfPartitions")?;
        if count > PARTITIONS_MAX {
            let kind = ParseErrorKind::OverLimit { value: count, limit: PARTITIONS_MAX };
            return Err(counted.error("NumberOfPartitions", kind));
        }
        let length = usize::try_from(count).ok().and_then(|count| count.checked_mul(size));
        let entries = cursor.take("Partitions", length.unwrap_or(usize::MAX))?;
        cursor.finish()?;
        Ok(Self { disk, entries, size })
    }

    /// The partitions that the firmware measured.
    pub fn partitions(&self) -> impl ExactSizeIterator<Item = PartitionEntry> + use<'a> {
        self.entries.chunks_exact(self.size).map(|entry| partition(entry).unwrap_or_default())
    }
}

fn partition(entry: &[u8]) -> Result<PartitionEntry, ParseError> {
    let mut entry = Cursor::new("EFI_PARTITION_ENTRY", entry);
    let kind = Guid(*entry.array("PartitionTypeGUID")?);
    let unique = Guid(*entry.array("UniquePartitionGUID")?);
    let first_block = entry.u64_le("StartingLBA")?;
    let last_block = entry.u64_le("EndingLBA")?;
    entry.u64_le("Attributes")?;
    let name = utf16(entry.take("PartitionName", 72)?).unwrap_or_default();
    let name = name.trim_end_matches('\0').to_owned();
    Ok(PartitionEntry { kind, unique, first_block, last_block, name })
}

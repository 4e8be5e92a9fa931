//! Whose signatures were accepted.

use std::collections::BTreeMap;

use super::Unproven;
use crate::uefi::{Guid, Signatures, Variable, signatures};

/// The databases that the firmware verified by, as PCR 7 proves them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecureBootKeys<'a> {
    /// `PK`: who may change `KEK`.
    pub pk: Signatures<'a>,
    /// `KEK`: who may change `db` and `dbx`.
    pub kek: Signatures<'a>,
    /// `db`: whose images, or which ones, may run.
    pub db: Signatures<'a>,
    /// `dbx`: which may not, whoever signed them.
    pub dbx: Signatures<'a>,
    /// The values of `PK`, `KEK`, `db` and `dbx` as they were measured.
    pub values: [&'a [u8]; 4],
}

impl<'a> SecureBootKeys<'a> {
    /// Reads the values of `PK`, `KEK`, `db` and `dbx`.
    pub(super) fn parse([pk, kek, db, dbx]: [&'a [u8]; 4]) -> Result<Self, Unproven> {
        let read = |variable, value| {
            signatures(value).map_err(|source| Unproven::Database { variable, source })
        };
        Ok(Self {
            pk: read("PK", pk)?,
            kek: read("KEK", kek)?,
            db: read("db", db)?,
            dbx: read("dbx", dbx)?,
            values: [pk, kek, db, dbx],
        })
    }

    /// Whether what must be there is, and every image that `db` let run stands in `db`.
    pub(super) fn check(&self, authorities: &[Authority<'a>]) -> Result<(), Unproven> {
        for (variable, list) in [("PK", &self.pk), ("KEK", &self.kek), ("db", &self.db)] {
            if list.is_empty() {
                return Err(Unproven::Empty { variable });
            }
        }
        let by_db = authorities.iter().filter(|from| from.source == AuthoritySource::Db);
        // There are few, and `db` may have as many entries as it likes.
        let mut missing: BTreeMap<&[u8], usize> =
            by_db.rev().map(|authority| (authority.entry, authority.sequence)).collect();
        if missing.is_empty() {
            return Err(Unproven::NoAuthority);
        }
        for entry in self.db.iter() {
            missing.remove(entry.entry);
            missing.remove(entry.data);
        }
        match missing.into_values().min() {
            Some(sequence) => Err(Unproven::Authority { sequence }),
            None => Ok(()),
        }
    }
}

/// Where the key is kept by which an image was let run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuthoritySource {
    /// `db`: the firmware's database.
    Db,
    /// `vendor_db`: the database built into shim.
    VendorDb,
    /// `Shim`: the certificate built into shim.
    Shim,
    /// `MokList` or `MokListRT`: keys that the machine's owner enrolled.
    MokList,
}

impl AuthoritySource {
    /// Where the key of an authority of this name is kept.
    pub(super) fn of(variable: &Variable<'_>) -> Option<Self> {
        Some(match (variable.vendor, variable.name.as_str()) {
            (Guid::IMAGE_SECURITY, "db") => Self::Db,
            (Guid::IMAGE_SECURITY, "vendor_db") => Self::VendorDb,
            (Guid::SHIM, "Shim") => Self::Shim,
            (Guid::SHIM, "MokList" | "MokListRT") => Self::MokList,
            _ => return None,
        })
    }

    /// Its name in what we print.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Db => "db",
            Self::VendorDb => "vendor_db",
            Self::Shim => "Shim",
            Self::MokList => "MokList",
        }
    }
}

/// The entry by which an image was let run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Authority<'a> {
    /// Where the key is kept.
    pub source: AuthoritySource,
    /// Whether it was measured after the separator of PCR 7: boot loaders are, option ROMs are not.
    /// Firmware measures each entry once, so one that let an option ROM run may have let a loader run too.
    pub after_separator: bool,
    /// Place of its event in the log, from 0.
    pub sequence: usize,
    /// What was measured: owner and data, or a certificate alone.
    pub entry: &'a [u8],
    /// Who enrolled the key; `None` where only a certificate was measured.
    pub owner: Option<Guid>,
    /// A certificate in DER, or a digest.
    pub data: &'a [u8],
}

impl<'a> Authority<'a> {
    pub(super) fn new(
        source: AuthoritySource,
        entry: &'a [u8],
        after_separator: bool,
        sequence: usize,
    ) -> Self {
        let owned = if is_der_sequence(entry) { None } else { entry.split_first_chunk::<16>() };
        let (owner, data) = owned.map_or((None, entry), |(owner, data)| (Some(Guid(*owner)), data));
        Self { source, after_separator, sequence, entry, owner, data }
    }
}

/// Whether bytes are one DER sequence with a length of two bytes, as a certificate is.
fn is_der_sequence(bytes: &[u8]) -> bool {
    let [0x30, 0x82, high, low, rest @ ..] = bytes else { return false };
    usize::from(u16::from_be_bytes([*high, *low])) == rest.len()
}

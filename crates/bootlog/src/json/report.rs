//! Facts of the boot as JSON.

use avouch_pki::digest;
use avouch_wire::encode_hex;
use serde::Serialize;

use crate::facts::{Authority, BootFacts, BootImage, Reason, SecureBootKeys, Shim};
use crate::uefi::{Guid, PartitionTable, Signature, Signatures};

/// Most entries of `PK`, `KEK` and `db` that are printed, each.
const ENTRIES_MAX: usize = 128;

/// The facts of a boot, as they are printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BootReport {
    /// The bank that they rest on.
    bank: Option<&'static str>,
    /// Whether secure boot was enforced for what booted; `null` if the log proves neither.
    secure_boot: Option<bool>,
    /// Why it is not.
    secure_boot_reason: Option<Reason>,
    secure_boot_keys: Option<Keys>,
    authorities: Vec<By>,
    shim: ShimSays,
    boot_chain: Option<Vec<Image>>,
    grub_command_lines: Option<Vec<String>>,
    systemd_command_lines: Option<Vec<String>>,
    partition_tables: Option<Vec<Table>>,
    findings: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Keys {
    /// Entries, unless there are more than anybody reads.
    pk: Option<Vec<Entry>>,
    kek: Option<Vec<Entry>>,
    db: Option<Vec<Entry>>,
    /// Number of entries: there are hundreds.
    dbx_entries: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Entry {
    kind: String,
    owner: String,
    /// Of a certificate its SHA-256; of a digest itself.
    sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct By {
    source: &'static str,
    after_separator: bool,
    owner: Option<String>,
    /// SHA-256 of the certificate, or of the digest that stands in its place.
    sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ShimSays {
    mok_sb_state: Vec<String>,
    sbat_level: Vec<String>,
    mok_list_trusted: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Image {
    digest: String,
    after_separator: bool,
    untrusted_type: String,
    untrusted_path: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Table {
    disk: String,
    partitions: Vec<Partition>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Partition {
    kind: String,
    unique: String,
    name: String,
    first_block: u64,
    last_block: u64,
}

impl From<&BootFacts<'_>> for BootReport {
    fn from(facts: &BootFacts<'_>) -> Self {
        let grub = facts.grub_command_lines.as_ref();
        Self {
            bank: facts.bank.map(|bank| bank.name()),
            secure_boot: facts.secure_boot.enforced(),
            secure_boot_reason: facts.secure_boot.reason(),
            secure_boot_keys: facts.keys.as_ref().map(Keys::from),
            authorities: facts.authorities.iter().map(By::from).collect(),
            shim: ShimSays::from(&facts.shim),
            boot_chain: facts.boot_chain.as_ref().map(|all| all.iter().map(Image::from).collect()),
            grub_command_lines: grub.map(|all| all.iter().map(|line| (*line).to_owned()).collect()),
            systemd_command_lines: facts.systemd_command_lines.clone(),
            partition_tables: facts
                .partition_tables
                .as_ref()
                .map(|all| all.iter().map(Table::from).collect()),
            findings: facts.findings.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<&SecureBootKeys<'_>> for Keys {
    fn from(keys: &SecureBootKeys<'_>) -> Self {
        let entries = |list: Signatures<'_>| {
            let few = list.len() <= ENTRIES_MAX;
            few.then(|| list.iter().map(|entry| Entry::from(&entry)).collect())
        };
        Self {
            pk: entries(keys.pk),
            kek: entries(keys.kek),
            db: entries(keys.db),
            dbx_entries: keys.dbx.len(),
        }
    }
}

impl From<&Signature<'_>> for Entry {
    fn from(entry: &Signature<'_>) -> Self {
        let (kind, sha256) = match entry.kind {
            Guid::CERT_X509 => ("x509".to_owned(), digest::sha256(entry.data).to_string()),
            Guid::CERT_SHA256 if entry.data.len() == 32 => {
                ("sha256".to_owned(), encode_hex(entry.data))
            }
            other => (other.to_string(), digest::sha256(entry.data).to_string()),
        };
        Self { kind, owner: entry.owner.to_string(), sha256 }
    }
}

impl From<&Authority<'_>> for By {
    fn from(authority: &Authority<'_>) -> Self {
        Self {
            source: authority.source.name(),
            after_separator: authority.after_separator,
            owner: authority.owner.map(|owner| owner.to_string()),
            sha256: digest::sha256(authority.data).to_string(),
        }
    }
}

impl From<&Shim<'_>> for ShimSays {
    fn from(shim: &Shim<'_>) -> Self {
        let hex = |values: &[&[u8]]| values.iter().map(|value| encode_hex(value)).collect();
        let text = |value: &&[u8]| String::from_utf8_lossy(value).trim_end().to_owned();
        Self {
            mok_sb_state: hex(&shim.mok_sb_states),
            sbat_level: shim.sbat_levels.iter().map(text).collect(),
            mok_list_trusted: hex(&shim.mok_list_trusted),
        }
    }
}

impl From<&BootImage<'_>> for Image {
    fn from(image: &BootImage<'_>) -> Self {
        Self {
            digest: image.digest.to_string(),
            after_separator: image.after_separator,
            untrusted_type: image.untrusted_type.to_string(),
            untrusted_path: image.untrusted_path(),
        }
    }
}

impl From<&PartitionTable<'_>> for Table {
    fn from(table: &PartitionTable<'_>) -> Self {
        let partitions = table.partitions().map(|partition| Partition {
            kind: partition.kind.to_string(),
            unique: partition.unique.to_string(),
            name: partition.name,
            first_block: partition.first_block,
            last_block: partition.last_block,
        });
        Self { disk: table.disk.to_string(), partitions: partitions.collect() }
    }
}

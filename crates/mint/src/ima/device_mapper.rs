//! What the device mapper has IMA measure.

use super::ImaEntry;
use crate::bootlog::Bank;

/// A device with one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DmDevice {
    /// Its name.
    pub name: String,
    /// Its identifier.
    pub uuid: String,
    /// Its number.
    pub minor: u32,
    /// Text of its targets, each with its semicolon.
    pub targets: Vec<String>,
}

const VERSION: &str = "dm_version=4.48.0;";

impl DmDevice {
    /// A volume of verity with that root digest in hex.
    #[must_use]
    pub fn verity(name: &str, minor: u32, root_digest: &str) -> Self {
        let target = verity_target(root_digest, "");
        let uuid = format!("CRYPT-VERITY-{minor:032x}-{name}");
        Self { name: name.to_owned(), uuid, minor, targets: vec![target] }
    }

    /// A device that maps a part of another one.
    #[must_use]
    pub fn linear(name: &str, minor: u32) -> Self {
        let target = "target_index=0,target_begin=0,target_len=2048,target_name=linear,\
                      target_version=1.4.0,device_name=7:0,start=512;";
        Self { name: name.to_owned(), uuid: String::new(), minor, targets: vec![target.to_owned()] }
    }

    fn device(&self) -> String {
        let Self { name, uuid, minor, targets } = self;
        let (name, uuid, count) = (escaped(name), escaped(uuid), targets.len());
        format!(
            "name={name},uuid={uuid},major=253,minor={minor},minor_count=1,num_targets={count};"
        )
    }

    /// The texts of its table, with so many targets in each.
    #[must_use]
    pub fn table_texts(&self, targets_each: usize) -> Vec<String> {
        self.targets
            .chunks(targets_each.max(1))
            .map(|targets| format!("{VERSION}{}{}", self.device(), targets.concat()))
            .collect()
    }

    /// The kernel's hash of its table.
    fn hash(&self, targets_each: usize) -> String {
        let text = self.table_texts(targets_each).concat();
        format!("sha256:{}", avouch_wire::encode_hex(&Bank::Sha256.digest(&[text.as_bytes()])))
    }

    /// Its table is loaded, in one text.
    #[must_use]
    pub fn load(&self) -> ImaEntry {
        ImaEntry::buffer("dm_table_load", self.table_texts(usize::MAX).concat().as_bytes())
    }

    /// Its table is loaded, with so many targets in each text.
    #[must_use]
    pub fn load_in_parts(&self, targets_each: usize) -> Vec<ImaEntry> {
        let texts = self.table_texts(targets_each);
        texts.iter().map(|text| ImaEntry::buffer("dm_table_load", text.as_bytes())).collect()
    }

    /// It is resumed with its table, which was loaded in texts of so many targets.
    #[must_use]
    pub fn resume_of_parts(&self, targets_each: usize) -> ImaEntry {
        let hash = self.hash(targets_each);
        let device = self.device();
        self.event(
            "dm_device_resume",
            &format!("{device}active_table_hash={hash};current_device_capacity=2048;"),
        )
    }

    /// It is resumed with its table.
    #[must_use]
    pub fn resume(&self) -> ImaEntry {
        self.resume_of_parts(usize::MAX)
    }

    /// It is resumed with another device's table, under its own name.
    #[must_use]
    pub fn resume_as(&self, other: &Self) -> ImaEntry {
        let (device, hash) = (self.device(), other.hash(usize::MAX));
        self.event(
            "dm_device_resume",
            &format!("{device}active_table_hash={hash};current_device_capacity=2048;"),
        )
    }

    /// It is resumed and has no table.
    #[must_use]
    pub fn resume_without_table(&self) -> ImaEntry {
        let (name, uuid) = (escaped(&self.name), escaped(&self.uuid));
        self.event(
            "dm_device_resume",
            &format!("name={name},uuid={uuid};device_resume=no_data;current_device_capacity=0;"),
        )
    }

    /// It is renamed.
    #[must_use]
    pub fn rename(&self, to: &str) -> ImaEntry {
        let (to, uuid) = (escaped(to), escaped(&self.uuid));
        let device = self.device();
        self.event(
            "dm_device_rename",
            &format!("{device}new_name={to},new_uuid={uuid};current_device_capacity=2048;"),
        )
    }

    /// What was loaded is forgotten.
    #[must_use]
    pub fn clear(&self) -> ImaEntry {
        let (device, hash) = (self.device(), self.hash(usize::MAX));
        self.event(
            "dm_table_clear",
            &format!("{device}inactive_table_hash={hash};current_device_capacity=2048;"),
        )
    }

    /// It is removed.
    #[must_use]
    pub fn remove(&self) -> ImaEntry {
        let (device, hash) = (self.device(), self.hash(usize::MAX));
        self.event(
            "dm_device_remove",
            &format!(
                "device_active_metadata={device}active_table_hash={hash},remove_all=n;\
                 current_device_capacity=2048;"
            ),
        )
    }

    fn event(&self, name: &str, text: &str) -> ImaEntry {
        ImaEntry::buffer(name, format!("{VERSION}{text}").as_bytes())
    }
}

/// A target of verity over a whole device; `more` goes behind what it always says.
#[must_use]
pub fn verity_target(root_digest: &str, more: &str) -> String {
    format!(
        "target_index=0,target_begin=0,target_len=2048,target_name=verity,target_version=1.9.0,\
         hash_failed=V,verity_version=1,data_device_name=253:1,hash_device_name=253:0,\
         verity_algorithm=sha256,root_digest={root_digest},salt=e48d,ignore_zero_blocks=n,\
         check_at_most_once=n{more};"
    )
}

/// A name as the device mapper writes it.
fn escaped(name: &str) -> String {
    let mut out = String::new();
    for char in name.chars() {
        if matches!(char, '\\' | ';' | '=' | ',') {
            out.push('\\');
        }
        out.push(char);
    }
    out
}

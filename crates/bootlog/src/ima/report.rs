//! Facts as JSON, for policies and for people.

use serde::{Serialize, Serializer};

use super::{Facts, MeasuredKey};
use crate::verity::{Volume, Volumes};

impl Serialize for Facts {
    /// An object with the facts by their names. Algorithms are named as tpm2-tools does.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Report::from(self).serialize(serializer)
    }
}

#[derive(Serialize)]
struct Report<'a> {
    bank: &'static str,
    rule: &'static str,
    entries: usize,
    proven: usize,
    boot_aggregate: &'static str,
    files: usize,
    signed: usize,
    listed: usize,
    excluded: usize,
    buffers: usize,
    violations: usize,
    unreadable: usize,
    only_signed: bool,
    only_listed: bool,
    only_signed_or_listed: bool,
    kernel_version: Option<&'a str>,
    keys: Vec<KeyReport<'a>>,
    key_count: usize,
    volumes: VolumesReport<'a>,
}

#[derive(Serialize)]
struct KeyReport<'a> {
    keyring: &'a str,
    subject: Option<&'a str>,
    sha256: String,
}

#[derive(Serialize)]
struct VolumesReport<'a> {
    running: Vec<VolumeReport<'a>>,
    others: usize,
    unknown: usize,
    events: usize,
    malformed: usize,
}

#[derive(Serialize)]
struct VolumeReport<'a> {
    name: &'a str,
    uuid: &'a str,
    root_digest: &'a str,
    algorithm: &'a str,
    salt: &'a str,
    sectors: u64,
    enforced: bool,
    check_at_most_once: bool,
    signature_key: Option<&'a str>,
    steady: bool,
}

impl<'a> From<&'a Facts> for Report<'a> {
    fn from(facts: &'a Facts) -> Self {
        Self {
            bank: facts.bank.name(),
            rule: facts.rule.name(),
            entries: facts.entries,
            proven: facts.proven,
            boot_aggregate: facts.boot_aggregate.name(),
            files: facts.files,
            signed: facts.signed,
            listed: facts.listed,
            excluded: facts.excluded,
            buffers: facts.buffers,
            violations: facts.violations,
            unreadable: facts.unreadable,
            only_signed: facts.only_signed,
            only_listed: facts.only_listed,
            only_signed_or_listed: facts.only_signed_or_listed,
            kernel_version: facts.kernel_version.as_deref(),
            keys: facts.keys.iter().map(KeyReport::from).collect(),
            key_count: facts.key_count,
            volumes: VolumesReport::from(&facts.volumes),
        }
    }
}

impl<'a> From<&'a MeasuredKey> for KeyReport<'a> {
    fn from(key: &'a MeasuredKey) -> Self {
        Self {
            keyring: &key.keyring,
            subject: key.subject.as_deref(),
            sha256: key.sha256.to_string(),
        }
    }
}

impl<'a> From<&'a Volumes> for VolumesReport<'a> {
    fn from(volumes: &'a Volumes) -> Self {
        Self {
            running: volumes.running.iter().map(VolumeReport::from).collect(),
            others: volumes.others,
            unknown: volumes.unknown,
            events: volumes.events,
            malformed: volumes.malformed,
        }
    }
}

impl<'a> From<&'a Volume> for VolumeReport<'a> {
    fn from(volume: &'a Volume) -> Self {
        Self {
            name: &volume.name,
            uuid: &volume.uuid,
            root_digest: &volume.root_digest,
            algorithm: &volume.algorithm,
            salt: &volume.salt,
            sectors: volume.sectors,
            enforced: volume.enforced,
            check_at_most_once: volume.check_at_most_once,
            signature_key: volume.signature_key.as_deref(),
            steady: volume.steady,
        }
    }
}

//! Facts as JSON, for policies and for people.

use serde::{Serialize, Serializer};
use serde_json::value::to_raw_value;

use super::replay::IMA_PCR;
use super::{Facts, MeasuredKey};
use crate::json::Events;
use crate::verity::{Volume, Volumes};

impl Serialize for Facts {
    /// An object with the facts by their names. Algorithms are named as tpm2-tools does.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Report::from(self).serialize(serializer)
    }
}

/// What MAA calls events of IMA in the claim `events`.
const EVENT_TYPE: &str = "IMA_MEASUREMENT_EVENT";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct KernelEvent<'a> {
    kernel_version: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyEvent<'a> {
    keyring: &'a str,
    certificate_subject: String,
}

impl Facts {
    /// Adds the kernel's version and the keys to the claim `events`, as MAA has them there. A key whose
    /// certificate is not read has `sha256:` and the hash of the certificate for a subject: no key is
    /// left out.
    pub fn add_to(&self, events: &mut Events) {
        let kernel = self.kernel_version.iter().map(|kernel_version| {
            to_raw_value(&KernelEvent { kernel_version: kernel_version.as_str() })
        });
        let keys = self.keys.iter().map(|key| {
            let subject = key.subject.clone();
            let certificate_subject = subject.unwrap_or_else(|| format!("sha256:{}", key.sha256));
            to_raw_value(&KeyEvent { keyring: &key.keyring, certificate_subject })
        });
        for data in kernel.chain(keys).flatten() {
            events.push(IMA_PCR, EVENT_TYPE, data);
        }
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

//! Measurement lists of IMA: a summary, for lists have thousands of entries.

use std::collections::BTreeMap;

use avouch_bootlog::HashAlgorithm;
use avouch_bootlog::ima::{
    Content, Entry, File, Form, KERNEL_VERSION, List, SignatureHeader, claimed_value,
};
use avouch_bootlog::verity::{Devices, Volume};
use avouch_wire::excerpt;

use super::input::Input;
use super::recogniser::Inspection;
use super::tree::Fields;

/// As many are named of each kind.
const NAMED_MAX: usize = 16;

pub(super) fn list(input: &Input) -> Result<Inspection, String> {
    let list = List::read(&input.bytes).map_err(|error| error.to_string())?;
    let title = format!("IMA measurement list of {} entries", list.len());
    Ok(Inspection::new("ima-list", title, fields(&list)))
}

fn fields(list: &List<'_>) -> Fields {
    let mut summary = Summary::default();
    for entry in list.entries() {
        summary.add(&entry);
    }
    let form = match list.form() {
        Form::Ascii => "ascii",
        Form::Binary => "binary",
    };
    let head = Fields::new()
        .with("form", form)
        .with("compressed", list.is_compressed())
        .with("entries", list.len())
        .with("template_hash", list.hash_algorithm().name())
        .with("pcr10_after_all", registers(list));
    head.and(summary.finish())
}

/// What PCR 10 holds if the whole list extended it.
fn registers(list: &List<'_>) -> Fields {
    [HashAlgorithm::Sha1, HashAlgorithm::Sha256].into_iter().fold(Fields::new(), |fields, bank| {
        let value = claimed_value(list, bank).map(|value| value.to_string());
        fields.with(bank.name(), value)
    })
}

/// How often each name came up, the first of them with their number.
#[derive(Default)]
struct Counted(BTreeMap<String, usize>);

impl Counted {
    fn add(&mut self, name: String) {
        let count = self.0.entry(name).or_default();
        *count = count.saturating_add(1);
    }

    fn finish(self) -> Fields {
        let omitted = self.0.len().saturating_sub(NAMED_MAX);
        let named = self.0.into_iter().take(NAMED_MAX);
        let fields = named.fold(Fields::new(), |fields, (name, count)| fields.with(&name, count));
        if omitted == 0 { fields } else { fields.with("more", omitted) }
    }
}

#[derive(Default)]
struct Summary<'l> {
    templates: Counted,
    verdicts: Counted,
    keys: Counted,
    buffers: Counted,
    kernel_version: Option<String>,
    /// The first entries that prove nothing, or a violation.
    notable: Vec<Fields>,
    devices: Devices<'l>,
}

impl<'l> Summary<'l> {
    fn add(&mut self, entry: &Entry<'l>) {
        self.templates.add(entry.untrusted_template().name().to_owned());
        let verdict = self.verdict(entry);
        self.verdicts.add(verdict.to_owned());
        let is_notable = matches!(verdict, "violation" | "hash-differs" | "malformed");
        if is_notable && self.notable.len() < NAMED_MAX {
            let row = Fields::new().with("entry", entry.index()).with("verdict", verdict);
            self.notable.push(row);
        }
    }

    fn verdict(&mut self, entry: &Entry<'l>) -> &'static str {
        if entry.is_violation() {
            return "violation";
        }
        if !entry.hash_is_of_data() {
            return "hash-differs";
        }
        match entry.untrusted_content() {
            Err(_) => "malformed",
            Ok(Content::File(file)) if is_aggregate(entry, &file) => "boot-aggregate",
            Ok(Content::File(file)) => self.file(&file),
            Ok(Content::Buffer(buffer)) => {
                self.buffers.add(buffer.name.to_string());
                if self.kernel_version.is_none()
                    && buffer.name.as_bytes() == KERNEL_VERSION.as_bytes()
                {
                    let text = String::from_utf8_lossy(buffer.bytes);
                    self.kernel_version = Some(excerpt(&text).to_string());
                }
                self.devices.next(&buffer);
                "measured-bytes"
            }
        }
    }

    fn file(&mut self, file: &File<'_>) -> &'static str {
        match file.signature.map(SignatureHeader::parse) {
            None if file.tells_signature => "file-unsigned",
            None => "file",
            Some(Err(_)) => "file-with-malformed-signature",
            Some(Ok(header)) => {
                self.keys.add(header.key_id_hex());
                "file-with-signature"
            }
        }
    }

    fn finish(self) -> Fields {
        let volumes = self.devices.finish();
        let running: Vec<Fields> = volumes.running.iter().take(NAMED_MAX).map(volume).collect();
        Fields::new()
            .with("templates", self.templates.finish())
            .with("verdicts", self.verdicts.finish())
            .with("notable", self.notable)
            .with("signing_keys", self.keys.finish())
            .with("measured_bytes", self.buffers.finish())
            .with("kernel_version", self.kernel_version)
            .with("verity_volumes", running)
            .with("other_devices", volumes.others)
            .with("unknown_devices", volumes.unknown)
    }
}

fn is_aggregate(entry: &Entry<'_>, file: &File<'_>) -> bool {
    entry.index() == 0 && file.name.as_bytes() == b"boot_aggregate"
}

fn volume(volume: &Volume) -> Fields {
    Fields::new()
        .with("name", volume.name.as_str())
        .with("root_digest", volume.root_digest.as_str())
        .with("algorithm", volume.algorithm.as_str())
        .with("sectors", volume.sectors)
        .with("enforced", volume.enforced)
        .with("steady", volume.steady)
}

//! The verdict on a proven list.

use super::{
    BootAggregate, Content, EntryVerdict, File, FileKeys, Listing, MeasuredKey, Offenders, Offense,
    ProvenList, References, Rule, Signed, measured, measured::KEYS_MAX,
};
use crate::verity::{Devices, Volumes};
use crate::{HashAlgorithm, RegisterValues};

/// What a proven list says. Only proven entries are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Algorithm of the bank that proves the entries.
    pub bank: HashAlgorithm,
    /// By which rule it does.
    pub rule: Rule,
    /// Entries in the list.
    pub entries: usize,
    /// Entries that are proven.
    pub proven: usize,
    /// Whether the list began in the boot that the same quote proves.
    pub boot_aggregate: BootAggregate,
    /// Files.
    pub files: usize,
    /// Files that a key of the operator's signed.
    pub signed: usize,
    /// Files that the reference values list.
    pub listed: usize,
    /// Files that they exclude.
    pub excluded: usize,
    /// Entries of measured bytes.
    pub buffers: usize,
    /// Violations: something was written while it was measured.
    pub violations: usize,
    /// Entries that prove nothing.
    pub unreadable: usize,
    /// Whether each file is signed or excluded, and what an [`Appraisal`] asks of any list holds.
    pub only_signed: bool,
    /// Whether each file is listed or excluded, in the same way.
    pub only_listed: bool,
    /// Whether each file is signed, listed or excluded, in the same way.
    pub only_signed_or_listed: bool,
    /// The kernel's release, which it measures at boot if its policy says so. The first counts: later
    /// ones are not the kernel's.
    pub kernel_version: Option<String>,
    /// Keys that were put onto keyrings: all of them, of which there may be 256. An entry about another
    /// one, or about a keyring that no kernel has, is among `unreadable`.
    pub keys: Vec<MeasuredKey>,
    /// What the device mapper runs.
    pub volumes: Volumes,
}

/// A proven list, judged by an operator's keys and reference values.
///
/// Of any list it is asked that it began in this boot ([`BootAggregate::Matches`]), that nothing was
/// written while it was measured, that every entry can be read, and that there are files in it at all:
/// a kernel without a policy measures none. Whether the policy named all that matters is not in the
/// list: the kernel's command line, which its boot loader measures, or the policy file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appraisal {
    facts: Facts,
    pub(super) unsigned: Offenders,
    pub(super) unlisted: Offenders,
    pub(super) neither: Offenders,
}

impl Appraisal {
    /// Judges a proven list by the registers of the same quote and what the operator expects.
    #[must_use]
    pub fn of(
        list: &ProvenList<'_, '_>,
        proven: &RegisterValues,
        references: &References,
        keys: &FileKeys,
    ) -> Self {
        let boot_aggregate = BootAggregate::of(list, proven);
        let mut folded = Folded::new(list, boot_aggregate);
        for (index, verdict) in verdicts(list, boot_aggregate, references, keys) {
            folded.add(index, verdict);
        }
        folded.finish()
    }

    /// What the list says.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }
}

impl<'l> ProvenList<'l, '_> {
    /// The verdict on each proven entry with its place in the list. Signatures are checked as the
    /// iterator goes.
    pub fn verdicts(
        &self,
        proven: &RegisterValues,
        references: &References,
        keys: &FileKeys,
    ) -> impl Iterator<Item = (usize, EntryVerdict<'l>)> {
        verdicts(self, BootAggregate::of(self, proven), references, keys)
    }
}

fn verdicts<'l>(
    list: &ProvenList<'l, '_>,
    boot_aggregate: BootAggregate,
    references: &References,
    keys: &FileKeys,
) -> impl Iterator<Item = (usize, EntryVerdict<'l>)> {
    let boot = aggregate_file(list).filter(|_| boot_aggregate != BootAggregate::Absent);
    list.entries()
        .map(move |entry| (entry.index(), EntryVerdict::of(&entry, boot, references, keys)))
}

/// What the first entry holds.
fn aggregate_file<'l>(list: &ProvenList<'l, '_>) -> Option<File<'l>> {
    match list.entries().next()?.content()? {
        Content::File(file) => Some(file),
        Content::Buffer(_) => None,
    }
}

/// What was seen so far.
struct Folded<'l> {
    appraisal: Appraisal,
    devices: Devices<'l>,
}

impl<'l> Folded<'l> {
    fn new(list: &ProvenList<'l, '_>, boot_aggregate: BootAggregate) -> Self {
        let facts = Facts {
            bank: list.algorithm(),
            rule: list.rule(),
            entries: list.list().len(),
            proven: 0,
            boot_aggregate,
            files: 0,
            signed: 0,
            listed: 0,
            excluded: 0,
            buffers: 0,
            violations: 0,
            unreadable: 0,
            only_signed: false,
            only_listed: false,
            only_signed_or_listed: false,
            kernel_version: None,
            keys: Vec::new(),
            volumes: Volumes::default(),
        };
        let [unsigned, unlisted, neither] = std::array::from_fn(|_| Offenders::default());
        let appraisal = Appraisal { facts, unsigned, unlisted, neither };
        Self { appraisal, devices: Devices::default() }
    }

    fn add(&mut self, index: usize, verdict: EntryVerdict<'l>) {
        let facts = &mut self.appraisal.facts;
        count(&mut facts.proven);
        match verdict {
            EntryVerdict::BootAggregate => {}
            EntryVerdict::Violation => {
                count(&mut facts.violations);
                self.offends_all(index, Offense::Violation);
            }
            EntryVerdict::Unreadable => {
                count(&mut facts.unreadable);
                self.offends_all(index, Offense::Unreadable);
            }
            EntryVerdict::Buffer(buffer) if measured::is_key(&buffer) => {
                let key = measured::key(&buffer).filter(|_| facts.keys.len() < KEYS_MAX);
                match key {
                    Some(key) => {
                        count(&mut facts.buffers);
                        facts.keys.push(key);
                    }
                    // No key is left out: where one is, nothing is known.
                    None => {
                        count(&mut facts.unreadable);
                        self.offends_all(index, Offense::Unreadable);
                    }
                }
            }
            EntryVerdict::Buffer(buffer) => {
                count(&mut facts.buffers);
                if facts.kernel_version.is_none() {
                    facts.kernel_version = measured::kernel_version(&buffer);
                }
                self.devices.next(&buffer);
            }
            EntryVerdict::File { name, signed, listing } => self.file(index, name, signed, listing),
        }
    }

    fn file(&mut self, index: usize, name: super::Name<'l>, signed: Signed, listing: Listing) {
        let Appraisal { facts, unsigned, unlisted, neither } = &mut self.appraisal;
        count(&mut facts.files);
        if signed.holds() {
            count(&mut facts.signed);
        }
        match listing {
            Listing::Listed => count(&mut facts.listed),
            Listing::Excluded => count(&mut facts.excluded),
            Listing::OtherDigest | Listing::Unlisted => {}
        }
        let is_excluded = listing == Listing::Excluded;
        let is_listed = listing == Listing::Listed;
        if !signed.holds() && !is_excluded {
            unsigned.add(index, Some(name), Offense::Signed(signed));
        }
        if !is_listed && !is_excluded {
            unlisted.add(index, Some(name), Offense::Listed(listing));
        }
        if !signed.holds() && !is_listed && !is_excluded {
            neither.add(index, Some(name), Offense::Neither(signed, listing));
        }
    }

    /// What cannot be believed cannot be excluded either: its name is not proven.
    fn offends_all(&mut self, index: usize, offense: Offense) {
        let Appraisal { unsigned, unlisted, neither, .. } = &mut self.appraisal;
        for offenders in [unsigned, unlisted, neither] {
            offenders.add(index, None, offense);
        }
    }

    fn finish(self) -> Appraisal {
        let mut appraisal = self.appraisal;
        let facts = &mut appraisal.facts;
        let counts = facts.boot_aggregate.matches() && facts.files > 0;
        facts.only_signed = counts && appraisal.unsigned.count() == 0;
        facts.only_listed = counts && appraisal.unlisted.count() == 0;
        facts.only_signed_or_listed = counts && appraisal.neither.count() == 0;
        facts.volumes = match (facts.boot_aggregate.matches(), facts.unreadable) {
            (true, 0) => self.devices.finish(),
            // What cannot be read may be the event that changed everything, or the kernel's own first
            // word; what was measured elsewhere says nothing of this boot.
            (_, unreadable) => {
                facts.kernel_version = None;
                facts.keys.clear();
                Volumes::unknown(unreadable)
            }
        };
        appraisal
    }
}

const fn count(counter: &mut usize) {
    *counter = counter.saturating_add(1);
}

//! What differs between two collections of endorsements, in terms of what it means for verdicts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use avouch_dcap::{
    ComponentLevel, EnclaveIdentity, PlatformLevel, SignedDocument, TcbInfo, TcbStatus,
};
use avouch_pki::{Crl, Window};
use avouch_wire::{Hex, encode_hex};
use serde::Serialize;

use crate::{Bundle, BundledThing, EndorsementName, TcbEvaluation};

/// What the second of two bundles has otherwise than the first. Nothing of it is verified.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BundleDiff {
    /// Only in the second, by name.
    pub added: Vec<BundleEntry>,
    /// Only in the first, by name.
    pub removed: Vec<BundleEntry>,
    /// In both, and another one; or, of documents of Intel's, the successor of one by its number.
    pub replaced: Vec<ReplacedEntry>,
}

/// One thing, without its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BundleEntry {
    /// Its name.
    pub name: String,
    /// SHA-256 of its body.
    pub sha256: Hex<32>,
    /// When it is valid, as it says itself.
    pub window: Window,
    /// Its TCB evaluation data number, if it is a document of Intel's.
    pub evaluation_data_number: Option<u32>,
    /// Its CRL number in hex, if it is a CRL that has one.
    pub crl_number: Option<String>,
}

/// One thing in place of another of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplacedEntry {
    /// The one in the first.
    pub old: BundleEntry,
    /// Whether it is in the second too, beside its successor.
    pub old_stays: bool,
    /// The one in the second.
    pub new: BundleEntry,
    /// Levels that judge otherwise: of TCB infos and QE identities.
    pub levels: Vec<LevelChange>,
    /// Serial numbers that a CRL newly revokes, in hex.
    pub revoked: Vec<String>,
    /// Serial numbers that it does not revoke any more.
    pub no_longer_revoked: Vec<String>,
}

/// What became of one level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LevelChange {
    /// What the level asks for.
    pub level: String,
    /// What it gave; none if there was no such level.
    pub old: Option<LevelVerdict>,
    /// What it gives now; none if there is no such level any more.
    pub new: Option<LevelVerdict>,
}

/// What a level gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LevelVerdict {
    /// Intel's status.
    pub status: String,
    /// Advisories that concern it, sorted.
    pub advisory_ids: BTreeSet<String>,
}

impl BundleDiff {
    /// What `new` has otherwise than `old`.
    #[must_use]
    pub fn of(old: &Bundle, new: &Bundle) -> Self {
        let (only_old, only_new) = (only_in(old, new), only_in(new, old));
        let families: BTreeSet<&String> = only_old.keys().chain(only_new.keys()).collect();
        let mut diff = Self::default();
        for family in families {
            let of = |side: &BTreeMap<String, Vec<BundledThing>>| {
                side.get(family).cloned().unwrap_or_default()
            };
            let (removed, added) = (of(&only_old), of(&only_new));
            match (removed.as_slice(), added.as_slice(), newest(old, family)) {
                ([old], [new], _) => diff.replaced.push(ReplacedEntry::of(old, new, false)),
                ([], [new], Some(old)) => diff.replaced.push(ReplacedEntry::of(old, new, true)),
                (removed, added, _) => {
                    diff.removed.extend(removed.iter().map(BundleEntry::of));
                    diff.added.extend(added.iter().map(BundleEntry::of));
                }
            }
        }
        diff
    }

    /// Whether both have the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.replaced.is_empty()
    }
}

/// What is in `one` and not in `other`, by family.
fn only_in(one: &Bundle, other: &Bundle) -> BTreeMap<String, Vec<BundledThing>> {
    let key = |thing: &BundledThing| (thing.published.name, thing.sha256);
    let known: BTreeSet<_> = other.things().iter().map(key).collect();
    let mut found: BTreeMap<String, Vec<BundledThing>> = BTreeMap::new();
    for thing in one.things().iter().filter(|thing| !known.contains(&key(thing))) {
        found.entry(family(&thing.published.name)).or_default().push(thing.clone());
    }
    found
}

/// The name; of numbered documents without the number, since one of a higher number succeeds the others.
fn family(name: &EndorsementName) -> String {
    let evaluation = TcbEvaluation::Number(0);
    match *name {
        EndorsementName::TcbInfo { tee, fmspc, evaluation: TcbEvaluation::Number(_) } => {
            EndorsementName::TcbInfo { tee, fmspc, evaluation }.to_string()
        }
        EndorsementName::QeIdentity { tee, evaluation: TcbEvaluation::Number(_) } => {
            EndorsementName::QeIdentity { tee, evaluation }.to_string()
        }
        other => other.to_string(),
    }
}

/// The numbered document of a family that counts for the most.
fn newest<'a>(bundle: &'a Bundle, family_name: &str) -> Option<&'a BundledThing> {
    let number = |thing: &BundledThing| {
        thing.stated.version.as_ref().and_then(|version| version.evaluation_data_number())
    };
    let of_family =
        bundle.things().iter().filter(|thing| family(&thing.published.name) == family_name);
    of_family.filter(|thing| number(thing).is_some()).max_by_key(|thing| number(thing))
}

impl BundleEntry {
    /// What there is to tell of a thing.
    #[must_use]
    pub fn of(thing: &BundledThing) -> Self {
        let version = thing.stated.version.as_ref();
        Self {
            name: thing.published.name.to_string(),
            sha256: thing.sha256,
            window: thing.stated.window,
            evaluation_data_number: version.and_then(|one| one.evaluation_data_number()),
            crl_number: version.and_then(|one| one.crl_number()),
        }
    }
}

impl ReplacedEntry {
    fn of(old: &BundledThing, new: &BundledThing, old_stays: bool) -> Self {
        let (before, after) = (revoked(old), revoked(new));
        Self {
            old: BundleEntry::of(old),
            old_stays,
            new: BundleEntry::of(new),
            levels: changes(&levels(old), &levels(new)),
            revoked: after.difference(&before).cloned().collect(),
            no_longer_revoked: before.difference(&after).cloned().collect(),
        }
    }
}

type Levels = BTreeMap<String, LevelVerdict>;

fn changes(old: &Levels, new: &Levels) -> Vec<LevelChange> {
    let asked: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change = |level: &String| {
        let (old, new) = (old.get(level).cloned(), new.get(level).cloned());
        (old != new).then(|| LevelChange { level: level.clone(), old, new })
    };
    asked.into_iter().filter_map(change).collect()
}

/// The levels of a document by what they ask for; none for other things.
fn levels(thing: &BundledThing) -> Levels {
    let body = &thing.published.body;
    match thing.published.name {
        EndorsementName::TcbInfo { .. } => SignedDocument::from_tcb_info_body(body)
            .and_then(|document| TcbInfo::parse(document.text()))
            .map(|info| tcb_info_levels(&info))
            .unwrap_or_default(),
        EndorsementName::QeIdentity { .. } => SignedDocument::from_identity_body(body)
            .and_then(|document| EnclaveIdentity::parse(document.text()))
            .map(|identity| component_levels("quoting enclave", &identity.levels).collect())
            .unwrap_or_default(),
        _ => Levels::new(),
    }
}

fn tcb_info_levels(info: &TcbInfo) -> Levels {
    let modules = &info.tdx_module_identities;
    let of_modules = modules
        .iter()
        .flat_map(|module| component_levels(&module.id(), &module.levels).collect::<Vec<_>>());
    info.levels.iter().map(platform_level).chain(of_modules).collect()
}

fn platform_level(level: &PlatformLevel) -> (String, LevelVerdict) {
    let mut asked = format!("PCE SVN {}, SGX {}", level.pce_svn, encode_hex(&level.sgx_components));
    if let Some(components) = level.tdx_components {
        asked.push_str(&format!(", TDX {}", encode_hex(&components)));
    }
    (asked, verdict(level.status, &level.advisory_ids))
}

fn component_levels(
    of: &str,
    levels: &[ComponentLevel],
) -> impl Iterator<Item = (String, LevelVerdict)> {
    levels.iter().map(move |level| {
        let asked = format!("{of}, SVN {}", level.isv_svn);
        (asked, verdict(level.status.into(), &level.advisory_ids))
    })
}

fn verdict(status: TcbStatus, advisory_ids: &[String]) -> LevelVerdict {
    LevelVerdict {
        status: status.to_string(),
        advisory_ids: advisory_ids.iter().cloned().collect(),
    }
}

/// Serial numbers on a CRL, in hex; none for other things.
fn revoked(thing: &BundledThing) -> BTreeSet<String> {
    let is_crl = matches!(
        thing.published.name,
        EndorsementName::PckCrl(_) | EndorsementName::RootCaCrl | EndorsementName::AmdCrl(..)
    );
    let crl = is_crl.then(|| Crl::parse(&thing.published.body).ok()).flatten();
    let serials = crl.iter().flat_map(|crl| crl.untrusted_revoked());
    serials.map(|serial| encode_hex(serial.as_bytes())).collect()
}

impl fmt::Display for BundleDiff {
    /// For people: a line for each thing, and below it what changed in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(f, "no difference");
        }
        for one in &self.removed {
            writeln!(f, "- {one}")?;
        }
        for one in &self.added {
            writeln!(f, "+ {one}")?;
        }
        for one in &self.replaced {
            write!(f, "{one}")?;
        }
        Ok(())
    }
}

impl fmt::Display for BundleEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.name, self.version_and_dates())
    }
}

impl BundleEntry {
    /// Such as `evaluation 17, 2026-01-01T00:00:00Z to 2026-01-31T00:00:00Z`.
    #[must_use]
    pub fn version_and_dates(&self) -> String {
        let dates = format!("{} to {}", self.window.not_before, self.window.not_after);
        match (self.evaluation_data_number, &self.crl_number) {
            (Some(number), _) => format!("evaluation {number}, {dates}"),
            (None, Some(number)) => format!("CRL number {number}, {dates}"),
            (None, None) => dates,
        }
    }
}

impl fmt::Display for ReplacedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "~ {}", self.new.name)?;
        let stays = if self.old_stays { " (stays beside it)" } else { "" };
        writeln!(f, "    old  {}{stays}", self.old.version_and_dates())?;
        writeln!(f, "    new  {}", self.new.version_and_dates())?;
        for change in &self.levels {
            writeln!(f, "    {change}")?;
        }
        for serial in &self.revoked {
            writeln!(f, "    revokes {serial}")?;
        }
        for serial in &self.no_longer_revoked {
            writeln!(f, "    no longer revokes {serial}")?;
        }
        Ok(())
    }
}

impl fmt::Display for LevelChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |verdict: &Option<LevelVerdict>| {
            verdict.as_ref().map_or_else(|| "no such level".to_owned(), ToString::to_string)
        };
        write!(f, "{}: {} -> {}", self.level, text(&self.old), text(&self.new))
    }
}

impl fmt::Display for LevelVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.status)?;
        if self.advisory_ids.is_empty() {
            return Ok(());
        }
        let advisories: Vec<&str> = self.advisory_ids.iter().map(String::as_str).collect();
        write!(f, " ({})", advisories.join(", "))
    }
}

#[cfg(test)]
mod tests;

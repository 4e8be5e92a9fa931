//! Things that were published, by their names: of most the newest, of some several.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use avouch_dcap::TcbEvaluation;
use avouch_pki::{Crl, Window};
use avouch_wire::{Hex, UnixTime};

use crate::{EndorsementName, Published, VcekId};

/// How a thing came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// In a file, by itself: there may be several of a name.
    File,
    /// In a file, as a part of a whole set, which counts as it is.
    WholeSet,
    /// Asked for by its name: a newer one takes the place of an older one.
    Fetched,
}

/// How new a thing says it is, among those of one name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Age {
    /// A CRL's number: its length without leading zeros, then its bytes. Empty for all else.
    number: (usize, Vec<u8>),
    issued: UnixTime,
    until: Option<UnixTime>,
}

impl Age {
    /// Of what has no number.
    pub(crate) const fn of(window: Window) -> Self {
        let Window { not_before, not_after } = window;
        Self { number: (0, Vec::new()), issued: not_before, until: Some(not_after) }
    }

    /// Of a CRL: its number counts before its date.
    pub(crate) fn of_crl(crl: &Crl) -> Self {
        let number = crl.untrusted_number().unwrap_or_default().to_vec();
        let number = (number.len(), number);
        Self { number, issued: crl.this_update(), until: crl.next_update() }
    }
}

/// A thing, with what was read of it.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    pub(crate) published: Arc<Published>,
    pub(crate) origin: Origin,
    pub(crate) age: Age,
    pub(crate) read: Arc<T>,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self {
            published: Arc::clone(&self.published),
            origin: self.origin,
            age: self.age.clone(),
            read: Arc::clone(&self.read),
        }
    }
}

impl<T> Kept<T> {
    fn is_same_as(&self, other: &Self) -> bool {
        let (one, other_one) = (&self.published, &other.published);
        self.origin == other.origin
            && one.body == other_one.body
            && one.issuer_chain == other_one.issuer_chain
    }
}

/// Things by their names, each name's the oldest first. Copies share their groups until one changes a
/// group.
#[derive(Debug)]
pub(crate) struct ByName<T> {
    groups: BTreeMap<Group, Arc<Named<T>>>,
}

type Named<T> = BTreeMap<EndorsementName, Vec<Kept<T>>>;

/// Where a name stands among all, roughly: in the order of the names.
type Group = (EndorsementName, u8);

/// Of VCEKs and TCB infos there are many: they are told apart by the first byte of chip or FMSPC.
fn group(name: &EndorsementName) -> Group {
    match *name {
        EndorsementName::Vcek(product, VcekId { chip_id: Hex([first, ..]), .. }) => {
            let id = VcekId { chip_id: Hex([0; 64]), tcb: Hex([0; 8]) };
            (EndorsementName::Vcek(product, id), first)
        }
        EndorsementName::TcbInfo { tee, fmspc: Hex([first, ..]), .. } => {
            let (fmspc, evaluation) = (Hex([0; 6]), TcbEvaluation::Standard);
            (EndorsementName::TcbInfo { tee, fmspc, evaluation }, first)
        }
        name => (name, 0),
    }
}

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self { groups: BTreeMap::new() }
    }
}

impl<T> Clone for ByName<T> {
    fn clone(&self) -> Self {
        Self { groups: self.groups.clone() }
    }
}

impl<T> ByName<T> {
    /// Files a thing. Of what is fetched the newest of its name stays, unless vendors issue several;
    /// an older one is left where it came from. What is there already stays as it was read.
    pub(crate) fn put(&mut self, mut new: Kept<T>, issued_often: bool) {
        let name = new.published.name;
        let group = self.groups.entry(group(&name)).or_default();
        let place = Arc::make_mut(group).entry(name).or_default();
        if let Some(same) = place.iter_mut().find(|kept| kept.is_same_as(&new)) {
            new.read = Arc::clone(&same.read);
            *same = new;
            return;
        }
        if new.origin == Origin::Fetched && !issued_often {
            let fetched = |kept: &Kept<T>| kept.origin == Origin::Fetched;
            if place.iter().any(|kept| fetched(kept) && kept.age > new.age) {
                return;
            }
            place.retain(|kept| !fetched(kept));
        }
        let index = place.partition_point(|kept| kept.age <= new.age);
        place.insert(index, new);
    }

    /// What has a name from `first` to `last`, the last name first, of each the newest first.
    pub(crate) fn backwards(
        &self,
        first: &EndorsementName,
        last: &EndorsementName,
    ) -> impl Iterator<Item = &Kept<T>> {
        let (first, last) = (*first, *last);
        let groups = self.groups.range(group(&first)..=group(&last)).rev();
        let names = groups.flat_map(move |(_, group)| group.range(first..=last).rev());
        names.flat_map(|(_, kept)| kept.iter().rev())
    }

    /// The newest of a name.
    pub(crate) fn newest(&self, name: &EndorsementName) -> Option<&Kept<T>> {
        self.groups.get(&group(name))?.get(name)?.last()
    }

    /// Everything of a name, the oldest first.
    pub(crate) fn all_of(&self, name: &EndorsementName) -> impl Iterator<Item = &Kept<T>> {
        let group = self.groups.get(&group(name));
        group.and_then(|group| group.get(name)).into_iter().flatten()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Kept<T>> {
        self.groups.values().flat_map(|group| group.values()).flatten()
    }
}

/// Why a thing is not filed under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mismatch(String);

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Mismatch {
    pub(crate) fn new(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }

    /// It is for something else.
    pub(crate) fn other() -> Self {
        Self("it is for something else than its name says".to_owned())
    }
}

/// Counts bytes, those that are shared once.
#[derive(Debug, Default)]
pub(crate) struct Bytes {
    seen: HashSet<usize>,
    total: usize,
}

impl Bytes {
    /// Counts bytes that nothing else holds.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.total = self.total.saturating_add(bytes);
    }

    /// Counts bytes that others may hold too.
    pub(crate) fn add_shared(&mut self, bytes: &Arc<[u8]>) {
        if self.seen.insert(Arc::as_ptr(bytes).addr()) {
            self.add(bytes.len());
        }
    }

    /// Counts a thing as it came.
    pub(crate) fn add_published(&mut self, published: &Published) {
        self.add(size_of::<Published>());
        self.add_shared(&published.body);
        self.add_shared(&published.issuer_chain);
    }

    pub(crate) const fn total(&self) -> usize {
        self.total
    }
}

#[cfg(test)]
mod tests;

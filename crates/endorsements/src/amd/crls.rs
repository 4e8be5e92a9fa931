//! CRLs of AMD's roots, by the kind of key that they are published for.
//!
//! A list for VCEKs and one for VLEKs have the same signer and look alike: only the name that one was
//! fetched under says which it is. A list in a file does not say it, and counts for both.

use std::sync::Arc;

use avouch_pki::Crl;
use avouch_snp::{Product, VekKind};
use avouch_wire::UnixTime;

use super::{is_in_force, root_product};

/// All lists, and those that each kind of key is judged by.
#[derive(Debug, Clone, Default)]
pub(crate) struct AmdCrls {
    of_files: Vec<Crl>,
    all: Vec<Listed>,
    for_vceks: Arc<Vec<Crl>>,
    for_vleks: Arc<Vec<Crl>>,
}

#[derive(Debug, Clone)]
struct Listed {
    crl: Crl,
    product: Option<Product>,
    /// None: of a file.
    kind: Option<VekKind>,
}

impl Listed {
    fn new(crl: Crl, kind: Option<VekKind>) -> Self {
        Self { product: root_product(&crl), crl, kind }
    }

    fn counts_for(&self, kind: VekKind) -> bool {
        self.kind.is_none_or(|own| own == kind)
    }
}

impl AmdCrls {
    pub(super) fn add_files(&mut self, lists: Vec<Crl>) {
        self.of_files.extend(lists);
    }

    /// Puts those of files and `named` ones together; what is the same as before stays the same value.
    pub(super) fn gather(&mut self, named: impl Iterator<Item = (VekKind, Crl)>) {
        let of_files = self.of_files.iter().map(|crl| Listed::new(crl.clone(), None));
        let named = named.map(|(kind, crl)| Listed::new(crl, Some(kind)));
        self.all = of_files.chain(named).collect();
        let for_vceks = self.lists_for(VekKind::Vcek);
        let for_vleks = self.lists_for(VekKind::Vlek);
        keep_if_same(&mut self.for_vceks, for_vceks);
        keep_if_same(&mut self.for_vleks, for_vleks);
    }

    /// Every list of the roots that have one for this kind, each once: whom a root has revoked is
    /// revoked, whichever list says it. A list for the other kind alone is none for this.
    fn lists_for(&self, kind: VekKind) -> Vec<Crl> {
        let has_own = |product: Option<Product>| {
            self.all.iter().any(|one| one.product == product && one.counts_for(kind))
        };
        let mut found: Vec<Crl> = Vec::new();
        for one in self.all.iter().filter(|one| has_own(one.product)) {
            if !found.iter().any(|known| known.der() == one.crl.der()) {
                found.push(one.crl.clone());
            }
        }
        found
    }

    /// What keys of a kind are judged by.
    pub(crate) const fn lists(&self, kind: VekKind) -> &Arc<Vec<Crl>> {
        match kind {
            VekKind::Vcek => &self.for_vceks,
            VekKind::Vlek => &self.for_vleks,
        }
    }

    /// Whether a root has a list for the other kind of key and none for this.
    pub(crate) fn is_one_sided(&self, kind: VekKind) -> bool {
        let has_own = |one: &Listed| {
            self.all.iter().any(|own| own.product == one.product && own.counts_for(kind))
        };
        !self.all.iter().all(has_own)
    }

    /// Whether a list of a product's root for a kind is at hand that is in force.
    pub(crate) fn has(&self, product: Product, kind: VekKind, at: UnixTime) -> bool {
        self.of(product, kind).any(|one| is_in_force(&one.crl, at))
    }

    /// Products that have lists for a kind, and none that is in force: these refuse everything.
    pub(crate) fn stale(&self, kind: VekKind, at: UnixTime) -> impl Iterator<Item = Product> {
        Product::ALL.into_iter().filter(move |product| {
            self.of(*product, kind).next().is_some() && !self.has(*product, kind, at)
        })
    }

    fn of(&self, product: Product, kind: VekKind) -> impl Iterator<Item = &Listed> {
        self.all.iter().filter(move |one| one.product == Some(product) && one.counts_for(kind))
    }

    /// All that are different.
    pub(crate) fn len(&self) -> usize {
        let other = |crl: &&Crl| !self.for_vceks.iter().any(|known| known.der() == crl.der());
        self.for_vleks.iter().filter(other).count().saturating_add(self.for_vceks.len())
    }

    /// Bytes of the lists and of what was read of them.
    pub(crate) fn bytes(&self) -> usize {
        let lists = self.all.iter().map(|one| &one.crl);
        lists.fold(0, |sum, crl| sum.saturating_add(crl.der().len().saturating_mul(3)))
    }
}

fn keep_if_same(place: &mut Arc<Vec<Crl>>, lists: Vec<Crl>) {
    if !lists.iter().map(Crl::der).eq(place.iter().map(Crl::der)) {
        *place = Arc::new(lists);
    }
}

//! AMD's certificates and CRLs, filed by what they say they are for.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use avouch_engine::AmdWanted;
use avouch_pki::{Certificate, Crl, pem};
use avouch_snp::{Chain, ChainError, Endorsements, Product, VekId, VekKind};
use avouch_wire::{Hex, UnixTime};

use crate::by_name::{Age, ByName, Bytes, Kept, Mismatch, Origin};
use crate::{EndorsementName, Published, VcekId};

/// Common name of AMD's roots, without the product.
const ROOT: &str = "ARK-";

/// Keys by chip and TCB, what certified them, and CRLs.
#[derive(Debug, Clone, Default)]
pub(crate) struct AmdShelf {
    published: ByName<()>,
    keys: HashMap<VekId, Vec<Certificate>>,
    /// The keys of each chip; those of no chip are VLEKs.
    of_chip: HashMap<(VekKind, Option<Hex<64>>), Vec<VekId>>,
    /// What does not say what it is for: verification will say why.
    others: Vec<(VekKind, Certificate)>,
    /// All of the above by their hashes.
    known: HashSet<Hex<32>>,
    /// Intermediates and roots.
    upper: Chain,
    crls_of_files: Vec<Crl>,
    crls: Arc<Vec<Crl>>,
}

impl AmdShelf {
    /// Files what came in a file.
    pub(crate) fn add_file(&mut self, content: Endorsements, source: &Arc<str>) {
        for (published, age) in named(&content, source) {
            let (published, origin) = (Arc::new(published), Origin::File);
            self.published.put(Kept { published, origin, age, read: Arc::new(()) }, true);
        }
        self.add_chain(&content.chain);
        if !content.crls.is_empty() {
            self.crls_of_files.extend(content.crls);
            self.gather_crls();
        }
    }

    /// Files what has a name.
    pub(crate) fn put(
        &mut self,
        published: Arc<Published>,
        origin: Origin,
    ) -> Result<(), Mismatch> {
        let content = Endorsements::parse(&[&published.body]).map_err(Mismatch::new)?;
        let name = published.name;
        let age = match name {
            EndorsementName::Vcek(product, id) => {
                let (kind, leaf) = content.chain.leaf().map_err(Mismatch::new)?;
                if VekId::of(kind, leaf) != Some(wanted_id(product, id)) {
                    return Err(Mismatch::other());
                }
                Age::of(leaf.validity())
            }
            EndorsementName::AmdCrl(product, _) => match content.crls.as_slice() {
                [crl] if root_product(crl) == Some(product) => Age::of_crl(crl),
                _ => return Err(Mismatch::other()),
            },
            EndorsementName::VekChain(product, kind) => {
                let issuer = intermediate_name(product, kind);
                let above = content.chain.intermediates();
                let found =
                    above.iter().find(|one| one.subject().common_name() == Some(issuer.as_str()));
                Age::of(found.ok_or_else(Mismatch::other)?.validity())
            }
            _ => return Err(Mismatch::other()),
        };
        let issued_often = matches!(name, EndorsementName::Vcek(..));
        let kept = Kept { published, origin, age, read: Arc::new(()) };
        self.published.put(kept, issued_often);
        self.add_chain(&content.chain);
        if !content.crls.is_empty() {
            self.gather_crls();
        }
        Ok(())
    }

    fn add_chain(&mut self, chain: &Chain) {
        self.upper.extend(chain.with_leaves(Vec::new()));
        for (kind, leaf) in chain.leaves() {
            if !self.known.insert(leaf.fingerprint_sha256()) {
                continue;
            }
            match VekId::of(kind, leaf) {
                Some(id) => {
                    let certificates = self.keys.entry(id).or_default();
                    if certificates.is_empty() {
                        self.of_chip.entry((kind, id.chip_id)).or_default().push(id);
                    }
                    certificates.push(leaf.clone());
                }
                None => self.others.push((kind, leaf.clone())),
            }
        }
    }

    /// All CRLs, each once; the same value if they are the same.
    fn gather_crls(&mut self) {
        let lists = self.published.iter();
        let lists = lists.filter(|kept| matches!(kept.published.name, EndorsementName::AmdCrl(..)));
        let named = lists.filter_map(|kept| {
            Endorsements::parse(&[&kept.published.body]).ok().map(|content| content.crls)
        });
        let mut all: Vec<Crl> = Vec::new();
        for crl in self.crls_of_files.iter().cloned().chain(named.flatten()) {
            if !all.iter().any(|known| known.der() == crl.der()) {
                all.push(crl);
            }
        }
        let der = |crl: &Crl| crl.der().to_vec();
        if !all.iter().map(der).eq(self.crls.iter().map(der)) {
            self.crls = Arc::new(all);
        }
    }

    /// The certificates of the key that a report needs, with all that is above; of several keys of
    /// which none is for it the nearest, and a single one whatever it is for.
    pub(crate) fn chain(&self, wanted: &AmdWanted<'_>) -> Result<Chain, ChainError> {
        let fitting = self.fitting(wanted);
        if !fitting.is_empty() {
            return Ok(self.upper.with_leaves(fitting));
        }
        let of_chip = self.of_chip(wanted);
        let near =
            if of_chip.is_empty() && self.known.len() <= 1 { self.leaves() } else { of_chip };
        if near.is_empty() && !self.known.is_empty() {
            return Err(ChainError::NoneForReport {
                found: self.known.len(),
                kind: wanted.report.signing_key(),
                chip_id: wanted.report.untrusted_body().chip_id,
            });
        }
        self.upper.with_leaves(near).for_report(wanted.report)
    }

    /// Whether a certificate is at hand, and in force, that was made for the very chip and TCB.
    pub(crate) fn has_key(&self, wanted: &AmdWanted<'_>) -> bool {
        let in_force = |leaf: &Certificate| leaf.validity().check(wanted.at).is_ok();
        self.fitting(wanted).iter().any(|(_, leaf)| in_force(leaf))
    }

    /// The certificates made for the very chip and TCB of a report.
    fn fitting(&self, wanted: &AmdWanted<'_>) -> Vec<(VekKind, Certificate)> {
        let ids = Product::ALL.map(|product| VekId::wanted_by(wanted.report, product));
        self.of_ids(&ids)
    }

    /// The certificates of a report's chip, of whatever TCB.
    fn of_chip(&self, wanted: &AmdWanted<'_>) -> Vec<(VekKind, Certificate)> {
        let [any, ..] = Product::ALL.map(|product| VekId::wanted_by(wanted.report, product));
        self.of_chip.get(&(any.kind, any.chip_id)).map_or_else(Vec::new, |ids| self.of_ids(ids))
    }

    fn of_ids(&self, ids: &[VekId]) -> Vec<(VekKind, Certificate)> {
        let found = ids.iter().filter_map(|id| Some((id.kind, self.keys.get(id)?)));
        let each = found.flat_map(|(kind, all)| all.iter().map(move |one| (kind, one.clone())));
        each.collect()
    }

    fn leaves(&self) -> Vec<(VekKind, Certificate)> {
        let keys = self.keys.iter();
        let keys = keys.flat_map(|(id, all)| all.iter().map(|one| (id.kind, one.clone())));
        keys.chain(self.others.iter().cloned()).collect()
    }

    pub(crate) const fn crls(&self) -> &Arc<Vec<Crl>> {
        &self.crls
    }

    /// Whether a CRL of a product's root is at hand that is in force.
    pub(crate) fn has_crl(&self, product: Product, at: UnixTime) -> bool {
        self.crls.iter().any(|crl| root_product(crl) == Some(product) && is_in_force(crl, at))
    }

    /// Products of which there are CRLs, and none that is in force: these refuse everything.
    pub(crate) fn stale_crls(&self, at: UnixTime) -> impl Iterator<Item = Product> {
        Product::ALL.into_iter().filter(move |product| {
            let mut of_root = self.crls.iter().filter(|crl| root_product(crl) == Some(*product));
            of_root.next().is_some() && !self.has_crl(*product, at)
        })
    }

    /// Certificates of all kinds that are at hand.
    pub(crate) fn certificates(&self) -> usize {
        let upper = self.upper.intermediates().len().saturating_add(self.upper.roots().len());
        self.known.len().saturating_add(upper)
    }

    pub(crate) const fn published(&self) -> &ByName<()> {
        &self.published
    }

    pub(crate) fn count(&self, bytes: &mut Bytes) {
        self.published.iter().for_each(|kept| bytes.add_published(&kept.published));
        let keys = self.keys.values().flatten().chain(self.others.iter().map(|(_, one)| one));
        let upper = self.upper.intermediates().into_iter().chain(self.upper.roots());
        for certificate in keys.chain(upper) {
            bytes.add(certificate.bytes_held());
        }
        // Found by their ids, and known by their hashes.
        let index = size_of::<VekId>().saturating_mul(4).saturating_add(size_of::<Hex<32>>());
        bytes.add(index.saturating_mul(self.known.len()));
        // A list and what was read of it.
        self.crls.iter().for_each(|crl| bytes.add(crl.der().len().saturating_mul(3)));
    }
}

/// The id of a VCEK as certificates say it.
pub(crate) const fn wanted_id(product: Product, id: VcekId) -> VekId {
    let tcb = avouch_snp::RawTcb(id.tcb.0);
    VekId { product, kind: VekKind::Vcek, chip_id: Some(id.chip_id), tcb }
}

/// The name of a key's certificate; none of a VLEK, which is not published.
fn vcek_name(id: VekId) -> Option<EndorsementName> {
    let chip_id = id.chip_id?;
    Some(EndorsementName::Vcek(id.product, VcekId { chip_id, tcb: Hex(id.tcb.0) }))
}

fn intermediate_name(product: Product, kind: VekKind) -> String {
    match kind {
        VekKind::Vcek => format!("SEV-{product}"),
        VekKind::Vlek => format!("SEV-VLEK-{product}"),
    }
}

/// The product whose root is said to have issued a CRL.
pub(crate) fn root_product(crl: &Crl) -> Option<Product> {
    Product::from_name(crl.issuer().common_name()?.strip_prefix(ROOT)?)
}

pub(crate) fn is_in_force(crl: &Crl, at: UnixTime) -> bool {
    crl.this_update() <= at && crl.next_update().is_some_and(|end| at <= end)
}

/// What of a file's content has a name.
fn named(content: &Endorsements, source: &Arc<str>) -> Vec<(Published, Age)> {
    let thing = |name, body: &[u8], fetched_at| Published {
        name,
        body: body.into(),
        issuer_chain: Arc::from([]),
        source: Arc::clone(source),
        fetched_at,
        etag: None,
    };
    let mut found = Vec::new();
    for (kind, leaf) in content.chain.leaves() {
        if let Some(name) = VekId::of(kind, leaf).and_then(vcek_name) {
            found.push((thing(name, leaf.der(), leaf.not_before()), Age::of(leaf.validity())));
        }
    }
    for crl in &content.crls {
        if let Some(product) = root_product(crl) {
            let name = EndorsementName::AmdCrl(product, VekKind::Vcek);
            found.push((thing(name, crl.der(), crl.this_update()), Age::of_crl(crl)));
        }
    }
    let above = content.chain.intermediates();
    for (product, kind) in Product::ALL
        .into_iter()
        .flat_map(|product| [VekKind::Vcek, VekKind::Vlek].map(|kind| (product, kind)))
    {
        let (issuer, root) = (intermediate_name(product, kind), format!("{ROOT}{product}"));
        let is = |one: &Certificate, name: &str| one.subject().common_name() == Some(name);
        let intermediate = above.iter().find(|one| is(one, &issuer));
        let root = content.chain.roots().iter().find(|one| is(one, &root));
        if let Some((intermediate, root)) = intermediate.zip(root) {
            let pem = [intermediate.der(), root.der()].map(|der| pem::encode("CERTIFICATE", der));
            let name = EndorsementName::VekChain(product, kind);
            let chain = thing(name, pem.concat().as_bytes(), intermediate.not_before());
            found.push((chain, Age::of(intermediate.validity())));
        }
    }
    found
}

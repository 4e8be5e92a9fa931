//! AMD's certificates and CRLs, filed by what they say they are for.

mod crls;

use std::sync::Arc;

use avouch_engine::AmdWanted;
use avouch_pki::{Certificate, Crl, pem};
use avouch_snp::{Chain, ChainError, Endorsements, Product, VekId, VekKind};
use avouch_wire::{Hex, UnixTime};
pub(crate) use crls::AmdCrls;

use crate::by_name::{Age, ByName, Bytes, Kept, Mismatch, Origin};
use crate::spread::Spread;
use crate::{EndorsementName, Published, VcekId};

/// Common name of AMD's roots, without the product.
const ROOT: &str = "ARK-";

/// How a thing came to its name.
#[derive(Debug)]
pub(crate) struct Filed {
    /// It was asked for by its name, or was under it in a bundle. Else its content says what it may be.
    is_named: bool,
}

/// Keys by chip and TCB, what certified them, and CRLs.
#[derive(Debug, Clone, Default)]
pub(crate) struct AmdShelf {
    published: ByName<Filed>,
    keys: Spread<VekId, Vec<Certificate>>,
    /// The keys of each chip; those of no chip are VLEKs.
    of_chip: Spread<(VekKind, Option<Hex<64>>), Vec<VekId>>,
    /// What does not say what it is for: verification will say why.
    others: Vec<(VekKind, Certificate)>,
    /// All of the above by their hashes.
    known: Spread<Hex<32>, ()>,
    /// Intermediates and roots.
    upper: Chain,
    crls: AmdCrls,
}

impl AmdShelf {
    /// Files what came in a file.
    pub(crate) fn add_file(&mut self, content: Endorsements, source: &Arc<str>) {
        for (published, age) in named(&content, source) {
            let (published, origin) = (Arc::new(published), Origin::File);
            let read = Arc::new(Filed { is_named: false });
            self.published.put(Kept { published, origin, age, read }, true);
        }
        self.add_chain(&content.chain);
        if !content.crls.is_empty() {
            self.crls.add_files(content.crls);
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
        let read = Arc::new(Filed { is_named: true });
        let kept = Kept { published, origin, age, read };
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
            let hash = leaf.fingerprint_sha256();
            if self.known.contains(&hash) {
                continue;
            }
            self.known.or_default(hash);
            match VekId::of(kind, leaf) {
                Some(id) => {
                    let certificates = self.keys.or_default(id);
                    if certificates.is_empty() {
                        self.of_chip.or_default((kind, id.chip_id)).push(id);
                    }
                    certificates.push(leaf.clone());
                }
                None => self.others.push((kind, leaf.clone())),
            }
        }
    }

    fn gather_crls(&mut self) {
        let named = self.published.iter().filter_map(|kept| match kept.published.name {
            // A part of a file counts as what the file does.
            EndorsementName::AmdCrl(_, kind) if kept.read.is_named => {
                let lists = Endorsements::parse(&[&kept.published.body]).ok()?.crls;
                Some(lists.into_iter().map(move |crl| (kind, crl)))
            }
            _ => None,
        });
        self.crls.gather(named.flatten());
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

    pub(crate) const fn crls(&self) -> &AmdCrls {
        &self.crls
    }

    /// Certificates of all kinds that are at hand.
    pub(crate) fn certificates(&self) -> usize {
        let upper = self.upper.intermediates().len().saturating_add(self.upper.roots().len());
        self.known.len().saturating_add(upper)
    }

    pub(crate) const fn published(&self) -> &ByName<Filed> {
        &self.published
    }

    pub(crate) fn count(&self, bytes: &mut Bytes) {
        self.published.iter().for_each(|kept| bytes.add_published(&kept.published));
        let keys =
            self.keys.iter().flat_map(|(_, all)| all).chain(self.others.iter().map(|(_, one)| one));
        let upper = self.upper.intermediates().into_iter().chain(self.upper.roots());
        for certificate in keys.chain(upper) {
            bytes.add(certificate.bytes_held());
        }
        // Found by their ids, and known by their hashes.
        let index = size_of::<VekId>().saturating_mul(4).saturating_add(size_of::<Hex<32>>());
        bytes.add(index.saturating_mul(self.known.len()));
        bytes.add(self.crls.bytes());
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
        // It does not say for which kind of key it is.
        for kind in [VekKind::Vcek, VekKind::Vlek] {
            if let Some(product) = root_product(crl) {
                let name = EndorsementName::AmdCrl(product, kind);
                found.push((thing(name, crl.der(), crl.this_update()), Age::of_crl(crl)));
            }
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

#![cfg(test)]
//! Names in their order, and what a copy of many costs.

use avouch_snp::{Product, VekKind};

use super::*;
use crate::PckCa;

fn kept(name: EndorsementName) -> Kept<()> {
    let published = Published {
        name,
        body: Arc::from([]),
        issuer_chain: Arc::from([]),
        source: Arc::from("test"),
        fetched_at: UnixTime::EPOCH,
        etag: None,
    };
    let window = Window { not_before: UnixTime::EPOCH, not_after: UnixTime::EPOCH };
    let (published, age) = (Arc::new(published), Age::of(window));
    Kept { published, origin: Origin::Fetched, age, read: Arc::new(()) }
}

fn vcek(product: Product, number: u32) -> EndorsementName {
    let mut chip_id = Hex([0; 64]);
    chip_id.0[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
    EndorsementName::Vcek(product, VcekId { chip_id, tcb: Hex([1; 8]) })
}

fn of(names: impl IntoIterator<Item = EndorsementName>) -> ByName<()> {
    let mut all = ByName::default();
    names.into_iter().for_each(|name| all.put(kept(name), false));
    all
}

#[test]
fn things_come_in_the_order_of_their_names_whatever_their_groups() {
    use avouch_dcap::TeeType::{Sgx, Tdx};
    let mut names: Vec<EndorsementName> = Vec::new();
    for tee in [Sgx, Tdx] {
        for evaluation in [TcbEvaluation::Standard, TcbEvaluation::Early, TcbEvaluation::Number(7)]
        {
            names.push(EndorsementName::QeIdentity { tee, evaluation });
            let of = |first| EndorsementName::TcbInfo { tee, fmspc: Hex([first; 6]), evaluation };
            names.extend([0, 1, 255].map(of));
        }
    }
    for product in Product::ALL {
        names.extend((0..9).map(|number| vcek(product, number)));
        names.push(EndorsementName::VekChain(product, VekKind::Vlek));
        names.push(EndorsementName::AmdCrl(product, VekKind::Vcek));
    }
    names.extend([EndorsementName::RootCaCrl, EndorsementName::PckCrl(PckCa::Platform)]);
    let all = of(names.iter().copied());
    names.sort_unstable();
    assert!(all.iter().map(|kept| kept.published.name).eq(names.iter().copied()));
    assert!(names.iter().all(|name| all.newest(name).is_some() && all.all_of(name).count() == 1));
    for (first, last) in [(0, names.len() - 1), (3, 20), (10, 10), (5, 12)] {
        let found = all.backwards(&names[first], &names[last]).map(|kept| kept.published.name);
        assert!(found.eq(names[first..=last].iter().rev().copied()), "{first} to {last}");
    }
}

#[test]
fn one_more_vcek_of_ten_thousand_copies_one_group() {
    let before = of((0..10_000).map(|number| vcek(Product::Milan, number)));
    let mut after = before.clone();
    after.put(kept(vcek(Product::Milan, 10_000)), false);
    let shared = before.groups.iter().filter(|(key, group)| Arc::ptr_eq(group, &after.groups[key]));
    assert_eq!((before.groups.len(), shared.count()), (256, 255));
    assert_eq!((before.iter().count(), after.iter().count()), (10_000, 10_001));
}

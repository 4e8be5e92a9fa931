#![allow(clippy::arithmetic_side_effects, reason = "test code")]

use super::*;
use crate::VekKind;

#[test]
fn every_pinned_key_is_read_and_has_its_published_fingerprint() {
    let anchors = Anchors::amd();
    assert_eq!(anchors.roots().count(), ROOTS.len());
    assert_eq!(anchors.intermediates().count(), INTERMEDIATES.len());
    for pinned in ROOTS.iter().chain(INTERMEDIATES.iter().map(|pinned| &pinned.key)) {
        let anchor = pinned_anchor(pinned).unwrap();
        let found = digest::sha256(anchor.key().spki_der()).to_string();
        assert_eq!(found, pinned.spki_sha256, "{}", pinned.common_name);
        assert_eq!(anchor.subject().common_name(), Some(pinned.common_name));
    }
}

#[test]
fn every_product_has_a_root_an_ask_and_an_asvk() {
    let anchors = Anchors::amd();
    for product in Product::ALL {
        assert_eq!(anchors.arks_of(product).count(), 1);
        for kind in [VekKind::Vcek, VekKind::Vlek] {
            let mut known = anchors.intermediates();
            assert!(known.any(|one| one.product() == product && one.issues() == kind));
        }
    }
}

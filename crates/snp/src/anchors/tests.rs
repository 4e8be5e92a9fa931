#![allow(clippy::arithmetic_side_effects, reason = "test code")]

use super::*;
use crate::VekKind;

#[test]
fn every_pinned_key_is_read_and_has_its_published_fingerprint() {
    let anchors = TrustAnchors::amd();
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
    let anchors = TrustAnchors::amd();
    for product in Product::ALL {
        assert_eq!(anchors.of_product(product).count(), 1);
        for kind in [VekKind::Vcek, VekKind::Vlek] {
            let mut known = anchors.intermediates();
            assert!(known.any(|one| one.product() == product && one.issues() == kind));
        }
    }
}

#[test]
fn a_pinned_key_that_is_not_what_its_fingerprint_says_is_none() {
    let [root, other, ..] = &ROOTS;
    let copy = |spki_sha256| PinnedKey {
        common_name: root.common_name,
        product: root.product,
        certificate_sha256: root.certificate_sha256,
        spki_sha256,
        modulus: root.modulus,
    };
    assert!(pinned_anchor(&copy(root.spki_sha256)).is_some());
    assert!(pinned_anchor(&copy(other.spki_sha256)).is_none());
}

#[test]
fn roots_are_cas_with_keys_like_amds_and_told_apart_by_name_and_key() {
    use rcgen::{
        BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, PKCS_RSA_SHA384 as SCHEME,
    };
    // Making such keys takes seconds; these are the mint's.
    let rsa = |pkcs8: &'static [u8]| {
        KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.into(), &SCHEME).unwrap()
    };
    let key = rsa(include_bytes!("../../../mint/src/snp/test_keys/ark-milan.der"));
    let other = rsa(include_bytes!("../../../mint/src/snp/test_keys/ark-genoa.der"));
    let root = |name: &str, key: &KeyPair, is_ca: bool| {
        let mut params = CertificateParams::default();
        params.distinguished_name.remove(DnType::CommonName);
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca =
            if is_ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
        Certificate::parse(params.self_signed(key).unwrap().der()).unwrap()
    };
    let error = TrustAnchors::none().with_root(&root("ARK-Milan", &key, false)).unwrap_err();
    assert!(matches!(error, AnchorError::NotCa { .. }), "{error}");
    let short = rsa(include_bytes!("../../../mint/src/snp/test_keys/uvm-root.der"));
    for (key, kind) in [(&KeyPair::generate().unwrap(), "P-256"), (&short, "RSA-3072")] {
        let refused = TrustAnchors::none().with_root(&root("ARK-Milan", key, true));
        let error = refused.unwrap_err();
        assert!(matches!(error, AnchorError::Key { .. }), "{error}");
        assert!(error.to_string().contains(&format!("is {kind};")), "{error}");
        assert!(error.to_string().contains("RSA-4096 only"), "{error}");
    }
    let mut anchors = TrustAnchors::none();
    for (name, key, count) in [
        ("ARK-Milan", &key, 1),
        ("ARK-Milan", &key, 1),
        ("ARK-Milan", &other, 2),
        ("ARK-Genoa", &key, 3),
        ("ARK-Genoa", &key, 3),
    ] {
        anchors = anchors.with_root(&root(name, key, true)).unwrap();
        assert_eq!(anchors.roots().count(), count);
    }
}
